# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer.notifier import announcer
from tests.unit import base
from tests.unit.notifier import examples

_GUEST = base.uuid_of('web-01')


class AnnouncerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.uuids = iter(f'episode-{number}' for number in range(9))
        self.announcer = self.make()
        self.policy = base.make_policy()

    def make(self, **more: Any) -> announcer.Announcer:
        return announcer.Announcer(
            name_of=lambda uuid: f'name of {uuid}',
            make_uuid=lambda: next(self.uuids),
            **{'progress_seconds': 5.0} | more,
        )

    def sample(self, now: float) -> announcement.Announcement | None:
        return self.announcer.sampled(
            _GUEST, base.make_sample(at=now, actual_kib=700), now
        )


class PolicyTestCase(AnnouncerTestCase):
    def test_counts_what_is_told_of_each(self) -> None:
        other = base.make_policy(guest_uuid=base.uuid_of('db-01'))
        self.announcer.created(other, 0.5)
        said = [
            self.announcer.created(self.policy, 1.0),
            self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.1),
            self.sample(7.0),
            self.announcer.ended(base.make_report(policy=self.policy), 8.0),
        ]
        found = [it for it in said if it is not None]
        self.assertEqual([0, 1, 2, 3], [it.sequence for it in found])
        self.assertEqual([1.0, 1.1, 7.0, 8.0], [it.at for it in found])
        self.assertEqual({self.policy.uuid}, {it.subject_uuid for it in found})
        self.assertEqual(
            1, self.announcer.started(other, 1.0, base.BY_HOST, 2.0).sequence
        )

    def test_tells_the_guest_s_name(self) -> None:
        said = self.announcer.created(self.policy, 1.0)
        assert isinstance(said.fact, announcement.PolicyCreated)
        self.assertEqual(f'name of {_GUEST}', said.fact.guest_name)

    def test_tells_the_instance_wherever_it_tells_the_guest(self) -> None:
        instance = examples.make_instance('web')
        known = {_GUEST: instance}
        for guest_uuid, expected in (
            (_GUEST, instance),
            (base.uuid_of('db-01'), None),
        ):
            told = self.make(instance_of=known.get)
            made = base.make_policy(guest_uuid=guest_uuid)
            said = [
                told.created(made, 1.0),
                told.started(made, 1.0, base.BY_HOST, 1.1),
                told.sampled(guest_uuid, base.make_sample(at=7.0), 7.0),
                told.ended(base.make_report(policy=made), 8.0),
            ]
            found = []
            for it in said:
                assert it is not None
                assert isinstance(it.fact, announcement.PolicyFact)
                found.append(it.fact.instance)
            self.assertEqual([expected] * 4, found)

    def test_without_a_cloud_no_instance_is_known(self) -> None:
        said = self.announcer.created(self.policy, 1.0)
        assert isinstance(said.fact, announcement.PolicyCreated)
        self.assertIsNone(said.fact.instance)

    def test_an_end_without_a_beginning_is_told(self) -> None:
        report = base.make_report(policy=self.policy)
        self.assertEqual(0, self.announcer.ended(report, 8.0).sequence)

    def test_forgets_what_has_ended(self) -> None:
        self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.0)
        self.announcer.ended(base.make_report(policy=self.policy), 2.0)
        self.assertIsNone(self.sample(30.0))

    def test_goes_on_after_a_restart(self) -> None:
        self.announcer.resume(self.policy, 1.0, base.BY_GUEST, 4, 50.0)
        said = self.sample(56.0)
        assert said is not None
        self.assertEqual(1000, said.sequence)
        assert isinstance(said.fact, announcement.PolicyProgressed)
        self.assertEqual(1.0, said.fact.started_at)
        self.assertEqual(base.BY_GUEST, said.fact.timing)

    def test_uses_no_number_that_the_disk_may_have_lost(self) -> None:
        self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.0)
        progress = self.sample(7.0)
        assert progress is not None
        after = announcer.Announcer(
            name_of=str, make_uuid=str, progress_seconds=5.0
        )
        # The disk knows of the start only.
        after.resume(
            self.policy, 1.0, base.BY_GUEST, progress.sequence - 1, 50.0
        )
        end = after.ended(base.make_report(policy=self.policy), 51.0)
        self.assertGreater(end.sequence, progress.sequence)

    def test_begins_where_nothing_was_told_before_a_restart(self) -> None:
        self.announcer.resume(self.policy, 1.0, base.BY_GUEST, None, 50.0)
        report = base.make_report(policy=self.policy)
        self.assertEqual(0, self.announcer.ended(report, 51.0).sequence)


