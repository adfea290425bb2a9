# SPDX-License-Identifier: Apache-2.0
"""A bus and a disk to play with, and a sender between them."""

from collections.abc import Callable, Sequence
import threading
from typing import Any

import fixtures

from nova_balloon_timer import announcement
from nova_balloon_timer import exception
from nova_balloon_timer.notifier import direct
from nova_balloon_timer.notifier import letter
from nova_balloon_timer.notifier import sender
from tests.unit import base


def make_letter(number: int, **more: Any) -> letter.Letter:
    """Return a letter that is on the disk."""
    fields: dict[str, Any] = {
        'number': number,
        'at_us': number,
        'event_type': 'balloon_policy.create',
        'priority': 'info',
        'payload': {'number': number},
    }
    return letter.Letter(**(fields | more))


def make_announcement(at: float) -> announcement.Announcement:
    """Return something that is told at an instant."""
    fact = announcement.PressureStarted(
        memory=None, watermarks=None, words=str(at)
    )
    return announcement.Announcement(
        subject_uuid='host', sequence=0, at=at, fact=fact
    )


class Disk:
    """Keeps letters; fails, or loses some, as it is told."""

    def __init__(self) -> None:
        self.kept: dict[int, letter.Letter] = {}
        self.dropped = 0
        self.is_failing = False
        self.failures = threading.Semaphore(0)

    def put(self, *letters: letter.Letter) -> None:
        for one in letters:
            self.kept[one.number] = one

    def letters(self, after: int, limit: int) -> Sequence[letter.Letter]:
        self._check()
        kept = [it for number, it in self.kept.items() if number > after]
        return sorted(kept, key=lambda it: it.number)[:limit]

    def forget(self, numbers: Sequence[int]) -> None:
        for number in numbers:
            del self.kept[number]

    def count(self) -> int | None:
        return None if self.is_failing else len(self.kept)

    def _check(self) -> None:
        if self.is_failing:
            self.failures.release()
            raise exception.JournalNotReadable(path='any', why='it is gone')


class Bus:
    """Takes letters, unless it is told otherwise.

    :ivar answer: called with each before it is taken; may raise, or wait
    """

    def __init__(self) -> None:
        self.taken: list[letter.Letter] = []
        self.answer: Callable[[letter.Letter], None] = lambda sent: None
        self._changed = threading.Condition()

    def send(self, sent: letter.Letter) -> None:
        self.answer(sent)
        with self._changed:
            self.taken.append(sent)
            self._changed.notify_all()

    def wait(self, count: int) -> list[letter.Letter]:
        """Wait until so many have been taken."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: len(self.taken) >= count, base.PATIENCE_SECONDS
            ):
                raise AssertionError(f'{len(self.taken)} of {count} came')
            return list(self.taken)


class OutageBus(Bus):
    """A bus that is away until it is said to be back."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = threading.Semaphore(0)
        self.is_away = True
        self.answer = self._refuse

    def _refuse(self, sent: letter.Letter) -> None:
        if self.is_away:
            self.attempts.release()
            raise exception.BusUnavailable(why='it is away')


class SenderTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.disk = Disk()
        self.bus = Bus()
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.notifier.sender._FIRST_PAUSE_SECONDS', 0.01
            )
        )

    def start(self) -> sender.Sender:
        """Start to send."""
        started = sender.Sender(
            self.disk,
            self.bus,
            direct.DirectLetters(lambda said: {'at': said.at}, int, most=5),
        )
        started.start()
        self.addCleanup(started.close, 0.0)
        return started
