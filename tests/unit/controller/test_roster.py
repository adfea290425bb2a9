# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import roster
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB

_Obstacle = model.Obstacle
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


class RosterTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.remembered = {
            base.uuid_of('known'): situation.GuestTraits(cooperation=0.5)
        }
        self.roster = roster.Roster(factory.make_settings(), self.remembered)

    def take(self, *guests: model.Guest) -> list[str]:
        return [record.guest.name for record in self.roster.take(guests)]

    def record(self, name: str = 'web-01', **more: Any) -> roster.GuestRecord:
        self.take(base.make_guest(name, **more))
        record = self.roster.find(base.uuid_of(name))
        assert record is not None
        return record

    def why(
        self, record: roster.GuestRecord, at: float = 100.0
    ) -> model.Refusal | None:
        return self.roster.why_left_alone(record, at, at + factory.UTC_OFFSET)

    def check_why(
        self,
        obstacle: model.Obstacle,
        words: str,
        record: roster.GuestRecord,
        at: float = 100.0,
    ) -> None:
        refusal = self.why(record, at)
        assert refusal is not None
        self.assertIs(obstacle, refusal.obstacle)
        self.assertIn(words, refusal.words)


class ListingTestCase(RosterTestCase):
    def test_newcomers_are_told(self) -> None:
        web, db = base.make_guest('web'), base.make_guest('db')
        self.assertEqual(['web'], self.take(web))
        self.assertEqual(['db'], self.take(web, db))
        self.assertEqual([], self.take(web, db))
        self.assertEqual(2, len(self.roster))

    def test_a_guest_that_cannot_be_ballooned_is_told_when_it_can(
        self,
    ) -> None:
        paused = base.make_guest(refusals=(_PAUSED,))
        self.assertEqual([], self.take(paused))
        self.assertEqual(['web-01'], self.take(base.make_guest()))
        self.assertEqual([], self.take(paused))
        self.assertEqual(['web-01'], self.take(base.make_guest()))

    def test_who_is_not_listed_is_gone(self) -> None:
        self.take(base.make_guest('web'), base.make_guest('db'))
        self.take(base.make_guest('db'))
        self.assertEqual(['db'], [it.guest.name for it in self.roster])

    def test_a_guest_that_grew_is_known_by_its_new_size(self) -> None:
        record = self.record()
        self.take(base.make_guest(maximum_kib=2 * GIB))
        record.observe(base.make_sample())
        self.assertEqual(GIB, record.missing_kib)

    def test_is_named_by_its_uuid_as_long_as_it_is_a_stranger(self) -> None:
        self.take(base.make_guest('web'))
        self.assertEqual('web', self.roster.name_of(base.uuid_of('web')))
        self.assertEqual('nobody', self.roster.name_of('nobody'))


class TraitsTestCase(RosterTestCase):
    def test_come_from_before_the_restart(self) -> None:
        self.assertEqual(0.5, self.record('known').traits.cooperation)
        self.assertEqual(1.0, self.record('fresh').traits.cooperation)

    def test_outlive_the_guest_s_absence(self) -> None:
        for leave in (
            lambda: self.roster.drop(base.uuid_of('web-01')),
            lambda: self.take(base.make_guest('other')),
        ):
            record = self.record()
            record.traits = situation.GuestTraits(cooperation=0.25)
            leave()
            self.assertIsNone(self.roster.find(base.uuid_of('web-01')))
            self.assertEqual(0.25, self.record().traits.cooperation)

    def test_the_latest_count_not_those_of_the_start(self) -> None:
        self.record('known').traits = situation.GuestTraits(cooperation=0.9)
        self.roster.drop(base.uuid_of('known'))
        self.assertEqual(0.9, self.record('known').traits.cooperation)
        # What was handed in is not ours to change.
        self.assertEqual(
            0.5, self.remembered[base.uuid_of('known')].cooperation
        )

    def test_dropping_a_stranger_is_harmless(self) -> None:
        self.roster.drop('nobody')


class MissingTestCase(RosterTestCase):
    def test_is_what_lacks_to_the_full_memory(self) -> None:
        record = self.record()
        self.assertEqual(0, record.missing_kib)
        for actual_kib, missing_kib in (
            (GIB, 0),
            (GIB - MIB, MIB),
            (GIB - 4, 4),
            (512 * MIB, 512 * MIB),
            (GIB + 4, 0),
        ):
            record.observe(base.make_sample(actual_kib=actual_kib))
            self.assertEqual(missing_kib, record.missing_kib)

    def test_is_nothing_where_the_guest_takes_no_more(self) -> None:
        record = self.record()
        for actual_kib, missing_kib in (
            (GIB - MIB, 0),
            (512 * MIB, 512 * MIB),
        ):
            record.fill(actual_kib)
            record.observe(base.make_sample(actual_kib=actual_kib))
            self.assertEqual(missing_kib, record.missing_kib)


class DriftTestCase(RosterTestCase):
    def drift(
        self, record: roster.GuestRecord, actual_mib: int
    ) -> tuple[int, int] | None:
        sample = base.make_sample(actual_kib=actual_mib * MIB)
        return record.drift(sample)

    def test_the_first_look_compares_with_nothing(self) -> None:
        self.assertIsNone(self.drift(self.record(), 512))

    def test_is_told_once(self) -> None:
        record = self.record()
        self.drift(record, 1024)
        moved = (1024 * MIB, 512 * MIB)
        self.assertEqual(moved, self.drift(record, 512))
        self.assertIsNone(self.drift(record, 512))

    def test_one_item_of_the_driver_is_none(self) -> None:
        record = self.record()
        self.drift(record, 1024)
        self.assertIsNone(self.drift(record, 1023))

    def test_what_a_policy_did_is_none(self) -> None:
        record = self.record()
        self.drift(record, 1024)
        record.settle(512 * MIB)
        self.assertIsNone(self.drift(record, 512))

    def test_after_an_end_that_nobody_saw_everything_is_possible(
        self,
    ) -> None:
        record = self.record()
        self.drift(record, 1024)
        record.settle(None)
        self.assertIsNone(self.drift(record, 512))
        self.assertIsNotNone(self.drift(record, 1024))


