# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import contextlib
import dataclasses
import pathlib
import sqlite3
import threading
import time
from typing import Any
from unittest import mock

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.journal import backlog
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import retention
from nova_balloon_timer.journal import store
from nova_balloon_timer.journal import writer
from tests.unit import base
from tests.unit.journal import factory


class JournalThreadTestCase(factory.JournalTestCase):
    def begin(self, **more: Any) -> writer.Journal:
        journal = writer.Journal(self.path, **more)
        self.addCleanup(journal.close, 5)
        return journal

    def hold(self) -> sqlite3.Connection:
        """Keep the journal from writing, as a slow disk does."""
        other = sqlite3.connect(
            self.path, isolation_level=None, check_same_thread=False
        )
        self.addCleanup(other.close)
        other.execute('BEGIN EXCLUSIVE')
        return other

    def break_disk(self, error: Exception) -> Callable[[], Any]:
        """Let every transaction fail until the patch is stopped."""
        patch = mock.patch.object(
            store.Store, 'transaction', autospec=True, side_effect=error
        )
        patch.start()
        restored = threading.Event()

        def restore() -> None:
            if not restored.is_set():
                patch.stop()
            restored.set()

        self.addCleanup(restore)
        return restore

    def reader(self) -> reader.Reader:
        return reader.Reader(self.path)


