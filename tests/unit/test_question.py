# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import threading
import time

from nova_balloon_timer import question
from tests.unit import base


class Thread:
    """Does what it is handed when it is told to."""

    def __init__(self) -> None:
        self.handed: list[Callable[[], None]] = []

    def submit(self, function: Callable[[], None]) -> None:
        self.handed.append(function)

    def work(self) -> None:
        while self.handed:
            self.handed.pop(0)()


def _start(function: Callable[[], None]) -> None:
    threading.Thread(target=function, daemon=True).start()


class AskTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.thread = Thread()

    def test_tells_what_comes_of_it(self) -> None:
        outcome = question.ask(self.thread.submit, lambda: 42)
        self.assertFalse(outcome.done())
        self.thread.work()
        self.assertEqual(42, outcome.result(0))

    def test_tells_what_goes_wrong(self) -> None:
        outcome = question.ask(self.thread.submit, lambda: 1 // 0)
        self.thread.work()
        self.assertIsInstance(outcome.exception(0), ZeroDivisionError)

    def test_is_not_called_when_nobody_waits_any_more(self) -> None:
        called: list[None] = []
        outcome = question.ask(self.thread.submit, lambda: called.append(None))
        self.assertTrue(outcome.cancel())
        self.thread.work()
        self.assertEqual([], called)


class CallTestCase(base.TestCase):
    def test_returns_what_the_other_thread_returns(self) -> None:
        name = question.call(
            _start, lambda: threading.current_thread().name, 20.0
        )
        self.assertNotEqual(threading.current_thread().name, name)

    def test_raises_what_the_other_thread_raises(self) -> None:
        self.assertRaises(
            ZeroDivisionError, question.call, _start, lambda: 1 // 0, 20.0
        )

    def test_a_thread_that_does_not_get_round_to_it(self) -> None:
        thread = Thread()
        called: list[None] = []
        self.assertRaises(
            question.NotAnsweredError,
            question.call,
            thread.submit,
            lambda: called.append(None),
            0.01,
        )
        thread.work()
        self.assertEqual([], called)

    def test_what_was_begun_is_waited_for(self) -> None:
        begun = threading.Event()

        def work() -> str:
            begun.set()
            time.sleep(0.05)
            return 'done'

        def submit(function: Callable[[], None]) -> None:
            _start(function)
            begun.wait(base.PATIENCE_SECONDS)

        self.assertEqual('done', question.call(submit, work, 0.0))


class PatienceTestCase(base.TestCase):
    def test_is_shared_by_all_steps(self) -> None:
        now = 100.0
        patience = question.Patience(1.0, clock=lambda: now)
        self.assertEqual(0.5, patience.share(0.5))
        self.assertFalse(patience.is_over)
        now = 100.75
        self.assertEqual(0.25, patience.share(0.5))
        now = 102.0
        self.assertEqual(0.0, patience.share(0.5))
        self.assertTrue(patience.is_over)
