# SPDX-License-Identifier: Apache-2.0
"""The options by which a timed operation is asked for, here and elsewhere."""

import argparse

from nova_balloon_timer import exception
from nova_balloon_timer import order
from nova_balloon_timer import timekeeping

_MODES = ', '.join(mode.value for mode in timekeeping.Mode)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the guests, and what is asked of each of them."""
    add = parser.add_argument
    add('guests', metavar='GUEST', nargs='+', help='name or UUID')
    add(
        '--target',
        metavar='SIZE|PERCENT',
        required=True,
        help='where to go, as 512M, 2G, or 50%% of its full memory; a '
        'guest that has less is given memory',
    )
    add(
        '--duration',
        metavar='TIME',
        required=True,
        help='the deadline, as 500ms, 2s or 1m30s, from when the '
        'guests were read',
    )
    add(
        '--segment',
        metavar='TIME=SIZE',
        action='append',
        default=[],
        help='go to SIZE and no further before TIME; may be repeated',
    )
    add(
        '--floor',
        metavar='SIZE|PERCENT',
        help='never below it (default: [balloon_timer] floor_percent)',
    )
    add(
        '--reserve',
        metavar='SIZE|PERCENT',
        help='usable memory that stays untouched; 0 does without the '
        "guest's statistics (default: [balloon_timer] reserve_percent)",
    )
    add(
        '--leash',
        metavar='SIZE',
        help='how far the target may run ahead of the balloon (default: '
        '0.1 s at the measured rate, at least 16M)',
    )
    add(
        '--mode',
        metavar=_MODES.replace(', ', '|'),
        help='who keeps the clock: this host; the guest, or nobody; or auto, '
        'the guest if its balloon driver can, else the host (default: '
        '[balloon_timer] mode)',
    )


def order_of(parsed_args: argparse.Namespace) -> order.Order:
    """Check everything that can be checked without a guest.

    :raises BalloonTimerError: an option, by its name's exception
    """
    return order.parse(
        target=parsed_args.target,
        duration=parsed_args.duration,
        segments=parsed_args.segment,
        floor=parsed_args.floor,
        reserve=parsed_args.reserve,
        leash=parsed_args.leash,
        mode=_mode_of(parsed_args.mode),
    )


def _mode_of(text: str | None) -> timekeeping.Mode | None:
    if text is None:
        return None
    try:
        return timekeeping.Mode(text)
    except ValueError as error:
        raise exception.InvalidArgument(
            name='--mode', why=f"'{text}' is not one of {_MODES}"
        ) from error
