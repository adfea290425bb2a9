# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import exception
from nova_balloon_timer.planners import default
from nova_balloon_timer.planners import equal
from nova_balloon_timer.planners import loader
from tests.unit import base


class LoaderTestCase(base.TestCase):
    def test_finds_ours_by_name(self) -> None:
        for name, kind in (
            ('default', default.DefaultPlanner),
            ('equal', equal.EqualPlanner),
        ):
            self.assertIs(kind, type(loader.load(name)))

    def test_an_unknown_name_is_told_with_those_there_are(self) -> None:
        error = self.assertRaises(
            exception.PlannerNotFound, loader.load, 'greedy'
        )
        self.assertIn("no planner 'greedy'", str(error))
        self.assertIn('default, equal', str(error))
