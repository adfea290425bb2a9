# SPDX-License-Identifier: Apache-2.0
"""A guest of a whole host, coarse enough that thousands go through a day.

Between two ticks its demand and its RSS go in straight lines, so that the
host's memory is known at any instant without asking each guest.
"""

from collections.abc import Callable
import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator.fleet import demand as fleet_demand

_TOLERANCE_KIB = units.KIB_PER_MIB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetProfile:
    """A guest as it is when it comes.

    :param make_demand: for each run a new one
    :param actual_kib: what it has when it comes
    :param refill_kib_per_second: how quickly it touches what it would, once
        the balloon has given it back
    :param refusal: why it cannot be ballooned; empty if it can
    """

    uuid: str
    name: str
    maximum_kib: int
    actual_kib: int
    make_demand: Callable[[], fleet_demand.Demand]
    inflate_kib_per_second: float = 400.0 * units.KIB_PER_MIB
    deflate_kib_per_second: float = 2000.0 * units.KIB_PER_MIB
    refill_kib_per_second: float = 10.0 * units.KIB_PER_MIB
    behaviours: tuple[behaviour.Behaviour, ...] = ()
    refusal: str = ''
    from_at: float = 0.0
    until_at: float = math.inf


class FleetGuest:
    """A guest that is moved on by :meth:`settle`, never by a clock.

    :ivar lacked_kib_seconds: need that its actual memory did not cover
    :ivar below_seconds: for which it had less than its full memory
    :ivar taken_kib_seconds: what it had less, times how long
    """

    __slots__ = (
        '_demand',
        '_from_at',
        '_told',
        '_until_at',
        '_use_kib',
        '_use_slope',
        '_wanted_kib',
        'actual_kib',
        'at',
        'behaviours',
        'below_seconds',
        'guest',
        'lacked_kib_seconds',
        'looked_at',
        'profile',
        'rss_kib',
        'slope',
        'taken_kib_seconds',
        'target_kib',
        'wanted_next_kib',
        'wanted_now_kib',
    )

    def __init__(self, profile: FleetProfile, now: float) -> None:
        self.profile = profile
        self.behaviours = profile.behaviours
        self.guest = self._describe('')
        self.actual_kib = profile.actual_kib
        self.target_kib = profile.actual_kib
        self._demand = profile.make_demand()
        self._told: model.GuestStatistics | None = None
        use_kib, wanted_kib = self._ask(now)
        self._use_kib = use_kib
        self._use_slope = 0.0
        self._wanted_kib = self.wanted_now_kib = wanted_kib
        self.wanted_next_kib = wanted_kib
        self.rss_kib = min(float(self.actual_kib), wanted_kib)
        self.slope = 0.0
        self.at = self._from_at = self._until_at = now
        self.looked_at = -math.inf
        self.lacked_kib_seconds = 0.0
        self.below_seconds = 0.0
        self.taken_kib_seconds = 0.0

    def _describe(self, refusal: str) -> model.Guest:
        profile = self.profile
        words = refusal or profile.refusal
        obstacle = model.Obstacle.NO_BALLOON
        if refusal:
            obstacle = model.Obstacle.PAUSED
        return model.Guest(
            uuid=profile.uuid,
            name=profile.name,
            maximum_kib=profile.maximum_kib,
            refusals=(model.Refusal(obstacle=obstacle, words=words),)
            if words
            else (),
        )

    def pause(self, is_paused: bool) -> None:
        """Have its description say whether it is paused."""
        self.guest = self._describe('it is paused' if is_paused else '')

    def _ask(self, at: float) -> tuple[float, float]:
        """Return use and wanted RSS, within the guest's full memory."""
        use_kib, wanted_kib = self._demand.at(at)
        for odd in self.behaviours:
            use_kib += odd.growth_kib(at)
        highest_kib = float(self.profile.maximum_kib)
        use_kib = min(use_kib, highest_kib)
        return use_kib, min(max(use_kib, wanted_kib), highest_kib)

    def tick(self, now: float, until_at: float) -> None:
        """Begin the next stretch of straight lines."""
        self.settle(now)
        self._use_kib = self.use_kib(now)
        use_kib, wanted_kib = self._ask(until_at)
        self._from_at = now
        self._until_at = until_at
        self._use_slope = (use_kib - self._use_kib) / (until_at - now)
        self.wanted_now_kib = self._wanted_kib
        self._wanted_kib = self.wanted_next_kib = wanted_kib
        self.course()

    def use_kib(self, at: float) -> float:
        """Return what its kernel and programs need."""
        return self._use_kib + self._use_slope * (at - self._from_at)

    def settle(self, now: float) -> None:
        """Let time pass."""
        seconds = now - self.at
        if seconds <= 0:
            return
        missing_kib = self.profile.maximum_kib - self.actual_kib
        if missing_kib > _TOLERANCE_KIB:
            self.below_seconds += seconds
            self.taken_kib_seconds += missing_kib * seconds
            self._lack(now, seconds)
        self.rss_kib += self.slope * seconds
        self.at = now

    def _lack(self, now: float, seconds: float) -> None:
        before_kib = self.use_kib(self.at) - self.actual_kib
        after_kib = self.use_kib(now) - self.actual_kib
        low_kib, high_kib = sorted((before_kib, after_kib))
        if high_kib <= 0:
            return
        if low_kib < 0:
            seconds *= high_kib / (high_kib - low_kib)
            low_kib = 0.0
        self.lacked_kib_seconds += (low_kib + high_kib) / 2 * seconds

    def course(self) -> None:
        """Reckon how the RSS goes from here to the next tick."""
        actual_kib = float(self.actual_kib)
        rss_kib = min(self.rss_kib, actual_kib)
        self.rss_kib = rss_kib
        seconds = self._until_at - self.at
        if seconds <= 0:
            self.slope = 0.0
            return
        use_kib = self._use_kib + self._use_slope * (
            self._until_at - self._from_at
        )
        refilled_kib = rss_kib + self.profile.refill_kib_per_second * seconds
        next_kib = min(
            actual_kib, max(use_kib, min(self._wanted_kib, refilled_kib))
        )
        self.slope = (next_kib - rss_kib) / seconds

    def move(self, now: float, actual_kib: int) -> None:
        """Set what it has; where it is ballooned, or balloons itself."""
        self.settle(now)
        self.actual_kib = actual_kib
        self.course()

    def has_driver(self, at: float) -> bool:
        """Tell whether its balloon driver works, and tells statistics."""
        return all(odd.has_driver(at) for odd in self.behaviours)

    def stands_still(self, at: float) -> bool:
        """Tell whether its processors are stopped."""
        return any(odd.stands_still(at) for odd in self.behaviours)

    def sample(self, now: float) -> model.BalloonSample:
        """Look at it."""
        statistics = None
        if not self.behaviours or self.has_driver(now):
            statistics = self._tell(now)
        rss_kib = self.rss_kib + self.slope * (now - self.at)
        return model.BalloonSample(
            at=now,
            actual_kib=self.actual_kib,
            rss_kib=int(rss_kib),
            statistics=statistics,
        )

    def _tell(self, now: float) -> model.GuestStatistics:
        """Return what its driver told last; it does so once a second."""
        told = self._told
        if told is not None and told.updated_at == int(now):
            return told
        usable_kib = self.actual_kib - int(self.use_kib(now))
        told = model.GuestStatistics(
            updated_at=int(now), usable_kib=max(0, usable_kib)
        )
        for odd in self.behaviours:
            told = odd.colour(told, self.profile.maximum_kib)
        self._told = told
        return told
