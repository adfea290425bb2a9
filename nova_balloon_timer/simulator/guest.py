# SPDX-License-Identifier: Apache-2.0
"""A guest in memory: its balloon driver, its programs, its statistics."""

import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import memory

_DRIVER_ITEM_KIB = units.KIB_PER_MIB
_DRIVER_SLEEP_SECONDS = 0.2
_RECLAIM_KIB_PER_SECOND = 150.0 * units.KIB_PER_MIB
_STEP_SECONDS = 0.005
_EPOCH = 1_700_000_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestProfile:
    """A guest as it is when the scenario starts.

    :param uuid: what the engine knows it by
    :param used_kib: what its programs need
    :param touched_kib: what it ever wrote to, and so costs the host
    :param swaps: it has swap; without, its driver finds nothing to take
    :param statistics_seconds: between its statistics; None: it gives none
    """

    name: str
    uuid: str
    maximum_kib: int
    actual_kib: int
    used_kib: int
    touched_kib: int
    swaps: bool = False
    statistics_seconds: float | None = 1.0
    behaviours: tuple[behaviour.Behaviour, ...] = ()


class SimulatedGuest:
    """A guest that is moved on by :meth:`advance`, never by a clock."""

    def __init__(self, profile: GuestProfile) -> None:
        self.profile = profile
        self.now = 0.0
        self.actual_kib = profile.actual_kib
        self.target_kib = profile.actual_kib
        self.memory = memory.GuestMemory(
            maximum_kib=profile.maximum_kib,
            actual_kib=profile.actual_kib,
            used_kib=profile.used_kib,
            touched_kib=profile.touched_kib,
            swaps=profile.swaps,
        )
        self._behaviours = profile.behaviours
        if not any(
            isinstance(odd, behaviour.Ideal) for odd in profile.behaviours
        ):
            self._behaviours += (behaviour.Ideal(),)
        self._item_kib = 0
        self._item_done_kib = 0.0
        self._sleeps_until = 0.0
        self._statistics: model.GuestStatistics | None = None
        self._told_at = -math.inf
        self._tell_statistics(0.0)

    @property
    def behaviours(self) -> tuple[behaviour.Behaviour, ...]:
        """Return its behaviours, the default one included."""
        return self._behaviours

    @property
    def is_moving(self) -> bool:
        """Tell whether the driver is in the middle of an item."""
        return self._item_kib != 0

    def advance(self, now: float) -> None:
        """Let time pass."""
        while self.now < now:
            grid_at = (
                math.floor(self.now / _STEP_SECONDS) + 1
            ) * _STEP_SECONDS
            if grid_at <= self.now:
                grid_at += _STEP_SECONDS
            end_at = min(now, grid_at)
            self._step(self.now, end_at)
            self.now = end_at

    def sample(self) -> model.BalloonSample:
        """Look at the balloon now."""
        statistics = self._statistics
        period_seconds = self.profile.statistics_seconds or 0.0
        # NOTE: the same rule as the libvirt applier has.
        if self.now - self._told_at > 2 * period_seconds + 1:
            statistics = None
        return model.BalloonSample(
            at=self.now,
            actual_kib=self.actual_kib,
            rss_kib=self.memory.rss_kib,
            statistics=statistics,
        )

    def _step(self, begin_at: float, end_at: float) -> None:
        for odd in self._behaviours:
            foreign_kib = odd.foreign_target_kib(begin_at, end_at)
            if foreign_kib is not None:
                self.target_kib = min(foreign_kib, self.profile.maximum_kib)
            if odd.reboots_within(begin_at, end_at):
                self._reboot()
        if any(odd.stands_still(begin_at) for odd in self._behaviours):
            return
        grown_kib = sum(odd.growth_kib(begin_at) for odd in self._behaviours)
        has_driver = all(odd.has_driver(begin_at) for odd in self._behaviours)
        if has_driver:
            self._regrow(begin_at, end_at - begin_at)
            self._drive(begin_at, end_at - begin_at)
        self.memory.settle(
            self.actual_kib,
            self.profile.used_kib + grown_kib,
            end_at - begin_at,
        )
        if has_driver:
            self._tell_statistics(end_at)

    def _reboot(self) -> None:
        self.actual_kib = self.profile.maximum_kib
        self._item_kib = 0
        self._statistics = None
        self._told_at = -math.inf
        self.memory.reset()

    def _regrow(self, at: float, seconds: float) -> None:
        rate = sum(
            odd.regrowth(at, self.actual_kib) for odd in self._behaviours
        )
        if rate > 0:
            grown_kib = self.actual_kib + round(rate * seconds)
            self.actual_kib = min(grown_kib, self.profile.maximum_kib)

    def _drive(self, at: float, seconds: float) -> None:
        """Move in items; one that was begun is carried to its end."""
        while seconds > 0:
            if self._item_kib == 0 and not self._begin_item(at):
                return
            rate = self._rate(at)
            if rate <= 0:
                return
            left_kib = abs(self._item_kib) - self._item_done_kib
            if rate * seconds < left_kib:
                self._item_done_kib += rate * seconds
                return
            seconds -= left_kib / rate
            self.actual_kib += self._item_kib
            self._item_kib = 0

    def _begin_item(self, at: float) -> bool:
        distance_kib = self.target_kib - self.actual_kib
        if distance_kib == 0 or at < self._sleeps_until:
            return False
        self._item_kib = max(
            -_DRIVER_ITEM_KIB, min(_DRIVER_ITEM_KIB, distance_kib)
        )
        self._item_done_kib = 0.0
        if self._item_kib < 0 and not self.memory.can_give(self.actual_kib):
            self._item_kib = 0
            self._sleeps_until = at + _DRIVER_SLEEP_SECONDS
            return False
        return True

    def _rate(self, at: float) -> float:
        way = 1 if self._item_kib > 0 else -1
        rate = math.inf
        if way < 0 and self.memory.is_full(self.actual_kib):
            rate = _RECLAIM_KIB_PER_SECOND
        for odd in self._behaviours:
            rate = odd.pace(rate, at, self.actual_kib, way)
        return rate

    def _tell_statistics(self, at: float) -> None:
        period_seconds = self.profile.statistics_seconds
        if period_seconds is None or at - self._told_at < period_seconds:
            return
        if not all(odd.has_driver(at) for odd in self._behaviours):
            return
        self._told_at = at
        statistics = self.memory.statistics(
            self.actual_kib, updated_at=_EPOCH + int(at)
        )
        for odd in self._behaviours:
            statistics = odd.colour(statistics, self.profile.maximum_kib)
        self._statistics = statistics
