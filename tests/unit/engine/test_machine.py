# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testtools

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import machine
from tests.unit.engine import factory

FREEZE = message.FreezeBalloon(
    guest_uuid=factory.GUEST,
    at_kib=None,
    lowest_kib=factory.mib(128),
    highest_kib=factory.mib(1024),
)


class EngineTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.engine = machine.Engine()

    def request(self, at: float = 0.0, **changes: Any) -> list[message.Action]:
        event = message.PolicyRequested(
            policy=factory.balloon_policy(**changes)
        )
        return self.engine.handle(event, at)

    def sample(
        self, at: float, actual_mib: float, **more: Any
    ) -> list[message.Action]:
        return self.orders(factory.sampled(at, actual_mib, **more), at)

    def orders(self, event: message.Event, at: float) -> list[message.Action]:
        """Handle an event; looks that were due are left out."""
        return [
            action
            for action in self.engine.handle(event, at)
            if not isinstance(action, message.ReadBalloon)
        ]

    def finish(
        self, at: float, actual_mib: float, target_mib: float | None = None
    ) -> model.EndReport:
        """Answer the freeze until the engine has seen the balloon still."""
        self.engine.handle(factory.frozen(at, actual_mib, target_mib), at)
        actions = self.sample(at + 1, actual_mib)
        return self.only_report(actions)

    def only_report(self, actions: list[message.Action]) -> model.EndReport:
        (report,) = [
            action.report
            for action in actions
            if isinstance(action, message.ReportEnd)
        ]
        return report

    def targets_mib(self, actions: list[message.Action]) -> list[float]:
        return [
            action.target_kib / 1024
            for action in actions
            if isinstance(action, message.SetTarget)
        ]


class PendingTest(EngineTestCase):
    def test_request_reads_and_gives_no_target(self) -> None:
        read = message.ReadBalloon(guest_uuid=factory.GUEST)
        self.assertEqual([read], self.request())

    def test_first_sample_starts_it(self) -> None:
        self.request()
        actions = self.sample(0.01, 1024)
        self.assertIsInstance(actions[0], message.ReportStart)
        self.assertEqual([1008], self.targets_mib(actions))

    def test_reserve_waits_for_statistics(self) -> None:
        self.request(guards=factory.guards(reserve_kib=factory.mib(64)))
        self.assertEqual([], self.sample(0.01, 1024))
        actions = self.sample(0.2, 1024, told=factory.statistics(7))
        self.assertEqual([1008], self.targets_mib(actions))

    def test_without_statistics_it_fails_and_moves_nothing(self) -> None:
        self.request(guards=factory.guards(reserve_kib=factory.mib(64)))
        self.sample(0.01, 1024)
        report = self.only_report(self.sample(5.1, 1024))
        self.assertEqual(model.EndReason.FAILED, report.reason)
        self.assertIn('no statistics', report.detail)
        self.assertTrue(self.engine.is_idle)

    def test_guest_that_never_answers_fails_at_the_deadline(self) -> None:
        self.request()
        actions = self.engine.handle_timer(10.0)
        report = self.only_report(actions)
        self.assertEqual(model.EndReason.FAILED, report.reason)
        self.assertEqual([message.ReportEnd(report=report)], actions)

    def test_cancelled(self) -> None:
        self.request()
        event = message.PolicyCancelled(policy_uuid=factory.POLICY)
        report = self.only_report(self.orders(event, 0.1))
        self.assertEqual(model.EndReason.CANCELLED, report.reason)

    def test_the_report_says_why_it_was_cancelled(self) -> None:
        self.request()
        event = message.PolicyCancelled(
            policy_uuid=factory.POLICY, words='it migrates'
        )
        report = self.only_report(self.orders(event, 0.1))
        self.assertEqual('it migrates', report.detail)


class AlreadyMetTest(EngineTestCase):
    def test_ends_without_an_order(self) -> None:
        self.request()
        (action,) = self.sample(0.01, 100)
        assert isinstance(action, message.ReportEnd)
        self.assertEqual(model.EndReason.TARGET, action.report.reason)
        self.assertEqual('it was at 100 MiB already', action.report.detail)
        self.assertTrue(self.engine.is_idle)


class RunningTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request()
        self.sample(0.01, 1024)

    def test_target_follows_the_balloon_by_a_leash(self) -> None:
        actions = self.sample(0.02, 1010)
        self.assertEqual([994], self.targets_mib(actions))

    def test_small_steps_are_saved_up(self) -> None:
        self.assertEqual([], self.targets_mib(self.sample(0.02, 1023)))

    def test_it_looks_again_by_itself(self) -> None:
        next_timer = self.engine.next_timer()
        assert next_timer is not None
        read = message.ReadBalloon(guest_uuid=factory.GUEST)
        self.assertEqual([read], self.engine.handle_timer(next_timer))
        self.assertEqual([], self.engine.handle_timer(next_timer + 1))

    def test_foreign_target_is_respected(self) -> None:
        self.assertEqual([], self.sample(0.1, 900))
        report = self.only_report(self.sample(0.2, 890))
        self.assertEqual(model.EndReason.SUPERSEDED, report.reason)
        self.assertIn('somebody else', report.detail)
        self.assertTrue(self.engine.is_idle)

    def test_foreign_target_that_leads_past_ours(self) -> None:
        self.assertEqual([], self.sample(0.1, 512))
        report = self.only_report(self.sample(0.2, 400))
        self.assertEqual(model.EndReason.SUPERSEDED, report.reason)

    def test_one_look_that_is_off_is_not_believed(self) -> None:
        self.assertEqual([], self.sample(0.1, 10))
        self.assertEqual([994], self.targets_mib(self.sample(0.2, 1010)))

    def test_where_a_foreign_target_leads_is_not_claimed_to_be_known(
        self,
    ) -> None:
        self.sample(0.1, 900)
        report = self.only_report(self.sample(0.2, 890))
        self.assertFalse(report.confirmed)
        self.assertIsNone(report.actual_end_kib)

    def test_outage_is_no_stall(self) -> None:
        for tick in range(1, 40):
            self.break_down(tick * 0.1, transient=True)
        actions = self.sample(4.0, 1024)
        self.assertEqual([1008], self.targets_mib(actions))

    def test_regrowth_is_distress_and_part_is_returned(self) -> None:
        self.sample(0.1, 1008)
        self.sample(0.2, 992)
        (freeze,) = self.sample(0.3, 1010)
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertEqual(factory.mib(1010 + 14 * 0.25), freeze.at_kib)
        report = self.finish(0.4, 1013.5)
        self.assertEqual(model.EndReason.DISTRESS, report.reason)

    def test_stall(self) -> None:
        ticks = range(1, 22)
        self.sample(0.05, 1020)
        found = [self.sample(tick * 0.1, 1020) for tick in ticks]
        self.assertEqual([[]] * (len(ticks) - 1), found[:-1])
        self.assertEqual([FREEZE], found[-1])
        report = self.finish(2.5, 1020)
        self.assertEqual(model.EndReason.STALLED, report.reason)

    def test_cancelled(self) -> None:
        event = message.PolicyCancelled(policy_uuid=factory.POLICY)
        self.assertEqual([FREEZE], self.orders(event, 0.1))
        self.assertEqual([], self.orders(event, 0.2))
        report = self.finish(0.3, 1008)
        self.assertEqual(model.EndReason.CANCELLED, report.reason)

    def test_cancelling_another_policy_changes_nothing(self) -> None:
        event = message.PolicyCancelled(policy_uuid='other')
        self.assertEqual([], self.orders(event, 0.1))
        self.assertFalse(self.engine.is_idle)

    def test_guest_gone(self) -> None:
        event = message.GuestGone(guest_uuid=factory.GUEST)
        report = self.only_report(self.orders(event, 0.1))
        self.assertEqual(model.EndReason.GUEST_GONE, report.reason)
        self.assertIsNone(report.actual_end_kib)
        self.assertFalse(report.confirmed)

    def test_host_recovered_leaves_an_operators_policy(self) -> None:
        self.assertEqual([], self.orders(message.HostRecovered(), 0.1))

    def test_permanent_failure(self) -> None:
        self.assertEqual([], self.break_down(0.1, transient=False))
        self.assertEqual([FREEZE], self.break_down(0.2, transient=False))
        report = self.finish(0.3, 1010)
        self.assertEqual(model.EndReason.FAILED, report.reason)
        self.assertEqual('because', report.detail)

    def test_what_looks_permanent_may_be_a_guest_that_dies(self) -> None:
        self.break_down(0.1, transient=False)
        event = message.GuestGone(guest_uuid=factory.GUEST)
        report = self.only_report(self.orders(event, 0.2))
        self.assertEqual(model.EndReason.GUEST_GONE, report.reason)

    def test_transient_failures_back_off_and_keep_the_deadline(self) -> None:
        waits = []
        now = 0.1
        for _ in range(4):
            self.assertEqual([], self.break_down(now, transient=True))
            next_timer = self.engine.next_timer()
            assert next_timer is not None
            waits.append(round(next_timer - now, 6))
            now = next_timer
            self.engine.handle_timer(now)
        self.assertEqual([0.05, 0.1, 0.2, 0.4], waits)
        self.assertEqual([FREEZE], self.engine.handle_timer(10.0))

    def test_target_is_given_again_after_a_failure(self) -> None:
        self.break_down(0.1, transient=True)
        self.assertEqual([1008], self.targets_mib(self.sample(0.2, 1024)))

    def test_second_policy_supersedes_and_waits_for_the_freeze(self) -> None:
        actions = self.request(1.0, uuid='second', duration_seconds=5.0)
        self.assertEqual(FREEZE, actions[-1])
        self.engine.handle(factory.frozen(1.1, 1000), 1.1)
        actions = self.engine.handle(factory.sampled(2.0, 1000), 2.0)
        report = self.only_report(actions)
        self.assertEqual(model.EndReason.SUPERSEDED, report.reason)
        self.assertIn('second', report.detail)
        read = message.ReadBalloon(guest_uuid=factory.GUEST)
        self.assertEqual(read, actions[-1])
        self.assertEqual([984], self.targets_mib(self.sample(2.1, 1000)))

    def break_down(
        self, at: float, *, transient: bool
    ) -> list[message.Action]:
        kind = message.FailureKind.PERMANENT
        if transient:
            kind = message.FailureKind.TRANSIENT
        event = message.ActionFailed(
            guest_uuid=factory.GUEST, kind=kind, words='because'
        )
        return self.orders(event, at)


class EndTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request(
            leash=model.Leash(minimum_kib=factory.mib(1024), lead_seconds=0)
        )
        self.sample(0.01, 1024)

    def test_target_reached(self) -> None:
        (freeze,) = self.sample(0.5, 512.5)
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertEqual(factory.mib(512), freeze.at_kib)
        report = self.finish(0.6, 512)
        self.assertEqual(model.EndReason.TARGET, report.reason)
        self.assertEqual(factory.mib(512), report.moved_kib)
        self.assertEqual(0.5, report.ended_at)
        self.assertTrue(report.confirmed)
        self.assertIsNone(report.lateness_seconds)

    def test_deadline_freezes_where_it_stands(self) -> None:
        self.sample(9.0, 800)
        self.assertEqual([FREEZE], self.engine.handle_timer(10.0))
        report = self.finish(10.004, 700)
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(factory.mib(700), report.actual_end_kib)

    def test_late_timer_still_ends_by_deadline(self) -> None:
        actions = self.sample(10.2, 512)
        self.assertEqual([FREEZE], actions)
        report = self.finish(10.3, 512)
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(10.2, report.ended_at)

    def test_lateness_is_measured_to_the_last_movement(self) -> None:
        self.sample(9.98, 600)
        self.engine.handle_timer(10.0)
        self.engine.handle(factory.frozen(10.02, 560), 10.02)
        self.sample(10.03, 558)
        self.sample(10.05, 558)
        report = self.only_report(self.sample(10.4, 558))
        assert report.lateness_seconds is not None
        self.assertAlmostEqual(0.03, report.lateness_seconds)
        # Half of the 40 MiB between 9.98 and 10.02 came before the deadline.
        self.assertEqual(factory.mib(22), report.moved_after_deadline_kib)

    def test_one_more_look_shortly_before_the_deadline(self) -> None:
        self.sample(9.9, 600)
        self.assertEqual(9.97, self.engine.next_timer())
        self.sample(9.971, 590)
        self.assertEqual(10.0, self.engine.next_timer())

    def test_no_order_shortly_before_the_deadline(self) -> None:
        actions = self.sample(9.995, 700)
        self.assertEqual([], actions)
        self.assertEqual(10.0, self.engine.next_timer())


class HostRecoveredTest(EngineTestCase):
    def test_ends_what_pressure_began(self) -> None:
        self.request(origin=model.Origin.PRESSURE)
        self.sample(0.01, 1024)
        actions = self.orders(message.HostRecovered(), 0.1)
        self.assertEqual([FREEZE], actions)
        report = self.finish(0.2, 1010)
        self.assertEqual(model.EndReason.HOST_RECOVERED, report.reason)


class ReserveTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request(
            guards=factory.guards(reserve_kib=factory.mib(64)),
            leash=model.Leash(minimum_kib=factory.mib(1024), lead_seconds=0),
        )

    def told(self, updated_at: int, usable_mib: float) -> Any:
        return factory.statistics(
            updated_at, usable_kib=factory.mib(usable_mib)
        )

    def test_target_stays_out_of_the_reserve(self) -> None:
        actions = self.sample(0.01, 1024, told=self.told(7, 300))
        self.assertEqual([1024 - (300 - 64)], self.targets_mib(actions))

    def test_what_was_taken_since_the_statistics_counts(self) -> None:
        self.sample(0.01, 1024, told=self.told(7, 300))
        actions = self.sample(0.2, 924, told=self.told(7, 300))
        self.assertEqual([], self.targets_mib(actions))

    def test_target_is_taken_back_when_the_guest_needs_more(self) -> None:
        self.sample(0.01, 1024, told=self.told(7, 300))
        actions = self.sample(0.2, 924, told=self.told(8, 84))
        # The statistics may be as old as the last look, at 1024.
        self.assertEqual([924], self.targets_mib(actions))

    def test_coming_back_to_a_target_taken_back_is_no_distress(self) -> None:
        self.sample(0.01, 1024, told=self.told(7, 300))
        self.sample(0.2, 924, told=self.told(8, 84))
        # It had moved on meanwhile, and returns to the 924 that it was told.
        self.sample(0.3, 890, told=self.told(8, 84))
        self.assertEqual([], self.sample(0.4, 924, told=self.told(8, 84)))

    def test_held_by_the_reserve_until_the_deadline(self) -> None:
        self.sample(0.01, 1024, told=self.told(7, 300))
        for second in range(1, 10):
            now = second + 0.5
            self.assertEqual(
                [], self.sample(now, 788, told=self.told(7 + second, 64))
            )
        self.engine.handle_timer(10.0)
        report = self.finish(10.01, 788)
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertIn('held by its reserve', report.detail)

    def test_usable_below_half_the_reserve_is_distress(self) -> None:
        self.sample(0.01, 1024, told=self.told(7, 300))
        (freeze,) = self.sample(1.1, 800, told=self.told(8, 20))
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertEqual(factory.mib(800 + 56), freeze.at_kib)


class SegmentTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request(
            segments=(
                model.Segment(until_seconds=2, target_kib=factory.mib(900)),
                model.Segment(until_seconds=4, target_kib=factory.mib(700)),
            ),
            leash=model.Leash(minimum_kib=factory.mib(1024), lead_seconds=0),
        )
        self.first = self.sample(0.01, 1024)

    def test_goes_no_further_than_the_segment(self) -> None:
        self.assertEqual([900], self.targets_mib(self.first))

    def test_holding_is_not_stalling(self) -> None:
        for tick in range(1, 20):
            self.assertEqual([], self.sample(0.01 + tick * 0.1, 900))

    def test_goes_on_at_its_end(self) -> None:
        self.sample(1.9, 900)
        self.assertEqual(2.0, self.engine.next_timer())
        self.assertEqual([700], self.targets_mib(self.sample(2.001, 900)))
        self.assertEqual([512], self.targets_mib(self.sample(4.001, 720)))
        self.sample(5, 512)
        report = self.finish(5.1, 512)
        self.assertEqual(
            [True, False], [outcome.reached for outcome in report.segments]
        )


class PastSegmentTest(EngineTestCase):
    def test_guest_is_not_sent_back(self) -> None:
        segment = model.Segment(until_seconds=2, target_kib=factory.mib(900))
        self.request(segments=(segment,))
        self.assertEqual([], self.targets_mib(self.sample(0.01, 800)))
        self.assertEqual([784], self.targets_mib(self.sample(2.01, 800)))


