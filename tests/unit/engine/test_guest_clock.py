# SPDX-License-Identifier: Apache-2.0
"""Policies whose clock the guest keeps, and the host's clock behind it."""

from typing import Any, ClassVar

import testscenarios

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from tests.unit.engine import factory
from tests.unit.engine import test_machine

_End = timekeeping.GuestEnd
_Mode = timekeeping.Mode
_GRACE_SECONDS = 0.05


def guest_report(**changes: Any) -> timekeeping.GuestReport:
    """Return what a guest says that was stopped at 700 MiB by its clock."""
    fields: dict[str, Any] = {
        'reason': _End.DEADLINE,
        'start_kib': factory.mib(1024),
        'target_kib': factory.mib(512),
        'reached_kib': factory.mib(700),
        'moved_kib': factory.mib(324),
        'elapsed_seconds': 9.99,
        'lateness_seconds': 0.0004,
        'moved_after_deadline_kib': 256,
        'allocation_failures': 3,
    }
    return timekeeping.GuestReport(**(fields | changes))


class GuestClockTestCase(test_machine.EngineTestCase):
    mode = _Mode.AUTO

    def offer(self, **changes: Any) -> message.OfferPolicy:
        """Request a policy and have its guest looked at."""
        self.request(mode=self.mode, **changes)
        (offer,) = self.sample(0.01, 1024)
        assert isinstance(offer, message.OfferPolicy)
        return offer

    def accept(self, at: float = 0.02) -> list[message.Action]:
        return self.engine.handle(
            message.PolicyAccepted(
                guest_uuid=factory.GUEST, policy_uuid=factory.POLICY
            ),
            at,
        )

    def decline(self, at: float = 0.02) -> list[message.Action]:
        return self.engine.handle(
            message.PolicyDeclined(
                guest_uuid=factory.GUEST,
                policy_uuid=factory.POLICY,
                words='it has no agent',
            ),
            at,
        )

    def break_off(self, at: float = 0.02) -> list[message.Action]:
        return self.engine.handle(
            message.ActionFailed(
                guest_uuid=factory.GUEST,
                kind=message.FailureKind.TRANSIENT,
                words='nobody answers',
            ),
            at,
        )

    def cancel(self, at: float) -> list[message.Action]:
        return self.orders(
            message.PolicyCancelled(policy_uuid=factory.POLICY), at
        )

    def freeze(self, at: float, actual_mib: float) -> message.ConcludePolicy:
        """Have the balloon stopped; return what is asked of the guest."""
        actions = self.engine.handle(factory.frozen(at, actual_mib), at)
        (conclude,) = (
            action
            for action in actions
            if isinstance(action, message.ConcludePolicy)
        )
        return conclude

    def report(
        self,
        at: float,
        said: timekeeping.GuestReport | None,
        words: str = '',
    ) -> list[message.Action]:
        event = message.GuestReported(
            guest_uuid=factory.GUEST,
            policy_uuid=factory.POLICY,
            report=said,
            words=words,
        )
        return self.orders(event, at)


