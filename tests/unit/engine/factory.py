# SPDX-License-Identifier: Apache-2.0
"""Policies and samples with what a test does not care about filled in."""

from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units

GUEST = 'b7a5c6de-0c3e-4d7c-9d8e-3f0b1a2c4d5e'
POLICY = '2f1e9a44-6c0b-4f0e-8a57-0d9e8c7b6a51'


def mib(size: float) -> int:
    """Return a size in KiB."""
    return int(size * units.KIB_PER_MIB)


def balloon_policy(**changes: Any) -> model.BalloonPolicy:
    """Return 1024 -> 512 MiB within 10 s, or the like."""
    fields: dict[str, Any] = {
        'uuid': POLICY,
        'guest_uuid': GUEST,
        'direction': model.Direction.INFLATE,
        'start_actual_kib': mib(1024),
        'target_kib': mib(512),
        'maximum_kib': mib(1024),
        'duration_seconds': 10.0,
        'guards': guards(),
        'leash': model.Leash(minimum_kib=mib(16), lead_seconds=0),
    }
    return model.BalloonPolicy(**(fields | changes))


def guards(**changes: Any) -> model.Guards:
    """Return a floor of 128 MiB and no reserve."""
    fields: dict[str, Any] = {'floor_kib': mib(128), 'reserve_kib': 0}
    return model.Guards(**(fields | changes))


def statistics(updated_at: int, **changes: Any) -> model.GuestStatistics:
    """Return statistics of a guest that has 800 MiB to spare."""
    fields: dict[str, Any] = {
        'updated_at': updated_at,
        'usable_kib': mib(800),
        'swap_in_kib': 0,
        'major_faults': 0,
    }
    return model.GuestStatistics(**(fields | changes))


def sample(
    at: float,
    actual_mib: float,
    told: model.GuestStatistics | None = None,
    rss_mib: float | None = None,
) -> model.BalloonSample:
    """Return a look at a balloon."""
    return model.BalloonSample(
        at=at,
        actual_kib=mib(actual_mib),
        statistics=told,
        rss_kib=None if rss_mib is None else mib(rss_mib),
    )


def sampled(
    at: float,
    actual_mib: float,
    told: model.GuestStatistics | None = None,
    rss_mib: float | None = None,
) -> message.BalloonSampled:
    """Return the event of a look at a balloon."""
    return message.BalloonSampled(
        guest_uuid=GUEST, sample=sample(at, actual_mib, told, rss_mib)
    )


def frozen(
    at: float, actual_mib: float, target_mib: float | None = None
) -> message.BalloonFrozen:
    """Return the event of a freeze that took 2 ms."""
    return message.BalloonFrozen(
        guest_uuid=GUEST,
        target_kib=mib(actual_mib if target_mib is None else target_mib),
        before=sample(at, actual_mib),
        after=sample(at + 0.002, actual_mib),
    )