class LongLeashTest(EngineTestCase):
    """A leash of 0.1 s at the measured rate, and 16 MiB at least."""

    def run_stages(self, stage_mib: int) -> float:
        """Let a guest run through stages; return its last leash in MiB."""
        stages = range(1, 20)
        self.request(
            leash=model.Leash(),
            segments=tuple(
                model.Segment(
                    until_seconds=stage * 0.4,
                    target_kib=factory.mib(1024 - stage * stage_mib),
                )
                for stage in stages
            ),
        )
        self.sample(0.0, 1024)
        for stage in stages:
            begin = (stage - 1) * 0.4
            top_mib = 1024 - (stage - 1) * stage_mib
            self.sample(begin + 0.01, top_mib - stage_mib / 2)
            self.sample(begin + 0.02, top_mib - stage_mib)
            self.sample(begin + 0.401, top_mib - stage_mib)
        (run,) = self.engine.runs
        return run.pace.leash_kib / 1024

    def test_reaching_a_stage_does_not_lengthen_it(self) -> None:
        # 4 MiB in 10 ms are 400 MiB/s.
        self.assertLess(self.run_stages(stage_mib=8), 45)


class DeflateTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request(
            direction=model.Direction.DEFLATE,
            start_actual_kib=factory.mib(100),
            target_kib=factory.mib(1024),
        )
        self.first = self.sample(0.01, 100)

    def test_target_leads_upwards(self) -> None:
        self.assertEqual([116], self.targets_mib(self.first))
        self.assertEqual([132], self.targets_mib(self.sample(0.1, 116)))

    def test_guest_that_somebody_takes_down_is_left_to_him(self) -> None:
        self.assertEqual([], self.sample(0.1, 64))
        report = self.only_report(self.sample(0.2, 60))
        self.assertEqual(model.EndReason.SUPERSEDED, report.reason)

    def test_moving_the_wrong_way_is_no_progress(self) -> None:
        found = [self.sample(0.1 * tick, 300 - tick) for tick in range(1, 40)]
        ends = [actions for actions in found if actions]
        self.assertIsInstance(ends[-1][-1], message.FreezeBalloon)
        report = self.finish(5, 260)
        self.assertEqual(model.EndReason.STALLED, report.reason)

    def test_guest_that_takes_more_than_it_is_given(self) -> None:
        self.assertEqual([416], self.targets_mib(self.sample(0.1, 400)))

    def test_guest_beyond_its_final_target_is_not_squeezed(self) -> None:
        self.request(
            0.1,
            start_actual_kib=factory.mib(100),
            target_kib=factory.mib(300),
            direction=model.Direction.DEFLATE,
        )
        self.engine.handle(factory.frozen(0.2, 100), 0.2)
        self.sample(0.5, 100)
        self.assertEqual([116], self.targets_mib(self.sample(0.6, 100)))
        (freeze,) = self.sample(0.7, 500)
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertIsNone(freeze.at_kib)
        report = self.finish(0.8, 500)
        self.assertEqual(model.EndReason.TARGET, report.reason)

    def test_ends_below_the_floor_without_moving(self) -> None:
        event = message.PolicyCancelled(policy_uuid=factory.POLICY)
        (freeze,) = self.orders(event, 0.1)
        assert isinstance(freeze, message.FreezeBalloon)
        self.assertEqual(factory.mib(100), freeze.lowest_kib)
        report = self.finish(0.2, 110)
        self.assertEqual(factory.mib(10), report.moved_kib)


