# SPDX-License-Identifier: Apache-2.0

import threading

from nova_balloon_timer.cmd.upgrade import bounded
from tests.unit import base


class CallTestCase(base.TestCase):
    def test_is_made_once(self) -> None:
        made: list[int] = []

        def count() -> int:
            made.append(len(made))
            return len(made)

        call = bounded.Call(count, base.PATIENCE_SECONDS)
        self.assertEqual([], made)
        self.assertEqual([1, 1], [call.result(), call.result()])

    def test_raises_what_it_raises_each_time(self) -> None:
        call = bounded.Call(lambda: 1 // 0, base.PATIENCE_SECONDS)
        for _ in range(2):
            self.assertRaises(ZeroDivisionError, call.result)

    def test_is_waited_for_once_and_no_longer_than_that(self) -> None:
        going_on = threading.Event()
        self.addCleanup(going_on.set)
        call = bounded.Call(going_on.wait, 0.01)
        for _ in range(2):
            self.assertRaises(bounded.Overdue, call.result)
