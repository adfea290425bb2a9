# SPDX-License-Identifier: Apache-2.0
"""What must hold on any small host, whatever its guests are like."""

from typing import Any

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import model
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern
from nova_balloon_timer.simulator.fleet import run as fleet_run
from tests.unit import base
from tests.unit.simulator.fleet import factory

GIB, MIB = base.GIB, base.MIB

_at = st.integers(0, 300).map(float)
_sizes = st.integers(50, 1024).map(lambda mib: mib * MIB)
_odd: st.SearchStrategy[behaviour.Behaviour] = st.one_of(
    st.just(behaviour.Stuck()),
    st.builds(
        behaviour.Stuttering,
        moves_seconds=_at.map(lambda it: it + 1),
        rests_seconds=st.just(3.0),
    ),
    st.builds(behaviour.LowerLimit, limit_kib=_sizes),
    st.builds(behaviour.Regrowing, from_at=_at, until_at=_at),
    st.builds(behaviour.Rebooting, at=_at),
    st.builds(behaviour.DriverNotLoaded, until_at=_at),
    st.builds(behaviour.Lying),
    st.builds(disturbance.Paused, from_at=_at, until_at=_at),
    st.builds(disturbance.Gone, at=_at),
    st.builds(disturbance.ForeignController, at=_at, target_kib=_sizes),
)
_bursts = st.builds(
    pattern.Burst,
    size_kib=_sizes,
    to_kib=_sizes,
    at=_at,
    lasts_seconds=_at,
    ramp_seconds=st.sampled_from([1.0, 10.0, 60.0]),
)


@st.composite
def _guests(draw: st.DrawFn) -> tuple[fleet_guest.FleetProfile, ...]:
    return tuple(
        factory.make_profile(
            f'guest-{number}',
            use=draw(_bursts),
            touched_kib=draw(_sizes),
            behaviours=draw(st.lists(_odd, max_size=1).map(tuple)),
            from_at=draw(st.sampled_from([0.0, 0.0, 100.0])),
        )
        for number in range(draw(st.integers(1, 5)))
    )


class _Checked:
    """A run whose every policy is looked at before it starts."""

    def __init__(self, *profiles: fleet_guest.FleetProfile, **more: Any):
        self.live: dict[str, str] = {}
        scenario = factory.make_scenario(*profiles, **more)
        self.run = fleet_run.FleetRun(
            scenario, factory.make_variant(), check=self._check
        )

    def _check(self, balloon_policy: model.BalloonPolicy) -> None:
        run = self.run
        guest = run.memory.guests[balloon_policy.guest_uuid]
        before = run.desk.flights.get(balloon_policy.guest_uuid)
        if before is not None:
            # Only further in the same direction may take its place.
            assert before.balloon_policy.direction is (
                balloon_policy.direction
            )
        if balloon_policy.direction is model.Direction.INFLATE:
            guards = balloon_policy.guards
            assert balloon_policy.target_kib >= guards.floor_kib
        assert balloon_policy.target_kib <= guest.profile.maximum_kib
        assert run.controller.flights.relief_kib(None, run.now) >= 0
        assert run.controller.flights.giving_kib() >= 0


class TestAnyHost(base.TestCase):
    @hypothesis.given(_guests(), st.integers(1, 6), _bursts)
    @hypothesis.settings(max_examples=40)
    def test_no_rule_is_broken(
        self,
        profiles: tuple[fleet_guest.FleetProfile, ...],
        total: int,
        other: pattern.Burst,
    ) -> None:
        checked = _Checked(*profiles, total_kib=total * GIB, other=other)
        found = checked.run.run()

        self.assertEqual(600.0, found.seconds)
        self.assertLessEqual(found.short.seconds, 600.0 + 1e-6)
        self.assertGreaterEqual(found.lacked_kib_seconds, 0)
        asked = {
            it.balloon_policy.guest_uuid
            for it in checked.run.controller.flights.returning()
        }
        self.assertEqual(set(), asked - set(checked.run.desk.flights))

    @hypothesis.given(
        st.lists(_sizes, min_size=1, max_size=5),
        st.integers(50, 500),
    )
    @hypothesis.settings(max_examples=30)
    def test_once_the_host_is_well_all_are_full(
        self, used_kib: list[int], burst_mib: int
    ) -> None:
        profiles = [
            factory.make_profile(f'guest-{number}', use_kib=size_kib)
            for number, size_kib in enumerate(used_kib)
        ]
        total_kib = len(profiles) * GIB + 2 * GIB
        other = pattern.Burst(
            size_kib=0,
            to_kib=2 * GIB - burst_mib * MIB // 10,
            at=20.0,
            lasts_seconds=60.0,
            ramp_seconds=20.0,
        )
        checked = _Checked(*profiles, total_kib=total_kib, other=other)
        found = checked.run.run()

        self.assertEqual(0, found.below_at_end)
        self.assertEqual({}, checked.run.desk.flights)


class TestFleetRun(base.TestCase):
    def test_a_guest_that_goes_in_mid_policy(self) -> None:
        gone = factory.make_profile(
            'gone',
            inflate_kib_per_second=10 * MIB,
            behaviours=(disturbance.Gone(at=33.0),),
        )
        other = pattern.Burst(
            size_kib=0,
            to_kib=GIB - 80 * MIB,
            at=20.0,
            lasts_seconds=500.0,
            ramp_seconds=10.0,
        )
        checked = _Checked(gone, total_kib=2 * GIB, other=other)
        found = checked.run.run()

        self.assertEqual(1, found.ended(model.EndReason.GUEST_GONE))
        self.assertEqual(1, found.guests)
        self.assertEqual(0, len(checked.run.controller.roster))

    def test_a_guest_set_by_hand_is_respected(self) -> None:
        by_hand = factory.make_profile(
            'by-hand',
            behaviours=(
                disturbance.ForeignController(at=10.0, target_kib=700 * MIB),
            ),
        )
        checked = _Checked(by_hand, total_kib=4 * GIB, seconds=500.0)
        found = checked.run.run()

        self.assertEqual(1, found.foreign_changes)
        self.assertEqual(0, found.policies)
        self.assertEqual(1, found.below_at_end)
        checked = _Checked(by_hand, total_kib=4 * GIB, seconds=900.0)
        self.assertEqual(0, checked.run.run().below_at_end)

    def test_a_run_can_be_drawn(self) -> None:
        other = pattern.Burst(
            size_kib=0, to_kib=GIB, at=20.0, lasts_seconds=60.0
        )
        checked = _Checked(
            factory.make_profile(), total_kib=2 * GIB, other=other
        )
        checked.run.run()
        saved = checked.run.saved()

        assert saved.course is not None
        self.assertEqual(2 * GIB, saved.course.total_kib)
        self.assertTrue(saved.policies)
        self.assertEqual('web', saved.policies[0].guest_name)
