# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer.planners import default
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB
GIB = base.GIB


def _plan(*candidates: situation.Candidate, **more: Any) -> situation.Plan:
    request = factory.make_request(*candidates, **more)
    return default.DefaultPlanner().plan(request)


class DurationTestCase(base.TestCase):
    def check(self, expected_seconds: float, **more: Any) -> None:
        plan = _plan(**more)
        self.assertAlmostEqual(expected_seconds, plan.duration_seconds)

    def test_relief_comes_in_half_the_time_to_exhaustion(self) -> None:
        self.check(4.0, exhaustion_seconds=8.0)

    def test_it_is_within_the_bounds(self) -> None:
        self.check(10.0, exhaustion_seconds=100.0)
        for seconds in (0.5, 0.0, float('nan')):
            self.check(1.0, exhaustion_seconds=seconds, need_kib=50 * MIB)

    def test_late_relief_is_better_than_hardly_any(self) -> None:
        # In 1 s it could free 36 MiB of 200, as 124 untouched ones go first:
        # so in twice what it needs, 0.2 s and 324 MiB at 200 MiB/s.
        plan = _plan(exhaustion_seconds=1.0, need_kib=200 * MIB)
        (proposal,) = plan.proposals
        self.assertEqual(200 * MIB, proposal.expected_freed_kib)
        self.assertAlmostEqual(3.64, plan.duration_seconds)
        self.assertEqual((), proposal.segments)

    def test_the_longest_wins_over_the_shortest(self) -> None:
        for exhaustion_seconds in (None, 0.5, 100.0):
            self.check(
                0.7,
                longest_seconds=0.7,
                exhaustion_seconds=exhaustion_seconds,
            )

    def test_without_a_fall_it_is_what_the_slowest_needs(self) -> None:
        # Two pauses, and twice 0.2 s and 324 MiB at 200 MiB/s.
        self.check(6.64)
        self.check(6.64, exhaustion_seconds=float('inf'))
        # Shared by two: 224 MiB each, the slower one at 100 MiB/s.
        slow = factory.make_candidate('b', traits=factory.make_traits(100))
        self.check(7.88, candidates=(factory.make_candidate('a'), slow))

    def test_with_nobody_to_ask_it_is_within_the_bounds(self) -> None:
        self.check(3.0, candidates=())
        self.check(0.5, candidates=(), longest_seconds=0.5)


