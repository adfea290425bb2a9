# SPDX-License-Identifier: Apache-2.0

import threading
import time

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.agent import guest_reader
from nova_balloon_timer.appliers import pool as applier_pool
from tests.unit import base
from tests.unit.appliers import memory


class GuestReaderTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.pool = applier_pool.WorkerPool(size=2, stuck_seconds=0.02)
        self.addCleanup(self.pool.close)
        self.reader = guest_reader.GuestReader(self.host.applier, self.pool)

    def hold(self, guest: memory.MemoryGuest, go_on: threading.Event) -> None:
        """Have a job of the guest at work until the event is set."""
        begun = threading.Event()

        def work() -> None:
            begun.set()
            go_on.wait(base.PATIENCE_SECONDS)

        self.pool.submit(guest.uuid, work)
        self.assertTrue(begun.wait(base.PATIENCE_SECONDS))

    def test_describes_and_reads(self) -> None:
        guest = self.host.add('web-01')
        look = self.reader.look('web-01', guest.uuid, 20.0)
        self.assertEqual(guest.description, look.guest)
        assert look.sample is not None
        self.assertEqual(base.GIB, look.sample.actual_kib)

    def test_one_that_cannot_be_ballooned_is_not_read(self) -> None:
        guest = self.host.add('web-01', refusals=(base.make_refusal(),))
        look = self.reader.look(guest.uuid, guest.uuid, 20.0)
        self.assertEqual(guest.description, look.guest)
        self.assertIsNone(look.sample)
        self.assertEqual(0, guest.reads)

    def test_tells_what_is_wrong(self) -> None:
        away = exception.HypervisorUnavailable(uri='any', why='away')
        guest = self.host.add('web-01', errors=[away])
        self.assertRaises(
            exception.HypervisorUnavailable,
            self.reader.look,
            'web-01',
            guest.uuid,
            20.0,
        )
        self.assertRaises(
            exception.GuestNotFound, self.reader.look, 'db', 'db', 20.0
        )

    def test_asks_who_would_keep_the_clock(self) -> None:
        guest = self.host.add('web-01')
        self.assertEqual(base.UNABLE, self.reader.ask_clock(guest.uuid, 20.0))
        guest.no_clock = ''
        told = self.reader.ask_clock(guest.uuid, 20.0)
        self.assertEqual(base.BY_GUEST, told)

    def test_one_that_hangs_keeps_no_clock(self) -> None:
        guest = self.host.add('web-01', hangs=True)
        told = self.reader.ask_clock(guest.uuid, 0.3)
        self.assertIn('did not say in time', told.words)

    def test_one_that_hangs_is_not_waited_for(self) -> None:
        guest = self.host.add('web-01', hangs=True)
        begin = time.monotonic()
        error = self.assertRaises(
            exception.GuestBusy, self.reader.look, 'web-01', guest.uuid, 0.3
        )
        self.assertLess(time.monotonic() - begin, 1.0)
        self.assertIn('not read within 0.3 s', str(error))

    def test_what_nobody_waits_for_is_not_done_later(self) -> None:
        guest = self.host.add('web-01')
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.hold(guest, go_on)
        self.assertRaises(
            exception.GuestBusy, self.reader.look, 'web-01', guest.uuid, 0.05
        )
        done = threading.Event()
        self.pool.submit(guest.uuid, done.set)
        go_on.set()
        self.assertTrue(done.wait(base.PATIENCE_SECONDS))
        self.assertEqual(0, guest.reads)

    def test_a_freeze_that_makes_it_void_costs_no_answer(self) -> None:
        """The end of a policy clears what waits for its guest."""
        guest = self.host.add('web-01')
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.hold(guest, go_on)
        submitted: list[str] = []
        submit = applier_pool.WorkerPool.submit

        def lose_the_first(
            pool: applier_pool.WorkerPool, line: str, job: applier_pool.Job
        ) -> None:
            submitted.append(line)
            submit(pool, line, job)
            if len(submitted) == 1:
                pool.preempt(line, lambda: None)
                go_on.set()

        self.useFixture(
            fixtures.MockPatchObject(
                applier_pool.WorkerPool,
                'submit',
                autospec=True,
                side_effect=lose_the_first,
            )
        )
        look = self.reader.look('web-01', guest.uuid, base.PATIENCE_SECONDS)
        self.assertIsNotNone(look.sample)
        self.assertEqual([guest.uuid] * 2, submitted)
