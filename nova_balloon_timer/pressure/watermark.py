# SPDX-License-Identifier: Apache-2.0
"""Judges available memory by its watermarks; pure."""

from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.pressure import trend
from nova_balloon_timer.pressure import verdict

_QUICK_SECONDS = 0.1
_QUICKEST_SECONDS = 0.03
_SLOW_SECONDS = 5.0
_HEARTBEAT_SECONDS = 1.0

# NOTE: what a guest that wakes up touches in a second, at the most. However
# still memory was, it may begin to fall like this right after a look.
_SUDDEN_KIB_PER_SECOND = units.KIB_PER_GIB

# A look after half of the time to the low watermark, and after half of what
# is left then, sees the crossing even if the fall doubles meanwhile.
_CAUTION = 2.0

# Words on a fall are for those who may have to act on it.
_SPOKEN_KIB_PER_SECOND = units.KIB_PER_MIB
_SPOKEN_SECONDS = 600.0


class WatermarkJudge:
    """Short below the low watermark, well once above the high one for long.

    :param settle_seconds: how long it must be above
    """

    def __init__(self, settle_seconds: float) -> None:
        self._settle_seconds = settle_seconds
        self._trend = trend.Trend()
        self._news = verdict.News(_HEARTBEAT_SECONDS)
        self._total_kib = 0
        self._is_pressing = False
        self._above_since: float | None = None

    def forget(self) -> None:
        """Begin anew, as if nothing had been seen."""
        self._trend.clear()
        self._is_pressing = False
        self._above_since = None

    def judge(
        self, memory: situation.HostMemory, marks: situation.Watermarks
    ) -> verdict.Verdict:
        """Say how it stands, by all that was seen until now."""
        if memory.total_kib != self._total_kib:
            # Another limit: what is available has jumped, and not fallen.
            self._trend.clear()
            self._total_kib = memory.total_kib
        self._trend.add(memory.at, memory.available_kib)
        fall = self._trend.fall_kib_per_second()
        self._decide(memory, marks)
        next_seconds = self._next_seconds(memory, marks, fall)
        is_low = memory.available_kib < marks.high_kib
        return verdict.Verdict(
            is_pressing=self._is_pressing,
            is_news=self._news.is_news(
                memory.at, self._is_pressing, self._is_pressing or is_low
            ),
            words=self._words(memory, marks, fall),
            next_seconds=next_seconds,
            fall_kib_per_second=fall,
        )

    def _decide(
        self, memory: situation.HostMemory, marks: situation.Watermarks
    ) -> None:
        if memory.available_kib < marks.high_kib:
            self._above_since = None
        elif self._above_since is None:
            self._above_since = memory.at
        if memory.available_kib < marks.low_kib:
            self._is_pressing = True
        elif (
            self._above_since is not None
            and memory.at - self._above_since >= self._settle_seconds
        ):
            self._is_pressing = False

    def _next_seconds(
        self,
        memory: situation.HostMemory,
        marks: situation.Watermarks,
        fall: float | None,
    ) -> float:
        left_kib = memory.available_kib - marks.low_kib
        if self._is_pressing:
            return _QUICK_SECONDS
        if memory.available_kib < marks.high_kib:
            # What falls now is seen in time without a look at every moment.
            left_seconds = left_kib / max(fall or 0.0, 1.0)
            return min(
                max(left_seconds / _CAUTION, _QUICKEST_SECONDS), _QUICK_SECONDS
            )
        left_seconds = left_kib / max(fall or 0.0, _SUDDEN_KIB_PER_SECOND)
        return min(max(left_seconds / _CAUTION, _QUICK_SECONDS), _SLOW_SECONDS)

    def _words(
        self,
        memory: situation.HostMemory,
        marks: situation.Watermarks,
        fall: float | None,
    ) -> str:
        return (
            f'available memory {units.format_kib(memory.available_kib)} '
            f'{self._standing(memory, marks)}'
            f'{_falling(memory.available_kib, fall)}'
        )

    def _standing(
        self, memory: situation.HostMemory, marks: situation.Watermarks
    ) -> str:
        low, high = map(units.format_kib, (marks.low_kib, marks.high_kib))
        if memory.available_kib < marks.low_kib:
            return f'is below the low watermark of {low}'
        if memory.available_kib < marks.high_kib:
            if self._is_pressing:
                return f'is not yet up to the high watermark of {high}'
            return f'is between the watermarks of {low} and {high}'
        if self._is_pressing and self._above_since is not None:
            above_seconds = memory.at - self._above_since
            return (
                f'is above the high watermark of {high}, for '
                f'{above_seconds:.1f} of {self._settle_seconds:g} s'
            )
        return f'is above the high watermark of {high}'


def _falling(available_kib: int, fall: float | None) -> str:
    if fall is None or fall < _SPOKEN_KIB_PER_SECOND:
        return ''
    left_seconds = available_kib / fall
    if left_seconds > _SPOKEN_SECONDS:
        return ''
    by = units.format_kib(round(fall / 1024) * 1024)
    left = (
        units.format_seconds(left_seconds)
        if left_seconds < 1
        else f'{left_seconds:.0f} s'
    )
    return f', and falls by {by} a second: exhausted in {left}'