class PlanTestCase(base.TestCase):
    def test_what_was_never_touched_is_taken_on_top(self) -> None:
        plan = _plan()
        (proposal,) = plan.proposals
        self.assertEqual(700 * MIB, proposal.target_kib)
        self.assertEqual(200 * MIB, proposal.expected_freed_kib)
        self.assertEqual(0, plan.shortfall_kib)
        self.assertEqual((), plan.left_out)
        self.assertEqual(
            'gives 324 MiB of the 736 MiB that it can spare, which should '
            'free 200 MiB; it never touched 124 MiB',
            proposal.words,
        )

    def test_more_is_asked_of_one_that_gives_but_a_part(self) -> None:
        traits = factory.make_traits(None, cooperation=0.5)
        candidate = factory.make_candidate(
            traits=traits, priority=2.5, rss_kib=None
        )
        (proposal,) = _plan(candidate).proposals
        self.assertEqual(624 * MIB, proposal.target_kib)
        self.assertEqual(
            'gives 400 MiB of the 736 MiB that it can spare, which should '
            'free 200 MiB; it usually gives 50% of what is asked; its '
            'priority is 2.5',
            proposal.words,
        )

    def test_what_cannot_be_covered_is_told(self) -> None:
        plan = _plan(need_kib=GIB)
        (proposal,) = plan.proposals
        self.assertEqual(288 * MIB, proposal.target_kib)
        self.assertEqual(412 * MIB, plan.shortfall_kib)
        self.assertEqual(
            'gives 736 MiB of the 736 MiB that it can spare, which should '
            'free 612 MiB; it never touched 124 MiB; that is all that it can '
            'safely give in this time, and the host still lacks 412 MiB',
            proposal.words,
        )

    def test_three_gib_in_two_seconds_are_not_promised(self) -> None:
        candidate = factory.make_candidate(
            guest=base.make_guest(maximum_kib=8 * GIB),
            actual_kib=8 * GIB,
            usable_kib=7 * GIB,
            peak_use_kib=GIB,
            rss_kib=8 * GIB,
            traits=factory.make_traits(1000),
        )
        plan = _plan(candidate, need_kib=3 * GIB, exhaustion_seconds=4.0)
        (proposal,) = plan.proposals
        self.assertEqual(1800 * MIB, proposal.expected_freed_kib)
        self.assertEqual(1272 * MIB, plan.shortfall_kib)

    def test_a_small_need_leaves_most_guests_alone(self) -> None:
        names = [f'{number:03}' for number in range(100)]
        plan = _plan(*map(factory.make_candidate, names), need_kib=100)
        self.assertEqual(1, len(plan.proposals))
        self.assertEqual(8 * MIB, plan.proposals[0].expected_freed_kib)
        self.assertEqual(99, len(plan.left_out))
        self.assertEqual(
            {
                'not needed: the 0.1 MiB that the host lacks come from 1 '
                'guest with more to give'
            },
            {one.words for one in plan.left_out},
        )
        self.assertEqual(
            {model.Obstacle.NOT_NEEDED},
            {one.obstacle for one in plan.left_out},
        )

    def test_who_is_left_out_is_told_why(self) -> None:
        plan = _plan(
            factory.make_candidate('a', left_alone=base.make_refusal()),
            factory.make_candidate('b'),
            factory.make_candidate('c', usable_kib=None),
        )
        self.assertEqual(
            [base.uuid_of('b')], [one.guest_uuid for one in plan.proposals]
        )
        paused, silent = plan.left_out
        self.assertEqual(base.uuid_of('a'), paused.guest_uuid)
        self.assertEqual('it is paused', paused.words)
        self.assertIs(model.Obstacle.PAUSED, paused.obstacle)
        self.assertEqual(base.uuid_of('c'), silent.guest_uuid)
        self.assertIn('no statistics', silent.words)
        self.assertIs(model.Obstacle.NO_DRIVER, silent.obstacle)

    def test_takes_no_more_at_once_than_terms_let(self) -> None:
        guest = base.make_guest(terms=ownership.Terms(max_step_kib=300 * MIB))
        plan = _plan(
            factory.make_candidate(guest=guest, rss_kib=base.GIB),
            need_kib=512 * MIB,
        )
        (proposal,) = plan.proposals
        self.assertEqual(724 * MIB, proposal.target_kib)
        self.assertEqual(212 * MIB, plan.shortfall_kib)

    def test_the_best_come_first(self) -> None:
        plan = _plan(
            factory.make_candidate('a'),
            factory.make_candidate('b', priority=2.0),
        )
        self.assertEqual(
            [base.uuid_of('b'), base.uuid_of('a')],
            [one.guest_uuid for one in plan.proposals],
        )

    def test_a_long_policy_has_stages(self) -> None:
        candidate = factory.make_candidate(traits=factory.make_traits(400))
        (proposal,) = _plan(candidate, exhaustion_seconds=20.0).proposals
        # 60 % and 85 % of 200 MiB.
        self.assertEqual(
            [780 * MIB, 730 * MIB],
            [segment.target_kib for segment in proposal.segments],
        )

    def test_no_time_is_no_plan_but_reasons(self) -> None:
        plan = _plan(longest_seconds=0.1)
        self.assertEqual((), plan.proposals)
        self.assertEqual(200 * MIB, plan.shortfall_kib)
        (left_out,) = plan.left_out
        self.assertIn('in 100 ms it could free nothing', left_out.words)
