# SPDX-License-Identifier: Apache-2.0
"""What sources decide at each look, and what they do about not seeing.

Pure: time comes in as ``now``, seconds of one monotonic clock.
"""

import dataclasses

_FIRST_RETRY_SECONDS = 0.1
_LAST_RETRY_SECONDS = 5.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A judge's answer to one look.

    :param is_news: it shall be told; while all is well few looks are
    :param next_seconds: until the next look
    :param stalled_share: as in the reading
    :param fall_kib_per_second: as in the reading
    """

    is_pressing: bool
    is_news: bool
    words: str
    next_seconds: float
    stalled_share: float | None = None
    fall_kib_per_second: float | None = None


class News:
    """Decides what is told: changes, all that is tense, and a heartbeat.

    :param heartbeat_seconds: within which something is told in any case
    """

    def __init__(self, heartbeat_seconds: float) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self._told_at: float | None = None
        self._was_pressing = False

    def is_news(self, now: float, is_pressing: bool, is_tense: bool) -> bool:
        """Tell whether a look shall be told, and take it for told."""
        is_news = (
            self._told_at is None
            or is_tense
            or is_pressing is not self._was_pressing
            or now - self._told_at >= self._heartbeat_seconds
        )
        if is_news:
            self._told_at = now
            self._was_pressing = is_pressing
        return is_news


class Blindness:
    """How long a source has not seen anything, and when it looks again.

    :param patience_seconds: after which what it saw last is worth nothing
    """

    def __init__(self, patience_seconds: float) -> None:
        self._patience_seconds = patience_seconds
        self._since: float | None = None
        self._retry_seconds = _FIRST_RETRY_SECONDS

    @property
    def is_blind(self) -> bool:
        """Tell whether the last look failed."""
        return self._since is not None

    def is_lost(self, now: float) -> bool:
        """Tell whether that has been so for longer than patience lasts."""
        if self._since is None:
            return False
        return now - self._since >= self._patience_seconds

    def fail(self, now: float) -> float:
        """Take note of a look that failed; return seconds to the next."""
        if self._since is None:
            self._since = now
            self._retry_seconds = _FIRST_RETRY_SECONDS
        else:
            self._retry_seconds = min(
                2 * self._retry_seconds, _LAST_RETRY_SECONDS
            )
        return self._retry_seconds

    def see(self) -> None:
        """Take note of a look that succeeded."""
        self._since = None
