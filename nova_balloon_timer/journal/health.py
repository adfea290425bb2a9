# SPDX-License-Identifier: Apache-2.0
"""Whether the journal can be written; says so once when that changes."""

import collections
from collections.abc import Iterable
import pathlib

from oslo_log import log as logging

from nova_balloon_timer.journal import backlog

LOG = logging.getLogger(__name__)

# SQLite itself waits for a lock, but gives up at once on some.
_LOCK_SECONDS = 0.02


class Health:
    """What is known of the disk, and what was lost by it.

    :param first_seconds: before the first attempt after a failure; each
        further failure doubles it
    :param longest_seconds: between attempts
    :ivar words: why the last attempt failed; empty if it did not
    :ivar retry_at: when to try again; None: there is no need to wait
    """

    def __init__(
        self,
        path: pathlib.Path,
        *,
        first_seconds: float = 0.25,
        longest_seconds: float = 10.0,
    ) -> None:
        self._path = path
        self._first_seconds = first_seconds
        self._longest_seconds = longest_seconds
        self._pause_seconds = 0.0
        self._lost: collections.Counter[backlog.Kind] = collections.Counter()
        self.words = ''
        self.retry_at: float | None = None

    @property
    def is_failing(self) -> bool:
        """Tell whether the last attempt to write failed."""
        return bool(self.words)

    def fail(self, words: str, now: float) -> None:
        """Learn that an attempt failed."""
        if not self.is_failing:
            LOG.error(
                'The journal %s cannot be written: %s. What ends is kept in '
                'memory until it can',
                self._path,
                words,
            )
            self._pause_seconds = self._first_seconds / 2
        self.words = words
        self._pause_seconds = min(
            self._longest_seconds, 2 * self._pause_seconds
        )
        self.retry_at = now + self._pause_seconds

    def postpone(self, now: float) -> None:
        """Learn that somebody else is writing; that is no failure yet."""
        self.retry_at = now + _LOCK_SECONDS

    def lose(self, kind: backlog.Kind) -> None:
        """Learn that there was no room for a job."""
        if not self._lost:
            LOG.warning(
                'The journal %s is not written quickly enough: the first '
                '%s is lost',
                self._path,
                kind.value,
            )
        self._lost[kind] += 1

    def work(self) -> None:
        """Learn that an attempt succeeded, and there is room again."""
        if self.is_failing:
            LOG.warning('The journal %s can be written again', self._path)
        self.words = ''
        self.retry_at = None
        if self._lost:
            LOG.warning(
                'The journal %s lacks what was lost: %s',
                self._path,
                _words_of(self._lost),
            )
        self._lost.clear()

    def end(self, left: Iterable[backlog.Kind]) -> None:
        """Say what was lost for good.

        :param left: what waits, and will not be written any more
        """
        self._lost.update(left)
        if self._lost:
            LOG.error(
                'The journal %s is closed and lacks what was lost: %s',
                self._path,
                _words_of(self._lost),
            )


def _words_of(lost: collections.Counter[backlog.Kind]) -> str:
    counts = sorted((kind.value, count) for kind, count in lost.items())
    return ', '.join(f'{count} of {name}' for name, count in counts)
