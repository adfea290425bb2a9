# SPDX-License-Identifier: Apache-2.0
"""Policies of one guest that a process before left behind."""

import hypothesis
from hypothesis import strategies
import testtools

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import machine
from tests.unit.engine import factory

# Each lasts 10 s and is resumed at 100 s.
_OVERDUE_AT = 80.0
_IN_TIME_AT = 95.0
_started = strategies.sampled_from((_OVERDUE_AT, _IN_TIME_AT))


def _resumed(uuid: str, started_at: float) -> message.PolicyResumed:
    return message.PolicyResumed(
        policy=factory.balloon_policy(uuid=uuid), started_at=started_at
    )


def _reports(actions: list[message.Action]) -> list[model.EndReport]:
    return [
        action.report
        for action in actions
        if isinstance(action, message.ReportEnd)
    ]


class TwoResumedTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.engine = machine.Engine()

    def resume(self, *started_at: float) -> list[message.Action]:
        actions: list[message.Action] = []
        for number, at in enumerate(started_at):
            event = _resumed(f'policy-{number}', at)
            actions += self.engine.handle(event, 100.0)
        return actions

    def test_the_first_freeze_ends_where_the_second_begins(self) -> None:
        (report,) = _reports(self.resume(_OVERDUE_AT, _OVERDUE_AT))
        self.assertEqual('policy-0', report.policy.uuid)
        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertFalse(report.confirmed)
        self.assertIn('policy-1', report.detail)

    def test_one_that_ends_while_the_other_freezes(self) -> None:
        self.assertEqual([], _reports(self.resume(_OVERDUE_AT, _IN_TIME_AT)))
        cancelled = message.PolicyCancelled(policy_uuid='policy-1')
        (report,) = _reports(self.engine.handle(cancelled, 100.1))
        self.assertEqual('policy-0', report.policy.uuid)
        self.engine.handle(factory.frozen(100.2, 900), 100.2)
        actions = self.engine.handle(factory.sampled(101.0, 900), 101.0)
        (report,) = _reports(actions)
        self.assertEqual('policy-1', report.policy.uuid)
        self.assertIs(model.EndReason.CANCELLED, report.reason)
        self.assertTrue(report.confirmed)

    @hypothesis.settings(max_examples=200, deadline=None)
    @hypothesis.given(
        started_at=strategies.lists(_started, min_size=2, max_size=3),
        events=strategies.lists(
            strategies.sampled_from(
                (
                    message.PolicyCancelled(policy_uuid='policy-0'),
                    message.PolicyCancelled(policy_uuid='policy-1'),
                    message.HostRecovered(),
                    message.GuestGone(guest_uuid=factory.GUEST),
                    factory.frozen(100.1, 900),
                    factory.sampled(101.0, 900),
                    message.ActionFailed(
                        guest_uuid=factory.GUEST,
                        kind=message.FailureKind.TRANSIENT,
                        words='away',
                    ),
                )
            ),
            max_size=6,
        ),
    )
    def test_each_ends_once(
        self, started_at: list[float], events: list[message.Event]
    ) -> None:
        self.engine = machine.Engine()
        actions = self.resume(*started_at)
        now = 100.0
        for event in events:
            now += 0.2
            actions += self.engine.handle(event, now)
        while (due_at := self.engine.next_timer()) is not None:
            now = max(now, due_at)
            actions += self.engine.handle_timer(now)
        self.assertTrue(self.engine.is_idle)
        ended = sorted(report.policy.uuid for report in _reports(actions))
        wanted = [f'policy-{n}' for n in range(len(started_at))]
        self.assertEqual(wanted, ended)
