# SPDX-License-Identifier: Apache-2.0
"""What a guest says of itself, checked before anyone believes it."""

from collections.abc import Mapping, Set
import dataclasses

from nova_balloon_timer import model

# NOTE: last_update has a resolution of 1 s and the guest answers late when it
# is busy: two missed updates are no cause for alarm.
_MISSED_UPDATES = 2
_SLACK_SECONDS = 1.0


@dataclasses.dataclass(slots=True, kw_only=True)
class _Seen:
    updated_at: int
    changed_at: float


class StatisticsReader:
    """Turns libvirt's memory statistics into ours, stale ones into None.

    ``last_update`` is the hypervisor's wall clock, which need not be ours. So
    it is compared with the wall clock only when a guest is first seen; from
    then on statistics are fresh for as long as they go on changing.
    """

    def __init__(self) -> None:
        self._seen: dict[str, _Seen] = {}
        self._periods_seconds: dict[str, int] = {}
        self._distrusted: dict[str, int] = {}

    def expect_every(self, guest_uuid: str, seconds: int) -> None:
        """Set how often a guest's statistics should come."""
        self._periods_seconds[guest_uuid] = seconds

    def distrust(self, guest_uuid: str, updated_at: int) -> None:
        """Take what the guest told until then for stale.

        Somebody may have moved its balloon since.
        """
        self._distrusted[guest_uuid] = updated_at

    def known(self) -> Set[str]:
        """Return the guests of which anything is known."""
        # NOTE: copies, as other threads may change what is copied.
        return {*self._seen.copy(), *self._periods_seconds.copy()}

    def forget(self, guest_uuid: str) -> None:
        """Drop what is known of a guest."""
        self._seen.pop(guest_uuid, None)
        self._distrusted.pop(guest_uuid, None)
        self._periods_seconds.pop(guest_uuid, None)

    def read(
        self,
        guest_uuid: str,
        raw: Mapping[str, int],
        maximum_kib: int,
        *,
        now: float,
        wall_now: float,
    ) -> model.GuestStatistics | None:
        """Return what the guest says, or None if that is nothing recent.

        :param raw: what virDomainMemoryStats returned
        :param now: our monotonic clock
        :param wall_now: our wall clock, seconds since the epoch
        """
        updated_at = raw.get('last_update', 0)
        if not self._is_fresh(guest_uuid, updated_at, now, wall_now):
            return None

        def size_kib(name: str) -> int | None:
            value = raw.get(name)
            known = value is not None and 0 <= value <= maximum_kib
            return value if known else None

        def count(name: str) -> int | None:
            value = raw.get(name)
            return value if value is not None and value >= 0 else None

        return model.GuestStatistics(
            updated_at=updated_at,
            usable_kib=size_kib('usable'),
            unused_kib=size_kib('unused'),
            available_kib=size_kib('available'),
            swap_in_kib=count('swap_in'),
            swap_out_kib=count('swap_out'),
            major_faults=count('major_fault'),
            minor_faults=count('minor_fault'),
        )

    def _is_fresh(
        self, guest_uuid: str, updated_at: int, now: float, wall_now: float
    ) -> bool:
        if updated_at <= max(0, self._distrusted.get(guest_uuid, 0)):
            return False
        seen = self._seen.get(guest_uuid)
        if seen is None:
            age_seconds = max(0.0, wall_now - updated_at)
            seen = _Seen(updated_at=updated_at, changed_at=now - age_seconds)
            self._seen[guest_uuid] = seen
        elif seen.updated_at != updated_at:
            seen.updated_at = updated_at
            seen.changed_at = now
        period_seconds = self._periods_seconds.get(guest_uuid, 1)
        limit_seconds = _MISSED_UPDATES * period_seconds + _SLACK_SECONDS
        return now - seen.changed_at <= limit_seconds
