# SPDX-License-Identifier: Apache-2.0
"""What a guest can still give, and when it begins to suffer."""

from nova_balloon_timer import model
from nova_balloon_timer import units

# What was seen longer ago says nothing about when statistics were taken.
_RECENT_SECONDS = 2.0


class UsableMemory:
    """A guest's usable memory *now*, from statistics up to seconds old.

    The driver tells its statistics once a second at best, and a guest gives
    up to a GiB in that time. So what the balloon moved since the statistics
    were taken is subtracted from what they say.
    """

    def __init__(self) -> None:
        self._statistics: model.GuestStatistics | None = None
        self._actual_then_kib = 0
        self._last: model.BalloonSample | None = None

    def observe(self, sample: model.BalloonSample) -> None:
        """Learn from the next sample."""
        last = self._last
        last_actual_kib = sample.actual_kib
        if last is not None and sample.at - last.at <= _RECENT_SECONDS:
            last_actual_kib = last.actual_kib
        before = self._statistics
        after = sample.statistics
        if after is not None and (
            before is None or after.updated_at != before.updated_at
        ):
            # NOTE: they were taken at some instant since the last sample;
            # the larger actual makes the smaller, safer estimate.
            self._actual_then_kib = max(last_actual_kib, sample.actual_kib)
        self._statistics = after
        self._last = sample

    @property
    def now_kib(self) -> int | None:
        """Return the estimate, at least 0; None when nothing is known."""
        statistics = self._statistics
        last = self._last
        if statistics is None or statistics.usable_kib is None or last is None:
            return None
        taken_kib = self._actual_then_kib - last.actual_kib
        return max(0, statistics.usable_kib - taken_kib)


class DistressDetector:
    """Judges from one guest's statistics whether ballooning hurts it."""

    def __init__(self, guards: model.Guards) -> None:
        self._guards = guards
        self._base: model.GuestStatistics | None = None

    def observe(self, sample: model.BalloonSample) -> str | None:
        """Compare with the statistics before.

        :returns: what is wrong in words, or None
        """
        statistics = sample.statistics
        base = self._base
        if statistics is None:
            return None
        if base is not None and statistics.updated_at <= base.updated_at:
            return None
        self._base = statistics
        if base is None:
            return None
        return (
            self._shortage(statistics)
            or self._swapping(base, statistics)
            or self._faulting(base, statistics)
        )

    def _shortage(self, statistics: model.GuestStatistics) -> str | None:
        usable_kib = statistics.usable_kib
        limit_kib = self._guards.reserve_kib // 2
        if usable_kib is None or usable_kib >= limit_kib:
            return None
        return (
            f'usable memory fell to {units.format_kib(usable_kib)}, less than '
            f'half of its reserve of '
            f'{units.format_kib(self._guards.reserve_kib)}'
        )

    def _swapping(
        self, base: model.GuestStatistics, statistics: model.GuestStatistics
    ) -> str | None:
        rate = _rate(
            base, statistics, base.swap_in_kib, statistics.swap_in_kib
        )
        if rate <= self._guards.swap_in_kib_per_second:
            return None
        return f'the guest swaps in {units.format_kib(int(rate))} a second'

    def _faulting(
        self, base: model.GuestStatistics, statistics: model.GuestStatistics
    ) -> str | None:
        rate = _rate(
            base, statistics, base.major_faults, statistics.major_faults
        )
        if rate <= self._guards.major_faults_per_second:
            return None
        return f'the guest takes {rate:.0f} major faults a second'


def _rate(
    base: model.GuestStatistics,
    statistics: model.GuestStatistics,
    before: int | None,
    after: int | None,
) -> float:
    # NOTE: counters start again when the guest reboots; a fall says nothing.
    if before is None or after is None or after < before:
        return 0.0
    return (after - before) / (statistics.updated_at - base.updated_at)
