# SPDX-License-Identifier: Apache-2.0

import signal

import fixtures
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import stopper
from tests.unit import base


class StopperTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (number.name, {'number': number})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    number: signal.Signals

    def setUp(self) -> None:
        super().setUp()
        self.now = 100.0
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.cmd.stopper.time.monotonic',
                lambda: self.now,
            )
        )
        self.stops = 0

    def stop(self) -> None:
        self.stops += 1

    def send(self) -> None:
        signal.raise_signal(self.number)

    def test_before_anything_moves_it_raises(self) -> None:
        with stopper.Stopper():
            error = self.assertRaises(exception.Interrupted, self.send)
        self.assertIn(self.number.name, str(error))

    def test_later_it_stops_once(self) -> None:
        with stopper.Stopper() as stopping:
            stopping.on_stop(self.stop)
            self.send()
            self.now += 0.5
            self.send()
        self.assertEqual(1, self.stops)

    def test_one_long_after_the_first_breaks_off(self) -> None:
        with stopper.Stopper() as stopping:
            stopping.on_stop(self.stop)
            self.send()
            self.now += 1.5
            self.assertRaises(KeyboardInterrupt, self.send)

    def test_handlers_are_put_back(self) -> None:
        before = signal.getsignal(self.number)
        with stopper.Stopper():
            self.assertIsNot(before, signal.getsignal(self.number))
        self.assertIs(before, signal.getsignal(self.number))
