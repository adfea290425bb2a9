# SPDX-License-Identifier: Apache-2.0
"""A host's memory: what its guests and everything else leave of it."""

from collections.abc import Iterator
import contextlib
import math

from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern as fleet_pattern


class FleetMemory:
    """The sum of straight lines, kept up to date guest by guest.

    Beside it stands what would be available without any ballooning.

    :param total_kib: all of the host's memory
    :param other: what the host spends outside guests
    """

    def __init__(
        self, total_kib: int, other: fleet_pattern.Pattern, now: float
    ) -> None:
        self.total_kib = total_kib
        self.guests: dict[str, fleet_guest.FleetGuest] = {}
        self._other = other
        self._other_kib = other.kib(now)
        self._base_kib = 0.0
        self._slope = 0.0
        self.untouched_kib = (0.0, 0.0)

    def tick(self, now: float, until_at: float) -> None:
        """Begin the next stretch of straight lines for all.

        ``untouched_kib`` is then what would be available at its begin and at
        its end without ballooning.
        """
        other_kib = self._other_kib
        self._other_kib = next_kib = self._other.kib(until_at)
        slope = (next_kib - other_kib) / (until_at - now)
        base_kib = other_kib - slope * now
        before_kib, after_kib = other_kib, next_kib
        for guest in self.guests.values():
            guest.tick(now, until_at)
            base_kib += guest.rss_kib - guest.slope * now
            slope += guest.slope
            before_kib += guest.wanted_now_kib
            after_kib += guest.wanted_next_kib
        self._base_kib = base_kib
        self._slope = slope
        total_kib = self.total_kib
        self.untouched_kib = (total_kib - before_kib, total_kib - after_kib)

    def add(self, guest: fleet_guest.FleetGuest) -> None:
        """Let a guest come; it counts at once."""
        self.guests[guest.profile.uuid] = guest
        self._base_kib += guest.rss_kib - guest.slope * guest.at
        self._slope += guest.slope

    def remove(self, guest: fleet_guest.FleetGuest) -> None:
        """Let a guest go."""
        del self.guests[guest.profile.uuid]
        self._base_kib -= guest.rss_kib - guest.slope * guest.at
        self._slope -= guest.slope

    @contextlib.contextmanager
    def changing(self, guest: fleet_guest.FleetGuest) -> Iterator[None]:
        """Count a guest anew after something was done to it."""
        before_kib = guest.rss_kib - guest.slope * guest.at
        before_slope = guest.slope
        yield
        after_kib = guest.rss_kib - guest.slope * guest.at
        self._base_kib += after_kib - before_kib
        self._slope += guest.slope - before_slope

    def available_kib(self, at: float) -> float:
        """Return what is left; below zero where the host has to swap."""
        return self.total_kib - self._base_kib - self._slope * at

    @property
    def fall_kib_per_second(self) -> float:
        """How quickly available memory shrinks; negative where it grows."""
        return self._slope

    def falls_to(self, size_kib: float, now: float) -> float:
        """Return when available memory reaches a size, on its present way.

        :returns: infinity if it does not
        """
        ahead_kib = self.available_kib(now) - size_kib
        if ahead_kib <= 0 or self._slope <= 0:
            return math.inf
        return now + ahead_kib / self._slope
