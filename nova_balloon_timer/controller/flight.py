# SPDX-License-Identifier: Apache-2.0
"""Policies under way, and the host memory that they will still move."""

from collections.abc import Set

from nova_balloon_timer import model
from nova_balloon_timer import situation

# So late after its deadline the relief of a policy comes no more: its guest
# hangs, and others have to be asked.
_LATEST_SECONDS = 1.0

# Likewise before it: a guest is looked at several times a second.
_SILENT_SECONDS = 1.5

# By then every reading has what landed.
_KEPT_SECONDS = 60.0


class Flight:
    """One policy, from when it was made until its end.

    :param expected_kib: host memory that it will free, or take back
    :param deadline_at: when it is over at the latest
    :param heard_at: when its guest was heard of last; at first, when it began
    :param is_ours: a planner reckoned what to expect; else its first look
        tells more
    """

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        expected_kib: int,
        deadline_at: float,
        heard_at: float,
        *,
        is_ours: bool = True,
        is_resumed: bool = False,
    ) -> None:
        self.balloon_policy = balloon_policy
        self.deadline_at = deadline_at
        self.began_at = heard_at
        self.is_resumed = is_resumed
        self._is_ours = is_ours
        self._is_over = False
        self._heard_at = heard_at
        self._expected_kib = expected_kib
        self._actual_kib = balloon_policy.start_actual_kib

    @property
    def takes(self) -> bool:
        """Tell whether it takes memory from its guest."""
        return self.balloon_policy.direction is model.Direction.INFLATE

    def observe(self, sample: model.BalloonSample, now: float) -> None:
        """Learn how far it is."""
        self._actual_kib = sample.actual_kib
        self._heard_at = now
        if not self._is_ours and self.takes and sample.rss_kib is not None:
            # What it never touched frees nothing.
            target_kib = self.balloon_policy.target_kib
            touched_kib = max(0, sample.rss_kib - target_kib)
            self._expected_kib = min(self._expected_kib, touched_kib)
            self._is_ours = True

    def freeze(self) -> None:
        """Note that no more will come; only its end is not told yet."""
        self._is_over = True

    def is_silent(self, now: float) -> bool:
        """Tell whether nothing was heard of its guest for long.

        Then it does not count on it: its hypervisor hangs, or it is over and
        only its end is not told yet.
        """
        return (
            self._is_over
            or now - self._heard_at > _SILENT_SECONDS
            or now > self.deadline_at + _LATEST_SECONDS
        )

    @property
    def come_kib(self) -> int:
        """Return what has come, or gone, as far as it was expected."""
        return self._expected_kib - self.left_kib

    @property
    def left_kib(self) -> int:
        """Return the host memory that is still to come, or to go.

        Untouched pages go first, so that relief comes with the last of them.
        """
        way_kib = self.balloon_policy.target_kib - self._actual_kib
        if self.takes:
            way_kib = -way_kib
        return min(self._expected_kib, max(0, way_kib))


class Flights:
    """All policies under way, by guest."""

    def __init__(self) -> None:
        self._flights: dict[str, Flight] = {}
        self._landed: list[tuple[float, int]] = []

    def __contains__(self, guest_uuid: str) -> bool:
        return guest_uuid in self._flights

    def add(self, flight: Flight) -> None:
        """Remember a policy; the one before it on its guest is replaced."""
        self._flights[flight.balloon_policy.guest_uuid] = flight

    def find(self, guest_uuid: str) -> Flight | None:
        """Return a guest's policy, if one is under way."""
        return self._flights.get(guest_uuid)

    def returning(self) -> tuple[Flight, ...]:
        """Return the policies that give memory back to guests by our will."""
        return tuple(
            flight
            for flight in self._flights.values()
            if flight.balloon_policy.origin is model.Origin.RETURN
        )

    def end(self, report: model.EndReport) -> Flight | None:
        """Forget a policy that ended.

        :returns: None if it was not the guest's latest
        """
        guest_uuid = report.policy.guest_uuid
        flight = self._flights.get(guest_uuid)
        if flight is None or flight.balloon_policy.uuid != report.policy.uuid:
            return None
        del self._flights[guest_uuid]
        if flight.takes:
            freed_kib = report.freed_kib
            if freed_kib is None:
                freed_kib = flight.come_kib
            since_at = report.ended_at - _KEPT_SECONDS
            self._landed = [it for it in self._landed if it[0] > since_at]
            self._landed.append((report.ended_at, freed_kib))
        return flight

    def relieving_beyond(self, at: float, begun_by: float) -> dict[str, float]:
        """Return the guests that relieve the host until after an instant.

        :param begun_by: those that began later are left out
        :returns: their policies' deadlines, by UUID
        """
        return {
            guest_uuid: flight.deadline_at
            for guest_uuid, flight in self._flights.items()
            if flight.balloon_policy.origin is model.Origin.PRESSURE
            and flight.deadline_at > at
            and flight.began_at <= begun_by
        }

    def has_silent_relief(self, now: float) -> bool:
        """Tell whether nothing is heard of some guest that was asked."""
        return any(
            flight.balloon_policy.origin is model.Origin.PRESSURE
            and flight.is_silent(now)
            and flight.left_kib > 0
            for flight in self._flights.values()
        )

    def relief_kib(
        self,
        memory: situation.HostMemory | None,
        now: float,
        without: Set[str] = frozenset(),
    ) -> int:
        """Return what is still to be freed, or was after a reading.

        :param memory: the reading that will be compared with the need
        :param without: guests that do not count
        """
        read_at = float('-inf') if memory is None else memory.at
        self._landed = [it for it in self._landed if it[0] > read_at]
        coming_kib = self.coming_kib(now, without)
        return coming_kib + sum(max(0, kib) for _, kib in self._landed)

    def coming_kib(self, now: float, without: Set[str] = frozenset()) -> int:
        """Return what is still to be freed.

        :param without: guests that do not count
        """
        return sum(
            flight.left_kib
            for guest_uuid, flight in self._flights.items()
            if flight.takes
            and guest_uuid not in without
            and not flight.is_silent(now)
        )

    def giving_kib(self) -> int:
        """Return what guests are still being given."""
        return sum(
            flight.left_kib
            for flight in self._flights.values()
            if not flight.takes
        )
