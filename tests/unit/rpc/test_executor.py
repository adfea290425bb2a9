# SPDX-License-Identifier: Apache-2.0

import threading
from typing import Any

import fixtures

from nova_balloon_timer.rpc import executor
from tests.unit import base


class ExecutorTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.now = 0.0
        self.made = executor.DaemonExecutor(2, clock=lambda: self.now)
        self.addCleanup(self.made.shutdown, wait=False)
        self.done: list[Any] = []
        self.changed = threading.Condition()

    def do(self, what: Any) -> None:
        with self.changed:
            self.done.append((what, threading.current_thread()))
            self.changed.notify_all()

    def wait(self, count: int) -> list[Any]:
        """Wait until so many calls were made; return what they did."""
        with self.changed:
            self.assertTrue(
                self.changed.wait_for(
                    lambda: len(self.done) >= count, base.PATIENCE_SECONDS
                )
            )
            return [what for what, _ in self.done]

    def block(self, count: int) -> threading.Event:
        """Have so many threads at work until the event is set."""
        begun, go_on = threading.Semaphore(0), threading.Event()
        self.addCleanup(go_on.set)

        def work() -> None:
            begun.release()
            go_on.wait(base.PATIENCE_SECONDS)

        for _ in range(count):
            self.made.submit(work)
        for _ in range(count):
            self.assertTrue(begun.acquire(timeout=base.PATIENCE_SECONDS))
        return go_on

    def test_calls_in_threads_that_hold_up_no_process(self) -> None:
        self.made.submit(self.do, 1)
        self.assertEqual([1], self.wait(1))
        ((_, thread),) = self.done
        self.assertTrue(thread.daemon)

    def test_calls_beside_one_another(self) -> None:
        go_on = self.block(1)
        self.made.submit(self.do, 1)
        self.assertEqual([1], self.wait(1))
        go_on.set()

    def test_has_no_more_threads_than_it_may(self) -> None:
        go_on = self.block(2)
        for number in range(20):
            self.made.submit(self.do, number)
        self.assertEqual([], self.done)
        go_on.set()
        self.assertEqual(set(range(20)), set(self.wait(20)))
        self.assertLessEqual(len({thread for _, thread in self.done}), 2)

    def test_a_call_that_fails_ends_no_thread(self) -> None:
        go_on = self.block(1)
        self.made.submit(lambda: 1 // 0)
        self.made.submit(self.do, 1)
        self.assertEqual([1], self.wait(1))
        self.assertIn('ZeroDivisionError', self.log.output)
        go_on.set()

    def test_what_waited_for_too_long_is_not_called(self) -> None:
        go_on = self.block(2)
        self.made.submit(self.do, 'stale')
        self.made.submit(self.do, 'stale')
        self.now = 5.1
        self.made.submit(self.do, 'fresh')
        go_on.set()
        self.assertEqual(['fresh'], self.wait(1))
        self.assertEqual(1, self.log.output.count('calls are lost'))

    def test_what_waits_is_bounded(self) -> None:
        go_on = self.block(2)
        for number in range(1100):
            self.made.submit(self.do, number)
        go_on.set()
        self.wait(1000)
        self.made.submit(self.do, 'later')
        with self.changed:
            self.assertTrue(
                self.changed.wait_for(
                    lambda: self.done[-1][0] == 'later', base.PATIENCE_SECONDS
                )
            )
        self.assertEqual(1001, len(self.done))
        self.assertEqual(1, self.log.output.count('calls are lost'))

    def test_closing_waits_for_what_was_begun(self) -> None:
        go_on = self.block(1)
        over = threading.Event()

        def close() -> None:
            self.made.shutdown()
            over.set()

        threading.Thread(target=close, daemon=True).start()
        self.assertFalse(over.wait(0.05))
        go_on.set()
        self.assertTrue(over.wait(base.PATIENCE_SECONDS))

    def test_after_its_close_nothing_is_called(self) -> None:
        self.made.submit(self.do, 1)
        self.wait(1)
        self.made.shutdown()
        self.made.submit(self.do, 2)
        self.made.shutdown()
        self.assertEqual([1], self.wait(1))