class TestJournal(JournalThreadTestCase):
    def test_says_how_much_waits(self) -> None:
        journal = self.begin()
        self.assertTrue(journal.flush(10))
        restore = self.break_disk(OSError('input/output error'))
        for _ in range(3):
            journal.start(base.make_policy().uuid, 1.0, base.BY_HOST)
        self.assertEqual(3, journal.waiting)
        restore()
        self.assertTrue(journal.flush(10))
        self.assertEqual(0, journal.waiting)

    def test_a_policy_from_request_to_end(self) -> None:
        journal = self.begin()
        done = factory.Answers()
        now = time.monotonic()
        balloon_policy = base.make_policy()
        names = {balloon_policy.guest_uuid: 'web'}

        journal.request([balloon_policy], now, done, names)
        self.assertIsNone(done.next())
        (found,) = journal.in_flight()
        self.assertEqual(
            (balloon_policy, 'web', None),
            (found.policy, found.guest_name, found.started_at),
        )

        journal.start(balloon_policy.uuid, now, base.BY_HOST)
        self.assertTrue(journal.flush(10))
        self.assertEqual(now, journal.in_flight()[0].started_at)

        report = base.make_report(
            policy=balloon_policy, started_at=now, ended_at=now + 1
        )
        journal.end(report, done)
        self.assertIsNone(done.next())
        self.assertEqual([], journal.in_flight())
        self.assertEqual('web', self.reader().history(1)[0].guest_name)

        journal.end(report, done)
        self.assertIn('has ended already', str(done.next()))
        self.assertIn('refuses an end', self.log.output)
        self.assertTrue(journal.close(5))
        self.assertEqual(['journal.sqlite'], self.names())

    def test_what_is_not_asked_for(self) -> None:
        journal = self.begin()
        traits = situation.GuestTraits(strikes=2.0)
        now = time.monotonic()
        journal.remember('web', traits)
        for notice in factory.make_notices(now - 60):
            journal.note(notice)
        for index in range(4):
            journal.sample_host(
                factory.make_memory(now - 60 + index),
                factory.WATERMARKS,
                is_pressing=index == 2,
            )
        self.assertTrue(journal.flush(10))
        self.assertEqual({'web': traits}, journal.traits())
        run = self.reader().saved_run(instant.from_us(0), host='here')
        assert run.course is not None
        self.assertEqual(3, len(run.course.points))
        self.assertEqual(5, len(run.course.marks))

    def test_one_entry_that_is_refused_spoils_no_other(self) -> None:
        self.begin().close(5)
        other = self.hold()
        journal = self.begin()
        bad, good = factory.Answers(), factory.Answers()
        now = time.monotonic()
        journal.request([base.make_policy()], now, good)
        journal.request(
            [base.make_policy(), base.make_policy(guest_uuid='\udc80')],
            now,
            bad,
        )
        journal.remember('web', situation.GuestTraits(strikes=float('inf')))
        journal.request([base.make_policy()], float('nan'), bad)
        journal.request([base.make_policy()], 1e300, bad)
        journal.request([base.make_policy()], now, good)
        other.execute('COMMIT')
        for _ in range(2):
            self.assertIsNone(good.next())
        for _ in range(3):
            self.assertIsNotNone(bad.next())
        self.assertEqual(2, len(journal.in_flight()))
        self.assertEqual('', journal.failure)

    def test_a_defect_in_one_entry_spoils_no_other(self) -> None:
        self.begin().close(5)
        other = self.hold()
        journal = self.begin()
        bad, good = factory.Answers(), factory.Answers()
        now = time.monotonic()
        journal.request([base.make_policy()], now, good)
        nothing: Any = 'no policy'
        journal.request([], now, good)
        with mock.patch.object(
            store.Store, 'remember', autospec=True, side_effect=KeyError('x')
        ):
            journal.remember('web', situation.GuestTraits())
            report = base.make_report(started_at=now, ended_at=now + 1)
            journal.end(dataclasses.replace(report, detail=nothing), good)
            broken = dataclasses.replace(report, policy=nothing)
            journal.end(broken, bad)
            other.execute('COMMIT')
            for _ in range(3):
                self.assertIsNone(good.next())
            self.assertIn('a defect', str(bad.next()))
        self.assertIn('Traceback', self.log.output)
        self.assertEqual(1, len(journal.in_flight()))
        self.assertEqual(1, len(self.reader().history(10)))
        self.assertEqual('', journal.failure)

    def test_what_was_left_behind_is_not_what_is_requested_here(self) -> None:
        first = self.begin()
        done = factory.Answers()
        left, own = base.make_policy(), base.make_policy()
        first.request([left], time.monotonic(), done)
        self.assertIsNone(done.next())
        first.close(5)
        journal = self.begin()
        journal.request([own], time.monotonic(), done)
        self.assertIsNone(done.next())
        (found,) = journal.left_behind()
        self.assertEqual(left, found.policy)

    def test_what_waits_is_written_at_once(self) -> None:
        self.begin().close(5)
        other = self.hold()
        with mock.patch.object(
            store.Store,
            'transaction',
            autospec=True,
            side_effect=store.Store.transaction,
        ) as transaction:
            journal = self.begin()
            done = factory.Answers()
            for _ in range(50):
                journal.request([base.make_policy()], 0.0, done)
            self.assertTrue(done.is_empty)
            other.execute('COMMIT')
            for _ in range(50):
                self.assertIsNone(done.next())
            self.assertLess(transaction.call_count, 10)

    def test_who_waits_may_fail(self) -> None:
        journal = self.begin()
        done = factory.Answers()
        journal.request(
            [base.make_policy()], 0.0, mock.Mock(side_effect=OSError)
        )
        journal.request([base.make_policy()], 0.0, done)
        self.assertIsNone(done.next())
        self.assertIn('Who waited for the journal failed', self.log.output)

    def test_after_its_close(self) -> None:
        journal = self.begin()
        self.assertTrue(journal.close(5))
        done = factory.Answers()
        journal.request([base.make_policy()], 0.0, done)
        self.assertEqual('the journal is closed', done.next())
        journal.remember('web', situation.GuestTraits())
        self.assertTrue(journal.close(5))

    def test_a_damaged_file_at_the_start(self) -> None:
        self.path.write_text('nothing')
        journal = self.begin()
        self.assertEqual([], journal.in_flight())
        self.assertIn('cannot be used', self.log.output)

    def test_many_threads(self) -> None:
        journal = self.begin()
        done = factory.Answers()

        def ask() -> None:
            for _ in range(40):
                journal.request([base.make_policy()], 0.0, done)

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in range(160):
            self.assertIsNone(done.next())
        for thread in threads:
            thread.join()
        self.assertEqual(160, len(journal.in_flight()))


