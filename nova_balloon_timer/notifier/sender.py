# SPDX-License-Identifier: Apache-2.0
"""A thread that carries letters from the disk to the message bus.

A bus that is away, slow or hung holds up this thread and nothing else. What
was sent is forgotten only afterwards: after a crash in between it is sent
once more, which its subject and sequence tell.
"""

from collections.abc import Sequence
import dataclasses
import heapq
import itertools
import threading
import time
from typing import Protocol

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer import exception
from nova_balloon_timer.notifier import direct
from nova_balloon_timer.notifier import letter

LOG = logging.getLogger(__name__)

_MOST_AT_ONCE = 64
_FIRST_PAUSE_SECONDS = 0.5
_LONGEST_PAUSE_SECONDS = 10.0
# How long after a disk that did not answer it is asked again.
_LOOK_AGAIN_SECONDS = 5.0


class Outbox(Protocol):
    """Letters on the disk, to whoever sends them."""

    @property
    def dropped(self) -> int:
        """How many there was no room for, since this process began."""

    def letters(self, after: int, limit: int) -> Sequence[letter.Letter]:
        """Return those with higher numbers, in their order.

        :raises JournalError: the disk does not answer
        """

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget letters that were sent; returns at once."""

    def count(self) -> int | None:
        """Return how many wait; None: not known yet. Asks no disk."""


class Bus(Protocol):
    """Where letters go."""

    def send(self, sent: letter.Letter) -> None:
        """Hand a letter over; waits until it has arrived.

        :raises BusUnavailable: to try again later makes sense
        """


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """How the sending goes.

    :param waiting: letters that are not sent yet; None: not known
    :param sent: since this process began; so are the others
    :param failed: attempts that failed
    :param dropped: letters that are lost, as there was no room for them, or
        as they could not be written
    :param failure: why nothing can be sent at present; empty if it can
    """

    waiting: int | None
    sent: int
    failed: int
    dropped: int
    failure: str


class Sender:
    """Sends what is on the disk, and what the disk could not take.

    It is a :class:`~nova_balloon_timer.notifier.letter.Carrier`.
    """

    def __init__(
        self, outbox: Outbox, bus: Bus, direct_letters: direct.DirectLetters
    ) -> None:
        self._outbox = outbox
        self._bus = bus
        self._direct = direct_letters
        self._changed = threading.Condition()
        # NOTE: what waited when this process began is to be sent first.
        self._is_asked = True
        self._is_unread = False
        self._closes_at: float | None = None
        self._after = 0
        self._sent: list[int] = []
        self._sent_count = 0
        self._failed_count = 0
        self._lost_count = 0
        self._told_dropped = 0
        self._failure = ''
        self._pause_seconds = 0.0
        self._retry_at = 0.0
        self._thread = threading.Thread(
            target=self._work, name='balloon-notifier', daemon=True
        )

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def wake(self) -> None:
        """Learn that letters are on the disk."""
        with self._changed:
            self._is_asked = True
            self._changed.notify_all()

    def take(self, said: Sequence[announcement.Announcement]) -> None:
        """Send what the disk does not keep."""
        self._direct.add(said)
        self.wake()

    def status(self) -> Status:
        """Tell how it goes; returns at once."""
        kept = self._outbox.count()
        return Status(
            waiting=None if kept is None else kept + len(self._direct),
            sent=self._sent_count,
            failed=self._failed_count,
            dropped=self._dropped + self._lost_count,
            failure=self._failure,
        )

    def close(self, timeout_seconds: float) -> None:
        """Send what is there, as far as there is time, and end.

        The rest stays on the disk for the next process.
        """
        with self._changed:
            self._closes_at = time.monotonic() + timeout_seconds
            self._changed.notify_all()
        self._thread.join(timeout_seconds)

    @property
    def _dropped(self) -> int:
        return self._outbox.dropped + self._direct.dropped

    def _work(self) -> None:
        while self._wait():
            try:
                self._deliver()
            except Exception:
                LOG.exception('The notifier failed')
                self._rest()
        self._forget_sent()

    def _wait(self) -> bool:
        """Wait until there may be something to send; False: not any more."""
        with self._changed:
            while True:
                now = time.monotonic()
                if self._closes_at is not None:
                    is_over = now >= self._closes_at or self._failure != ''
                    if is_over or not self._is_asked:
                        return False
                if self._is_asked and now >= self._retry_at:
                    self._is_asked = False
                    return True
                if self._is_asked:
                    self._changed.wait(self._retry_at - now)
                elif not self._is_unread:
                    self._changed.wait()
                elif not self._changed.wait(_LOOK_AGAIN_SECONDS):
                    self._is_asked = True

    def _deliver(self) -> None:
        """Send until nothing is left, or the bus fails."""
        while letters := self._next_letters():
            try:
                for waiting in letters:
                    if self._is_late() or not self._send(waiting):
                        return
            finally:
                self._forget_sent()

    def _is_late(self) -> bool:
        closes_at = self._closes_at
        return closes_at is not None and time.monotonic() >= closes_at

    def _next_letters(self) -> list[letter.Letter]:
        """Return the next, in the order in which they happened."""
        kept: Sequence[letter.Letter] = ()
        try:
            kept = self._outbox.letters(self._after, _MOST_AT_ONCE)
            self._is_unread = False
        except exception.JournalError as error:
            self._is_unread = True
            LOG.debug('What waits to be sent is not known: %s', error)
        merged = heapq.merge(
            kept, self._direct.first(_MOST_AT_ONCE), key=lambda it: it.at_us
        )
        # NOTE: beyond that, one of the two may lack what comes next.
        return list(itertools.islice(merged, _MOST_AT_ONCE))

    def _send(self, waiting: letter.Letter) -> bool:
        """Send one; False: not now."""
        if not waiting.payload:
            self._lost_count += 1
            self._note_gone(waiting)
            return True
        try:
            self._bus.send(waiting)
        except exception.BusUnavailable as error:
            self._fail(str(error.details['why']))
            return False
        except Exception:
            # NOTE: it will not be any better later, and others wait.
            LOG.exception('A notification is lost: %s', waiting.event_type)
            self._lost_count += 1
        else:
            self._sent_count += 1
            self._work_again()
        self._note_gone(waiting)
        return True

    def _note_gone(self, gone: letter.Letter) -> None:
        if gone.number < 0:
            self._direct.remove(gone.number)
            return
        self._after = gone.number
        self._sent.append(gone.number)

    def _forget_sent(self) -> None:
        if self._sent:
            numbers, self._sent = self._sent, []
            self._outbox.forget(numbers)

    def _fail(self, why: str) -> None:
        self._failed_count += 1
        if not self._failure:
            LOG.warning(
                'Notifications cannot be sent: %s. They are kept until they '
                'can',
                why,
            )
        self._failure = why
        if self._dropped > self._told_dropped:
            LOG.warning(
                'Too many notifications wait: %d were dropped',
                self._dropped - self._told_dropped,
            )
            self._told_dropped = self._dropped
        self._rest()

    def _rest(self) -> None:
        self._pause_seconds = min(
            2 * self._pause_seconds or _FIRST_PAUSE_SECONDS,
            _LONGEST_PAUSE_SECONDS,
        )
        self._retry_at = time.monotonic() + self._pause_seconds
        with self._changed:
            self._is_asked = True

    def _work_again(self) -> None:
        if self._failure:
            LOG.warning(
                'Notifications can be sent again; %d were dropped meanwhile '
                'and before',
                self._dropped,
            )
            self._told_dropped = self._dropped
        self._failure = ''
        self._pause_seconds = 0.0