class FreezingTest(EngineTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.request()
        self.sample(0.01, 1024, rss_mib=1000)
        self.engine.handle_timer(10.0)

    def test_reports_only_when_the_balloon_is_still(self) -> None:
        self.engine.handle(factory.frozen(10.01, 800), 10.01)
        for at, actual_mib in ((10.1, 799), (10.2, 798), (10.3, 798)):
            self.assertEqual([], self.sample(at, actual_mib))
        actions = self.sample(10.46, 798, rss_mib=780)
        report = self.only_report(actions)
        self.assertEqual(factory.mib(798), report.actual_end_kib)
        self.assertEqual(factory.mib(220), report.freed_kib)
        self.assertTrue(self.engine.is_idle)
        self.assertIsNone(self.engine.next_timer())

    def test_is_told_while_it_lasts(self) -> None:
        (freeze,) = self.engine.freezes
        self.assertIs(model.EndReason.DEADLINE, freeze.reason)
        self.assertEqual(10.0, freeze.ended_at)
        self.finish(10.01, 600)
        self.assertEqual((), self.engine.freezes)

    def test_is_ordered_again_until_it_gets_through(self) -> None:
        failed = message.ActionFailed(
            guest_uuid=factory.GUEST,
            kind=message.FailureKind.TRANSIENT,
            words='away',
        )
        self.assertEqual([], self.engine.handle(failed, 10.1))
        self.assertEqual([FREEZE], self.engine.handle_timer(10.15))
        self.assertTrue(self.finish(10.2, 900).confirmed)

    def test_what_looks_permanent_is_tried_again_too(self) -> None:
        failed = message.ActionFailed(
            guest_uuid=factory.GUEST,
            kind=message.FailureKind.PERMANENT,
            words='no such lock',
        )
        self.assertEqual([], self.orders(failed, 10.1))
        self.assertEqual([FREEZE], self.engine.handle_timer(10.15))
        self.assertTrue(self.finish(10.2, 900).confirmed)

    def test_patience_with_what_answers_has_a_limit(self) -> None:
        failed = message.ActionFailed(
            guest_uuid=factory.GUEST,
            kind=message.FailureKind.TRANSIENT,
            words='away',
        )
        now = 10.0
        while not self.engine.is_idle:
            now += 1.0
            actions = self.engine.handle(failed, now)
        self.assertEqual(70.0, now)
        report = self.only_report(actions)
        self.assertIn('could not be confirmed: away', report.detail)
        self.assertIn('may still go to 1008 MiB', report.detail)

    def test_gives_up_and_says_so(self) -> None:
        report = self.only_report(self.engine.handle_timer(20.0))
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertFalse(report.confirmed)
        self.assertIsNone(report.actual_end_kib)
        self.assertIn('could not be confirmed', report.detail)
        self.assertTrue(self.engine.is_idle)

    def test_guest_gone(self) -> None:
        event = message.GuestGone(guest_uuid=factory.GUEST)
        report = self.only_report(self.engine.handle(event, 10.1))
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertFalse(report.confirmed)

    def test_late_answers_after_the_end_are_ignored(self) -> None:
        self.finish(10.1, 800)
        for event in (
            factory.sampled(12, 700),
            factory.frozen(12, 700),
            message.BalloonChanged(guest_uuid=factory.GUEST),
            message.GuestGone(guest_uuid=factory.GUEST),
            message.PolicyCancelled(policy_uuid=factory.POLICY),
        ):
            self.assertEqual([], self.engine.handle(event, 12.0))


class ResumedTest(EngineTestCase):
    def resume(self, started_at: float, now: float) -> list[message.Action]:
        event = message.PolicyResumed(
            policy=factory.balloon_policy(), started_at=started_at
        )
        return self.engine.handle(event, now)

    def test_it_runs_on_with_the_time_that_is_left(self) -> None:
        read = message.ReadBalloon(guest_uuid=factory.GUEST)
        self.assertEqual([read], self.resume(100.0, 104.0))
        self.assertEqual([984], self.targets_mib(self.sample(104.01, 1000)))
        self.assertEqual(110.0, self.engine.runs[0].deadline_at)

    def test_it_is_not_started_twice(self) -> None:
        self.resume(100.0, 104.0)
        kinds = {type(action) for action in self.sample(104.01, 1000)}
        self.assertNotIn(message.ReportStart, kinds)

    def test_it_counts_from_its_own_start(self) -> None:
        self.resume(100.0, 104.0)
        self.sample(104.01, 500)
        self.orders(message.PolicyCancelled(policy_uuid=factory.POLICY), 105.0)
        report = self.finish(105.01, 500)
        self.assertEqual(factory.mib(1024), report.actual_start_kib)
        self.assertEqual(100.0, report.started_at)
        self.assertIsNone(report.freed_kib)

    def test_what_is_overdue_is_frozen_at_once(self) -> None:
        (freeze,) = self.resume(100.0, 113.0)
        self.assertIsInstance(freeze, message.FreezeBalloon)

    def test_what_is_overdue_ends_once_and_tells_how_late(self) -> None:
        self.resume(100.0, 113.0)
        report = self.finish(113.01, 700)
        self.assertEqual(model.EndReason.DEADLINE, report.reason)
        self.assertAlmostEqual(3.01, report.lateness_seconds or 0, places=2)
        self.assertIn('while this service was away', report.detail)
        self.assertTrue(self.engine.is_idle)

    def test_of_two_on_one_guest_the_later_goes_on(self) -> None:
        self.request()
        self.sample(0.01, 1024)
        self.assertIn(FREEZE, self.resume(-1.0, 0.1))
        self.assertEqual(1, len(self.engine.runs))
        report = self.finish(0.2, 1008)
        self.assertEqual(model.EndReason.SUPERSEDED, report.reason)
