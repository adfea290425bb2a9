# SPDX-License-Identifier: Apache-2.0

import sqlite3
import threading
from typing import Any

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.journal import letterbox
from nova_balloon_timer.journal import store
from nova_balloon_timer.journal import writer
from nova_balloon_timer.notifier import announcer
from nova_balloon_timer.notifier import letter
from tests.unit import base
from tests.unit.journal import factory

_Said = announcement.Announcement


def _encode(said: _Said) -> letter.Payload:
    return {'uuid': said.subject_uuid, 'sequence': said.sequence}


class OutboxTestCase(factory.JournalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.announcer = announcer.Announcer(
            name_of=lambda uuid: uuid,
            make_uuid=lambda: 'episode',
            progress_seconds=1.0,
        )

    def letters(self, after: int = 0, limit: int = 100) -> list[Any]:
        found = self.reader().letters(after, limit)
        return [(it.event_type, it.payload.get('sequence')) for it in found]

    def course(self, balloon_policy: model.BalloonPolicy) -> list[_Said]:
        """Return all that is told of a policy with two looks at progress."""
        said = [
            self.announcer.created(balloon_policy, 999.0),
            self.announcer.started(balloon_policy, 999.0, base.BY_HOST, 999.1),
        ]
        for at in (1001.0, 1003.0):
            progress = self.announcer.sampled(
                balloon_policy.guest_uuid, base.make_sample(at=at), at
            )
            assert progress is not None
            said.append(progress)
        report = base.make_report(policy=balloon_policy)
        return [*said, self.announcer.ended(report, 1004.0)]


class StoreTestCase(OutboxTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = self.open_store(encode=_encode, most_letters=100)

    def announce(self, *said: _Said) -> None:
        with self.store.transaction(is_durable=False):
            for one in said:
                self.store.announce(one)

    def test_keeps_letters_in_their_order(self) -> None:
        said = self.course(base.make_policy())
        self.announce(*said[:2])
        self.assertEqual(
            [('balloon_policy.create', 0), ('balloon_policy.start', 1)],
            self.letters(),
        )
        first, second = self.reader().letters(0, 9)
        self.assertEqual('info', first.priority)
        self.assertEqual(100_000, second.at_us - first.at_us)
        self.assertEqual([second], self.reader().letters(first.number, 9))
        self.assertEqual([first], self.reader().letters(0, 1))
        self.assertEqual(2, self.reader().count_letters())

    def test_progress_that_is_overtaken_is_no_news(self) -> None:
        said = self.course(base.make_policy())
        self.announce(*said[:4])
        self.assertEqual([0, 1, 3], [it[1] for it in self.letters()])
        self.announce(said[4])
        self.assertEqual([0, 1, 4], [it[1] for it in self.letters()])

    def test_forgets_what_was_sent(self) -> None:
        self.announce(*self.course(base.make_policy())[:2])
        first, second = self.reader().letters(0, 9)
        with self.store.transaction(is_durable=False):
            self.store.forget_sent([first.number])
        self.assertEqual([second], self.reader().letters(0, 9))

    def test_numbers_are_not_used_twice(self) -> None:
        said = self.course(base.make_policy())
        self.announce(said[0])
        (first,) = self.reader().letters(0, 9)
        with self.store.transaction(is_durable=False):
            self.store.forget_sent([first.number])
        self.announce(said[1])
        (second,) = self.reader().letters(0, 9)
        self.assertGreater(second.number, first.number)

    def test_nor_by_the_journal_after_a_damaged_one(self) -> None:
        said = self.course(base.make_policy())
        self.announce(*said[:2])
        numbers = [it.number for it in self.reader().letters(0, 9)]
        self.store.abandon('a test')
        self.store.open()
        self.announce(said[4])
        # As whoever sends does, who knows nothing of the other journal.
        with self.store.transaction(is_durable=False):
            self.store.forget_sent(numbers)
        self.assertEqual(
            [('balloon_policy.target_reached', 4)], self.letters(numbers[-1])
        )

    def test_of_too_many_progress_is_dropped_first(self) -> None:
        policies = [
            base.make_policy(guest_uuid=base.uuid_of(f'guest {number}'))
            for number in range(40)
        ]
        for balloon_policy in policies:
            self.announce(*self.course(balloon_policy)[:3])
        self.assertEqual(20, self.store.dropped)
        kinds = [kind for kind, _ in self.letters()]
        self.assertEqual(100, len(kinds))
        self.assertEqual(20, kinds.count('balloon_policy.progress'))
        for balloon_policy in policies:
            report = base.make_report(policy=balloon_policy)
            self.announce(self.announcer.ended(report, 1004.0))
        kinds = [kind for kind, _ in self.letters()]
        self.assertEqual(100, len(kinds))
        self.assertEqual(40, kinds.count('balloon_policy.target_reached'))
        # Then the oldest of all.
        self.assertEqual(30, kinds.count('balloon_policy.start'))
        self.assertEqual(30, kinds.count('balloon_policy.create'))
        self.assertEqual(60, self.store.dropped)

    def test_a_full_one_is_not_searched_at_each_entry(self) -> None:
        for number in range(50):
            guest_uuid = base.uuid_of(f'guest {number}')
            self.announce(
                *self.course(base.make_policy(guest_uuid=guest_uuid))[:2]
            )
        file = self.store._file
        statements: list[str] = []
        file.set_trace_callback(statements.append)
        self.announce(self.course(base.make_policy())[0])
        file.set_trace_callback(None)
        self.assertEqual(1, self.store.dropped)
        plans = [
            row[3]
            for statement in statements
            if statement.lstrip().startswith(('SELECT', 'DELETE', 'INSERT'))
            for row in file.execute(f'EXPLAIN QUERY PLAN {statement}')
        ]
        self.assertIn('outbox_progress', ' '.join(plans))
        scans = [plan for plan in plans if plan.startswith('SCAN outbox')]
        # The oldest are found by a scan from the first one on, which ends.
        self.assertEqual(
            ['SCAN outbox', 'SCAN outbox USING INDEX outbox_progress'],
            sorted(plan.replace('COVERING ', '') for plan in scans),
        )
        self.assertNotIn('count(*)', ' '.join(statements))

    def test_what_waits_is_known_after_a_failure(self) -> None:
        said = self.course(base.make_policy())
        self.announce(*said[:2])
        self.assertEqual(2, self.store.waiting)
        with (
            self.assertRaises(RuntimeError),
            self.store.transaction(is_durable=False),
        ):
            self.store.announce(said[2])
            raise RuntimeError('a test')
        self.assertEqual(2, self.store.waiting)
        with self.store.transaction(is_durable=False):
            with self.assertRaises(RuntimeError), self.store.entry():
                self.store.announce(said[2])
                raise RuntimeError('a test')
            self.store.announce(said[3])
        self.assertEqual(3, self.store.waiting)
        self.announce(said[4])
        self.assertEqual(3, self.store.waiting)

    def test_how_far_it_is_told_is_known_until_the_end(self) -> None:
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        with self.store.transaction(is_durable=True):
            self.store.request([balloon_policy], 999.0)
        self.announce(*said[:2])
        (flight,) = self.reader().in_flight()
        self.assertEqual(1, flight.sequence)
        self.announce(said[4])
        with self.store.transaction(is_durable=True):
            self.store.end(base.make_report(policy=balloon_policy))
        with sqlite3.connect(self.path) as file:
            rows = file.execute('SELECT * FROM subject').fetchall()
        self.assertEqual([], rows)

    def test_pressure_that_is_not_over_is_known(self) -> None:
        started = self.announcer.noticed(
            message.PressureStarted(at=999.0, memory=None, words='short'),
            None,
        )
        assert started is not None
        self.announce(started, self.course(base.make_policy())[0])
        (told,) = self.reader().host_subjects()
        self.assertEqual(('episode', 0), (told.subject_uuid, told.sequence))
        self.announce(self.announcer.pressure_ended(None, None, '', 1000.0))
        self.assertEqual([], self.reader().host_subjects())

    def test_nothing_is_kept_where_nothing_is_sent(self) -> None:
        silent = store.Store(self.path, clock=self.host.clock())
        silent.open()
        self.addCleanup(silent.close)
        with silent.transaction(is_durable=False):
            silent.announce(self.course(base.make_policy())[0])
        self.assertEqual([], self.letters())

    def test_a_damaged_letter_is_empty(self) -> None:
        self.announce(*self.course(base.make_policy())[:2])
        with sqlite3.connect(self.path) as file:
            file.execute(
                "UPDATE outbox SET content = x'00' "
                'WHERE id = (SELECT min(id) FROM outbox)'
            )
        first, second = self.reader().letters(0, 9)
        self.assertEqual({}, first.payload)
        self.assertEqual(1, second.payload['sequence'])
        self.assertIn('A notification on the disk is damaged', self.log.output)


class Carrier:
    """Keeps what it gets."""

    def __init__(self) -> None:
        self.woken = threading.Semaphore(0)
        self.taken: list[_Said] = []

    def wake(self) -> None:
        self.woken.release()

    def take(self, said: Any) -> None:
        self.taken += said


class JournalTestCase(OutboxTestCase):
    def open_journal(self, **more: Any) -> writer.Journal:
        journal = writer.Journal(
            self.path,
            clock=self.host.clock(),
            **{'encode': _encode} | more,
        )
        self.addCleanup(journal.close, base.PATIENCE_SECONDS)
        self.carrier = Carrier()
        journal.connect(self.carrier)
        return journal

    def test_keeps_a_notification_with_what_it_tells(self) -> None:
        journal = self.open_journal()
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        told: list[str | None] = []
        journal.request([balloon_policy], 999.0, told.append, None, said[:1])
        journal.start(balloon_policy.uuid, 999.1, base.BY_HOST, said[1:2])
        journal.announce(said[2:3])
        journal.end(
            base.make_report(policy=balloon_policy),
            told.append,
            None,
            said[4:],
        )
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual([None, None], told)
        self.assertEqual([0, 1, 4], [it[1] for it in self.letters()])
        self.assertTrue(self.carrier.woken.acquire(timeout=0))
        self.assertEqual([], self.carrier.taken)

    def test_forgets_what_was_sent(self) -> None:
        journal = self.open_journal()
        journal.announce(self.course(base.make_policy())[:1])
        journal.flush(base.PATIENCE_SECONDS)
        (kept,) = self.reader().letters(0, 9)
        journal.forget_sent([kept.number])
        journal.flush(base.PATIENCE_SECONDS)
        self.assertEqual([], self.letters())

    def test_what_waits_is_known_without_asking_the_disk(self) -> None:
        journal = self.open_journal()
        journal.announce(self.course(base.make_policy())[:2])
        journal.flush(base.PATIENCE_SECONDS)
        first, _ = self.reader().letters(0, 9)
        self.path.rename(self.path.with_name('away'))
        box = letterbox.Letterbox(journal, self.reader())
        self.assertEqual(2, box.count())
        self.path.with_name('away').rename(self.path)
        box.forget([first.number])
        journal.flush(base.PATIENCE_SECONDS)
        self.assertEqual(1, box.count())

    def test_what_cannot_be_kept_is_sent_at_once(self) -> None:
        self.path.mkdir()
        journal = self.open_journal()
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        answered = threading.Semaphore(0)

        def tell(error: str | None) -> None:
            self.assertIsNotNone(error)
            answered.release()

        journal.request([balloon_policy], 999.0, tell, None, said[:1])
        self.assertTrue(answered.acquire(timeout=base.PATIENCE_SECONDS))
        journal.start(balloon_policy.uuid, 999.1, base.BY_HOST, said[1:2])
        report = base.make_report(policy=balloon_policy)
        journal.end(report, tell, None, said[4:])
        self.assertTrue(answered.acquire(timeout=base.PATIENCE_SECONDS))
        self.assertEqual([0, 1, 4], [it.sequence for it in self.carrier.taken])

        self.path.rmdir()
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual(1, len(self.reader().history(9)))
        self.assertEqual([], self.letters())

    def test_what_is_over_is_over_though_the_disk_failed(self) -> None:
        is_failing = False

        def encode(said: _Said) -> letter.Payload:
            if is_failing:
                raise sqlite3.OperationalError('disk I/O error')
            return _encode(said)

        journal = self.open_journal(encode=encode)
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        journal.request(
            [balloon_policy], 999.0, factory.Answers(), None, said[:1]
        )
        started, ended = (
            message.PressureStarted(at=999.0, memory=None, words='short'),
            message.PressureEnded(at=1000.0, memory=None, words='well'),
        )
        for notice in (started, ended):
            told = self.announcer.noticed(notice, None)
            assert told is not None
            journal.note(notice, None, [told])
            self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
            self.assertEqual(
                int(notice is started), len(self.reader().host_subjects())
            )
            is_failing = True
        report = base.make_report(policy=balloon_policy)
        journal.end(report, factory.Answers(), None, said[4:])
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual(2, len(self.carrier.taken))
        with sqlite3.connect(self.path) as file:
            rows = file.execute('SELECT * FROM subject').fetchall()
        self.assertEqual([], rows)

    def test_what_came_while_the_disk_began_to_fail_is_in_order(self) -> None:
        is_written = threading.Semaphore(0)
        may_fail = threading.Semaphore(0)
        self.addCleanup(may_fail.release)

        def fail(said: _Said) -> letter.Payload:
            is_written.release()
            may_fail.acquire(timeout=base.PATIENCE_SECONDS)
            raise sqlite3.OperationalError('disk I/O error')

        journal = self.open_journal(encode=fail)
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        answers = factory.Answers()
        journal.request([balloon_policy], 999.0, answers, None, said[:1])
        self.assertTrue(is_written.acquire(timeout=base.PATIENCE_SECONDS))
        journal.start(balloon_policy.uuid, 999.1, base.BY_HOST, said[1:2])
        may_fail.release()
        self.assertIsNotNone(answers.next())
        report = base.make_report(policy=balloon_policy)
        journal.end(report, answers, None, said[4:])
        answers.next()
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual([0, 1, 4], [it.sequence for it in self.carrier.taken])

    def test_one_that_cannot_be_written_costs_no_entry(self) -> None:
        def fail(said: _Said) -> letter.Payload:
            raise KeyError('a defect')

        journal = self.open_journal(encode=fail)
        balloon_policy = base.make_policy()
        said = self.course(balloon_policy)
        told: list[str | None] = []
        report = base.make_report(policy=balloon_policy)
        journal.end(report, told.append, None, said[4:])
        self.assertTrue(journal.flush(base.PATIENCE_SECONDS))
        self.assertEqual([None], told)
        self.assertEqual(1, len(self.reader().history(9)))
        self.assertIn('A notification cannot be written', self.log.output)

    def test_a_second_end_is_not_told(self) -> None:
        journal = self.open_journal()
        balloon_policy = base.make_policy()
        report = base.make_report(policy=balloon_policy)
        for _ in range(2):
            said = self.announcer.ended(report, 1004.0)
            journal.end(report, lambda error: None, None, [said])
            journal.flush(base.PATIENCE_SECONDS)
        self.assertEqual(1, len(self.letters()))
        self.assertEqual([], self.carrier.taken)

    def test_nobody_needs_to_carry(self) -> None:
        self.path.mkdir()
        journal = writer.Journal(self.path, encode=_encode)
        self.addCleanup(journal.close, base.PATIENCE_SECONDS)
        journal.announce(self.course(base.make_policy())[:1])
        self.addCleanup(self.path.rmdir)
