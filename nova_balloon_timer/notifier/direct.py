# SPDX-License-Identifier: Apache-2.0
"""Letters that no disk keeps, in bounded memory."""

import collections
from collections.abc import Callable, Sequence
import itertools
import threading

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer.notifier import letter

LOG = logging.getLogger(__name__)


class DirectLetters:
    """The oldest first; of too many the oldest are dropped.

    :param encode: writes a letter out
    :param to_us: from our monotonic clock to microseconds since the epoch
    """

    def __init__(
        self,
        encode: letter.Encode,
        to_us: Callable[[float], int],
        *,
        most: int = 1000,
    ) -> None:
        self._encode = encode
        self._to_us = to_us
        self._most = most
        self._lock = threading.Lock()
        self._said: collections.deque[
            tuple[int, announcement.Announcement]
        ] = collections.deque()
        self._number = 0
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._said)

    def add(self, said: Sequence[announcement.Announcement]) -> None:
        """Put announcements at the end."""
        with self._lock:
            for one in said:
                self._number -= 1
                self._said.append((self._number, one))
            while len(self._said) > self._most:
                self._said.popleft()
                self.dropped += 1

    def first(self, most: int) -> list[letter.Letter]:
        """Return the first; they stay."""
        with self._lock:
            said = list(itertools.islice(self._said, most))
        return [self._write(number, one) for number, one in said]

    def remove(self, number: int) -> None:
        """Remove a letter, unless it was dropped."""
        with self._lock:
            if self._said and self._said[0][0] == number:
                self._said.popleft()

    def _write(
        self, number: int, said: announcement.Announcement
    ) -> letter.Letter:
        at_us = 0
        payload: letter.Payload = {}
        try:
            at_us = self._to_us(said.at)
            payload = self._encode(said)
        except Exception:
            LOG.exception(
                'A notification cannot be written: %s', said.event_type.value
            )
        return letter.Letter(
            number=number,
            at_us=at_us,
            event_type=said.event_type.value,
            priority=said.priority.value,
            payload=payload,
        )
