# SPDX-License-Identifier: Apache-2.0
"""Who keeps the clock is known from a policy's start to its end."""

import time

from nova_balloon_timer import timekeeping
from tests.unit import base
from tests.unit.agent import desk_world


class TimingTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.guest = self.add_known('web-01', rate_mib_per_second=1)

    def resume(self, mode: timekeeping.Mode) -> str:
        """Go on with a policy of an agent that was killed."""
        made = base.make_policy(
            guest_uuid=self.guest.uuid, duration_seconds=20.0, mode=mode
        )
        self.crank.resume(made, time.monotonic(), None, None)
        return made.uuid

    def test_is_told_once_the_guest_has_declined(self) -> None:
        made = self.create('web-01')['policy']
        shown = self.wait_for_state(made['uuid'], 'running')
        self.assertEqual('auto', shown['mode'])
        self.assertEqual('host', shown['timed_by'])
        self.assertEqual(base.UNABLE.words, shown['timing_words'])
        ended = self.desk.cancel_policy(made['uuid'])
        self.assertEqual(base.UNABLE.words, ended['timing_words'])

    def test_is_told_once_the_guest_has_accepted(self) -> None:
        self.guest.no_clock = ''
        made = self.create('web-01')['policy']
        shown = self.wait_for_state(made['uuid'], 'running')
        self.assertEqual('guest', shown['timed_by'])
        self.desk.cancel_policy(made['uuid'])
        ended = self.wait_for_state(made['uuid'], 'ended')
        self.assertEqual('guest', ended['timed_by'])
        self.assertEqual('deadline', ended['end']['guest_report']['reason'])

    def test_is_decided_anew_after_a_restart(self) -> None:
        resumed = self.resume(timekeeping.Mode.AUTO)
        shown = self.wait_for_state(resumed, 'running')
        self.assertEqual('host', shown['timed_by'])
        self.assertEqual(base.UNABLE.words, shown['timing_words'])

    def test_is_not_asked_where_the_host_shall_keep_it(self) -> None:
        resumed = self.resume(timekeeping.Mode.HOST)
        shown = self.wait_for_state(resumed, 'running')
        self.assertEqual('host', shown['timed_by'])
        self.assertEqual('', shown['timing_words'])
        self.assertNotIn(('offer', self.guest.uuid), self.host.applier.calls)

    def test_is_in_the_journal_from_the_start_on(self) -> None:
        made = self.create('web-01')['policy']
        self.wait_for_state(made['uuid'], 'running')
        self.assertTrue(self.disk.flush(base.PATIENCE_SECONDS))
        (flight,) = self.disk.in_flight()
        assert flight.timing is not None
        shown = self.desk.show_policy(made['uuid'])
        self.assertEqual(shown['timed_by'], flight.timing.keeper.value)
        self.assertEqual(shown['timing_words'], flight.timing.words)
