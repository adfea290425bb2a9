# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer.planners import equal
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB


def _plan(*candidates: situation.Candidate, **more: Any) -> situation.Plan:
    return equal.EqualPlanner().plan(factory.make_request(*candidates, **more))


class EqualPlannerTestCase(base.TestCase):
    def test_everyone_gives_the_same_percentage(self) -> None:
        plan = _plan(
            factory.make_candidate('a', rss_kib=None),
            factory.make_candidate('b', rss_kib=None, priority=9.0),
            need_kib=512 * MIB,
        )
        self.assertEqual(
            [768 * MIB] * 2, [one.target_kib for one in plan.proposals]
        )
        self.assertEqual(0, plan.shortfall_kib)
        self.assertEqual(10.0, plan.duration_seconds)
        self.assertEqual(
            'gives 256 MiB: 25 % of the 1024 MiB that it used, with 736 MiB '
            'to spare and 0 MiB never touched',
            plan.proposals[0].words,
        )

    def test_what_was_never_touched_is_taken_on_top(self) -> None:
        # 100 of 924 MiB that it used, and the 100 that it never did.
        plan = _plan(
            factory.make_candidate('a', rss_kib=924 * MIB),
            need_kib=100 * MIB,
        )
        (proposal,) = plan.proposals
        self.assertTrue(100 * MIB <= proposal.expected_freed_kib <= 110 * MIB)
        self.assertEqual(0, plan.shortfall_kib)

    def test_nobody_gives_more_than_is_safe(self) -> None:
        plan = _plan(need_kib=9 * base.GIB)
        (proposal,) = plan.proposals
        self.assertEqual(288 * MIB, proposal.target_kib)
        self.assertEqual(612 * MIB, proposal.expected_freed_kib)
        self.assertEqual((9 * 1024 - 612) * MIB, plan.shortfall_kib)

    def test_takes_no_more_at_once_than_terms_let(self) -> None:
        guest = base.make_guest(terms=ownership.Terms(max_step_kib=300 * MIB))
        plan = _plan(
            factory.make_candidate(guest=guest, rss_kib=base.GIB),
            need_kib=512 * MIB,
        )
        (proposal,) = plan.proposals
        self.assertEqual(724 * MIB, proposal.target_kib)
        self.assertEqual(212 * MIB, plan.shortfall_kib)

    def test_who_is_left_out_is_told_why(self) -> None:
        plan = _plan(
            factory.make_candidate('a', left_alone=base.make_refusal()),
            factory.make_candidate('b', rss_kib=215 * MIB),
            need_kib=512 * MIB,
        )
        self.assertEqual((), plan.proposals)
        paused, fresh = plan.left_out
        self.assertEqual('it is paused', paused.words)
        self.assertIs(model.Obstacle.PAUSED, paused.obstacle)
        self.assertIs(model.Obstacle.NEVER_TOUCHED, fresh.obstacle)
        self.assertEqual(
            'would free nothing: 100 % of the 215 MiB that it used, with 736 '
            'MiB to spare and 809 MiB never touched',
            fresh.words,
        )
