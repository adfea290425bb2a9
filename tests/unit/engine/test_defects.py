# SPDX-License-Identifier: Apache-2.0
"""A defect that one guest meets keeps no other guest from its end."""

import testtools

from nova_balloon_timer import message
from nova_balloon_timer.engine import machine
from nova_balloon_timer.engine import run as engine_run
from tests.unit.engine import factory

_GUESTS = ('guest-a', 'guest-b', 'guest-c')


class _Brittle(machine.Engine):
    """Fails at the deadline of one guest, so many times."""

    broken = ''
    failures = 1

    def _pass_deadline(
        self, run: engine_run.Run, now: float
    ) -> machine.Actions:
        if run.balloon_policy.guest_uuid == self.broken and self.failures:
            self.failures -= 1
            raise ZeroDivisionError
        return super()._pass_deadline(run, now)


class DefectTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.engine = _Brittle()
        for guest in _GUESTS:
            made = factory.balloon_policy(
                uuid=f'policy-of-{guest}', guest_uuid=guest
            )
            self.engine.handle(message.PolicyRequested(policy=made), 0.0)

    def ended(self, actions: list[message.Action]) -> list[str]:
        return [
            action.report.policy.guest_uuid
            for action in actions
            if isinstance(action, message.ReportEnd)
        ]

    def test_at_a_deadline(self) -> None:
        self.engine.broken = 'guest-b'
        self.assertRaises(ZeroDivisionError, self.engine.handle_timer, 10.0)
        self.assertEqual(10.0, self.engine.next_timer())
        self.assertEqual(
            ['guest-a', 'guest-c'], self.ended(self.engine.handle_timer(10.0))
        )

    def test_the_guest_itself_is_tried_again(self) -> None:
        self.engine.broken = 'guest-c'
        self.assertRaises(ZeroDivisionError, self.engine.handle_timer, 10.0)
        self.engine.handle_timer(10.0)
        due_at = self.engine.next_timer()
        assert due_at is not None
        self.assertTrue(10.0 < due_at <= 11.0)
        self.assertEqual(
            ['guest-c'], self.ended(self.engine.handle_timer(due_at))
        )
        self.assertTrue(self.engine.is_idle)

    def test_an_event_at_a_deadline_is_taken_in_all_the_same(self) -> None:
        self.engine.broken = 'guest-a'
        gone = message.GuestGone(guest_uuid='guest-a')
        self.assertRaises(ZeroDivisionError, self.engine.handle, gone, 10.0)
        ended = self.ended(self.engine.handle_timer(10.0))
        self.assertEqual(list(_GUESTS), sorted(ended))

    def test_in_an_event_drops_nothing_that_was_due(self) -> None:
        strange = message.GuestsChanged()
        self.assertRaises(
            KeyError,
            self.engine.handle,
            strange,
            10.0,
        )
        ended = self.ended(self.engine.handle_timer(10.0))
        self.assertEqual(list(_GUESTS), sorted(ended))


class StartTest(testtools.TestCase):
    def test_its_report_tells_when_its_time_began(self) -> None:
        engine = machine.Engine()
        made = factory.balloon_policy()
        engine.handle(message.PolicyRequested(policy=made), 3.0)
        start, _ = engine.handle(factory.sampled(4.5, 1024), 4.5)
        self.assertEqual(
            message.ReportStart(policy=made, started_at=3.0), start
        )