class TestTrouble(JournalThreadTestCase):
    def test_a_lock_delays(self) -> None:
        journal = self.begin()
        journal.traits()
        other = self.hold()
        done = factory.Answers()
        journal.request([base.make_policy()], 0.0, done)
        self.assertFalse(journal.flush(0.7))
        self.assertTrue(done.is_empty)
        other.execute('COMMIT')
        self.assertIsNone(done.next())
        self.assertEqual('', self.log.output)

    def test_a_lock_that_stays(self) -> None:
        journal = self.begin(patience_seconds=-1.0)
        journal.traits()
        other = self.hold()
        done, ended = factory.Answers(), factory.Answers()
        journal.request([base.make_policy()], 0.0, done)
        journal.end(base.make_report(), ended)
        for answers in (done, ended):
            self.assertEqual('database is locked', answers.next())
        self.assertEqual(1, self.log.output.count('cannot be written'))
        other.execute('COMMIT')
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual([], journal.in_flight())
        self.assertEqual(1, len(self.reader().history(9)))
        self.assertEqual(1, self.log.output.count('can be written again'))
        self.assertTrue(ended.is_empty)

    def test_its_close_waits_no_longer_than_told(self) -> None:
        journal = self.begin()
        journal.traits()
        other = self.hold()
        done = factory.Answers()
        journal.request([base.make_policy()], 0.0, done)
        begin = time.monotonic()
        self.assertFalse(journal.close(0.3))
        self.assertLess(time.monotonic() - begin, 2)
        self.assertEqual('the journal is closed', done.next())
        other.execute('COMMIT')
        self.assertEqual([], self.reader().in_flight())

    def test_an_end_outlives_a_failing_disk(self) -> None:
        journal = self.begin()
        journal.traits()
        restore = self.break_disk(sqlite3.OperationalError('disk I/O error'))
        done = factory.Answers()
        requested = base.make_policy()
        report = base.make_report()
        journal.end(report, done)
        self.assertEqual('disk I/O error', done.next())
        journal.remember('web', situation.GuestTraits())
        journal.start(report.policy.uuid, 0.0, base.BY_HOST)
        journal.request([requested], 0.0, done)
        # At once, although the next attempt is later.
        self.assertEqual('disk I/O error', done.next())
        self.assertEqual('disk I/O error', journal.failure)
        self.assertFalse(journal.flush(0.0))
        restore()
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual('', journal.failure)
        self.assertEqual(0, journal.waiting)
        self.assertEqual(
            [report.policy.uuid],
            [row.uuid for row in self.reader().history(9)],
        )
        self.assertEqual([], journal.in_flight())
        self.assertEqual(['web'], list(journal.traits()))
        self.assertTrue(done.is_empty)

    def test_an_end_that_got_through_after_all(self) -> None:
        journal = self.begin()
        journal.traits()
        report = base.make_report()
        real = store.Store.transaction
        failures = iter([True])

        @contextlib.contextmanager
        def ambiguous(self: store.Store, *, is_durable: bool) -> Any:
            with real(self, is_durable=is_durable):
                yield
            if next(failures, False):
                raise sqlite3.OperationalError('disk I/O error')

        with mock.patch.object(store.Store, 'transaction', ambiguous):
            done = factory.Answers()
            journal.end(report, done)
            self.assertEqual('disk I/O error', done.next())
            self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertNotIn('refuses', self.log.output)
        self.assertEqual(1, len(self.reader().history(9)))

    def test_memory_is_bounded(self) -> None:
        jobs = backlog.Backlog(most_transitions=5, most_others=3)
        journal = self.begin(jobs=jobs)
        journal.traits()
        restore = self.break_disk(sqlite3.OperationalError('disk is full'))
        done = factory.Answers()
        reports = [base.make_report() for _ in range(8)]
        for report in reports:
            journal.end(report, done)
        for index in range(8):
            journal.remember(f'web-{index}', situation.GuestTraits())
        words = [done.next() for _ in range(8)]
        self.assertNotIn(None, words)
        self.assertLessEqual(len(jobs), 5 + 3 + 8)
        self.assertEqual(1, self.log.output.count('is not written quickly'))
        restore()
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertIn('lacks what was lost', self.log.output)
        self.assertGreaterEqual(len(self.reader().history(9)), 5)

    def test_curves_are_given_up_first(self) -> None:
        journal = self.begin()
        journal.traits()
        restore = self.break_disk(sqlite3.OperationalError('disk is full'))
        done = factory.Answers()
        uuids = []
        for _ in range(80):
            report = base.make_report(curve=factory.make_curve(10, 100.0))
            uuids.append(report.policy.uuid)
            journal.end(report, done)
            done.next()
        restore()
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual(80, len(self.reader().history(99)))
        self.assertTrue(self.reader().report_of(uuids[0]).report.curve)
        self.assertFalse(self.reader().report_of(uuids[-1]).report.curve)

    def test_damage_while_it_runs(self) -> None:
        journal = self.begin()
        journal.traits()
        real = store.Store.transaction
        failures = iter([True])

        def damaged(self: store.Store, *, is_durable: bool) -> Any:
            if next(failures, False):
                raise sqlite3.DatabaseError('database disk image is malformed')
            return real(self, is_durable=is_durable)

        with mock.patch.object(store.Store, 'transaction', damaged):
            done = factory.Answers()
            journal.request([base.make_policy()], 0.0, done)
            self.assertIsNone(done.next())
        self.assertEqual(1, len(list(self.folder.glob('*.damaged-*Z'))))
        self.assertEqual(1, len(journal.in_flight()))

    def test_a_defect(self) -> None:
        journal = self.begin()
        journal.traits()
        with mock.patch.object(
            store.Store, 'request', autospec=True, side_effect=KeyError('x')
        ):
            done = factory.Answers()
            journal.request([base.make_policy()], 0.0, done)
            self.assertIn('a defect', str(done.next()))
        journal.end(base.make_report(), done)
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual(1, len(self.reader().history(9)))

    def test_a_folder_that_comes_later(self) -> None:
        (self.folder / 'late').touch()
        self.path = self.folder / 'late' / 'journal.sqlite'
        journal = self.begin()
        self.assertRaises(exception.JournalNotReadable, journal.in_flight)
        done = factory.Answers()
        journal.request([base.make_policy()], 0.0, done)
        self.assertIsNotNone(done.next())
        pathlib.Path(self.folder / 'late').unlink()
        journal.end(base.make_report(), done)
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual(1, len(self.reader().history(9)))

    def test_what_is_lost_at_its_close_is_told(self) -> None:
        journal = self.begin()
        journal.traits()
        self.break_disk(sqlite3.OperationalError('disk is full'))
        done = factory.Answers()
        journal.end(base.make_report(), done)
        self.assertEqual('disk is full', done.next())
        self.assertFalse(journal.close(0.5))
        self.assertIn('1 of end', self.log.output)

    def test_old_policies_are_forgotten(self) -> None:
        opened = self.open_store()
        for _ in range(250):
            self.enter_end(opened)
        opened.close()
        kept = retention.Retention(days=1e6, policies=7)
        journal = self.begin(retention=kept)
        end_at = time.monotonic() + base.PATIENCE_SECONDS
        while len(self.reader().history(999)) > 7:
            self.assertLess(time.monotonic(), end_at)
        self.assertTrue(journal.close(5))
