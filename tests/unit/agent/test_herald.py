# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence
import time
from typing import Any

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.agent import herald as agent_herald
from nova_balloon_timer.notifier import announcer as notifier_announcer
from tests.unit import base
from tests.unit.agent import crank_world
from tests.unit.controller import factory

_Type = announcement.EventType


def _announcer(**more: Any) -> notifier_announcer.Announcer:
    return notifier_announcer.Announcer(
        name_of=lambda uuid: uuid,
        make_uuid=lambda: 'episode',
        **{'progress_seconds': 0.01} | more,
    )


class TroubleTestCase(crank_world.CrankTestCase):
    """A defect costs notifications, and nothing else."""

    def test_an_announcer_that_fails_ends_no_policy(self) -> None:
        class Failing(notifier_announcer.Announcer):
            def _announce(self, *_: object) -> announcement.Announcement:
                raise RuntimeError('a defect')

        failing = Failing(
            name_of=lambda uuid: uuid,
            make_uuid=lambda: 'episode',
            progress_seconds=0.01,
        )
        self.crank.diary.herald = agent_herald.Herald(failing)
        guest = self.host.add('web-01')
        self.start()
        self.ask(guest)
        self.record.wait('told: end')
        self.assertIs(model.EndReason.TARGET, self.report().reason)
        self.assertEqual([], self.journal.said)
        self.assertIn('The announcer failed', self.log.output)

    def test_without_an_announcer_nothing_is_said(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.ask(guest)
        self.record.wait('told: end')
        self.assertEqual([], self.journal.said)


class CourseTestCase(crank_world.CrankTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.crank.diary.herald = agent_herald.Herald(_announcer())

    def types(self, policy_uuid: str) -> list[_Type]:
        """Return what was said of a policy; its numbers have no gap."""
        said = [
            it for it in self.journal.said if it.subject_uuid == policy_uuid
        ]
        self.assertEqual(list(range(len(said))), [it.sequence for it in said])
        return [it.event_type for it in said]

    def test_a_policy_is_told_from_its_beginning_to_its_end(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        made = self.ask(guest)
        self.record.wait('told: end')
        types = self.types(made.uuid)
        self.assertEqual([_Type.POLICY_CREATE, _Type.POLICY_START], types[:2])
        self.assertEqual({_Type.POLICY_PROGRESS}, set(types[2:-1]))
        self.assertIs(_Type.POLICY_TARGET_REACHED, types[-1])

    def test_one_that_ends_before_it_is_journaled_was_made_first(self) -> None:
        self.journal.is_silent = True
        guest = self.host.add('web-01')
        self.start()
        made = self.ask(guest)
        self.record.wait('journal: request')
        self.crank.post(message.PolicyCancelled(policy_uuid=made.uuid))
        self.record.wait('told: end')
        types = self.types(made.uuid)
        self.assertIs(_Type.POLICY_CREATE, types[0])
        self.assertIs(_Type.POLICY_STOPPED, types[-1])

    def test_each_of_many_is_told(self) -> None:
        guests = [self.host.add(f'guest-{number}') for number in range(70)]
        self.start()
        policies = [
            base.make_policy(guest_uuid=guest.uuid, duration_seconds=20.0)
            for guest in guests
        ]
        self.crank.request(policies)
        base_types = (_Type.POLICY_CREATE, _Type.POLICY_START)
        self.wait_ended(len(policies))
        for made in policies:
            self.assertEqual(base_types, tuple(self.types(made.uuid)[:2]))

    def test_one_that_begins_before_it_is_journaled_was_made_first(
        self,
    ) -> None:
        self.journal.is_silent = True
        guests = [self.host.add(f'guest-{number}') for number in range(40)]
        self.start()
        policies = [
            base.make_policy(guest_uuid=guest.uuid, duration_seconds=20.0)
            for guest in guests
        ]
        self.crank.request(policies)
        # The journal does not answer, so that the last are not even asked.
        self.wait_ended(len(policies))
        self.assertEqual(1, len(self.journal.requested))
        for made in policies:
            self.assertEqual(
                [_Type.POLICY_CREATE, _Type.POLICY_START],
                self.types(made.uuid)[:2],
            )

    def wait_ended(self, count: int) -> None:
        def is_over() -> bool:
            return self.record.words.count('told: end') >= count

        self.assertTrue(self.record.wait_until(is_over))

    def test_goes_on_with_the_numbers_of_before(self) -> None:
        guest = self.host.add('web-01')
        made = base.make_policy(guest_uuid=guest.uuid, duration_seconds=20.0)
        self.start()
        self.crank.resume(made, 0.0, base.BY_HOST, 6)
        self.record.wait('told: end')
        said: Sequence[announcement.Announcement] = self.journal.said
        self.assertEqual(1000, said[0].sequence)


class PressureTestCase(crank_world.CrankTestCase):
    def said(self) -> list[tuple[_Type, str, int]]:
        return [
            (it.event_type, it.subject_uuid, it.sequence)
            for it in self.journal.said
        ]

    def test_is_told(self) -> None:
        self.crank.diary.herald = agent_herald.Herald(_announcer())
        self.start()
        self.read(500, time.monotonic())
        self.record.wait('told: PressureStarted')
        self.read(9000, time.monotonic())
        self.record.wait('told: PressureEnded')
        self.assertEqual(
            [
                (_Type.PRESSURE_START, 'episode', 0),
                (_Type.PRESSURE_END, 'episode', 1),
            ],
            self.said(),
        )
        fact = self.journal.said[0].fact
        assert isinstance(fact, announcement.PressureStarted)
        self.assertIsNotNone(fact.watermarks)
        self.assertIsNotNone(fact.memory)

    def test_of_before_that_is_over_is_ended(self) -> None:
        announcer = _announcer()
        announcer.resume_pressure('left', 3)
        self.crank.diary.herald = agent_herald.Herald(announcer)
        self.start()
        self.read(9000, time.monotonic())
        self.record.wait('journal: reading')
        self.assertEqual([(_Type.PRESSURE_END, 'left', 1000)], self.said())

    def test_of_before_is_not_over_as_one_source_does_not_press(self) -> None:
        announcer = _announcer()
        announcer.resume_pressure('left', 3)
        self.crank.diary.herald = agent_herald.Herald(announcer)
        self.start()
        first = factory.make_reading(
            time.monotonic(), 500, source='psi', is_pressing=False
        )
        self.crank.post(message.PressureRead(reading=first))
        self.read(500, time.monotonic())
        self.record.wait('told: PressureStarted')
        self.assertEqual([(_Type.PRESSURE_START, 'left', 1000)], self.said())

    def test_of_before_that_goes_on_keeps_its_name(self) -> None:
        announcer = _announcer()
        announcer.resume_pressure('left', 3)
        self.crank.diary.herald = agent_herald.Herald(announcer)
        self.start()
        self.read(500, time.monotonic())
        self.record.wait('told: PressureStarted')
        self.assertEqual([(_Type.PRESSURE_START, 'left', 1000)], self.said())
