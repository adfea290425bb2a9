# SPDX-License-Identifier: Apache-2.0
"""How the need for memory goes over the day; pure functions of time."""

import abc
import dataclasses
import math


class Pattern(abc.ABC):
    """Memory that somebody needs, as it changes with time."""

    @abc.abstractmethod
    def kib(self, at: float) -> float:
        """Return what is needed at an instant since the start."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Constant(Pattern):
    """Always the same."""

    size_kib: int

    def kib(self, at: float) -> float:
        """Return it."""
        return self.size_kib


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Diurnal(Pattern):
    """Much by day, little by night.

    :param peak_at: when it needs the most
    :param spread_seconds: members of a group have theirs so much earlier or
        later
    """

    low_kib: int
    high_kib: int
    peak_at: float = 14 * 3600.0
    period_seconds: float = 24 * 3600.0
    spread_seconds: float = 0.0

    def kib(self, at: float) -> float:
        """Follow a sine."""
        turn = (at - self.peak_at) / self.period_seconds * math.tau
        share = 0.5 + 0.5 * math.cos(turn)
        return self.low_kib + share * (self.high_kib - self.low_kib)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Burst(Pattern):
    """Little, but now and then much more.

    :param ramp_seconds: how long it takes to get there
    :param every_seconds: between two beginnings; infinity for just one
    """

    size_kib: int
    to_kib: int
    at: float
    lasts_seconds: float
    ramp_seconds: float = 1.0
    every_seconds: float = math.inf
    spread_seconds: float = 0.0

    def kib(self, at: float) -> float:
        """Go up, stay, and go down at once."""
        since = at - self.at
        if since >= 0 and math.isfinite(self.every_seconds):
            since %= self.every_seconds
        if not 0 <= since < self.lasts_seconds:
            return self.size_kib
        share = min(1.0, since / self.ramp_seconds)
        return self.size_kib + share * (self.to_kib - self.size_kib)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leak(Pattern):
    """More and more, until it is started anew.

    :param restarts_at: when it is, and begins to leak again
    """

    size_kib: int
    rate_kib_per_second: int
    limit_kib: int
    from_at: float = 0.0
    restarts_at: float = math.inf

    def kib(self, at: float) -> float:
        """Grow evenly up to the limit."""
        begin_at = self.from_at if at < self.restarts_at else self.restarts_at
        grown_kib = max(0.0, at - begin_at) * self.rate_kib_per_second
        return min(self.size_kib + grown_kib, self.limit_kib)


PATTERNS: dict[str, type[Pattern]] = {
    'burst': Burst,
    'constant': Constant,
    'diurnal': Diurnal,
    'leak': Leak,
}


def shifted(pattern: Pattern, share: float) -> Pattern:
    """Return the pattern of one member of a group.

    :param share: from -1 to 1, where it lies within the group's spread
    """
    match pattern:
        case Diurnal():
            peak_at = pattern.peak_at + share * pattern.spread_seconds
            return dataclasses.replace(pattern, peak_at=peak_at)
        case Burst():
            at = max(0.0, pattern.at + share * pattern.spread_seconds)
            return dataclasses.replace(pattern, at=at)
    return pattern
