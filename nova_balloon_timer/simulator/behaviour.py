# SPDX-License-Identifier: Apache-2.0
"""What can be odd about a guest: one small class each, neutral by default.

A behaviour is a pure function of time and of the balloon; a guest asks each
of its behaviours in turn. The scenario reader makes one from its fields: the
unit in a field's name says how the value is written, and the rest of the name
is the key (``from_at`` is ``from: 2s``, ``size_kib`` is ``size: 512M``).
"""

import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import units


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Behaviour:
    """A guest like any other; instants count from the scenario's start."""

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Return how fast the driver moves now.

        :param rate: KiB a second, as far as the behaviours before go
        :param way: -1 while inflating, 1 while deflating
        """
        return rate

    def regrowth(self, at: float, actual_kib: int) -> float:
        """Return KiB a second that the guest takes back by itself."""
        return 0.0

    def growth_kib(self, at: float) -> int:
        """Return what the guest's programs use in addition."""
        return 0

    def has_driver(self, at: float) -> bool:
        """Tell whether the guest's balloon driver is loaded."""
        return True

    def stands_still(self, at: float) -> bool:
        """Tell whether the guest's processors are stopped."""
        return False

    def answers_at(self, at: float) -> float:
        """Return when the hypervisor answers what is due then."""
        return at

    def fails(self, at: float) -> bool:
        """Tell whether the hypervisor fails, and may recover."""
        return False

    def refuses(self, at: float) -> bool:
        """Tell whether the hypervisor refuses for good."""
        return False

    def leaves_at(self) -> float:
        """Return when the guest is gone."""
        return math.inf

    def reboots_within(self, begin_at: float, end_at: float) -> bool:
        """Tell whether the guest starts anew in that time."""
        return False

    def foreign_target_kib(self, begin_at: float, end_at: float) -> int | None:
        """Return the target that somebody else sets in that time."""
        return None

    def colour(
        self, statistics: model.GuestStatistics, maximum_kib: int
    ) -> model.GuestStatistics:
        """Return what the guest says instead of the truth."""
        return statistics


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Interval(Behaviour):
    """A behaviour that comes and may go."""

    from_at: float = 0.0
    until_at: float = math.inf

    def holds(self, at: float) -> bool:
        """Tell whether it is there at that time."""
        return self.from_at <= at < self.until_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ideal(Behaviour):
    """Moves as fast as a guest without load was measured to."""

    inflate_kib_per_second: int = 840 * units.KIB_PER_MIB
    deflate_kib_per_second: int = 2200 * units.KIB_PER_MIB

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Allow no more than the rates given."""
        limit = self.inflate_kib_per_second
        if way > 0:
            limit = self.deflate_kib_per_second
        return min(rate, float(limit))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Slow(Ideal):
    """Moves, but steadily slowly."""

    inflate_kib_per_second: int = 20 * units.KIB_PER_MIB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LowerLimit(Behaviour):
    """Gives nothing below a size that nobody was told of."""

    limit_kib: int

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Stop inflating at the limit."""
        return 0.0 if way < 0 and actual_kib <= self.limit_kib else rate


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UpperLimit(Behaviour):
    """Takes nothing above a size that nobody was told of."""

    limit_kib: int

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Stop deflating at the limit."""
        return 0.0 if way > 0 and actual_kib >= self.limit_kib else rate


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stuck(Interval):
    """Does not move, for a time or for good."""

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Stop while it holds."""
        return 0.0 if self.holds(at) else rate


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stuttering(Behaviour):
    """Moves for a while, rests for a while, and so on."""

    moves_seconds: float
    rests_seconds: float

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Stop in the second part of each round."""
        within = at % (self.moves_seconds + self.rests_seconds)
        return rate if within < self.moves_seconds else 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Regrowing(Interval):
    """Takes memory back by itself, as autodeflate does under pressure.

    The driver's target stands: afterwards it inflates again.
    """

    rate_kib_per_second: int = 100 * units.KIB_PER_MIB
    limit_kib: int = units.KIB_PER_GIB

    def pace(self, rate: float, at: float, actual_kib: int, way: int) -> float:
        """Give nothing while it takes."""
        return 0.0 if way < 0 and self.holds(at) else rate

    def regrowth(self, at: float, actual_kib: int) -> float:
        """Take, up to the limit."""
        if self.holds(at) and actual_kib < self.limit_kib:
            return float(self.rate_kib_per_second)
        return 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DriverNotLoaded(Interval):
    """No movement and no statistics; the standing target waits."""

    def has_driver(self, at: float) -> bool:
        """Have none while it holds."""
        return not self.holds(at)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Growing(Interval):
    """Its programs use more and more."""

    rate_kib_per_second: int
    limit_kib: int

    def growth_kib(self, at: float) -> int:
        """Grow evenly, up to the limit."""
        seconds = min(at, self.until_at) - self.from_at
        grown_kib = int(max(0.0, seconds) * self.rate_kib_per_second)
        return min(grown_kib, self.limit_kib)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rebooting(Behaviour):
    """Starts anew: everything is touched by nobody, the target persists."""

    at: float
    takes_seconds: float = 3.0

    def has_driver(self, at: float) -> bool:
        """Have none while booting."""
        return not self.at <= at < self.at + self.takes_seconds

    def reboots_within(self, begin_at: float, end_at: float) -> bool:
        """Start anew once."""
        return begin_at <= self.at < end_at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Lying(Behaviour):
    """Tells figures that contradict each other, and clocks that jump."""

    def colour(
        self, statistics: model.GuestStatistics, maximum_kib: int
    ) -> model.GuestStatistics:
        """Claim to have plenty to give, and counters that run backwards."""
        is_even = statistics.updated_at % 2 == 0
        leap_seconds = 86_400 if is_even else -86_400
        return dataclasses.replace(
            statistics,
            updated_at=statistics.updated_at + leap_seconds,
            usable_kib=maximum_kib,
            unused_kib=maximum_kib if is_even else 0,
            available_kib=1,
            swap_in_kib=2**62 if is_even else 0,
            major_faults=2**62 - statistics.updated_at,
        )