class ProgressTestCase(AnnouncerTestCase):
    def test_is_told_now_and_then(self) -> None:
        self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.0)
        instants = [1.5, 5.9, 6.0, 6.1, 10.9, 11.0]
        told = [at for at in instants if self.sample(at) is not None]
        self.assertEqual([6.0, 11.0], told)

    def test_is_not_told_if_it_is_not_wanted(self) -> None:
        self.announcer = self.make(progress_seconds=0.0)
        self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.0)
        self.assertIsNone(self.sample(1000.0))

    def test_is_not_told_of_a_guest_without_a_policy(self) -> None:
        self.assertIsNone(self.sample(1000.0))

    def test_is_that_of_the_policy_which_took_another_s_place(self) -> None:
        successor = base.make_policy()
        self.announcer.started(self.policy, 1.0, base.BY_HOST, 1.0)
        self.announcer.started(successor, 2.0, base.BY_HOST, 2.0)
        self.announcer.ended(base.make_report(policy=self.policy), 2.1)
        said = self.sample(9.0)
        assert said is not None
        self.assertEqual(successor.uuid, said.subject_uuid)


class PressureTestCase(AnnouncerTestCase):
    def start(self, at: float) -> announcement.Announcement:
        said = self.announcer.noticed(
            message.PressureStarted(at=at, memory=None, words='short'), None
        )
        assert said is not None
        return said

    def end(self, at: float) -> announcement.Announcement:
        said = self.announcer.noticed(
            message.PressureEnded(at=at, memory=None, words='well'), None
        )
        assert said is not None
        return said

    def test_each_time_is_a_subject_of_its_own(self) -> None:
        said = [self.start(1.0), self.end(2.0), self.start(3.0)]
        self.assertEqual(
            [('episode-0', 0), ('episode-0', 1), ('episode-1', 0)],
            [(it.subject_uuid, it.sequence) for it in said],
        )

    def test_its_end_knows_its_beginning(self) -> None:
        self.start(1.0)
        fact = self.end(2.0).fact
        assert isinstance(fact, announcement.PressureEnded)
        self.assertEqual(1.0, fact.started_at)

    def test_goes_on_after_a_restart(self) -> None:
        self.announcer.resume_pressure('left', 0)
        self.assertTrue(self.announcer.has_left_pressure)
        said = self.start(9.0)
        self.assertEqual(('left', 1000), (said.subject_uuid, said.sequence))
        self.assertFalse(self.announcer.has_left_pressure)

    def test_that_ended_meanwhile_ends_once(self) -> None:
        self.announcer.resume_pressure('left', 1000)
        said = self.announcer.pressure_ended(None, None, 'well', 9.0)
        self.assertEqual(('left', 2000), (said.subject_uuid, said.sequence))
        self.assertFalse(self.announcer.has_left_pressure)
        fact = said.fact
        assert isinstance(fact, announcement.PressureEnded)
        self.assertIsNone(fact.started_at)

    def test_other_notices_are_not_for_outside(self) -> None:
        notice = message.ForeignChange(
            at=1.0, guest_uuid=_GUEST, before_kib=2, after_kib=1
        )
        self.assertIsNone(self.announcer.noticed(notice, None))
