# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testscenarios

from nova_balloon_timer import announcement
from nova_balloon_timer import model
from nova_balloon_timer.messaging import oslo_messaging
from tests.unit import base

_EventType = announcement.EventType
_Priority = announcement.Priority
_WEB: dict[str, Any] = {'policy': base.make_policy(), 'guest_name': 'web-01'}
_UNKNOWN: dict[str, Any] = {'memory': None, 'watermarks': None, 'words': ''}


def _ended(reason: model.EndReason) -> announcement.PolicyEnded:
    return announcement.PolicyEnded(
        guest_name='web-01', report=base.make_report(reason=reason)
    )


_FACTS = {
    'created': (
        announcement.PolicyCreated(**_WEB),
        (_EventType.POLICY_CREATE, _Priority.INFO, False),
    ),
    'started': (
        announcement.PolicyStarted(
            **_WEB, started_at=1.0, timing=base.BY_HOST
        ),
        (_EventType.POLICY_START, _Priority.INFO, False),
    ),
    'progressed': (
        announcement.PolicyProgressed(
            **_WEB,
            started_at=1.0,
            timing=base.BY_HOST,
            sample=base.make_sample(),
        ),
        (_EventType.POLICY_PROGRESS, _Priority.INFO, False),
    ),
    'pressure started': (
        announcement.PressureStarted(**_UNKNOWN),
        (_EventType.PRESSURE_START, _Priority.INFO, False),
    ),
    'pressure ended': (
        announcement.PressureEnded(**_UNKNOWN, started_at=None),
        (_EventType.PRESSURE_END, _Priority.INFO, True),
    ),
}

_ENDS = {
    model.EndReason.TARGET: (
        _EventType.POLICY_TARGET_REACHED,
        _Priority.INFO,
    ),
    model.EndReason.DEADLINE: (
        _EventType.POLICY_DEADLINE_REACHED,
        _Priority.WARNING,
    ),
    model.EndReason.DISTRESS: (_EventType.POLICY_STOPPED, _Priority.WARNING),
    model.EndReason.STALLED: (_EventType.POLICY_STOPPED, _Priority.WARNING),
    model.EndReason.CANCELLED: (_EventType.POLICY_STOPPED, _Priority.WARNING),
    model.EndReason.SUPERSEDED: (_EventType.POLICY_STOPPED, _Priority.WARNING),
    model.EndReason.GUEST_GONE: (_EventType.POLICY_STOPPED, _Priority.WARNING),
    model.EndReason.HOST_RECOVERED: (
        _EventType.POLICY_STOPPED,
        _Priority.WARNING,
    ),
    model.EndReason.FAILED: (_EventType.POLICY_STOPPED, _Priority.ERROR),
}


class FactTest(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        *(
            (name, {'fact': fact, 'expected': expected})
            for name, (fact, expected) in _FACTS.items()
        ),
        *(
            (
                f'ended: {reason.value}',
                {
                    'fact': _ended(reason),
                    'expected': (*_ENDS.get(reason, ()), True),
                },
            )
            for reason in model.EndReason
        ),
    ]
    fact: announcement.Fact
    expected: tuple[_EventType, _Priority, bool]

    def test_what_is_told_of_it(self) -> None:
        announced = announcement.Announcement(
            subject_uuid=base.uuid_of('it'),
            sequence=0,
            at=1.0,
            fact=self.fact,
        )
        told = (announced.event_type, announced.priority, announced.is_last)
        self.assertEqual(self.expected, told)


class PriorityTest(base.TestCase):
    def test_each_names_a_method_of_the_notifier(self) -> None:
        for priority in announcement.Priority:
            method = getattr(oslo_messaging.Notifier, priority.value)
            self.assertTrue(callable(method), priority)

    def test_each_type_can_occur(self) -> None:
        told = {expected[0] for _, expected in _FACTS.values()}
        told |= {event_type for event_type, _ in _ENDS.values()}
        self.assertEqual(set(announcement.EventType), told)
