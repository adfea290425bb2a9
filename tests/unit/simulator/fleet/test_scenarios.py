# SPDX-License-Identifier: Apache-2.0
"""Every host scenario that is shipped, on the real controller."""

from oslo_config import cfg

from nova_balloon_timer.cmd import trial
from nova_balloon_timer.conf import opts
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome
from nova_balloon_timer.simulator.fleet import reader
from nova_balloon_timer.simulator.fleet import run
from tests.unit import base
from tests.unit.simulator import table


def run_scenario(name: str, seed: int = 0) -> fleet_outcome.Outcome:
    conf = cfg.ConfigOpts()
    opts.register_opts(conf)
    conf([], default_config_files=[])
    scenario = reader.load(name, seed)
    variant = trial.variant(conf, 'test', scenario.options)
    return run.FleetRun(scenario, variant).run()


class TestShippedHostScenarios(table.Table):
    scenarios = tuple((name, {'scenario': name}) for name in reader.shipped())
    scenario: str

    def test_is_as_expected(self) -> None:
        found = run_scenario(self.scenario)

        complaints = reader.load(self.scenario).expect.compare(found)
        self.assertEqual((), complaints)


class TestHostScenarios(base.TestCase):
    def test_the_same_seed_ends_the_same(self) -> None:
        self.assertEqual(run_scenario('leak', 1), run_scenario('leak', 1))
        self.assertNotEqual(run_scenario('leak', 1), run_scenario('leak', 2))
