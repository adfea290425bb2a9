# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import concurrent.futures
import time
from typing import Any
from xml.etree import ElementTree

import libvirt
import testscenarios
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import noop
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from nova_balloon_timer.metrics import applier as metered_applier
from nova_balloon_timer.metrics import meter
from tests.functional import lab
from tests.functional import world

_MIB = 1024
_FULL_KIB = 512 * _MIB
_UNKNOWN_UUID = '00000000-0000-4000-8000-000000000000'


def _make_metered(uri: str) -> applier_base.Applier:
    return metered_applier.MeteredApplier(
        libvirt_applier.LibvirtApplier(uri), meter.NoMeter()
    )


# A dry run obeys no order: it only pretends.
_APPLIERS: list[tuple[str, dict[str, Any]]] = [
    ('libvirt', {'make': libvirt_applier.LibvirtApplier, 'obeys': True}),
    ('noop', {'make': noop.NoopApplier, 'obeys': False}),
    ('metered', {'make': _make_metered, 'obeys': True}),
]


class ContractTest(testscenarios.WithScenarios, testtools.TestCase):
    """What every applier owes, whatever it drives."""

    scenarios = testscenarios.multiply_scenarios(world.SCENARIOS, _APPLIERS)
    make_world: Callable[[], world.World]
    make: Callable[[str], applier_base.Applier]
    obeys: bool

    def setUp(self) -> None:
        super().setUp()
        self.world = self.useFixture(self.make_world())
        self.applier = self.make(self.world.uri)
        self.addCleanup(self.applier.close)
        self.applier.connect()
        self.name = self.world.names[0]
        self.uuid = self.world.uuid(self.name)

    def actual_kib(self) -> int:
        return self.applier.read(self.uuid).actual_kib

    def wait_actual(self, kib: int) -> None:
        lab.wait_until(lambda: self.actual_kib() == kib, f'actual {kib}')

    def period(self) -> str:
        description = ElementTree.fromstring(  # noqa: S314
            self.world.domain(self.name).XMLDesc()
        )
        stats = description.find('./devices/memballoon/stats')
        return '0' if stats is None else stats.get('period', '0')

    def freeze(
        self, at_kib: int | None, lowest_mib: int = 1, highest_mib: int = 512
    ) -> message.BalloonFrozen:
        return self.applier.freeze(
            message.FreezeBalloon(
                guest_uuid=self.uuid,
                at_kib=at_kib,
                lowest_kib=lowest_mib * _MIB,
                highest_kib=highest_mib * _MIB,
            )
        )

    def test_lists_every_guest(self) -> None:
        listed = {guest.name: guest for guest in self.applier.list_guests()}

        for name in self.world.names:
            expected = model.Guest(
                uuid=self.world.uuid(name), name=name, maximum_kib=_FULL_KIB
            )
            self.assertEqual(expected, listed[name])

    def test_lists_also_those_that_cannot_balloon(self) -> None:
        self.world.domain(self.name).suspend()
        self.addCleanup(self.world.domain(self.name).resume)

        (guest,) = [
            guest
            for guest in self.applier.list_guests()
            if guest.uuid == self.uuid
        ]

        (refusal,) = guest.refusals
        self.assertIs(model.Obstacle.PAUSED, refusal.obstacle)

    def test_finds_a_guest_by_name_and_by_uuid(self) -> None:
        expected = model.Guest(
            uuid=self.uuid, name=self.name, maximum_kib=_FULL_KIB
        )

        for words in (self.name, self.uuid, self.uuid.upper()):
            self.assertEqual(expected, self.applier.find_guest(words))

    def test_finds_no_unknown_guest(self) -> None:
        for words in ('nobody', _UNKNOWN_UUID, '', 'a b', '\u00e9', '\udcff'):
            error = self.assertRaises(
                exception.GuestNotFound, self.applier.find_guest, words
            )
            self.assertIn(f"'{words}'", str(error))

    def test_does_nothing_to_an_unknown_guest(self) -> None:
        for call in (
            lambda: self.applier.read(_UNKNOWN_UUID),
            lambda: self.applier.set_target(_UNKNOWN_UUID, 64 * _MIB),
        ):
            self.assertRaises(exception.GuestNotFound, call)

    def test_reads_what_is_there(self) -> None:
        before_at = time.monotonic()

        samples = [self.applier.read(self.uuid) for _ in range(3)]

        instants = [sample.at for sample in samples]
        self.assertEqual(sorted(set(instants)), instants)
        self.assertGreaterEqual(instants[0], before_at)
        self.assertLessEqual(instants[-1], time.monotonic())
        for sample in samples:
            self.assertEqual(_FULL_KIB, sample.actual_kib)
            assert sample.rss_kib is not None
            self.assertTrue(0 < sample.rss_kib <= 2 * _FULL_KIB)

    def test_a_target_takes_effect_in_both_directions(self) -> None:
        for kib in (400 * _MIB, 500 * _MIB + 4, _FULL_KIB):
            self.applier.set_target(self.uuid, kib)
            self.wait_actual(kib)
            real_kib = kib if self.obeys else _FULL_KIB
            self.assertEqual(real_kib, self.world.actual_kib(self.name))

    def test_a_target_is_for_one_guest_only(self) -> None:
        self.applier.set_target(self.uuid, 400 * _MIB)
        self.wait_actual(400 * _MIB)

        other_uuid = self.world.uuid(self.world.names[1])
        self.assertEqual(_FULL_KIB, self.applier.read(other_uuid).actual_kib)

    def test_rejects_what_no_guest_can_have(self) -> None:
        self.applier.set_target(self.uuid, 480 * _MIB)
        self.wait_actual(480 * _MIB)

        for kib in (0, -1, -(2**80), _FULL_KIB + 1, 2**53, 2**63, 2**80):
            self.assertRaises(
                exception.TargetRejected,
                self.applier.set_target,
                self.uuid,
                kib,
            )
            self.assertEqual(480 * _MIB, self.actual_kib())

        # An order that was taken all the same would come before this one.
        self.applier.set_target(self.uuid, 484 * _MIB)
        self.wait_actual(484 * _MIB)

    def test_freezes_where_the_balloon_stands(self) -> None:
        self.applier.set_target(self.uuid, 128 * _MIB)
        if self.obeys and self.world.takes_time:
            lab.wait_until(lambda: self.actual_kib() < 480 * _MIB, 'movement')

        frozen = self.freeze(None)

        self.assertEqual(self.uuid, frozen.guest_uuid)
        self.assertEqual(frozen.before.actual_kib, frozen.target_kib)
        if self.obeys and self.world.takes_time:
            self.assertTrue(frozen.target_kib > 128 * _MIB, frozen)
        self.assertLess(frozen.before.at, frozen.after.at)
        self.wait_actual(frozen.target_kib)
        if self.obeys:
            self.assertEqual(
                frozen.target_kib, self.world.actual_kib(self.name)
            )

    def test_freezes_where_it_is_told(self) -> None:
        self.applier.set_target(self.uuid, 448 * _MIB)
        self.wait_actual(448 * _MIB)

        frozen = self.freeze(460 * _MIB)

        self.assertEqual(460 * _MIB, frozen.target_kib)
        self.assertEqual(448 * _MIB, frozen.before.actual_kib)
        self.wait_actual(460 * _MIB)

    def test_freezes_within_the_limits(self) -> None:
        self.applier.set_target(self.uuid, 448 * _MIB)
        self.wait_actual(448 * _MIB)

        for at_mib, lowest_mib, highest_mib, expected_mib in (
            (None, 460, 512, 460),
            (None, 1, 440, 440),
            (300, 430, 512, 430),
            (500, 1, 470, 470),
        ):
            at_kib = None if at_mib is None else at_mib * _MIB
            frozen = self.freeze(at_kib, lowest_mib, highest_mib)
            self.assertEqual(expected_mib * _MIB, frozen.target_kib)
            self.wait_actual(expected_mib * _MIB)

    def test_takes_no_old_statistics_for_new(self) -> None:
        domain = self.world.domain(self.name)
        live = libvirt.VIR_DOMAIN_AFFECT_LIVE
        domain.setMemoryStatsPeriod(0, live)

        lab.wait_until(
            lambda: self.applier.read(self.uuid).statistics is None,
            'statistics out of date',
        )

    def test_has_statistics_while_they_are_wanted(self) -> None:
        self.applier.start_statistics(self.uuid)
        self.addCleanup(self.applier.restore_statistics, self.uuid)

        if not self.world.tells_statistics:
            self.assertIsNone(self.applier.read(self.uuid).statistics)
            return
        lab.wait_until(
            lambda: self.applier.read(self.uuid).usable_kib is not None,
            'statistics',
            10,
        )
        statistics = self.applier.read(self.uuid).statistics
        assert statistics is not None
        for size_kib in (
            statistics.usable_kib,
            statistics.unused_kib,
            statistics.available_kib,
        ):
            assert size_kib is not None
            self.assertTrue(0 < size_kib < _FULL_KIB, statistics)
        self.assertLess(abs(time.time() - statistics.updated_at), 10)

    def test_puts_the_period_of_the_statistics_back(self) -> None:
        live = libvirt.VIR_DOMAIN_AFFECT_LIVE
        for before in (0, 10, 1):
            self.world.domain(self.name).setMemoryStatsPeriod(before, live)

            self.applier.start_statistics(self.uuid)
            self.assertEqual('1', self.period())
            self.applier.start_statistics(self.uuid)
            self.applier.restore_statistics(self.uuid)
            self.assertEqual(str(before), self.period())
            self.applier.restore_statistics(self.uuid)
            self.assertEqual(str(before), self.period())

    def test_serves_several_threads(self) -> None:
        def work(name: str, mib: int) -> int:
            guest_uuid = self.world.uuid(name)
            self.applier.connect()
            try:
                for _ in range(20):
                    self.applier.find_guest(name)
                    self.applier.set_target(guest_uuid, mib * _MIB)
                    self.applier.read(guest_uuid)
                lab.wait_until(
                    lambda: (
                        self.applier.read(guest_uuid).actual_kib == mib * _MIB
                    ),
                    f'{name} at {mib} MiB',
                )
                return self.applier.read(guest_uuid).actual_kib
            finally:
                self.applier.disconnect()

        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            targets_mib = (470, 490)
            found = pool.map(work, self.world.names, targets_mib)
            self.assertEqual([470 * _MIB, 490 * _MIB], list(found))

        self.assertEqual(470 * _MIB, self.actual_kib())

    def test_says_that_a_guest_has_ended(self) -> None:
        domain = self.world.start_doomed()
        guest_uuid = domain.UUIDString()
        self.assertEqual('doomed', self.applier.find_guest(guest_uuid).name)

        domain.destroy()

        for call in (
            lambda: self.applier.read(guest_uuid),
            lambda: self.applier.start_statistics(guest_uuid),
            lambda: self.freeze_other(guest_uuid),
        ):
            error = self.assertRaises(exception.ApplierError, call)
            self.assertIsInstance(
                error, (exception.GuestNotRunning, exception.GuestNotFound)
            )

    def freeze_other(self, guest_uuid: str) -> None:
        self.applier.freeze(
            message.FreezeBalloon(
                guest_uuid=guest_uuid,
                at_kib=None,
                lowest_kib=1,
                highest_kib=_FULL_KIB,
            )
        )

    def test_says_that_words_are_no_uuid(self) -> None:
        for words in ('', 'nobody', '\u00e9', '\n'):
            for call in (
                lambda words=words: self.applier.read(words),
                lambda words=words: self.applier.set_target(words, _MIB),
                lambda words=words: self.applier.start_statistics(words),
            ):
                self.assertRaises(exception.ApplierError, call)

    def test_can_be_closed_twice(self) -> None:
        self.applier.close()
        self.applier.close()


class UnreachableTest(testscenarios.WithScenarios, testtools.TestCase):
    scenarios = _APPLIERS
    make: Callable[[str], applier_base.Applier]
    obeys: bool

    def test_says_that_nobody_answers(self) -> None:
        for uri in (
            'qemu+unix:///system?socket=/nonexistent/socket',
            'nonsense:///default',
            'test:///nonexistent.xml',
        ):
            applier = self.make(uri)
            self.addCleanup(applier.close)
            for call in (
                applier.connect,
                applier.list_guests,
                lambda applier=applier: applier.find_guest('east'),
                lambda applier=applier: applier.read(_UNKNOWN_UUID),
                lambda applier=applier: applier.set_target(_UNKNOWN_UUID, 4),
            ):
                error = self.assertRaises(
                    exception.HypervisorUnavailable, call
                )
                self.assertIn(uri, str(error))
