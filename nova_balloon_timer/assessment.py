# SPDX-License-Identifier: Apache-2.0
"""What could be taken from a guest, and if nothing, why."""

import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import units

# Less than one item of the driver is not worth an operation.
_LEAST_KIB = units.KIB_PER_MIB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Assessment:
    """A guest's room for the balloon.

    :param could_take_kib: how far the balloon could go now
    :param could_free_kib: what the host gains at the most; pages that the
        guest never touched free nothing
    :param refusals: why nothing can be taken; empty if something can
    """

    could_take_kib: int
    could_free_kib: int | None
    refusals: tuple[model.Refusal, ...]


def assess(
    guest: model.Guest,
    sample: model.BalloonSample | None,
    guards: model.Guards,
) -> Assessment:
    """Weigh a guest against its guards.

    :param sample: None if the guest could not be read
    """
    refusals = guest.refusals or _refuse(sample, guards)
    if refusals or sample is None:
        return Assessment(
            could_take_kib=0, could_free_kib=None, refusals=refusals
        )
    room_kib = _room_kib(sample, guards)
    could_free_kib = sample.rss_kib
    if could_free_kib is not None:
        could_free_kib = min(could_free_kib, room_kib)
    return Assessment(
        could_take_kib=room_kib, could_free_kib=could_free_kib, refusals=()
    )


def _refuse(
    sample: model.BalloonSample | None, guards: model.Guards
) -> tuple[model.Refusal, ...]:
    if sample is None:
        return (
            model.Refusal(
                obstacle=model.Obstacle.UNREADABLE,
                words='its hypervisor does not answer',
            ),
        )
    if guards.reserve_kib > 0 and sample.usable_kib is None:
        return (
            model.Refusal(
                obstacle=model.Obstacle.NO_DRIVER,
                words='it gives no statistics: its balloon driver is not '
                'loaded, or it still boots or hangs',
            ),
        )
    if _room_kib(sample, guards) >= _LEAST_KIB:
        return ()
    return (
        model.Refusal(
            obstacle=model.Obstacle.NO_ROOM, words=_no_room(sample, guards)
        ),
    )


def _room_kib(sample: model.BalloonSample, guards: model.Guards) -> int:
    room_kib = sample.actual_kib - guards.floor_kib
    if guards.reserve_kib > 0:
        usable_kib = sample.usable_kib or 0
        room_kib = min(room_kib, usable_kib - guards.reserve_kib)
    return max(0, room_kib)


def _no_room(sample: model.BalloonSample, guards: model.Guards) -> str:
    if sample.actual_kib - guards.floor_kib < _LEAST_KIB:
        return (
            f'it has {units.format_kib(sample.actual_kib)} and a floor of '
            f'{units.format_kib(guards.floor_kib)}'
        )
    return (
        f'its usable memory of {units.format_kib(sample.usable_kib or 0)} is '
        f'within its reserve of {units.format_kib(guards.reserve_kib)}'
    )
