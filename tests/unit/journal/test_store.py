# SPDX-License-Identifier: Apache-2.0

import dataclasses
import datetime
import math

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import retention
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.journal import factory
from tests.unit.report import strategies

_UTC = datetime.timezone.utc
_NOON = datetime.datetime(2026, 5, 4, 9, 30, tzinfo=_UTC)
_finite = st.floats(allow_nan=False, allow_infinity=False)


class StoreTestCase(factory.JournalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.open_store()

    def request(
        self, *policies: model.BalloonPolicy, at: float = 999.0
    ) -> None:
        with self.store.transaction(is_durable=True):
            self.store.request(
                policies, at, {base.uuid_of('web-01'): 'web\udc80'}
            )

    def start(
        self,
        balloon_policy: model.BalloonPolicy,
        at: float,
        timing: timekeeping.Timing = base.BY_HOST,
    ) -> None:
        with self.store.transaction(is_durable=True):
            self.store.start(balloon_policy.uuid, at, timing)

    def end(self, report: model.EndReport, name: str | None = None) -> None:
        with self.store.transaction(is_durable=True):
            self.store.end(report, name)


class TestFlight(StoreTestCase):
    def only(self) -> reader.InFlight:
        (found,) = self.reader().in_flight()
        return found

    def test_requested(self) -> None:
        balloon_policy = base.make_policy()
        self.request(balloon_policy)
        self.assertEqual(
            reader.InFlight(
                policy=balloon_policy,
                guest_name='web?',
                is_of_this_boot=True,
                requested_utc=_NOON - datetime.timedelta(seconds=1),
                started_at=None,
                started_utc=None,
                timing=None,
                sequence=None,
            ),
            self.only(),
        )

    def test_started(self) -> None:
        balloon_policy = base.make_policy()
        self.request(balloon_policy)
        self.start(balloon_policy, 999.5, base.UNABLE)
        self.start(balloon_policy, 999.9, base.BY_GUEST)
        self.assertEqual(999.5, self.only().started_at)
        self.assertEqual(base.UNABLE, self.only().timing)
        self.assertEqual(
            _NOON - datetime.timedelta(seconds=0.5), self.only().started_utc
        )

    def test_over_a_boot(self) -> None:
        balloon_policy = base.make_policy()
        self.request(balloon_policy)
        self.start(balloon_policy, 999.5)
        started_utc = self.only().started_utc
        self.host.boot()
        self.assertFalse(self.only().is_of_this_boot)
        self.assertIsNone(self.only().started_at)
        self.assertEqual(started_utc, self.only().started_utc)

    def test_a_boot_without_a_name(self) -> None:
        self.host.boot_id = ''
        self.store.close()
        self.store = self.open_store()
        self.request(base.make_policy())
        self.assertFalse(self.only().is_of_this_boot)

    def test_a_clock_that_went_back(self) -> None:
        balloon_policy = base.make_policy()
        self.request(balloon_policy)
        self.start(balloon_policy, 999.5)
        self.host.now = 999.0
        self.assertIsNone(self.only().started_at)

    def test_ended(self) -> None:
        report = factory.make_report(self.host)
        self.request(report.policy)
        self.end(report)
        self.start(report.policy, 999.5)
        self.assertEqual([], self.reader().in_flight())
        (row,) = self.reader().history(10)
        self.assertEqual('web?', row.guest_name)

    def test_one_that_is_there_keeps_no_other_away(self) -> None:
        report = factory.make_report(self.host)
        self.end(report, 'web-01')
        second = base.make_policy()
        with self.store.transaction(is_durable=True):
            self.enter([report.policy, second])
            self.enter([second])
        self.assertEqual(second, self.only().policy)
        (row,) = self.reader().history(10)
        self.assertEqual(report.policy.uuid, row.uuid)
        self.assertEqual('web-01', row.guest_name)

    def test_all_or_none(self) -> None:
        monster = base.make_policy(guest_uuid='x\udc80')
        with self.store.transaction(is_durable=True):
            self.assertRaises(
                exception.JournalEntryInvalid,
                self.enter,
                [base.make_policy(), monster],
            )
        self.assertEqual([], self.reader().in_flight())

    def enter(self, policies: list[model.BalloonPolicy]) -> None:
        with self.store.entry():
            self.store.request(policies, 999.0)

    @hypothesis.given(balloon_policy=strategies.policies())
    def test_any_policy_comes_back_as_it_was(
        self, balloon_policy: model.BalloonPolicy
    ) -> None:
        self.store.close()
        self.path.unlink()
        self.store.open()
        self.request(balloon_policy)
        self.assertEqual(balloon_policy, self.only().policy)

    def test_what_could_not_be_read_back_is_refused(self) -> None:
        monster = base.make_policy(guest_uuid='x\udc80')
        with self.store.transaction(is_durable=True):
            self.assertRaises(
                exception.JournalEntryInvalid, self.enter, [monster]
            )
            huge = base.make_policy(duration_seconds=1e12)
            self.assertRaises(
                exception.JournalEntryInvalid, self.enter, [huge]
            )
        self.assertEqual([], self.reader().in_flight())

    def test_a_damaged_entry_hides_no_other(self) -> None:
        self.request(base.make_policy(), base.make_policy())
        with self.store.transaction(is_durable=True):
            self.store._file.execute(
                'UPDATE policy SET content = ? WHERE id = 1', (b'nonsense',)
            )
        self.assertEqual(1, len(self.reader().in_flight()))
        self.assertIn('A policy in flight is lost', self.log.output)


class TestEnd(StoreTestCase):
    def test_only_the_first_counts(self) -> None:
        report = factory.make_report(self.host)
        self.request(report.policy)
        self.end(report)
        other = dataclasses.replace(report, reason=model.EndReason.FAILED)
        self.assertRaises(exception.PolicyAlreadyEnded, self.end, other)
        (row,) = self.reader().history(10)
        self.assertIs(model.EndReason.TARGET, row.reason)

    def test_without_a_request(self) -> None:
        report = factory.make_report(self.host)
        self.end(report)
        (row,) = self.reader().history(10)
        self.assertEqual(report.policy.guest_uuid, row.guest_name)

    def test_the_start_that_is_known_stands(self) -> None:
        report = factory.make_report(self.host)
        self.request(report.policy, at=990.0)
        self.start(report.policy, 991.0)
        self.host.boot()
        self.host.wait(100)
        self.end(
            dataclasses.replace(
                report,
                started_at=self.host.now - 2,
                deadline_at=self.host.now,
                ended_at=self.host.now,
            )
        )
        (row,) = self.reader().history(10)
        began = _NOON - datetime.timedelta(seconds=9)
        self.assertEqual(began, row.started_utc)
        self.assertEqual(
            _NOON + datetime.timedelta(seconds=160), row.ended_utc
        )
        saved = self.reader().report_of(report.policy.uuid)
        self.assertEqual(began, saved.started_at)

    def test_an_end_is_not_before_its_start(self) -> None:
        report = factory.make_report(self.host)
        self.request(report.policy)
        self.start(report.policy, 999.0)
        self.host.wall -= 3600
        self.end(report)
        (row,) = self.reader().history(10)
        self.assertEqual(row.started_utc, row.ended_utc)

    def test_a_row_of_the_history(self) -> None:
        report = factory.make_report(
            self.host, lateness_seconds=0.25, timing=base.UNABLE
        )
        self.end(report, 'web-01')
        self.assertEqual(
            [
                reader.PastPolicy(
                    uuid=report.policy.uuid,
                    guest_uuid=report.policy.guest_uuid,
                    guest_name='web-01',
                    origin=model.Origin.OPERATOR,
                    direction=model.Direction.INFLATE,
                    start_kib=base.GIB,
                    target_kib=512 * base.MIB,
                    end_kib=512 * base.MIB,
                    freed_kib=300 * base.MIB,
                    reason=model.EndReason.TARGET,
                    detail='reached 512 MiB',
                    started_utc=_NOON - datetime.timedelta(seconds=1),
                    ended_utc=_NOON,
                    lateness_seconds=0.25,
                    timing=base.UNABLE,
                )
            ],
            self.reader().history(10),
        )

    def test_words_from_anywhere(self) -> None:
        words = 'a\udcff\0\n\U0001f388' + 'x' * 100_000
        report = factory.make_report(
            self.host,
            detail=words,
            policy=base.make_policy(explanation=words, mode_words=words),
            timing=timekeeping.Timing(words=words),
        )
        self.end(report, words)
        (row,) = self.reader().history(10)
        self.assertEqual('a?\0\n\U0001f388' + 'x' * 4091, row.detail)
        saved = self.reader().report_of(report.policy.uuid)
        self.assertEqual(row.detail, saved.report.detail)
        self.assertEqual(row.detail, saved.report.policy.explanation)
        self.assertEqual(row.detail, saved.report.policy.mode_words)
        self.assertEqual(row.detail, saved.report.timing.words)
        self.assertEqual(row.guest_name, saved.guest_name)
        self.assertEqual([row], self.reader().history(1, guest=row.guest_name))
        self.assertEqual([], self.reader().history(1, guest='\udcff'))

    @hypothesis.given(report=strategies.reports())
    def test_any_report_comes_back_as_it_was(
        self, report: model.EndReport
    ) -> None:
        self.store.close()
        self.path.unlink()
        self.store.open()
        self.end(report, 'web')
        run = saved_run.from_reports(
            [report],
            guest_names={report.policy.guest_uuid: 'web'},
            host='here',
            wall_clock=self.host.clock().pair(),
        )
        uuid = report.policy.uuid
        self.assertEqual(run.policies[0], self.reader().report_of(uuid))
        epoch = datetime.datetime(1970, 1, 1, tzinfo=_UTC)
        self.assertEqual(run, self.reader().saved_run(epoch, host='here'))

    def test_unknown(self) -> None:
        self.assertRaises(
            exception.PolicyNotInJournal, self.reader().report_of, 'x\udcff'
        )
        self.assertRaises(
            exception.PolicyNotInJournal, self.reader().history, 1, 'nothing'
        )

    def test_pages(self) -> None:
        # All end at the same instant.
        uuids = [
            self.enter_end(self.store, f'web-{index % 2}').policy.uuid
            for index in range(7)
        ]
        pages: list[list[str]] = []
        before = None
        while page := self.reader().history(3, before):
            pages.append([row.uuid for row in page])
            before = page[-1].uuid
        self.assertEqual([3, 3, 1], [len(page) for page in pages])
        self.assertEqual(
            uuids[::-1], [uuid for page in pages for uuid in page]
        )
        rows = self.reader().history(2, uuids[5], 'web-1')
        self.assertEqual([uuids[3], uuids[1]], [row.uuid for row in rows])
        rows = self.reader().history(9, guest=base.uuid_of('web-1'))
        self.assertEqual(uuids[5::-2], [row.uuid for row in rows])


class TestTraits(StoreTestCase):
    @hypothesis.given(
        traits=st.builds(
            situation.GuestTraits,
            rate_kib_per_second=st.none() | _finite,
            cooperation=_finite,
            strikes=_finite,
            struck_utc=st.none() | _finite,
        ),
        name=st.text(),
    )
    def test_any_come_back_as_they_were(
        self, traits: situation.GuestTraits, name: str
    ) -> None:
        with self.store.transaction(is_durable=False):
            self.store.remember(name, situation.GuestTraits(strikes=3.0))
            self.store.remember(name, traits)
        self.assertEqual(traits, self.reader().traits()[name])

    def test_what_is_no_number(self) -> None:
        with self.store.transaction(is_durable=False):
            for value in (math.nan, math.inf):
                traits = situation.GuestTraits(rate_kib_per_second=value)
                self.assertRaises(
                    ValueError, self.store.remember, 'web', traits
                )
        self.assertEqual({}, self.reader().traits())


class TestCourse(StoreTestCase):
    def sample(self, *sizes_kib: int, step_seconds: float = 0.25) -> None:
        with self.store.transaction(is_durable=False):
            for size_kib in sizes_kib:
                self.host.wait(step_seconds)
                memory = factory.make_memory(self.host.now, size_kib)
                self.store.sample_host(memory, factory.WATERMARKS)

    def course(
        self, since_seconds: float = 0, until_seconds: float | None = None
    ) -> saved_run.HostCourse | None:
        until = None
        if until_seconds is not None:
            until = _NOON + datetime.timedelta(seconds=until_seconds)
        since = _NOON + datetime.timedelta(seconds=since_seconds)
        return self.reader().saved_run(since, until, host='here').course

    def test_nothing_is_known(self) -> None:
        self.assertIsNone(self.course())

    def test_notices_in_words(self) -> None:
        self.sample(base.GIB)
        with self.store.transaction(is_durable=False):
            for notice in factory.make_notices(self.host.now):
                self.store.note(notice, 'web-01')
        course = self.course()
        assert course is not None
        self.assertEqual(
            [
                (saved_run.MarkKind.PRESSURE_STARTED, 'short'),
                (
                    saved_run.MarkKind.RELIEF_PLANNED,
                    '1024 MiB needed: 1 guest asked for 300 MiB within 5.00 s',
                ),
                (
                    saved_run.MarkKind.RELIEF_CORRECTED,
                    '1024 MiB needed: nothing can be asked of any guest; '
                    '1024 MiB not covered',
                ),
                (
                    saved_run.MarkKind.FOREIGN_CHANGE,
                    'web-01 was moved from 1024 MiB to 512 MiB',
                ),
                (saved_run.MarkKind.PRESSURE_ENDED, 'well'),
            ],
            [(mark.kind, mark.words) for mark in course.marks],
        )

    def test_points_of_an_interval(self) -> None:
        self.sample(5, 4, 3, 2, 1)
        course = self.course(0.5, 1.0)
        assert course is not None
        self.assertEqual(
            [4, 3, 2], [point.available_kib for point in course.points]
        )
        self.assertEqual(
            _NOON + datetime.timedelta(seconds=0.5), course.points[0].at
        )
        self.assertEqual(64 * base.GIB, course.total_kib)
        self.assertEqual(base.GIB, course.low_watermark_kib)
        self.assertEqual(2 * base.GIB, course.high_watermark_kib)

    def test_a_dip_survives_where_there_are_too_many(self) -> None:
        sizes_kib = [1000] * 45_000
        sizes_kib[31_415] = 7
        self.sample(*sizes_kib)
        course = self.course()
        assert course is not None
        self.assertTrue(10_000 < len(course.points) <= 20_001)
        (dip,) = [it for it in course.points if it.available_kib == 7]
        self.assertEqual(
            _NOON + datetime.timedelta(seconds=31_416 * 0.25), dip.at
        )
        instants = [point.at for point in course.points]
        self.assertEqual(sorted(instants), instants)

    def test_policies_of_an_interval(self) -> None:
        uuids = []
        for _ in range(4):
            self.host.wait(10)
            uuids.append(self.enter_end(self.store).policy.uuid)
        run = self.reader().saved_run(
            _NOON + datetime.timedelta(seconds=15),
            _NOON + datetime.timedelta(seconds=35),
            host='he\udcffre',
        )
        self.assertEqual('he?re', run.host)
        self.assertEqual(
            uuids[1:3], [it.report.policy.uuid for it in run.policies]
        )


class TestRetention(StoreTestCase):
    def prune(self, **more: float) -> int:
        kept = retention.Retention(**more)  # type: ignore[arg-type]
        deleted = 0
        while True:
            with self.store.transaction(is_durable=False):
                count = self.store.prune(kept, 3)
            if not count:
                return deleted
            self.assertTrue(count <= 15, count)
            deleted += count

    def test_too_many(self) -> None:
        self.request(base.make_policy())
        uuids = [self.enter_end(self.store).policy.uuid for _ in range(20)]
        self.assertEqual(15, self.prune(policies=5))
        rows = self.reader().history(99)
        self.assertEqual(uuids[:-6:-1], [row.uuid for row in rows])
        self.assertEqual(1, len(self.reader().in_flight()))

    def test_too_old(self) -> None:
        self.request(base.make_policy())
        for _ in range(4):
            self.enter_end(self.store)
            with self.store.transaction(is_durable=False):
                self.store.remember(
                    str(self.host.now), situation.GuestTraits()
                )
                self.store.note(factory.make_notices(self.host.now)[0])
                self.store.sample_host(
                    factory.make_memory(self.host.now), factory.WATERMARKS
                )
            self.host.wait(86_400)
        self.assertEqual(8, self.prune(days=2.5))
        self.assertEqual(2, len(self.reader().history(99)))
        self.assertEqual(2, len(self.reader().traits()))
        run = self.reader().saved_run(instant.from_us(0), host='here')
        assert run.course is not None
        self.assertEqual(2, len(run.course.points))
        self.assertEqual(2, len(run.course.marks))
        self.assertEqual(1, len(self.reader().in_flight()))
        self.assertEqual(0, self.prune(days=2.5))


class TestInstant(base.TestCase):
    def test_the_boot_of_this_host(self) -> None:
        self.assertEqual(
            '', instant.read_boot_id(instant.BOOT_ID_PATH / 'none')
        )

    def test_round_trip(self) -> None:
        utc = datetime.datetime(2026, 5, 4, 1, 2, 3, 456789, tzinfo=_UTC)
        self.assertEqual(utc, instant.from_us(instant.to_us(utc)))