class OfferTest(GuestClockTestCase):
    def test_the_guest_is_asked_before_anything_is_ordered(self) -> None:
        offer = self.offer()
        self.assertEqual(10.0, offer.deadline_at)
        self.assertFalse(offer.may_be_known)

    def test_nothing_is_read_until_it_answers(self) -> None:
        self.offer()
        changed = message.BalloonChanged(guest_uuid=factory.GUEST)
        self.assertEqual([], self.engine.handle(changed, 0.015))
        self.assertEqual([], self.sample(0.016, 1000))

    def test_who_accepts_gets_no_target(self) -> None:
        self.offer()
        start, read = self.accept()
        assert isinstance(start, message.ReportStart)
        self.assertIs(_Mode.GUEST, start.timing.keeper)
        self.assertIsInstance(read, message.ReadBalloon)
        for step in range(1, 20):
            self.assertEqual(
                [], self.sample(0.02 + step / 50, 1024 - 20 * step)
            )

    def test_who_declines_is_timed_by_the_host(self) -> None:
        self.offer()
        start, read = self.decline()
        assert isinstance(start, message.ReportStart)
        self.assertEqual(
            timekeeping.Timing(keeper=_Mode.HOST, words='it has no agent'),
            start.timing,
        )
        self.assertIsInstance(read, message.ReadBalloon)
        self.assertEqual([1008], self.targets_mib(self.sample(0.03, 1024)))

    def test_the_host_takes_over_from_a_silent_guest(self) -> None:
        self.offer()
        (start,) = self.break_off()
        assert isinstance(start, message.ReportStart)
        self.assertEqual('nobody answers', start.timing.words)
        self.assertEqual([1008], self.targets_mib(self.sample(0.2, 1024)))
        self.cancel(1.0)
        # NOTE: for the guest may have begun.
        self.assertTrue(self.freeze(1.1, 1000).cancels)

    def test_answers_to_other_offers_are_ignored(self) -> None:
        self.offer()
        stranger = message.PolicyAccepted(
            guest_uuid=factory.GUEST, policy_uuid='another'
        )
        self.assertEqual([], self.engine.handle(stranger, 0.02))
        self.accept()
        self.assertEqual([], self.decline(0.03))

    def test_the_host_does_not_wait_for_long(self) -> None:
        self.offer()
        self.assertEqual([], self.engine.handle_timer(2.0))
        (start,) = self.engine.handle_timer(2.02)
        assert isinstance(start, message.ReportStart)
        self.assertIs(_Mode.HOST, start.timing.keeper)
        self.assertIn('did not answer', start.timing.words)
        self.assertEqual([1008], self.targets_mib(self.sample(2.1, 1024)))
        # An answer that comes now changes nothing any more.
        kinds = {type(action) for action in self.accept(2.2)}
        self.assertEqual({message.ReadBalloon}, kinds)
        self.assertEqual([994], self.targets_mib(self.sample(2.3, 1010)))

    def test_half_of_a_short_duration_is_waited_for(self) -> None:
        self.offer(duration_seconds=1.0)
        self.assertEqual([], self.engine.handle_timer(0.5))
        (start,) = self.engine.handle_timer(0.52)
        self.assertIsInstance(start, message.ReportStart)

    def test_cancelled_while_the_guest_has_not_answered(self) -> None:
        self.offer()
        self.assertEqual([test_machine.FREEZE], self.cancel(0.02))
        self.assertEqual([], self.accept(0.03))
        self.assertTrue(self.freeze(0.04, 1024).cancels)


class MustBeGuestTest(GuestClockTestCase):
    mode = _Mode.GUEST

    def test_who_declines_is_left_alone(self) -> None:
        self.offer()
        (end,) = self.decline()
        assert isinstance(end, message.ReportEnd)
        self.assertIs(model.EndReason.FAILED, end.report.reason)
        self.assertEqual(
            'the guest cannot keep its clock: it has no agent',
            end.report.detail,
        )
        self.assertTrue(self.engine.is_idle)

    def test_no_answer_by_the_deadline(self) -> None:
        self.offer()
        self.assertEqual([], self.engine.handle_timer(10.0))
        (freeze,) = self.engine.handle_timer(10.0 + _GRACE_SECONDS)
        self.assertEqual(test_machine.FREEZE, freeze)
        self.freeze(10.1, 1024)
        self.report(10.2, None, 'nobody answers')
        report = self.only_report(self.sample(11.0, 1024))
        self.assertIs(model.EndReason.FAILED, report.reason)
        self.assertIn('did not answer', report.detail)

    def test_who_is_silent_is_frozen(self) -> None:
        self.offer()
        self.assertEqual([test_machine.FREEZE], self.break_off())


