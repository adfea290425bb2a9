# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.appliers import base as applier_base
from tests.unit import base
from tests.unit.appliers import memory

MIB = base.MIB
_UUID = base.uuid_of('web-01')
_READ = message.ReadBalloon(guest_uuid=_UUID)
_SET = message.SetTarget(guest_uuid=_UUID, target_kib=512 * MIB)


def _freeze(**more: Any) -> message.FreezeBalloon:
    fields: dict[str, Any] = {
        'guest_uuid': _UUID,
        'at_kib': None,
        'lowest_kib': 256 * MIB,
        'highest_kib': base.GIB,
    }
    return message.FreezeBalloon(**(fields | more))


class PerformTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.guest = self.host.add('web-01')

    def perform(self, action: message.GuestAction) -> message.Event | None:
        return applier_base.perform(self.host.applier, action)

    def test_a_look_tells_what_was_read(self) -> None:
        event = self.perform(_READ)
        assert isinstance(event, message.BalloonSampled)
        self.assertEqual(_UUID, event.guest_uuid)
        self.assertEqual(base.GIB, event.sample.actual_kib)

    def test_a_target_tells_nothing(self) -> None:
        self.assertIsNone(self.perform(_SET))
        self.assertEqual([512 * MIB], self.guest.targets_kib)

    def test_a_freeze_stops_the_balloon_where_it_stands(self) -> None:
        self.guest.actual_kib = 700 * MIB
        self.guest.rate_mib_per_second = 0
        event = self.perform(_freeze())
        assert isinstance(event, message.BalloonFrozen)
        self.assertEqual([700 * MIB], self.guest.targets_kib)
        self.assertEqual(700 * MIB, event.target_kib)
        self.assertEqual(700 * MIB, event.before.actual_kib)
        self.assertLessEqual(event.before.at, event.after.at)

    def test_a_freeze_may_say_where(self) -> None:
        event = self.perform(_freeze(at_kib=600 * MIB))
        assert isinstance(event, message.BalloonFrozen)
        self.assertEqual(600 * MIB, event.target_kib)
        self.assertEqual(base.GIB, event.before.actual_kib)
        self.assertEqual(600 * MIB, event.after.actual_kib)

    def test_a_freeze_keeps_within_its_bounds(self) -> None:
        for at_kib in (100 * MIB, 2 * base.GIB):
            self.perform(_freeze(at_kib=at_kib))
        self.assertEqual([256 * MIB, base.GIB], self.guest.targets_kib)

    def test_a_freeze_below_the_floor_gives_back_up_to_it(self) -> None:
        self.guest.actual_kib = self.guest.target_kib = 100 * MIB
        self.perform(_freeze())
        self.assertEqual([256 * MIB], self.guest.targets_kib)

    def test_a_freeze_that_fails_half_way_fails(self) -> None:
        busy = exception.GuestBusy(guest=_UUID, why='timed out')
        self.guest.errors = [busy]
        event = self.perform(_freeze())
        self.assertIsInstance(event, message.ActionFailed)
        self.assertEqual([], self.guest.targets_kib)

    def test_a_defect_of_the_applier_is_not_hidden(self) -> None:
        self.guest.errors = [ZeroDivisionError()]
        event = self.perform(_READ)
        assert isinstance(event, message.ActionFailed)
        self.assertIs(message.FailureKind.PERMANENT, event.kind)
        self.assertIn('ZeroDivisionError', event.words)

    def test_a_guest_that_takes_a_policy_keeps_its_clock(self) -> None:
        self.guest.no_clock = ''
        offer = base.make_offer()
        event = self.perform(offer)
        accepted = message.PolicyAccepted(
            guest_uuid=_UUID, policy_uuid=offer.policy.uuid
        )
        self.assertEqual(accepted, event)

    def test_a_guest_that_cannot_declines_and_says_why(self) -> None:
        offer = base.make_offer()
        event = self.perform(offer)
        declined = message.PolicyDeclined(
            guest_uuid=_UUID,
            policy_uuid=offer.policy.uuid,
            words='it has no guest agent channel',
        )
        self.assertEqual(declined, event)

    def test_a_guest_is_asked_how_its_policy_ended(self) -> None:
        question = base.make_question()
        event = self.perform(question)
        reported = message.GuestReported(
            guest_uuid=_UUID,
            policy_uuid=question.policy.uuid,
            report=base.make_guest_report(),
        )
        self.assertEqual(reported, event)


_NAMES = {'guest': _UUID, 'uri': 'qemu:///system', 'why': 'so it is'}


def _error(kind: type[Exception], failure: message.FailureKind | None) -> Any:
    return (kind.__name__, {'kind': kind, 'failure': failure})


class ErrorTestCase(testscenarios.WithScenarios, base.TestCase):
    """What becomes of an applier's errors; None: the guest is gone."""

    scenarios = [
        _error(exception.GuestNotFound, None),
        _error(exception.GuestNotRunning, None),
        _error(exception.GuestBusy, message.FailureKind.TRANSIENT),
        _error(exception.HypervisorUnavailable, message.FailureKind.TRANSIENT),
        _error(exception.HypervisorDenied, message.FailureKind.PERMANENT),
        _error(exception.HypervisorError, message.FailureKind.PERMANENT),
        _error(exception.TargetRejected, message.FailureKind.PERMANENT),
        _error(exception.ApplierError, message.FailureKind.PERMANENT),
    ]
    kind: type[exception.ApplierError]
    failure: message.FailureKind | None

    def test_becomes_an_event(self) -> None:
        host = self.useFixture(memory.MemoryHost())
        guest = host.add('web-01')
        for action in (_READ, _SET, _freeze()):
            error = self.kind(**_NAMES)
            guest.errors = [error]
            event: message.Event = message.GuestGone(guest_uuid=_UUID)
            if self.failure is not None:
                event = message.ActionFailed(
                    guest_uuid=_UUID, kind=self.failure, words=str(error)
                )
            self.assertEqual(event, applier_base.perform(host.applier, action))
        self.assertEqual([], guest.targets_kib)


class LeastApplier(applier_base.Applier):
    """The four methods that somebody has to write."""

    def list_guests(self) -> list[model.Guest]:
        return []

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        raise exception.GuestNotFound(guest=name_or_uuid)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        raise exception.GuestNotFound(guest=guest_uuid)

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        raise exception.GuestNotFound(guest=guest_uuid)


class InterfaceTestCase(base.TestCase):
    def test_four_methods_make_an_applier(self) -> None:
        applier = LeastApplier('least:///')
        self.assertEqual('least:///', applier.uri)
        event = applier_base.perform(applier, base.make_offer())
        self.assertIsInstance(event, message.PolicyDeclined)
        event = applier_base.perform(applier, base.make_question())
        assert isinstance(event, message.GuestReported)
        self.assertIsNone(event.report)
        self.assertIn('offers it nothing', event.words)
        applier.connect()
        applier.watch(lambda event: None)
        applier.start_statistics(_UUID)
        applier.restore_statistics(_UUID)
        applier.disconnect()
        applier.close()
        gone = applier_base.perform(applier, _READ)
        self.assertEqual(message.GuestGone(guest_uuid=_UUID), gone)
