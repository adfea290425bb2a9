# SPDX-License-Identifier: Apache-2.0
"""Judges for how long tasks wait for memory; pure."""

import collections
import dataclasses

from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import verdict

_MICROSECONDS = 1_000_000

_TENSE_SECONDS = 0.1
_HEARTBEAT_SECONDS = 5.0

_UNPRIVILEGED_MICROSECONDS = 2 * _MICROSECONDS
_LONGEST_MICROSECONDS = 10 * _MICROSECONDS


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TriggerOrder:
    """What a kernel is asked to wake us for: so much stall in a window."""

    stall_microseconds: int
    window_microseconds: int

    @property
    def text(self) -> str:
        """Return it in the kernel's words."""
        return f'some {self.stall_microseconds} {self.window_microseconds}'

    def rounded(self) -> 'TriggerOrder':
        """Return the nearest that a kernel allows to anybody.

        The window is the next multiple of 2 s, and at most 10 s; the stall
        stays the same share of it.
        """
        step = _UNPRIVILEGED_MICROSECONDS
        window = min(
            -(-self.window_microseconds // step) * step,
            _LONGEST_MICROSECONDS,
        )
        share = self.stall_microseconds / self.window_microseconds
        return _order(window, share)


def order_of(settings: base.PressureSettings) -> TriggerOrder:
    """Return the trigger that the settings ask for."""
    window = max(1, round(settings.window_seconds * _MICROSECONDS))
    return _order(window, settings.stall_percent / 100)


def _order(window: int, share: float) -> TriggerOrder:
    return TriggerOrder(
        stall_microseconds=min(max(1, round(window * share)), window),
        window_microseconds=window,
    )


class StallJudge:
    """Short once tasks wait long within a window; well once they do not.

    Only the integral is judged: the kernel's avg10 lags behind by seconds in
    both directions.

    :param rest_seconds: between looks while all is well
    """

    def __init__(
        self, settings: base.PressureSettings, rest_seconds: float
    ) -> None:
        self._stall_share = settings.stall_percent / 100
        self._calm_share = settings.calm_percent / 100
        self._window_seconds = settings.window_seconds
        self._settle_seconds = settings.settle_seconds
        self._rest_seconds = rest_seconds
        self._news = verdict.News(_HEARTBEAT_SECONDS)
        # Instants, and microseconds stalled until then; the latest last.
        self._looks: collections.deque[tuple[float, int]] = collections.deque()
        self._told: tuple[float, int] | None = None
        self._is_pressing = False
        self._stalled_at = 0.0

    def forget(self) -> None:
        """Begin anew, as if nothing had been seen."""
        self._looks.clear()
        self._told = None
        self._is_pressing = False

    def judge(
        self, now: float, total_microseconds: int, fired: bool
    ) -> verdict.Verdict:
        """Say how it stands, by all that was seen until now.

        :param total_microseconds: stalled since the kernel began to count
        :param fired: the kernel's trigger has
        """
        self._add(now, total_microseconds)
        share = self._share(self._window_seconds)
        self._decide(now, share, fired)
        is_tense = self._is_pressing or share >= self._calm_share > 0
        is_news = self._news.is_news(now, self._is_pressing, is_tense)
        return verdict.Verdict(
            is_pressing=self._is_pressing,
            is_news=is_news,
            words=self._words(share),
            next_seconds=_TENSE_SECONDS if is_tense else self._rest_seconds,
            stalled_share=self._share_since_told(is_news),
        )

    def _add(self, now: float, stalled: int) -> None:
        looks = self._looks
        if looks and (stalled < looks[-1][1] or now <= looks[-1][0]):
            # Another cgroup of the same name: its count began anew.
            looks.clear()
            self._told = None
        looks.append((now, stalled))
        kept_seconds = max(2 * self._window_seconds, self._settle_seconds)
        # One look before that time is kept, to count from.
        while len(looks) > 2 and now - looks[1][0] >= kept_seconds:
            looks.popleft()

    def _decide(self, now: float, share: float, fired: bool) -> None:
        # NOTE: a trigger only makes us look. Without CAP_SYS_RESOURCE the
        # kernel evaluates it every 2 s, not at all while somebody reads the
        # file at that moment, and takes what came together meanwhile for
        # that of one window: it can fire late, and for too little. So the
        # threshold must lie in the last two windows.
        confirmed = fired and (
            self._share(2 * self._window_seconds) >= self._stall_share / 2
        )
        if confirmed or share >= self._stall_share:
            # A window remembers; only stalls of now put off the end.
            if not self._is_pressing or self._share(0) >= self._stall_share:
                self._stalled_at = now
            self._is_pressing = True
        elif (
            now - self._stalled_at >= self._settle_seconds
            and self._share(self._settle_seconds) <= self._calm_share
        ):
            self._is_pressing = False

    def _share(self, over_seconds: float) -> float:
        """Return the share of the last seconds that was stalled.

        What is not known for so long counts as free of stalls.

        :param over_seconds: 0 is since the look before
        """
        now, stalled = self._looks[-1]
        base_at, base_stalled = self._looks[0]
        for at, before in self._looks:
            if at > now - over_seconds or at == now:
                break
            base_at, base_stalled = at, before
        return _share(stalled - base_stalled, max(now - base_at, over_seconds))

    def _share_since_told(self, is_news: bool) -> float | None:
        latest, told = self._looks[-1], self._told
        if is_news:
            self._told = latest
        if told is None:
            return None
        return _share(latest[1] - told[1], latest[0] - told[0])

    def _words(self, share: float) -> str:
        text = (
            f'tasks waited for memory {100 * share:.1f}% of the last '
            f'{self._window_seconds:g} s'
        )
        if share >= self._stall_share:
            return f'{text}: the threshold is {100 * self._stall_share:g}%'
        if self._is_pressing:
            return (
                f'{text}: it is over after {self._settle_seconds:g} s below '
                f'{100 * self._calm_share:g}%'
            )
        return text


def _share(microseconds: int, seconds: float) -> float:
    if seconds <= 0:
        return 0.0
    return min(1.0, microseconds / (seconds * _MICROSECONDS))
