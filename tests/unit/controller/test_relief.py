# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import machine
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
_Reason = model.EndReason


class ReliefTestCase(base.TestCase):
    """Guests of 1 GiB that can each spare 760 MiB; low is at 1024 MiB."""

    def make(self, *names: str, **settings: Any) -> None:
        self.planner = factory.TakeAll()
        self.host = factory.Host(*names, planner=self.planner, **settings)

    def read(
        self, seconds: float, available_mib: float, **more: Any
    ) -> machine.Outputs:
        self.host.wait(seconds)
        return self.host.read(available_mib, **more)

    def need_mib(
        self, seconds: float, available_mib: float, **more: Any
    ) -> float:
        """Return what is asked for at the next reading."""
        outputs = self.read(seconds, available_mib, **more)
        notices = factory.pick(outputs, message.ReliefPlanned)
        return sum(it.need_kib for it in notices) / MIB

    def stall_mib(self, seconds: float, available_mib: float) -> float:
        return self.need_mib(
            seconds,
            available_mib,
            source='psi',
            is_pressing=True,
            stalled_share=0.2,
        )


class NeedTestCase(ReliefTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.make('web', 'db')

    def test_is_what_lacks_to_the_low_watermark(self) -> None:
        (made,) = factory.policies(self.read(1, 724))
        self.assertEqual(300 * MIB, made.start_actual_kib - made.target_kib)
        self.assertIs(model.Origin.PRESSURE, made.origin)
        self.assertIn('300 MiB', made.explanation)

    def test_what_is_under_way_is_not_asked_for_again(self) -> None:
        self.assertEqual(300, self.need_mib(1, 724))
        self.assertEqual(0, self.need_mib(1, 724))

    def test_what_has_come_is_in_the_reading(self) -> None:
        self.assertEqual(300, self.need_mib(1, 724))
        self.host.move('web', 1024 - 200)
        self.assertEqual(0, self.need_mib(1, 924))

    def test_only_the_rest_is_asked_for_where_more_is_lacking(self) -> None:
        self.assertEqual(300, self.need_mib(1, 724))
        self.assertEqual(100, self.need_mib(1, 624))

    def test_what_landed_since_the_reading_counts(self) -> None:
        (made,) = factory.policies(self.read(1, 724))
        self.host.wait(0.5)
        self.host.end(made)
        late = factory.make_reading(self.host.now - 0.1, 724)
        outputs = self.host.handle(message.PressureRead(reading=late))
        self.assertEqual([], factory.pick(outputs, message.ReliefPlanned))

    def test_what_landed_before_is_in_the_reading(self) -> None:
        (made,) = factory.policies(self.read(1, 724))
        self.host.end(made)
        self.assertEqual(100, self.need_mib(1, 924))

    def test_a_small_need_is_rounded_up(self) -> None:
        """A sixteenth of the 1024 MiB between the watermarks."""
        self.assertEqual(64, self.need_mib(1, 1023))

    def test_no_need_is_not(self) -> None:
        self.assertEqual(0, self.need_mib(1, 1024, is_pressing=True))

    def test_there_is_none_where_nobody_presses(self) -> None:
        self.assertEqual(0, self.need_mib(1, 724, is_pressing=False))

    def test_a_fall_is_foreseen_until_relief_comes(self) -> None:
        """Half of the time to exhaustion: 724 / 100 / 2 = 3.62 s."""
        need_mib = self.need_mib(1, 724, fall_kib_per_second=100 * MIB)
        self.assertEqual(662, round(need_mib))

    def test_a_slow_fall_is_foreseen_no_longer_than_a_policy(self) -> None:
        need_mib = self.need_mib(1, 900, fall_kib_per_second=1 * MIB)
        self.assertEqual(124 + 30, round(need_mib))

    def test_plans_follow_one_another_with_a_pause(self) -> None:
        self.assertEqual(100, self.need_mib(1, 924))
        self.assertEqual(0, self.need_mib(0.2, 824))
        self.assertEqual(100, self.need_mib(0.1, 824))


class StallStepTestCase(ReliefTestCase):
    """Tasks wait above the low watermark: 1 % of the host is 204.8 MiB."""

    def setUp(self) -> None:
        super().setUp()
        self.make('web', 'db')

    def test_is_asked_for_above_the_low_watermark(self) -> None:
        self.assertEqual(204.8, round(self.stall_mib(1, 1500), 1))

    def test_comes_step_by_step(self) -> None:
        self.stall_mib(1, 1500)
        for name in ('web', 'db'):
            flight = self.host.controller.flights.find(base.uuid_of(name))
            if flight is not None:
                self.host.end(flight.balloon_policy)
        self.assertEqual(0, self.stall_mib(1.9, 1600))
        self.assertEqual(204.8, round(self.stall_mib(0.1, 1600), 1))

    def test_never_where_plenty_is_there(self) -> None:
        self.assertEqual(0, self.stall_mib(1, 2048))

    def test_may_be_switched_off(self) -> None:
        self.make('web', stall_step_percent=0)
        self.assertEqual(0, self.stall_mib(1, 1500))


class CorrectionTestCase(ReliefTestCase):
    """What one guest does not deliver is asked of others, in its time."""

    def setUp(self) -> None:
        super().setUp()
        self.make('web', 'db', 'batch')
        self.now = self.host.now

    def stall(
        self, at: float, reason: _Reason = _Reason.STALLED
    ) -> machine.Outputs:
        """Have the first guest stop at once, and be seen at an instant."""
        (made,) = factory.policies(self.host.read(724))
        self.host.wait(at)
        self.host.end(made, reason, actual_mib=1024, freed_kib=0)
        return self.host.read(724)

    def test_asks_others_within_the_time_that_is_left(self) -> None:
        outputs = self.stall(1.5)
        self.assertTrue(factory.planned(outputs).corrects)
        (made,) = factory.policies(outputs)
        self.assertEqual(base.uuid_of('db'), made.guest_uuid)
        self.assertEqual(2.5, made.duration_seconds)
        self.assertIn('did not deliver', made.explanation)

    def test_the_one_that_stalled_is_left_alone(self) -> None:
        plan = factory.planned(self.stall(1.5)).plan
        words = {it.guest_uuid: it.words for it in plan.left_out}
        self.assertIn('did not deliver', words[base.uuid_of('web')])

    def test_every_other_way_not_to_deliver_counts_too(self) -> None:
        for reason, corrects in (
            (_Reason.DISTRESS, True),
            (_Reason.FAILED, True),
            (_Reason.GUEST_GONE, True),
            (_Reason.SUPERSEDED, True),
            (_Reason.DEADLINE, False),
            (_Reason.TARGET, False),
        ):
            self.make('web', 'db')
            notice = factory.planned(self.stall(1.5, reason))
            self.assertEqual(corrects, notice.corrects, reason.value)

    def test_a_correction_of_a_correction_keeps_the_first_deadline(
        self,
    ) -> None:
        (second,) = factory.policies(self.stall(1.0))
        self.host.wait(1.0)
        self.host.end(second, _Reason.STALLED, 1024, freed_kib=0)
        outputs = self.host.read(724)
        self.assertTrue(factory.planned(outputs).corrects)
        (third,) = factory.policies(outputs)
        self.assertEqual(base.uuid_of('batch'), third.guest_uuid)
        self.assertEqual(2.0, third.duration_seconds)

    def test_too_late_for_that_it_is_a_plan_of_its_own(self) -> None:
        """A quarter of the shortest duration is the least."""
        outputs = self.stall(3.8)
        self.assertFalse(factory.planned(outputs).corrects)
        (made,) = factory.policies(outputs)
        self.assertEqual(4.0, made.duration_seconds)

    def test_with_a_little_time_left_it_takes_that(self) -> None:
        outputs = self.stall(3.7)
        self.assertTrue(factory.planned(outputs).corrects)
        (made,) = factory.policies(outputs)
        self.assertAlmostEqual(0.3, made.duration_seconds)

    def test_is_not_held_up_by_the_pause_between_plans(self) -> None:
        self.assertTrue(factory.planned(self.stall(0.05)).corrects)

    def test_a_policy_that_we_replaced_is_no_shortfall(self) -> None:
        (made,) = factory.policies(self.host.read(724))
        sooner = base.make_policy(
            guest_uuid=made.guest_uuid, origin=model.Origin.PRESSURE
        )
        self.host.handle(message.PolicyRequested(policy=sooner))
        self.host.end(made, _Reason.SUPERSEDED, 1024)
        outputs = self.read(1, 124)
        self.assertFalse(factory.planned(outputs).corrects)


class HurryTestCase(ReliefTestCase):
    def test_what_comes_too_late_is_asked_for_sooner(self) -> None:
        """A fall became steep while a guest had all the time."""
        (slow,) = self.begin(20.0)
        self.planner.seconds = 1.0
        (quick,) = factory.policies(self.steepen(2.5))
        self.assertEqual(slow.guest_uuid, quick.guest_uuid)
        self.assertLess(quick.target_kib, slow.target_kib)

    def test_one_that_is_not_sooner_changes_nothing(self) -> None:
        """Or it would be replaced again and again, and never move."""
        self.begin(20.0)
        self.assertEqual([], factory.policies(self.steepen(2.5)))

    def test_what_has_just_begun_goes_on(self) -> None:
        self.begin(20.0)
        self.planner.seconds = 1.0
        self.assertEqual([], factory.policies(self.steepen(1.0)))

    def begin(self, seconds: float) -> list[model.BalloonPolicy]:
        self.planner = factory.TakeAll(seconds)
        self.host = factory.Host('web', planner=self.planner)
        return factory.policies(self.read(1, 1000))

    def steepen(self, after_seconds: float) -> machine.Outputs:
        self.host.move('web', 1020)
        return self.read(after_seconds, 800, fall_kib_per_second=800 * MIB)


class RestTestCase(ReliefTestCase):
    """Nobody can give anything: that is said, but not all the time."""

    def setUp(self) -> None:
        super().setUp()
        self.make()

    def plans_in(self, seconds: float) -> int:
        count = 0
        for _ in range(int(seconds * 10)):
            outputs = self.read(0.1, 500)
            count += len(factory.pick(outputs, message.ReliefPlanned))
        return count

    def test_is_said_with_the_shortfall(self) -> None:
        notice = factory.planned(self.read(1, 724))
        self.assertEqual(300 * MIB, notice.plan.shortfall_kib)
        self.assertEqual((), notice.plan.proposals)

    def test_is_tried_less_and_less_often(self) -> None:
        self.assertLessEqual(self.plans_in(10), 7)
        self.assertLessEqual(self.plans_in(60), 9)

    def test_is_tried_at_least_every_ten_seconds(self) -> None:
        self.plans_in(60)
        self.host.list_guests('web')
        self.host.look('web')
        self.assertGreaterEqual(self.plans_in(10.1), 1)

    def test_pressure_that_comes_anew_waits_for_nothing(self) -> None:
        self.plans_in(60)
        self.read(1, 4000)
        self.host.list_guests('web')
        self.host.look('web')
        self.host.now += 1
        self.host.look('web')
        self.assertEqual(1, len(factory.policies(self.read(0.1, 724))))


class PlannerTestCase(ReliefTestCase):
    def test_that_fails_leaves_all_alone_and_says_so(self) -> None:
        class Failing(factory.TakeAll):
            def plan(self, request: Any) -> Any:
                raise ZeroDivisionError

        self.host = factory.Host('web', planner=Failing())
        outputs = self.read(1, 724)
        self.assertEqual([], factory.policies(outputs))
        (left,) = factory.planned(outputs).plan.left_out
        self.assertIn('a defect of the planner', left.words)

    def test_is_given_the_bounds(self) -> None:
        self.make('web', shortest_seconds=2.0, longest_seconds=3.0)
        (made,) = factory.policies(self.read(1, 724))
        self.assertEqual(3.0, made.duration_seconds)
        (request,) = self.planner.requests
        self.assertEqual(2.0, request.shortest_seconds)

    def test_another_one_may_take_its_place(self) -> None:
        self.make('web')
        fresh = factory.TakeAll()
        self.host.controller.reload(self.host.settings, fresh)
        self.read(1, 724)
        self.assertEqual([], self.planner.requests)
        self.assertEqual(1, len(fresh.requests))
