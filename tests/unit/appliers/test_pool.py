# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import threading
from typing import Any

import fixtures
import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import pool as applier_pool
from tests.unit import bare_log
from tests.unit import base


class Record:
    """What ran, in its order; waits for what must come."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._done: list[str] = []

    @property
    def done(self) -> list[str]:
        with self._changed:
            return list(self._done)

    def job(self, name: str) -> applier_pool.Job:
        """Return a job that only says that it ran."""
        return lambda: self.add(name)

    def add(self, name: str) -> None:
        with self._changed:
            self._done.append(name)
            self._changed.notify_all()

    def wait(self, count: int) -> list[str]:
        """Wait for so many to be done, and return them."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: len(self._done) >= count, base.PATIENCE_SECONDS
            ):
                raise AssertionError(f'only {self._done} of {count}')
        return self.done


class Gate:
    """A job that begins, and ends when it is let go."""

    def __init__(self, record: Record, name: str) -> None:
        self._record = record
        self._name = name
        self._begun = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self._begun.set()
        self.open.wait(base.PATIENCE_SECONDS)
        self._record.add(self._name)

    @property
    def has_begun(self) -> bool:
        return self._begun.is_set()

    def wait_begun(self) -> None:
        if not self._begun.wait(base.PATIENCE_SECONDS):
            raise AssertionError(f'{self._name} was never begun')


class PoolTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.record = Record()

    def make(self, **fields: Any) -> applier_pool.WorkerPool:
        pool = applier_pool.WorkerPool(**({'size': 2} | fields))
        self.addCleanup(pool.close)
        return pool

    def gate(self, name: str) -> Gate:
        gate = Gate(self.record, name)
        self.addCleanup(gate.open.set)
        return gate

    def busy(self, pool: applier_pool.WorkerPool, guest: str) -> Gate:
        """Give a guest a job, and wait until it is at work."""
        gate = self.gate(guest)
        pool.submit(guest, gate)
        gate.wait_begun()
        return gate


