# SPDX-License-Identifier: Apache-2.0

import inspect

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.metrics import applier as metered_applier
from tests.unit import base
from tests.unit.appliers import memory
from tests.unit.appliers import test_base

MIB = base.MIB
_UUID = base.uuid_of('web-01')


class Meter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, float, str]] = []

    def observe(self, method: str, seconds: float, error: str) -> None:
        self.calls.append((method, seconds, error))


class Clock:
    """Each look at it is a quarter of a second later."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 0.25
        return self.now


class StoppingApplier(memory.MemoryApplier):
    """Stops balloons in a manner of its own."""

    def freeze(self, action: message.FreezeBalloon) -> message.BalloonFrozen:
        self.calls.append(('freeze', action.guest_uuid))
        return super().freeze(action)


class MeteredApplierTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.host.applier = self.inner = StoppingApplier()
        self.guest = self.host.add('web-01')
        self.meter = Meter()
        self.applier = metered_applier.MeteredApplier(
            self.inner, self.meter, Clock()
        )

    def test_hands_on_all_that_an_applier_can(self) -> None:
        told: list[object] = []
        freeze = message.FreezeBalloon(
            guest_uuid=_UUID, at_kib=None, lowest_kib=1, highest_kib=base.GIB
        )
        self.assertEqual(self.inner.uri, self.applier.uri)
        self.assertEqual(
            [self.guest.description], list(self.applier.list_guests())
        )
        self.assertEqual(
            self.guest.description, self.applier.find_guest('web-01')
        )
        self.assertEqual(base.GIB, self.applier.read(_UUID).actual_kib)
        self.applier.set_target(_UUID, 700 * MIB)
        self.assertEqual(700 * MIB, self.applier.freeze(freeze).target_kib)
        self.guest.no_clock = ''
        self.applier.check_clock(_UUID)
        self.applier.offer(base.make_offer())
        report = self.applier.conclude(base.make_question())
        self.assertEqual(base.make_guest_report(), report)
        self.applier.connect()
        self.applier.start_statistics(_UUID)
        self.applier.restore_statistics(_UUID)
        self.applier.disconnect()
        self.applier.watch(told.append)
        self.assertEqual(told.append, self.inner.sink)
        self.applier.close()
        self.assertEqual(
            [
                ('freeze', _UUID),
                ('check_clock', _UUID),
                ('offer', _UUID),
                ('check_clock', _UUID),
                ('conclude', _UUID),
                ('connect', ''),
                ('start_statistics', _UUID),
                ('restore_statistics', _UUID),
                ('disconnect', ''),
                ('close', ''),
            ],
            self.inner.calls,
        )
        self.assertEqual(
            sorted(metered_applier.METHODS),
            sorted(method for method, _, _ in self.meter.calls),
        )

    def test_no_method_was_forgotten(self) -> None:
        methods = [
            name
            for name, _ in inspect.getmembers(
                applier_base.Applier, inspect.isfunction
            )
            if not name.startswith('_')
        ]
        self.assertEqual(methods, sorted(metered_applier.METHODS))
        for name in methods:
            self.assertIn(name, vars(metered_applier.MeteredApplier))

    def test_a_freeze_is_one_call(self) -> None:
        self.applier.freeze(
            message.FreezeBalloon(
                guest_uuid=_UUID,
                at_kib=None,
                lowest_kib=1,
                highest_kib=base.GIB,
            )
        )
        self.assertEqual([('freeze', 0.25, '')], self.meter.calls)

    def test_errors_are_told_by_their_class_and_not_hidden(self) -> None:
        busy = exception.GuestBusy(guest=_UUID, why='timed out')
        defect = ZeroDivisionError()
        for error in (busy, defect):
            self.guest.errors = [error]
            caught = self.assertRaises(
                type(error), self.applier.set_target, _UUID, 1
            )
            self.assertIs(error, caught)
        self.assertEqual(
            [
                ('set_target', 0.25, 'GuestBusy'),
                ('set_target', 0.25, 'ZeroDivisionError'),
            ],
            self.meter.calls,
        )

    def test_a_guest_that_cannot_keep_the_clock_is_no_error(self) -> None:
        error = self.assertRaises(
            exception.NoGuestClock, self.applier.check_clock, _UUID
        )
        self.assertEqual('it has no guest agent channel', error.why)
        self.assertEqual([('check_clock', 0.25, '')], self.meter.calls)


class PerformTestCase(test_base.PerformTestCase):
    """What an applier owes to those who carry out actions by it."""

    def perform(self, action: message.GuestAction) -> message.Event | None:
        metered = metered_applier.MeteredApplier(self.host.applier, Meter())
        return applier_base.perform(metered, action)
