# SPDX-License-Identifier: Apache-2.0
"""For how long memory was below a limit, stretch by stretch."""

import dataclasses
import math


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ShortageSummary:
    """All the time below a limit.

    :param lasted_seconds: each time, the shortest first
    """

    seconds: float
    lasted_seconds: tuple[float, ...]

    @property
    def times(self) -> int:
        """How often it was."""
        return len(self.lasted_seconds)

    @property
    def longest_seconds(self) -> float:
        """The longest of all; 0 if there was none."""
        return self.quantile(1.0)

    def quantile(self, share: float) -> float:
        """Return how long it took at the most, in such a share of times."""
        if not self.lasted_seconds:
            return 0.0
        count = len(self.lasted_seconds)
        return self.lasted_seconds[max(0, math.ceil(share * count) - 1)]


class Shortage:
    """Counts the time below a limit; between two instants it is a line."""

    def __init__(self, limit_kib: float) -> None:
        self._limit_kib = limit_kib
        self._seconds = 0.0
        self._lasted: list[float] = []
        self._since: float | None = None
        self._now = 0.0

    def add(
        self,
        begin_at: float,
        end_at: float,
        before_kib: float,
        after_kib: float,
    ) -> None:
        """Take the next stretch in."""
        self._now = end_at
        limit_kib = self._limit_kib
        was_below = before_kib < limit_kib
        is_below = after_kib < limit_kib
        if not was_below and self._since is not None:
            self._end(begin_at)
        if not was_below and not is_below:
            return
        from_at, until_at = begin_at, end_at
        if was_below is not is_below:
            share = (limit_kib - before_kib) / (after_kib - before_kib)
            crossed_at = begin_at + share * (end_at - begin_at)
            if is_below:
                from_at = crossed_at
            else:
                until_at = crossed_at
        if self._since is None:
            self._since = from_at
        self._seconds += until_at - from_at
        if not is_below:
            self._end(until_at)

    def _end(self, at: float) -> None:
        if self._since is not None:
            self._lasted.append(at - self._since)
            self._since = None

    def summary(self) -> ShortageSummary:
        """Return it all; what is not over yet lasted until now."""
        lasted = list(self._lasted)
        if self._since is not None:
            lasted.append(self._now - self._since)
        return ShortageSummary(
            seconds=self._seconds, lasted_seconds=tuple(sorted(lasted))
        )
