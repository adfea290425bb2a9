# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.metrics import instruments
from nova_balloon_timer.metrics import metrics as agent_metrics
from tests.unit import base
from tests.unit.metrics import world

MIB = base.MIB
_BYTES_PER_MIB = 1024 * 1024
_Obstacle = model.Obstacle


class InstrumentsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = agent_metrics.make_registry()
        self.observer = instruments.Instruments(self.registry)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f'balloon_timer_{name}', labels)

    def check(self, expected: float, name: str, **labels: str) -> None:
        self.assertEqual(expected, self.value(name, **labels), name)

    def end(self, **more: Any) -> None:
        self.observer.ended(base.make_report(**more))


class PolicyTestCase(InstrumentsTestCase):
    def test_everything_begins_at_zero(self) -> None:
        families = world.families_of(self.registry)
        values = {it.value for family in families for it in family.samples}
        self.assertEqual({0.0}, values)
        self.check(
            0,
            'policies_ended_total',
            reason='guest-gone',
            origin='return',
            direction='deflate',
            timed_by='guest',
        )

    def test_starts_are_counted_by_origin_and_direction(self) -> None:
        policy = base.make_policy(origin=model.Origin.PRESSURE)
        self.observer.started(policy, base.BY_HOST)
        self.observer.sampled(policy.guest_uuid, base.make_sample())
        self.check(
            1, 'policies_started_total', origin='pressure', direction='inflate'
        )
        self.check(
            0, 'policies_started_total', origin='operator', direction='inflate'
        )

    def test_an_end_tells_what_ended_it_and_what_came_of_it(self) -> None:
        self.end(reason=model.EndReason.STALLED)
        self.end()
        for reason in ('stalled', 'target'):
            self.check(
                1,
                'policies_ended_total',
                reason=reason,
                origin='operator',
                direction='inflate',
                timed_by='host',
            )
        self.check(
            1024 * _BYTES_PER_MIB,
            'memory_moved_bytes_total',
            direction='inflate',
        )
        self.check(600 * _BYTES_PER_MIB, 'memory_freed_bytes_total')
        self.check(2, 'policy_duration_seconds_sum', direction='inflate')
        self.check(0, 'policy_lateness_seconds_count', timed_by='host')

    def test_how_late_a_balloon_stood_still_is_told(self) -> None:
        self.end(reason=model.EndReason.DEADLINE, lateness_seconds=0.006)
        self.end(reason=model.EndReason.DEADLINE, lateness_seconds=3.0)
        for edge, count in (('0.005', 0), ('0.01', 1), ('1.0', 1)):
            self.check(
                count,
                'policy_lateness_seconds_bucket',
                le=edge,
                timed_by='host',
            )
        self.check(2, 'policy_lateness_seconds_count', timed_by='host')

    def test_what_a_guest_says_is_told_apart_from_what_was_seen(self) -> None:
        self.end(
            reason=model.EndReason.DEADLINE,
            lateness_seconds=0.0003,
            timing=base.BY_GUEST,
        )
        self.check(1, 'policy_lateness_seconds_count', timed_by='guest')
        self.check(0, 'policy_lateness_seconds_count', timed_by='host')
        self.check(
            1,
            'policies_ended_total',
            reason='deadline',
            origin='operator',
            direction='inflate',
            timed_by='guest',
        )

    def test_what_is_given_frees_nothing(self) -> None:
        policy = base.make_policy(
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=base.GIB,
            origin=model.Origin.RETURN,
        )
        self.end(policy=policy, freed_kib=-400 * MIB)
        self.check(
            512 * _BYTES_PER_MIB,
            'memory_moved_bytes_total',
            direction='deflate',
        )
        self.check(0, 'memory_freed_bytes_total')

    def test_what_is_unknown_or_a_loss_counts_nothing(self) -> None:
        self.end(moved_kib=None, freed_kib=None, actual_end_kib=None)
        self.end(moved_kib=-MIB, freed_kib=-MIB)
        self.check(0, 'memory_moved_bytes_total', direction='inflate')
        self.check(0, 'memory_freed_bytes_total')

    def test_changes_by_others_are_counted(self) -> None:
        self.observer.noticed(
            message.ForeignChange(
                at=1.0,
                guest_uuid=base.uuid_of('web'),
                before_kib=base.GIB,
                after_kib=512 * MIB,
            )
        )
        self.check(1, 'foreign_changes_total')


class ReliefTestCase(InstrumentsTestCase):
    def begin(self, at: float) -> None:
        self.observer.noticed(
            message.PressureStarted(at=at, memory=None, words='short')
        )

    def end_pressure(self, at: float) -> None:
        self.observer.noticed(
            message.PressureEnded(at=at, memory=None, words='well')
        )

    def test_each_time_of_pressure_is_measured(self) -> None:
        self.begin(100.0)
        self.check(1, 'pressures_total')
        self.check(0, 'pressure_duration_seconds_count')
        self.end_pressure(104.0)
        self.begin(200.0)
        self.end_pressure(260.0)
        self.check(2, 'pressures_total')
        self.check(64.0, 'pressure_duration_seconds_sum')
        self.check(1, 'pressure_duration_seconds_bucket', le='5.0')

    def test_an_end_without_a_beginning_is_not_measured(self) -> None:
        self.end_pressure(104.0)
        self.check(0, 'pressure_duration_seconds_count')

    def test_the_last_plan_is_told(self) -> None:
        self.observer.noticed(
            world.make_plan(
                _Obstacle.COOL_DOWN,
                _Obstacle.NO_ROOM,
                _Obstacle.NO_ROOM,
                shortfall_mib=100,
            )
        )
        self.check(1, 'plans_total', kind='relief')
        self.check(0, 'plans_total', kind='correction')
        self.check(300 * _BYTES_PER_MIB, 'plan_need_bytes')
        self.check(100 * _BYTES_PER_MIB, 'plan_shortfall_bytes')
        self.check(1, 'plan_asked_guests')
        self.check(2, 'plan_left_out_guests', reason='no-room')
        self.check(1, 'plan_left_out_guests', reason='cool-down')
        self.assertTrue(self.value('plan_timestamp_seconds'))

    def test_the_next_plan_takes_its_place(self) -> None:
        self.observer.noticed(world.make_plan(_Obstacle.NO_ROOM))
        self.observer.noticed(world.make_plan(_Obstacle.NO_TIME))
        self.check(0, 'plan_left_out_guests', reason='no-room')
        self.check(1, 'plan_left_out_guests', reason='no-time')

    def test_when_the_host_is_well_nothing_lacks(self) -> None:
        self.observer.noticed(world.make_plan(shortfall_mib=100))
        self.end_pressure(104.0)
        self.check(0, 'plan_shortfall_bytes')
        self.check(300 * _BYTES_PER_MIB, 'plan_need_bytes')
