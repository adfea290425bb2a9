# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer.planners import curve
from nova_balloon_timer.planners import offer as planners_offer
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB


def _stages(
    target_mib: int, seconds: float, rate_mib: float = 400, **more: Any
) -> list[tuple[float, float]]:
    traits = factory.make_traits(rate_mib)
    candidate = factory.make_candidate(traits=traits, **more)
    offer = planners_offer.weigh(candidate, seconds)
    assert isinstance(offer, planners_offer.Offer), offer
    return [
        (segment.until_seconds, segment.target_kib / MIB)
        for segment in curve.make(offer, target_mib * MIB, seconds)
    ]


class CurveTestCase(base.TestCase):
    def test_stages_are_by_relief_with_a_pause_after_each(self) -> None:
        # Of 500 MiB of relief 300 and 425; 124 MiB are never touched. The
        # guest is there after 0.2 + 424/400 and 0.2 + 549/400 s.
        self.assertEqual(
            [(2.76, 600), (4.57, 475)], _stages(400, seconds=10.0)
        )

    def test_a_short_policy_goes_straight(self) -> None:
        self.assertEqual([], _stages(400, 2.9, 2000))
        self.assertEqual(1, len(_stages(400, 3.0, 2000)))

    def test_a_stage_that_could_cost_the_target_is_left_out(self) -> None:
        # After the second one 0.43 s would be left for 75 MiB at 400 MiB/s
        # and at 200: enough; not so with 0.37 s.
        self.assertEqual(2, len(_stages(400, 5.0)))
        self.assertEqual(1, len(_stages(400, 4.94)))
        self.assertEqual([], _stages(400, 4.5, 150))

    def test_a_little_is_taken_at_once(self) -> None:
        self.assertEqual([], _stages(884, 10.0))
        # 25 MiB: 10 are left after 60 %, but less than 8 after 85 %.
        self.assertEqual([(2.05, 885)], _stages(875, 10.0))
