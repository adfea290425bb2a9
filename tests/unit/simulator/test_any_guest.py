# SPDX-License-Identifier: Apache-2.0
"""Whatever the guests do, the engine must keep its promises.

The simulated host checks them after every step; see ``invariant``.
"""

import dataclasses

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import expectation
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import scenario
from tests.unit import base

_MIB = units.KIB_PER_MIB
_MAXIMUM_KIB = 2048 * _MIB
_OPEN = expectation.Expectation(reason=(model.EndReason.TARGET,))

_instants = st.integers(0, 5000).map(lambda number: number / 1000)
_sizes = st.integers(300, 2048).map(lambda number: number * _MIB)
_rates = st.sampled_from([1, 20, 200, 1000, 5000]).map(lambda n: n * _MIB)
_rounds = st.sampled_from([0.01, 0.1, 1.0])
_VALUES: dict[str, st.SearchStrategy[object]] = {
    'from_at': _instants,
    'until_at': _instants,
    'at': _instants,
    'limit_kib': _sizes,
    'target_kib': _sizes,
    'rate_kib_per_second': _rates,
    'inflate_kib_per_second': _rates,
    'deflate_kib_per_second': _rates,
    'moves_seconds': _rounds,
    'rests_seconds': _rounds,
    'every_seconds': _rounds,
    'takes_seconds': _rounds,
}


def _made(
    kind: type[behaviour.Behaviour],
) -> st.SearchStrategy[behaviour.Behaviour]:
    names = [field.name for field in dataclasses.fields(kind)]
    return st.builds(kind, **{name: _VALUES[name] for name in names})


_behaviours = st.lists(
    st.sampled_from(sorted(disturbance.KINDS)).flatmap(
        lambda name: _made(disturbance.KINDS[name])
    ),
    max_size=3,
).map(tuple)

_guests = st.builds(
    simulated_guest.GuestProfile,
    name=st.just('web'),
    uuid=st.just('guest-web'),
    maximum_kib=st.just(_MAXIMUM_KIB),
    actual_kib=_sizes,
    used_kib=_sizes,
    touched_kib=_sizes,
    swaps=st.booleans(),
    statistics_seconds=st.sampled_from([1.0, 2.0, 10.0, None]),
    behaviours=_behaviours,
)


@st.composite
def _plans(draw: st.DrawFn, number: int) -> scenario.PolicyPlan:
    start_kib = draw(_sizes)
    target_kib = draw(_sizes.filter(lambda size_kib: size_kib >= 512 * _MIB))
    duration_seconds = draw(st.sampled_from([0.005, 0.1, 1.0, 4.0]))
    stages = draw(st.integers(0, 4))
    segments = tuple(
        model.Segment(
            until_seconds=duration_seconds * stage / (stages + 1),
            target_kib=start_kib
            + (target_kib - start_kib) * stage // (stages + 1),
        )
        for stage in range(1, stages + 1)
    )
    return scenario.PolicyPlan(
        name=f'policy-{number}',
        guest='web',
        target_kib=target_kib,
        duration_seconds=duration_seconds,
        floor_kib=draw(st.sampled_from([256, 512])) * _MIB,
        reserve_kib=draw(st.sampled_from([0, 128])) * _MIB,
        at=draw(_instants),
        start_kib=start_kib if stages else draw(st.none() | _sizes),
        segments=segments,
        origin=draw(st.sampled_from(model.Origin)),
        expect=_OPEN,
    )


@st.composite
def _scenarios(draw: st.DrawFn) -> scenario.Scenario:
    count = draw(st.integers(1, 3))
    plans = tuple(draw(_plans(number)) for number in range(count))
    cancelled_at = draw(st.none() | _instants)
    cancellations: tuple[scenario.Cancellation, ...] = ()
    if cancelled_at is not None:
        cancellations = (
            scenario.Cancellation(policy=plans[0].name, at=cancelled_at),
        )
    return scenario.Scenario(
        name='any',
        description='Made by hypothesis.',
        guests=(draw(_guests),),
        plans=plans,
        cancellations=cancellations,
        recovered_at=draw(st.just(()) | st.tuples(_instants)),
        timers_late_seconds=draw(st.sampled_from([0.0, 0.0, 0.03, 0.2])),
    )


class TestAnyGuest(base.TestCase):
    @hypothesis.settings(max_examples=75, derandomize=True)
    @hypothesis.given(_scenarios())
    def test_promises_are_kept(self, any_scenario: scenario.Scenario) -> None:
        outcomes = scenario.run(any_scenario)

        self.assertEqual(len(any_scenario.plans), len(outcomes))
