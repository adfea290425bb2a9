# SPDX-License-Identifier: Apache-2.0

import signal

import fixtures
import testscenarios

from nova_balloon_timer.cmd import interruption
from tests.unit import base


class RaisingTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (number.name, {'number': number})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    number: signal.Signals

    def stop(self) -> interruption.Stopped:
        try:
            signal.raise_signal(self.number)
        except interruption.Stopped as stopped:
            return stopped
        raise AssertionError('nothing was raised')

    def test_a_signal_is_raised_with_its_exit_code(self) -> None:
        with interruption.raising():
            stopped = self.stop()
        self.assertEqual(self.number.name, stopped.name)
        self.assertEqual(128 + self.number, stopped.exit_code)

    def test_no_library_takes_it_for_an_error(self) -> None:
        self.assertFalse(issubclass(interruption.Stopped, Exception))

    def test_one_right_after_the_first_does_not_disturb(self) -> None:
        with interruption.raising():
            self.stop()
            signal.raise_signal(self.number)

    def test_a_later_one_breaks_off(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.cmd.interruption._REPEAT_SECONDS', 0.0
            )
        )
        with interruption.raising():
            self.stop()
            self.stop()

    def test_afterwards_all_is_as_before(self) -> None:
        before = signal.getsignal(self.number)
        with interruption.raising():
            self.assertNotEqual(before, signal.getsignal(self.number))
        self.assertIs(before, signal.getsignal(self.number))
