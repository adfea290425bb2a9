# SPDX-License-Identifier: Apache-2.0

import time

import libvirt
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from tests.unit import base
from tests.unit.appliers.libvirt import fake

MIB = base.MIB
_UUID = base.uuid_of('web-01')
_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class ApplierTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.libvirt = self.useFixture(fake.FakeLibvirt())
        self.domain = self.libvirt.add(statistics={'actual': base.GIB})
        self.applier = libvirt_applier.LibvirtApplier(fake.URI)
        self.addCleanup(self.applier.close)

    def calls(self, name: str) -> list[tuple[object, ...]]:
        return [call for call in self.domain.calls if call[0] == name]


class FindTestCase(ApplierTestCase):
    def test_describes_a_guest(self) -> None:
        guest = base.make_guest()
        self.assertEqual(guest, self.applier.find_guest('web-01'))
        self.assertEqual(guest, self.applier.find_guest(_UUID))
        self.assertEqual(guest, self.applier.find_guest(_UUID.upper()))

    def test_says_whom_it_does_not_find(self) -> None:
        for name in ('web-02', base.uuid_of('web-02')):
            error = self.assertRaises(
                exception.GuestNotFound, self.applier.find_guest, name
            )
            self.assertEqual(f"there is no guest '{name}'", str(error))

    def test_tells_what_keeps_it_from_being_ballooned(self) -> None:
        self.domain.run_state = libvirt.VIR_DOMAIN_PAUSED
        (refusal,) = self.applier.find_guest('web-01').refusals
        self.assertIs(model.Obstacle.PAUSED, refusal.obstacle)

    def test_lists_guests_by_name(self) -> None:
        self.libvirt.add(identity=base.uuid_of('a'), label='a')
        names = [guest.name for guest in self.applier.list_guests()]
        self.assertEqual(['a', 'web-01'], names)

    def test_leaves_out_those_that_vanish_meanwhile(self) -> None:
        vanished = self.libvirt.add(identity=base.uuid_of('a'), label='a')
        vanished.errors = [fake.error(libvirt.VIR_ERR_NO_DOMAIN)]
        names = [guest.name for guest in self.applier.list_guests()]
        self.assertEqual(['web-01'], names)


class ReadTestCase(ApplierTestCase):
    def test_reads_what_the_guest_costs_and_has(self) -> None:
        self.domain.statistics = {
            'actual': 512 * MIB,
            'rss': 300 * MIB,
            'usable': 200 * MIB,
            'last_update': int(time.time()),
        }
        sample = self.applier.read(_UUID)
        self.assertEqual(512 * MIB, sample.actual_kib)
        self.assertEqual(300 * MIB, sample.rss_kib)
        self.assertEqual(200 * MIB, sample.usable_kib)
        self.assertLessEqual(sample.at, time.monotonic())

    def test_what_is_not_told_is_unknown(self) -> None:
        sample = self.applier.read(_UUID)
        self.assertIsNone(sample.rss_kib)
        self.assertIsNone(sample.statistics)

    def test_a_guest_without_a_balloon_is_an_error(self) -> None:
        self.domain.statistics = {'rss': 300 * MIB}
        self.assertRaises(exception.HypervisorError, self.applier.read, _UUID)

    def test_a_broken_connection_is_opened_anew(self) -> None:
        self.domain.errors = [
            fake.error(
                libvirt.VIR_ERR_SYSTEM_ERROR,
                'Cannot recv data: Connection reset by peer',
                libvirt.VIR_FROM_RPC,
            )
        ]
        self.assertRaises(
            exception.HypervisorUnavailable, self.applier.read, _UUID
        )
        self.assertEqual(base.GIB, self.applier.read(_UUID).actual_kib)


class HostileActualTestCase(testscenarios.WithScenarios, ApplierTestCase):
    scenarios = [
        ('more than it has', {'told': base.GIB + 1, 'believed': base.GIB}),
        ('64 bits', {'told': 2**64 - 1, 'believed': base.GIB}),
        ('negative', {'told': -1, 'believed': 0}),
    ]
    told: int
    believed: int

    def test_is_held_within_the_guest(self) -> None:
        self.domain.statistics = {'actual': self.told}
        self.assertEqual(self.believed, self.applier.read(_UUID).actual_kib)


class SetTargetTestCase(ApplierTestCase):
    def test_changes_the_running_guest_only(self) -> None:
        self.applier.set_target(_UUID, 512 * MIB)
        self.assertEqual(
            [('setMemoryFlags', 512 * MIB, _LIVE)],
            self.calls('setMemoryFlags'),
        )

    def test_nothing_is_no_target(self) -> None:
        for target_kib in (0, -MIB):
            self.assertRaises(
                exception.TargetRejected,
                self.applier.set_target,
                _UUID,
                target_kib,
            )
        self.assertEqual([], self.calls('setMemoryFlags'))

    def test_libvirts_refusal_is_ours(self) -> None:
        self.applier.read(_UUID)
        self.domain.errors = [fake.error(libvirt.VIR_ERR_INVALID_ARG)]
        self.assertRaises(
            exception.TargetRejected,
            self.applier.set_target,
            _UUID,
            2 * base.GIB,
        )


class PeriodTestCase(testscenarios.WithScenarios, ApplierTestCase):
    """The statistics' period before, and what is set and set back."""

    scenarios = [
        ('off', {'before': 0, 'changes': [1, 0]}),
        ('longer', {'before': 10, 'changes': [0, 1, 10]}),
        ('right already', {'before': 1, 'changes': []}),
    ]
    before: int
    changes: list[int]

    def setUp(self) -> None:
        super().setUp()
        self.domain.period_seconds = self.before

    def expect(self, changes: list[int]) -> None:
        self.assertEqual(
            [('setMemoryStatsPeriod', seconds, _LIVE) for seconds in changes],
            self.calls('setMemoryStatsPeriod'),
        )

    def test_is_restored(self) -> None:
        self.applier.start_statistics(_UUID)
        self.assertEqual(1, self.domain.period_seconds)
        self.applier.restore_statistics(_UUID)
        self.assertEqual(self.before, self.domain.period_seconds)
        self.expect(self.changes)

    def test_is_restored_when_it_was_started_twice(self) -> None:
        self.applier.start_statistics(_UUID)
        self.applier.start_statistics(_UUID)
        self.applier.restore_statistics(_UUID)
        self.applier.restore_statistics(_UUID)
        self.expect(self.changes)

    def test_that_could_not_be_set_is_not_restored(self) -> None:
        self.applier.read(_UUID)
        self.domain.errors = [
            fake.error(libvirt.VIR_ERR_OPERATION_TIMEOUT),
        ]
        self.assertRaises(
            exception.GuestBusy, self.applier.start_statistics, _UUID
        )
        self.applier.restore_statistics(_UUID)
        self.expect([])


class HookTestCase(ApplierTestCase):
    def test_connects_and_disconnects_the_calling_thread(self) -> None:
        self.applier.connect()
        (connection,) = self.libvirt.connections
        self.assertFalse(connection.is_closed)
        self.applier.disconnect()
        self.assertTrue(connection.is_closed)

    def test_watches_until_it_is_closed(self) -> None:
        events: list[object] = []
        self.applier.watch(events.append)
        self.assertTrue(
            self.libvirt.opened.acquire(timeout=base.PATIENCE_SECONDS)
        )
        (connection,) = self.libvirt.connections
        self.applier.close()
        self.assertTrue(
            connection.closed.acquire(timeout=base.PATIENCE_SECONDS)
        )
