# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import queue
import threading

import fixtures

from nova_balloon_timer.metrics import inquiry
from tests.unit import base


class Thread(fixtures.Fixture):
    """Calls what it shall call, in its order, from when it is begun."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: queue.SimpleQueue[Callable[[], None] | None]
        self.calls = queue.SimpleQueue()
        self.called = 0

    def begin(self) -> None:
        thread = threading.Thread(target=self._run, daemon=True)
        thread.start()
        self.addCleanup(thread.join, base.PATIENCE_SECONDS)
        self.addCleanup(self.calls.put, None)

    def _run(self) -> None:
        while (function := self.calls.get()) is not None:
            self.called += 1
            function()


class InquiryTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.thread = self.useFixture(Thread())
        self.steps = 0

    def count(self) -> inquiry.Steps[str]:
        for _ in range(3):
            self.steps += 1
            yield
        return f'after {self.steps} steps'

    def ask(
        self, limit_seconds: float = base.PATIENCE_SECONDS
    ) -> inquiry.Inquiry[str]:
        return inquiry.Inquiry(
            self.thread.calls.put, self.count, limit_seconds
        )

    def test_the_other_thread_finds_the_answer_step_by_step(self) -> None:
        self.thread.begin()
        self.assertEqual('after 3 steps', self.ask().ask())
        self.assertEqual(4, self.thread.called)
        self.assertEqual('after 6 steps', self.ask().ask())

    def test_between_two_steps_it_does_other_things(self) -> None:
        done: list[int] = []
        question = self.ask()
        self.thread.calls.put(lambda: done.append(self.steps))
        waiting = threading.Thread(target=question.ask, daemon=True)
        waiting.start()
        while self.thread.calls.qsize() < 2:
            waiting.join(0.001)
        self.thread.calls.put(lambda: done.append(self.steps))
        self.thread.begin()
        waiting.join(base.PATIENCE_SECONDS)
        self.assertEqual([0, 1], done)

    def test_one_that_does_not_answer_is_not_waited_for(self) -> None:
        self.assertIsNone(self.ask(0.01).ask())

    def test_what_nobody_waits_for_any_more_is_not_done(self) -> None:
        self.assertIsNone(self.ask(0.01).ask())
        self.thread.begin()
        self.assertEqual('after 3 steps', self.ask().ask())
        self.assertEqual(3, self.steps)

    def test_a_defect_is_logged_and_no_answer(self) -> None:
        def fail() -> inquiry.Steps[str]:
            yield
            raise ZeroDivisionError

        self.thread.begin()
        question = inquiry.Inquiry(
            self.thread.calls.put, fail, base.PATIENCE_SECONDS
        )
        self.assertIsNone(question.ask())
        self.assertIn('ZeroDivisionError', self.log.output)
        self.assertEqual('after 3 steps', self.ask().ask())
