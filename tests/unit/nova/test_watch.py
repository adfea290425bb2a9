# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence
import queue
import threading

import fixtures

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.nova import instance as nova_instance
from nova_balloon_timer.nova import ledger as nova_ledger
from nova_balloon_timer.nova import watch as nova_watch
from tests.unit import base
from tests.unit.nova import factory

_UUID = base.uuid_of('web-01')
_STARTED = message.PressureStarted(at=1.0, memory=None, words='short')
_ENDED = message.PressureEnded(at=2.0, memory=None, words='well')
# No test waits for it: who asks earlier was told to.
_REST_SECONDS = 3600.0


class FakeNova:
    """Tells instances, and when it was asked and is not asked any more."""

    def __init__(self) -> None:
        self.instances: list[nova_instance.NovaInstance] = []
        self.error: Exception | None = None
        self.questions = threading.Semaphore(0)
        self.rests = threading.Semaphore(0)

    def fetch(self) -> Sequence[nova_instance.NovaInstance]:
        self.questions.release()
        if self.error is not None:
            raise self.error
        return list(self.instances)

    def rest_seconds(self) -> float:
        self.rests.release()
        return _REST_SECONDS


class WatchTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 1000.0
        self.nova = FakeNova()
        self.nova.instances = [factory.make_instance()]
        self.ledger = nova_ledger.Ledger(lambda: False)
        self.watch = nova_watch.InstanceWatch(
            self.ledger,
            self.nova.fetch,
            self.nova.rest_seconds,
            clock=lambda: self.now,
        )
        self.addCleanup(self.watch.close)
        self.events: queue.SimpleQueue[message.HostEvent] = queue.SimpleQueue()

    def was_asked(self) -> bool:
        return self.nova.questions.acquire(timeout=base.PATIENCE_SECONDS)

    def rests(self) -> bool:
        return self.nova.rests.acquire(timeout=base.PATIENCE_SECONDS)

    def start(self) -> None:
        """Start it, and wait until it would not ask for an hour."""
        # It rests once before the first question, and once after it.
        self.watch.start(self.events.put)
        found = self.rests(), self.was_asked(), self.rests()
        self.assertEqual((True, True, True), found)

    def sampled(self) -> None:
        self.watch.sampled(_UUID, base.make_sample())


class QuestionTestCase(WatchTestCase):
    def test_what_was_told_before_the_start_is_told_then(self) -> None:
        self.nova.instances = [factory.make_instance(task_state='migrating')]
        self.watch.refresh()
        self.watch.start(self.events.put)
        event = self.events.get(timeout=base.PATIENCE_SECONDS)
        assert isinstance(event, message.GuestWithdrawn)
        self.assertEqual(_UUID, event.guest_uuid)

    def test_asks_when_a_policy_moves(self) -> None:
        self.start()
        self.sampled()
        self.assertTrue(self.was_asked())

    def test_asks_when_the_host_runs_short(self) -> None:
        self.start()
        self.watch.noticed(_STARTED)
        self.assertTrue(self.was_asked())

    def test_asks_for_a_guest_that_is_not_known(self) -> None:
        self.start()
        self.watch.note_guests([base.make_guest('stranger')])
        self.assertTrue(self.was_asked())

    def test_asks_for_a_guest_that_runs_though_it_is_not_active(self) -> None:
        self.nova.instances = [factory.make_instance(vm_state='paused')]
        self.start()
        self.watch.note_guests([base.make_guest()])
        self.assertTrue(self.was_asked())

    def test_asks_no_more_when_it_is_closed(self) -> None:
        self.start()
        self.watch.close()
        for thread in threading.enumerate():
            if thread.name == 'balloon-instances':
                thread.join(base.PATIENCE_SECONDS)
                self.assertFalse(thread.is_alive())
        self.watch.noticed(_STARTED)
        self.assertFalse(self.nova.questions.acquire(blocking=False))


class FailureTestCase(WatchTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())

    def test_what_was_known_holds(self) -> None:
        self.watch.refresh()
        self.nova.error = OSError('no\n  conductor')
        self.watch.refresh()
        self.assertTrue(self.ledger.is_free(_UUID))
        self.assertIn('this host: no conductor\n', self.log.output)

    def test_is_told_once_and_when_it_is_over(self) -> None:
        for error, lines in (
            (OSError('away'), 1),
            (OSError('away'), 1),
            (ValueError('still away'), 1),
            (None, 2),
            (None, 2),
            (OSError('away'), 3),
        ):
            self.nova.error = error
            self.watch.refresh()
            self.assertEqual(lines, self.log.output.count('\n'))
        self.assertIn(
            'tells the instances of this host again', self.log.output
        )

    def test_an_error_without_words_is_named(self) -> None:
        self.nova.error = TimeoutError()
        self.watch.refresh()
        self.assertIn('this host: TimeoutError\n', self.log.output)

    def test_goes_on_asking(self) -> None:
        self.nova.error = OSError('away')
        self.start()
        self.nova.error = None
        self.watch.noticed(_STARTED)
        self.assertIsInstance(
            self.events.get(timeout=base.PATIENCE_SECONDS),
            message.GuestsChanged,
        )

    def test_an_answer_that_is_not_understood_ends_nothing(self) -> None:
        def stumble(event: message.HostEvent) -> None:
            raise RuntimeError('a defect')

        self.watch.start(stumble)
        found = self.rests(), self.was_asked(), self.rests()
        self.watch.noticed(_STARTED)
        self.assertEqual((True, True, True), found)
        self.assertTrue(self.was_asked())
        self.assertIn('is not understood', self.log.output)


class PauseTestCase(WatchTestCase):
    def check(self, seconds: float) -> None:
        self.assertEqual(seconds, self.watch.pause_seconds)

    def test_at_rest_it_is_as_configured(self) -> None:
        self.watch.refresh()
        self.watch.note_guests([base.make_guest()])
        self.check(_REST_SECONDS)

    def test_is_short_while_the_host_runs_short(self) -> None:
        self.watch.noticed(_STARTED)
        self.check(1.0)
        self.watch.noticed(_ENDED)
        self.check(_REST_SECONDS)

    def test_is_short_while_a_policy_moves(self) -> None:
        self.sampled()
        self.check(1.0)
        self.now += 3.0
        self.check(1.0)
        self.now += 0.1
        self.check(_REST_SECONDS)

    def test_beginnings_and_ends_of_policies_say_nothing(self) -> None:
        self.watch.started(base.make_policy(), base.BY_HOST)
        self.watch.ended(base.make_report())
        self.check(_REST_SECONDS)

    def test_is_less_short_while_nova_does_something(self) -> None:
        self.nova.instances = [factory.make_instance(task_state='migrating')]
        self.watch.refresh()
        self.check(5.0)
        self.sampled()
        self.check(1.0)

    def test_is_less_short_while_there_are_doubts(self) -> None:
        self.watch.note_guests([base.make_guest()])
        self.check(5.0)
        self.now += 600
        self.check(_REST_SECONDS)

    def test_refused_guests_cast_no_doubt(self) -> None:
        refusal: model.Refusal = base.make_refusal()
        self.watch.note_guests([base.make_guest(refusals=(refusal,))])
        self.check(_REST_SECONDS)