class PeakTestCase(RosterTestCase):
    def observe(
        self,
        record: roster.GuestRecord,
        at: float,
        actual_mib: int,
        usable_mib: int,
        told_at: int,
    ) -> None:
        record.observe(
            base.make_sample(
                at=at,
                actual_kib=actual_mib * MIB,
                statistics=base.make_statistics(
                    updated_at=told_at, usable_kib=usable_mib * MIB
                ),
            )
        )

    def test_is_unknown_of_a_guest_that_tells_nothing(self) -> None:
        record = self.record()
        record.observe(base.make_sample(statistics=None))
        self.assertIsNone(record.peak_use_kib)
        self.assertIsNone(record.usable_kib)

    def test_a_balloon_that_moves_is_not_taken_for_use(self) -> None:
        """Statistics are as old as a second; the balloon is faster.

        Taking and giving back must leave the same peak as before, or a guest
        that was relieved once could not be asked again for minutes.
        """
        record = self.record()
        self.observe(record, 99.0, 1024, 800, 99)
        self.assertIsNone(record.peak_use_kib)
        self.observe(record, 100.0, 1024, 800, 100)
        self.assertEqual(224 * MIB, record.peak_use_kib)
        # Taken, seen before and after the guest told what it has now.
        self.observe(record, 100.5, 624, 800, 100)
        self.assertEqual(400 * MIB, record.usable_kib)
        self.observe(record, 101.1, 624, 400, 101)
        self.assertEqual(224 * MIB, record.peak_use_kib)
        # Likewise while it moves and tells at the same time.
        self.observe(record, 101.9, 524, 300, 102)
        self.assertEqual(224 * MIB, record.peak_use_kib)
        self.observe(record, 103.0, 524, 300, 103)
        self.assertEqual(224 * MIB, record.peak_use_kib)
        # And given back.
        self.observe(record, 103.5, 1024, 300, 103)
        self.observe(record, 104.1, 1024, 800, 104)
        self.assertEqual(224 * MIB, record.peak_use_kib)


class LeftAloneTestCase(RosterTestCase):
    def test_who_refuses_is(self) -> None:
        record = self.record(refusals=(_PAUSED,))
        self.assertEqual(_PAUSED, self.why(record))

    def test_who_was_not_looked_at_is(self) -> None:
        self.check_why(_Obstacle.NOT_LOOKED_AT, 'not looked at', self.record())

    def test_who_does_not_answer_is(self) -> None:
        record = self.record()
        record.observe(base.make_sample())
        record.is_awaited, record.awaited_since = True, 94.0
        self.check_why(_Obstacle.UNREADABLE, 'does not answer', record)

    def test_any_other_is_not(self) -> None:
        record = self.record()
        record.observe(base.make_sample())
        self.assertIsNone(self.why(record))

    def test_who_was_given_what_it_missed_is_for_a_time(self) -> None:
        record = self.record()
        record.observe(base.make_sample())
        record.aided_until = 160.0
        self.check_why(_Obstacle.AIDED, 'another 60 s', record)
        self.assertIsNone(self.why(record, at=160.0))

    def test_whom_somebody_else_moved_is_for_a_time(self) -> None:
        record = self.record()
        record.observe(base.make_sample())
        record.respected_until = 110.0
        self.check_why(_Obstacle.RESPECTED, 'somebody else', record)
        self.check_why(_Obstacle.RESPECTED, 'another 10 s', record)
        self.assertIsNone(self.why(record, at=110.0))

    def test_who_did_not_deliver_is_for_a_time(self) -> None:
        record = self.record()
        record.observe(base.make_sample())
        record.traits = situation.GuestTraits(
            strikes=1.0, struck_utc=factory.UTC_OFFSET + 90
        )
        self.check_why(_Obstacle.COOL_DOWN, 'another 50 s', record)
        self.assertIsNone(self.why(record, at=150.0))


class CandidateTestCase(RosterTestCase):
    def test_says_all_that_is_known(self) -> None:
        record = self.record()
        for told_at in (1, 2):
            record.observe(
                base.make_sample(
                    at=100.0 + told_at,
                    statistics=base.make_statistics(updated_at=told_at),
                )
            )
        candidate = self.roster.candidate(record, _PAUSED, 2.0)
        self.assertEqual(GIB, candidate.actual_kib)
        self.assertEqual(800 * MIB, candidate.usable_kib)
        self.assertEqual(900 * MIB, candidate.rss_kib)
        self.assertEqual(224 * MIB, candidate.peak_use_kib)
        self.assertEqual(_PAUSED, candidate.left_alone)
        self.assertEqual(2.0, candidate.priority)

    def test_unknown_is_not_zero(self) -> None:
        candidate = self.roster.candidate(self.record(), None, 1.0)
        self.assertEqual(0, candidate.actual_kib)
        self.assertIsNone(candidate.usable_kib)
        self.assertIsNone(candidate.rss_kib)
        self.assertIsNone(candidate.peak_use_kib)

    def test_other_settings_count_at_once(self) -> None:
        guards = base.make_guards(floor_kib=900 * MIB)
        record = self.record()
        self.roster.reload(
            factory.make_settings(guards_of=lambda guest: guards)
        )
        candidate = self.roster.candidate(record, None, 1.0)
        self.assertEqual(guards, candidate.guards)
