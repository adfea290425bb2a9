# SPDX-License-Identifier: Apache-2.0
"""Who keeps the clock is known from a policy's start to its end."""

import time

from tests.unit import base
from tests.unit.agent import desk_world


class TimingTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.guest = self.add_known('web-01', rate_mib_per_second=1)

    def test_is_what_the_journal_says_after_a_restart(self) -> None:
        made = base.make_policy(
            guest_uuid=self.guest.uuid, duration_seconds=20.0
        )
        self.crank.resume(made, time.monotonic(), base.UNABLE, None)
        shown = self.wait_for_state(made.uuid, 'running')
        self.assertEqual('host', shown['timed_by'])
        self.assertEqual(base.UNABLE.words, shown['timing_words'])

    def test_is_open_where_an_agent_ended_before_the_start(self) -> None:
        made = base.make_policy(
            guest_uuid=self.guest.uuid, duration_seconds=20.0
        )
        self.crank.resume(made, time.monotonic(), None, None)
        shown = self.wait_for_state(made.uuid, 'running')
        self.assertIsNone(shown['timed_by'])

    def test_is_in_the_journal_from_the_start_on(self) -> None:
        made = self.create('web-01')['policy']
        self.wait_for_state(made['uuid'], 'running')
        self.assertTrue(self.disk.flush(base.PATIENCE_SECONDS))
        (flight,) = self.disk.in_flight()
        assert flight.timing is not None
        shown = self.desk.show_policy(made['uuid'])
        self.assertEqual(shown['timed_by'], flight.timing.keeper.value)
        self.assertEqual(shown['timing_words'], flight.timing.words)

    def test_is_forgotten_after_the_end(self) -> None:
        made = self.create('web-01')['policy']
        self.wait_for_state(made['uuid'], 'running')
        self.assertIn(made['uuid'], self.crank.timings)
        self.desk.cancel_policy(made['uuid'])
        self.wait_for_state(made['uuid'], 'ended')
        self.assertEqual({}, self.crank.timings)
