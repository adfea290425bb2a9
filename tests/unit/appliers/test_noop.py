# SPDX-License-Identifier: Apache-2.0

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import noop
from tests.unit import base
from tests.unit.appliers import memory

MIB = base.MIB


class NoopTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.guest = self.host.add('web-01')
        self.applier = noop.NoopApplier('memory:///', self.host.applier)

    def test_reads_the_real_guests(self) -> None:
        described = self.guest.description
        self.assertEqual([described], list(self.applier.list_guests()))
        self.assertEqual(described, self.applier.find_guest('web-01'))
        sample = self.applier.read(self.guest.uuid)
        self.assertEqual(base.GIB, sample.actual_kib)
        self.assertEqual(900 * MIB, sample.usable_kib)

    def test_moves_no_balloon(self) -> None:
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        self.assertEqual([], self.guest.targets_kib)
        self.assertEqual(base.GIB, self.guest.actual_kib)

    def test_reads_as_if_the_target_were_reached(self) -> None:
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        sample = self.applier.read(self.guest.uuid)
        self.assertEqual(512 * MIB, sample.actual_kib)
        self.assertEqual(388 * MIB, sample.usable_kib)

    def test_the_last_target_counts(self) -> None:
        for target_mib in (512, 700, 1024):
            self.applier.set_target(self.guest.uuid, target_mib * MIB)
        sample = self.applier.read(self.guest.uuid)
        self.assertEqual(base.GIB, sample.actual_kib)
        self.assertEqual(900 * MIB, sample.usable_kib)

    def test_usable_memory_is_never_less_than_none(self) -> None:
        self.applier.set_target(self.guest.uuid, MIB)
        self.assertEqual(0, self.applier.read(self.guest.uuid).usable_kib)

    def test_what_is_unknown_stays_unknown(self) -> None:
        self.guest.usable_kib = None
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        sample = self.applier.read(self.guest.uuid)
        self.assertIsNone(sample.statistics)
        self.assertEqual(512 * MIB, sample.actual_kib)

    def test_guests_are_imagined_one_by_one(self) -> None:
        other = self.host.add('web-02')
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        self.assertEqual(base.GIB, self.applier.read(other.uuid).actual_kib)

    def test_rejects_what_the_real_thing_would(self) -> None:
        for target_kib in (0, -MIB, base.GIB + 1):
            error = self.assertRaises(
                exception.TargetRejected,
                self.applier.set_target,
                self.guest.uuid,
                target_kib,
            )
            self.assertIn('1024 MiB', str(error))
        self.assertEqual(
            base.GIB, self.applier.read(self.guest.uuid).actual_kib
        )

    def test_an_unknown_guest_is_an_error(self) -> None:
        unknown = base.uuid_of('nobody')
        for call in (
            lambda: self.applier.read(unknown),
            lambda: self.applier.find_guest(unknown),
            lambda: self.applier.set_target(unknown, MIB),
        ):
            self.assertRaises(exception.GuestNotFound, call)

    def test_a_guest_that_cannot_be_read_is_an_error(self) -> None:
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        self.guest.errors = [exception.GuestBusy(guest='web-01', why='hangs')]
        self.assertRaises(
            exception.GuestBusy, self.applier.read, self.guest.uuid
        )

    def test_tells_what_it_would_do(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.applier.set_target(self.guest.uuid, 512 * MIB)
        self.assertIn(self.guest.uuid, log.output)
        self.assertIn('would get the target 512 MiB', log.output)

    def test_asks_the_real_guest_whether_it_could_keep_the_clock(self) -> None:
        error = self.assertRaises(
            exception.NoGuestClock, self.applier.check_clock, self.guest.uuid
        )
        self.assertEqual('it has no guest agent channel', error.why)
        self.guest.no_clock = ''
        self.applier.check_clock(self.guest.uuid)

    def test_offers_it_no_policy_all_the_same(self) -> None:
        self.guest.no_clock = ''
        offer = base.make_offer()
        error = self.assertRaises(
            exception.NoGuestClock, self.applier.offer, offer
        )
        self.assertEqual('this is a dry run', error.why)
        self.assertNotIn(('offer', self.guest.uuid), self.host.applier.calls)

    def test_has_its_reader_start_and_restore_the_statistics(self) -> None:
        self.applier.start_statistics(self.guest.uuid)
        self.applier.restore_statistics(self.guest.uuid)
        self.assertEqual(
            [
                ('start_statistics', self.guest.uuid),
                ('restore_statistics', self.guest.uuid),
            ],
            self.host.applier.calls,
        )

    def test_connects_and_closes_its_reader(self) -> None:
        self.applier.connect()
        self.applier.disconnect()
        self.applier.close()
        calls = [name for name, _ in self.host.applier.calls]
        self.assertEqual(['connect', 'disconnect', 'close'], calls)
