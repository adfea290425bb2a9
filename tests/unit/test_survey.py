# SPDX-License-Identifier: Apache-2.0

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import survey
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import pool as applier_pool
from tests.unit import base
from tests.unit.appliers import memory


class SurveyorTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.pool = applier_pool.WorkerPool(size=2, stuck_seconds=0.01)
        self.addCleanup(self.pool.close)
        self.surveyor = survey.Surveyor(self.host.applier, self.pool)

    def look(
        self, *guests: memory.MemoryGuest, wait_seconds: float = 30.0
    ) -> dict[str, model.BalloonSample]:
        described = [guest.description for guest in guests]
        return self.surveyor.look(described, wait_seconds)

    def test_nobody_to_look_at(self) -> None:
        self.assertEqual({}, self.look())

    def test_reads_each_guest_once_if_it_tells_its_statistics(self) -> None:
        guests = [self.host.add(f'web-{number}') for number in range(12)]
        samples = self.look(*guests)
        self.assertEqual({guest.uuid for guest in guests}, set(samples))
        self.assertEqual([1] * 12, [guest.reads for guest in guests])

    def test_no_guest_holds_up_the_others(self) -> None:
        stuck = [
            self.host.add(f'stuck-{number}', hangs=True) for number in range(4)
        ]
        healthy = [self.host.add(f'web-{number}') for number in range(4)]
        samples = self.look(*stuck, *healthy, wait_seconds=1.0)
        self.assertEqual({guest.uuid for guest in healthy}, set(samples))

    def test_a_guest_that_cannot_be_read_is_left_out_at_once(self) -> None:
        broken = self.host.add(
            'broken', errors=[exception.GuestBusy(guest='broken', why='hangs')]
        )
        other = self.host.add('web-01')
        self.assertEqual({other.uuid}, set(self.look(broken, other)))

    def test_waits_for_the_first_statistics(self) -> None:
        guest = self.host.add('web-01')
        guest.silent_reads = 3
        (told,) = self.look(guest).values()
        self.assertEqual(900 * base.MIB, told.usable_kib)
        self.assertEqual(4, guest.reads)

    def test_a_guest_without_statistics_is_read_all_the_same(self) -> None:
        silent = self.host.add('silent', usable_kib=None)
        other = self.host.add('web-01')
        samples = self.look(silent, other, wait_seconds=0.3)
        self.assertIsNone(samples[silent.uuid].statistics)
        self.assertIsNotNone(samples[other.uuid].statistics)

    def test_a_defect_of_an_applier_is_logged_and_holds_up_nobody(
        self,
    ) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        broken = self.host.add('broken', errors=[ZeroDivisionError('ours')])
        self.assertEqual({}, self.look(broken))
        self.assertEqual({broken.uuid}, set(self.look(broken)))
        self.assertIn('ZeroDivisionError: ours', log.output)

    def ask_clocks(
        self, *guests: memory.MemoryGuest, wait_seconds: float = 30.0
    ) -> list[timekeeping.Timing]:
        asked = [guest.uuid for guest in guests]
        found = survey.ask_clocks(
            self.host.applier, self.pool, asked, wait_seconds
        )
        return [found[guest_uuid] for guest_uuid in asked]

    def test_asks_who_would_keep_the_clock(self) -> None:
        able, unable = self.host.add('able'), self.host.add('unable')
        able.no_clock = ''
        broken = self.host.add(
            'broken', errors=[exception.GuestBusy(guest='broken', why='hangs')]
        )
        found = self.ask_clocks(able, unable, broken)
        self.assertEqual([base.BY_GUEST, base.UNABLE], found[:2])
        self.assertIn('hangs', found[2].words)
        self.assertEqual([], self.ask_clocks())

    def test_one_that_does_not_say_so_cannot(self) -> None:
        stuck = self.host.add('stuck', hangs=True)
        able = self.host.add('able')
        able.no_clock = ''
        self.assertEqual(
            [survey.SILENT, base.BY_GUEST],
            self.ask_clocks(stuck, able, wait_seconds=1.0),
        )

    def test_a_defect_is_no_guest_that_can(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        broken = self.host.add('broken', errors=[ZeroDivisionError('ours')])
        (timing,) = self.ask_clocks(broken)
        self.assertIs(timekeeping.Mode.HOST, timing.keeper)
        self.assertIn('ZeroDivisionError', timing.words)
        self.assertIn('Traceback', log.output)