class LineTestCase(PoolTestCase):
    def test_a_guests_jobs_keep_their_order(self) -> None:
        pool = self.make(size=4)
        names = [str(number) for number in range(200)]
        for name in names:
            pool.submit('a', self.record.job(name))
        self.assertEqual(names, self.record.wait(200))

    def test_a_guest_has_one_job_at_a_time(self) -> None:
        pool = self.make(size=4)
        first, second = self.busy(pool, 'a'), self.gate('second')
        pool.submit('a', second)
        for number in range(20):
            pool.submit('b', self.record.job(f'b{number}'))
        self.record.wait(20)
        self.assertFalse(second.has_begun)
        first.open.set()
        second.wait_begun()

    def test_guests_do_not_wait_for_each_other(self) -> None:
        pool = self.make()
        both = threading.Barrier(2)

        def meet() -> None:
            both.wait(base.PATIENCE_SECONDS)
            self.record.add('met')

        pool.submit('a', meet)
        pool.submit('b', meet)
        self.record.wait(2)

    def test_guests_take_turns(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        for name in ('a1', 'a2', 'b1', 'b2'):
            pool.submit(name[0], self.record.job(name))
        gate.open.set()
        done = self.record.wait(5)
        self.assertEqual(['a', 'b1', 'a1', 'b2', 'a2'], done)

    def test_a_job_that_fails_is_logged_and_not_the_last(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        pool = self.make(size=1, most=1)

        def fail() -> None:
            raise ZeroDivisionError('by design')

        pool.submit('a', fail)
        pool.submit('a', self.record.job('after'))
        pool.submit('b', self.record.job('other'))
        self.record.wait(2)
        self.assertIn('ZeroDivisionError: by design', log.output)


class PreemptTestCase(PoolTestCase):
    def test_voids_what_waits_but_not_what_runs(self) -> None:
        pool = self.make()
        gate = self.busy(pool, 'a')
        pool.submit('a', self.record.job('void'))
        pool.submit('a', self.record.job('void too'))
        pool.preempt('a', self.record.job('freeze'))
        pool.submit('a', self.record.job('after'))
        self.assertEqual([], self.record.done)
        gate.open.set()
        self.assertEqual(['a', 'freeze', 'after'], self.record.wait(3))

    def test_leaves_other_guests_lines_alone(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        pool.submit('b', self.record.job('b'))
        pool.preempt('a', self.record.job('freeze'))
        gate.open.set()
        self.assertEqual({'a', 'b', 'freeze'}, set(self.record.wait(3)))

    def test_goes_before_other_guests_jobs(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        for name in ('b', 'c'):
            pool.submit(name, self.record.job(name))
        pool.preempt('d', self.record.job('freeze'))
        gate.open.set()
        self.assertEqual(['a', 'freeze', 'b', 'c'], self.record.wait(4))

    def test_goes_first_also_after_its_guests_own_job(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        pool.submit('b', self.record.job('b'))
        pool.preempt('a', self.record.job('freeze'))
        gate.open.set()
        self.assertEqual(['a', 'freeze', 'b'], self.record.wait(3))

    def test_goes_first_when_its_guests_jobs_wait_already(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        pool.submit('b', self.record.job('b'))
        pool.submit('c', self.record.job('void'))
        pool.preempt('c', self.record.job('freeze'))
        pool.submit('c', self.record.job('after'))
        gate.open.set()
        done = self.record.wait(4)
        self.assertEqual(['a', 'freeze', 'b'], done[:3])
        self.assertEqual('after', done[3])

    def test_the_second_voids_the_first(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        for name in ('void', 'freeze'):
            pool.preempt('b', self.record.job(name))
        pool.submit('b', self.record.job('after'))
        gate.open.set()
        self.assertEqual(['a', 'freeze', 'after'], self.record.wait(3))

    def test_an_idle_guest_is_served_at_once(self) -> None:
        pool = self.make()
        pool.preempt('a', self.record.job('freeze'))
        self.assertEqual(['freeze'], self.record.wait(1))

    def test_being_urgent_is_over_with_the_job(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        pool.preempt('a', self.record.job('freeze'))
        pool.submit('a', self.record.job('after'))
        pool.submit('b', self.record.job('b'))
        gate.open.set()
        self.assertEqual(['a', 'freeze', 'b', 'after'], self.record.wait(4))


class DiscardTestCase(PoolTestCase):
    def test_voids_what_waits_but_not_what_runs(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'a')
        pool.submit('a', self.record.job('void'))
        pool.submit('b', self.record.job('b'))
        pool.discard('a')
        gate.open.set()
        self.assertEqual(['a', 'b'], self.record.wait(2))

    def test_the_line_goes_on(self) -> None:
        pool = self.make(size=1, most=1)
        gate = self.busy(pool, 'b')
        pool.submit('a', self.record.job('void'))
        pool.discard('a')
        pool.submit('a', self.record.job('a'))
        gate.open.set()
        self.assertEqual(['b', 'a'], self.record.wait(2))

    def test_nothing_there(self) -> None:
        pool = self.make()
        pool.discard('a')
        pool.submit('a', self.record.job('a'))
        self.assertEqual(['a'], self.record.wait(1))


class StuckTestCase(PoolTestCase):
    def test_a_stuck_worker_is_replaced(self) -> None:
        pool = self.make(size=1, stuck_seconds=0.01)
        self.busy(pool, 'stuck')
        for name in ('b', 'c', 'd'):
            pool.submit(name, self.record.job(name))
        self.assertEqual(['b', 'c', 'd'], self.record.wait(3))

    def test_one_that_gets_stuck_with_a_line_behind_it_is_replaced(
        self,
    ) -> None:
        # The worker may still sleep when both jobs come.
        for _ in range(20):
            record = self.record = Record()
            pool = self.make(size=1, stuck_seconds=0.005)
            pool.submit('warm up', record.job('warm'))
            record.wait(1)
            gate = self.gate('stuck')
            pool.submit('stuck', gate)
            pool.submit('other', record.job('other'))
            self.assertEqual(['warm', 'other'], record.wait(2))
            gate.open.set()
            pool.close()

    def test_several_that_get_stuck_at_once_are_replaced(self) -> None:
        pool = self.make(size=2, most=16, stuck_seconds=0.01)
        gates = [self.gate(str(number)) for number in range(8)]
        for number, gate in enumerate(gates):
            pool.submit(f'stuck-{number}', gate)
        pool.submit('other', self.record.job('other'))
        self.assertEqual(['other'], self.record.wait(1))

    def test_a_freeze_gets_past_stuck_guests(self) -> None:
        pool = self.make(size=2, stuck_seconds=0.01)
        self.busy(pool, 'stuck')
        self.busy(pool, 'stuck too')
        pool.preempt('a', self.record.job('freeze'))
        self.assertEqual(['freeze'], self.record.wait(1))

    def test_a_stuck_guest_has_no_second_worker(self) -> None:
        pool = self.make(size=1, stuck_seconds=0.01)
        self.busy(pool, 'stuck')
        second = self.gate('second')
        pool.preempt('stuck', second)
        pool.submit('other', self.record.job('other'))
        self.record.wait(1)
        self.assertFalse(second.has_begun)

    def test_there_is_a_limit(self) -> None:
        pool = self.make(size=1, most=3, stuck_seconds=0.005)
        gates = [self.busy(pool, f'stuck-{number}') for number in range(3)]
        beyond = self.gate('beyond')
        pool.submit('beyond', beyond)
        gates[0].open.set()
        self.record.wait(1)
        beyond.wait_begun()

    def test_workers_at_once_never_exceed_the_limit(self) -> None:
        inside = 0
        highest = 0
        lock = threading.Lock()

        def enter() -> None:
            nonlocal inside, highest
            with lock:
                inside += 1
                highest = max(highest, inside)

        def leave() -> None:
            nonlocal inside
            with lock:
                inside -= 1

        pool = self.make(
            size=1, most=4, stuck_seconds=0.001, on_start=enter, on_stop=leave
        )
        gates = [self.gate(str(number)) for number in range(12)]
        for number, gate in enumerate(gates):
            pool.submit(f'stuck-{number}', gate)
        for gate, later in zip(gates, gates[3:], strict=False):
            later.wait_begun()
            gate.open.set()
        for gate in gates[-3:]:
            gate.open.set()
        self.record.wait(12)
        self.assertEqual(4, highest)

    def test_the_limit_is_never_below_the_size(self) -> None:
        pool = self.make(size=3, most=1)
        for number in range(3):
            self.busy(pool, str(number))


class WorkerTestCase(PoolTestCase):
    def test_each_connects_before_its_first_job(self) -> None:
        local = threading.local()

        def connect() -> None:
            local.is_connected = True

        def check() -> None:
            self.record.add(str(getattr(local, 'is_connected', False)))

        pool = self.make(size=2, on_start=connect)
        for number in range(8):
            pool.submit(str(number), check)
        self.assertEqual(['True'] * 8, self.record.wait(8))

    def test_one_that_cannot_connect_works_all_the_same(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())

        def fail() -> None:
            raise ZeroDivisionError('no connection')

        pool = self.make(size=1, on_start=fail)
        pool.submit('a', self.record.job('a'))
        self.record.wait(1)
        self.assertIn('no connection', log.output)

    def test_what_holds_for_all_is_said_once(self) -> None:
        log = self.useFixture(fixtures.FakeLogger(format='%(message)s'))
        bare = self.useFixture(bare_log.BareLog())

        def fail() -> None:
            raise exception.HypervisorUnavailable(
                uri='test:///x', why='it is away'
            )

        pool = self.make(size=8, on_start=fail)
        for number in range(20):
            pool.submit(str(number), fail)
            pool.submit(str(number), self.record.job('done'))
        self.record.wait(20)
        self.assertEqual(1, log.output.count('it is away'))
        self.assertEqual([], bare.doubled)

    def test_it_is_said_again_once_it_was_otherwise(self) -> None:
        log = self.useFixture(fixtures.FakeLogger(format='%(message)s'))
        pool = self.make(size=1)

        def job(why: str) -> applier_pool.Job:
            def fail() -> None:
                raise exception.HypervisorUnavailable(uri='x', why=why)

            return fail

        for why in ('away', 'away', 'hung up', 'away'):
            pool.submit('a', job(why))
        pool.submit('a', self.record.job('done'))
        self.record.wait(1)
        self.assertEqual(2, log.output.count('away'))
        self.assertEqual(1, log.output.count('hung up'))

    def test_spare_ones_retire_when_stuck_ones_come_back(self) -> None:
        stopped = Record()
        pool = self.make(
            size=1, stuck_seconds=0.005, on_stop=stopped.job('stopped')
        )
        gates = [self.busy(pool, f'stuck-{number}') for number in range(3)]
        pool.submit('other', self.record.job('other'))
        self.record.wait(1)
        self.assertEqual([], stopped.done)
        for gate in gates:
            gate.open.set()
        stopped.wait(3)
        pool.submit('after', self.record.job('after'))
        self.assertIn('after', self.record.wait(5))
        self.assertEqual(3, len(stopped.done))


class CloseTestCase(PoolTestCase):
    def closed(self, **fields: Any) -> tuple[Record, Callable[[], None]]:
        stopped = Record()
        pool = self.make(on_stop=stopped.job('stopped'), **fields)
        gate = self.busy(pool, 'a')
        pool.submit('a', self.record.job('void'))
        pool.preempt('b', self.record.job('b'))
        self.record.wait(1)
        pool.close()
        pool.submit('c', self.record.job('void'))
        pool.preempt('d', self.record.job('void'))
        pool.submit('a', self.record.job('void'))
        return stopped, gate.open.set

    def test_idle_workers_end_and_a_busy_one_is_not_waited_for(self) -> None:
        stopped, _ = self.closed(size=3)
        stopped.wait(2)
        self.assertEqual(['b'], self.record.done)

    def test_a_busy_worker_ends_with_its_job(self) -> None:
        stopped, let_go = self.closed(size=2)
        let_go()
        stopped.wait(2)
        self.assertEqual(['b', 'a'], self.record.done)

    def test_may_come_twice(self) -> None:
        pool = self.make()
        pool.close()
        pool.close()


_STEPS = st.lists(
    st.tuples(st.sampled_from('abc'), st.sampled_from(('submit', 'preempt'))),
    max_size=40,
)


class PropertyTestCase(PoolTestCase):
    @hypothesis.settings(max_examples=60)
    @hypothesis.given(_STEPS, st.integers(1, 4))
    def test_every_line_is_kept(
        self, steps: list[tuple[str, str]], size: int
    ) -> None:
        pool = applier_pool.WorkerPool(size=size, stuck_seconds=0.001)
        self.addCleanup(pool.close)
        record = Record()
        must_run: dict[str, list[str]] = {}
        for number, (guest, step) in enumerate(steps):
            name = f'{guest}{number:02}'
            getattr(pool, step)(guest, record.job(name))
            if step == 'preempt':
                must_run[guest] = []
            must_run.setdefault(guest, []).append(name)
        ends = {names[-1] for names in must_run.values()}
        for _ in range(len(steps)):
            done = record.done
            if ends <= set(done):
                break
            record.wait(len(done) + 1)
        pool.close()
        for guest, names in must_run.items():
            done = [name for name in record.done if name[0] == guest]
            self.assertEqual(sorted(set(done)), done)
            self.assertEqual(names, done[-len(names) :])


class LoadTestCase(PoolTestCase):
    def test_says_what_the_workers_do(self) -> None:
        pool = self.make(size=3, most=3, stuck_seconds=60)
        self.assertEqual(0, pool.load.busy)
        self.assertEqual(3, pool.load.workers)
        gate = self.busy(pool, 'a')
        for name in ('first', 'second'):
            pool.submit('a', self.record.job(name))
        self.assertEqual(
            applier_pool.Load(workers=3, busy=1, stuck=0, waiting=1), pool.load
        )
        gate.open.set()
        self.record.wait(3)

    def test_stuck_ones_are_told_from_those_that_work(self) -> None:
        pool = self.make(size=2, most=2, stuck_seconds=0)
        self.busy(pool, 'a')
        self.assertEqual(1, pool.load.busy)
        self.assertEqual(1, pool.load.stuck)
