# SPDX-License-Identifier: Apache-2.0
"""Every scenario that is shipped, on the real engine."""

import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import reader
from nova_balloon_timer.simulator import scenario
from tests.unit import base
from tests.unit.simulator import table


class TestShippedScenarios(table.Table):
    scenarios = tuple((name, {'scenario': name}) for name in reader.shipped())
    scenario: str

    def test_ends_as_expected(self) -> None:
        outcomes = scenario.run(reader.load(self.scenario))

        complaints = {
            outcome.plan.name: outcome.complaints
            for outcome in outcomes
            if outcome.complaints
        }
        self.assertEqual({}, complaints)


class TestScenarios(base.TestCase):
    def test_wrong_expectation_is_told(self) -> None:
        ideal = reader.load('ideal')
        plan = ideal.plans[0]
        wrong = dataclasses.replace(
            plan.expect, reason=(model.EndReason.STALLED,)
        )
        ideal = dataclasses.replace(
            ideal, plans=(dataclasses.replace(plan, expect=wrong),)
        )

        [outcome] = scenario.run(ideal)

        self.assertEqual(
            ('reason: target (reached 1024 MiB), expected stalled',),
            outcome.complaints,
        )

    def test_every_reason_and_behaviour_has_a_scenario(self) -> None:
        reasons = set()
        kinds = set()
        for name in reader.shipped():
            loaded = reader.load(name)
            for plan in loaded.plans:
                reasons |= set(plan.expect.reason)
            for guest in loaded.guests:
                kinds |= {type(odd) for odd in guest.behaviours}

        self.assertEqual(set(model.EndReason), reasons)
        self.assertEqual(set(disturbance.KINDS.values()), kinds)

    def test_same_scenario_ends_the_same(self) -> None:
        loaded = reader.load('four-at-once')

        self.assertEqual(scenario.run(loaded), scenario.run(loaded))