class EndTest(GuestClockTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.offer()
        self.accept()

    def test_the_host_waits_for_its_grace(self) -> None:
        self.sample(9.0, 700)
        kinds = {type(it) for it in self.engine.handle_timer(10.0)}
        self.assertNotIn(message.FreezeBalloon, kinds)
        actions = self.engine.handle_timer(10.0 + _GRACE_SECONDS)
        self.assertIn(test_machine.FREEZE, actions)

    def test_what_the_guest_says_is_in_the_report(self) -> None:
        self.sample(9.0, 700)
        self.engine.handle_timer(10.05)
        self.freeze(10.06, 700)
        said = guest_report()
        self.report(10.07, said)
        report = self.only_report(self.sample(11.0, 700))
        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(said, report.guest_report)
        self.assertEqual(0.0004, report.lateness_seconds)
        self.assertEqual(256, report.moved_after_deadline_kib)
        self.assertIs(_Mode.GUEST, report.timing.keeper)
        self.assertTrue(report.confirmed)

    def test_the_report_waits_for_the_guest(self) -> None:
        self.sample(9.0, 700)
        self.engine.handle_timer(10.05)
        self.freeze(10.06, 700)
        self.assertEqual([], self.sample(11.0, 700))
        report = self.only_report(self.report(11.1, guest_report()))
        self.assertTrue(report.confirmed)

    def test_a_guest_that_is_slow_to_say_it_is_not_waited_for(self) -> None:
        self.sample(9.0, 700)
        self.engine.handle_timer(10.05)
        self.freeze(10.06, 700)
        self.assertEqual([], self.sample(12.0, 700))
        report = self.only_report(self.sample(12.1, 700))
        self.assertIn('it does not answer', report.detail)
        self.assertTrue(report.confirmed)

    def test_a_guest_that_does_not_say_how_it_ended(self) -> None:
        self.sample(9.0, 700)
        self.engine.handle_timer(10.05)
        self.freeze(10.06, 700)
        self.report(10.07, None, 'its agent does not answer')
        report = self.only_report(self.sample(11.0, 700))
        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertIsNone(report.guest_report)
        self.assertIn('its agent does not answer', report.detail)
        self.assertTrue(report.confirmed)

    def test_at_its_target_it_is_not_cancelled(self) -> None:
        (freeze,) = self.sample(1.0, 512)
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertEqual(factory.mib(512), freeze.at_kib)
        self.assertFalse(self.freeze(1.01, 512).cancels)

    def test_reports_of_other_policies_are_ignored(self) -> None:
        self.cancel(1.0)
        self.freeze(1.01, 900)
        stranger = message.GuestReported(
            guest_uuid=factory.GUEST, policy_uuid='another', report=None
        )
        self.orders(stranger, 1.02)
        self.assertEqual([], self.sample(2.0, 900))
        self.only_report(self.report(2.1, guest_report()))


class SegmentTest(GuestClockTestCase):
    def test_a_guest_held_by_its_segment_does_not_stall(self) -> None:
        segment = model.Segment(until_seconds=6.0, target_kib=factory.mib(900))
        self.offer(segments=(segment,))
        self.accept()
        for step in range(80):
            self.assertEqual([], self.sample(0.1 + step / 20, 900))


class FirstEndTest(testscenarios.TestWithScenarios, GuestClockTestCase):
    """Host's end, guest's end, what the balloon was seen at: who was first."""

    scenarios: ClassVar = [
        (name, {'ends': ends, 'said': said, 'end_mib': mib, 'wanted': wanted})
        for name, ends, said, mib, wanted in (
            ('both-late', 'deadline', _End.DEADLINE, 700, 'deadline'),
            ('guest-arrived', 'deadline', _End.TARGET, 512, 'target'),
            ('guest-lies', 'deadline', _End.TARGET, 700, 'deadline'),
            ('guest-stalled', 'deadline', _End.STALLED, 700, 'stalled'),
            ('guest-starved', 'deadline', _End.OOM, 700, 'distress'),
            ('host-was-late', 'deadline', _End.HOST, 700, 'deadline'),
            ('still-running', 'deadline', _End.RUNNING, 700, 'deadline'),
            ('cancelled', 'cancel', _End.HOST, 700, 'cancelled'),
            ('cancelled-too', 'cancel', _End.CANCELLED, 700, 'cancelled'),
            ('too-late', 'cancel', _End.TARGET, 512, 'target'),
            ('fast-clock', 'cancel', _End.DEADLINE, 700, 'cancelled'),
        )
    ]
    ends: str
    said: timekeeping.GuestEnd
    end_mib: int
    wanted: str

    def test_first_end_wins(self) -> None:
        self.offer()
        self.accept()
        self.sample(5.0, 800)
        if self.ends == 'cancel':
            self.cancel(5.1)
        else:
            self.engine.handle_timer(10.05)
        self.freeze(10.06, self.end_mib)
        said = guest_report(
            reason=self.said, reached_kib=factory.mib(self.end_mib)
        )
        self.report(10.07, said)
        report = self.only_report(self.sample(11.0, self.end_mib))
        self.assertEqual(self.wanted, report.reason.value)


class LiesTest(GuestClockTestCase):
    def end(
        self, said: timekeeping.GuestReport, *later_mib: float
    ) -> model.EndReport:
        """Let the time be up at 700 MiB; looks follow in 10 ms each."""
        self.offer()
        self.accept()
        self.sample(9.0, 800)
        self.sample(9.9, 710)
        self.engine.handle_timer(10.05)
        self.freeze(10.06, 700)
        self.report(10.07, said)
        at = 10.08
        for actual_mib in later_mib:
            self.sample(at, actual_mib)
            at += 0.01
        return self.only_report(self.sample(at + 1, (700, *later_mib)[-1]))

    def test_late_as_the_guest_says(self) -> None:
        report = self.end(guest_report(lateness_seconds=0.003))
        self.assertEqual(0.003, report.lateness_seconds)

    def test_the_host_has_seen_it_move_on(self) -> None:
        report = self.end(guest_report(lateness_seconds=0.0), 690, 680)
        assert report.lateness_seconds is not None
        self.assertGreater(report.lateness_seconds, 0.05)
        self.assertLess(factory.mib(20), report.moved_after_deadline_kib or 0)

    def test_later_than_now(self) -> None:
        report = self.end(guest_report(lateness_seconds=9e9))
        assert report.lateness_seconds is not None
        self.assertLess(report.lateness_seconds, 2)

    def test_a_target_that_was_not_ours(self) -> None:
        report = self.end(
            guest_report(reason=_End.TARGET, target_kib=factory.mib(700))
        )
        self.assertIs(model.EndReason.SUPERSEDED, report.reason)
        self.assertIn('700 MiB', report.detail)


class ResumedTest(GuestClockTestCase):
    def resume(
        self, started_at: float, mode: timekeeping.Mode = _Mode.AUTO
    ) -> list[message.Action]:
        event = message.PolicyResumed(
            policy=factory.balloon_policy(mode=mode), started_at=started_at
        )
        return self.engine.handle(event, 100.0)

    def test_a_guest_that_may_run_it_yet_is_asked(self) -> None:
        (offer,) = self.resume(95.0)
        assert isinstance(offer, message.OfferPolicy)
        self.assertTrue(offer.may_be_known)
        self.assertEqual(105.0, offer.deadline_at)
        # NOTE: its start was told by our predecessor.
        (read,) = self.accept(100.1)
        self.assertIsInstance(read, message.ReadBalloon)

    def test_one_that_is_overdue_is_concluded(self) -> None:
        (freeze,) = self.resume(80.0)
        self.assertEqual(test_machine.FREEZE, freeze)
        self.assertTrue(self.freeze(100.1, 700).cancels)
        self.report(100.2, guest_report())
        report = self.only_report(self.sample(101.0, 700))
        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertIs(_Mode.GUEST, report.timing.keeper)
        self.assertEqual(0.0004, report.lateness_seconds)

    def test_one_that_the_host_timed_is_not_offered_again(self) -> None:
        event = message.PolicyResumed(
            policy=factory.balloon_policy(mode=_Mode.AUTO),
            started_at=95.0,
            timing=timekeeping.Timing(words='it has no agent'),
        )
        (read,) = self.engine.handle(event, 100.0)
        self.assertIsInstance(read, message.ReadBalloon)
        self.assertEqual([884], self.targets_mib(self.sample(100.1, 900)))

    def test_an_offer_waits_for_the_freeze_before_it(self) -> None:
        self.resume(80.0)
        later = factory.balloon_policy(mode=_Mode.AUTO, uuid='later')
        event = message.PolicyResumed(policy=later, started_at=95.0)
        self.assertEqual([], self.engine.handle(event, 100.0))
        self.freeze(100.1, 700)
        self.report(100.2, guest_report())
        end, offer = self.sample(101.0, 700)
        self.assertIsInstance(end, message.ReportEnd)
        assert isinstance(offer, message.OfferPolicy)
        self.assertEqual('later', offer.policy.uuid)

    def test_a_guest_that_lost_it_is_frozen(self) -> None:
        self.resume(95.0, _Mode.GUEST)
        self.assertEqual([test_machine.FREEZE], self.decline(100.1))
