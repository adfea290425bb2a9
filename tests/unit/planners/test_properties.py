# SPDX-License-Identifier: Apache-2.0
"""What holds for any plan of ours, for any request."""

import dataclasses
import math

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import situation
from nova_balloon_timer.planners import base as planners_base
from nova_balloon_timer.planners import check
from nova_balloon_timer.planners import default
from nova_balloon_timer.planners import equal
from nova_balloon_timer.planners import offer as planners_offer
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB

_planners = st.sampled_from((default.DefaultPlanner(), equal.EqualPlanner()))
_requests = factory.any_request()


def _expected_kib(plan: situation.Plan) -> int:
    return sum(one.expected_freed_kib for one in plan.proposals)


class AnyPlannerTestCase(base.TestCase):
    @hypothesis.given(_planners, _requests)
    def test_nothing_is_wrong_with_it(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        plan = planner.plan(request)
        self.assertEqual(plan, check.check(plan, request))

    @hypothesis.given(_planners, _requests)
    def test_each_candidate_is_answered_once_and_in_words(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        plan = planner.plan(request)
        answers: list[situation.Proposal | situation.LeftOut]
        answers = [*plan.proposals, *plan.left_out]
        self.assertEqual(
            sorted(one.guest.uuid for one in request.candidates),
            sorted(one.guest_uuid for one in answers),
        )
        for answer in answers:
            self.assertNotEqual('', answer.words)
            self.assertNotIn('inf', answer.words)
            self.assertNotIn('nan', answer.words)

    @hypothesis.given(_planners, _requests)
    def test_no_guest_is_asked_for_more_than_its_terms_let_at_once(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        plan = planner.plan(request)
        known = {one.guest.uuid: one for one in request.candidates}
        for proposal in plan.proposals:
            candidate = known[proposal.guest_uuid]
            taken_kib = candidate.actual_kib - proposal.target_kib
            most_kib = candidate.guest.terms.max_step_kib
            if most_kib is not None:
                self.assertLessEqual(taken_kib, most_kib)

    @hypothesis.given(_planners, _requests)
    def test_no_guest_goes_below_its_floor_or_into_what_it_needs(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        plan = planner.plan(request)
        known = {one.guest.uuid: one for one in request.candidates}
        for proposal in plan.proposals:
            candidate = known[proposal.guest_uuid]
            guards = candidate.guards
            factory.to_policy(proposal, candidate, plan)
            self.assertIsNone(candidate.left_alone)
            self.assertGreaterEqual(proposal.target_kib, guards.floor_kib)
            if guards.reserve_kib > 0:
                assert candidate.peak_use_kib is not None
                assert candidate.usable_kib is not None
                taken_kib = candidate.actual_kib - proposal.target_kib
                self.assertGreaterEqual(
                    proposal.target_kib,
                    candidate.peak_use_kib + guards.reserve_kib,
                )
                self.assertGreaterEqual(
                    candidate.usable_kib - taken_kib, guards.reserve_kib
                )

    @hypothesis.given(_planners, _requests)
    def test_the_figures_add_up(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        plan = planner.plan(request)
        missing_kib = max(0, request.need_kib - _expected_kib(plan))
        self.assertEqual(missing_kib, plan.shortfall_kib)
        self.assertTrue(math.isfinite(plan.duration_seconds))
        self.assertLessEqual(plan.duration_seconds, request.longest_seconds)

    @hypothesis.given(_planners, _requests)
    def test_the_same_has_the_same_answer(
        self, planner: planners_base.Planner, request: situation.PlanRequest
    ) -> None:
        self.assertEqual(planner.plan(request), planner.plan(request))


class DefaultPlannerTestCase(base.TestCase):
    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        return default.DefaultPlanner().plan(request)

    @hypothesis.given(_requests)
    def test_with_a_shortfall_everyone_gives_all_that_is_safe(
        self, request: situation.PlanRequest
    ) -> None:
        plan = self.plan(request)
        most = self.plan(dataclasses.replace(request, need_kib=2**50))
        if plan.shortfall_kib > 0:
            self.assertEqual(
                [(one.guest_uuid, one.target_kib) for one in most.proposals],
                [(one.guest_uuid, one.target_kib) for one in plan.proposals],
            )
        for left_out in plan.left_out:
            if left_out.words.startswith('not needed'):
                self.assertEqual(0, plan.shortfall_kib)

    @hypothesis.given(_requests)
    def test_little_more_than_the_need_is_asked(
        self, request: situation.PlanRequest
    ) -> None:
        plan = self.plan(request)
        # Rounding, or the least that is worth asking of the last one.
        most_kib = request.need_kib + planners_offer.LEAST_KIB + 2 * MIB
        self.assertLess(_expected_kib(plan), most_kib)

    @hypothesis.given(_requests, st.integers(1, 64 * base.GIB))
    def test_more_need_never_asks_less(
        self, request: situation.PlanRequest, more_kib: int
    ) -> None:
        more = dataclasses.replace(
            request, need_kib=request.need_kib + more_kib
        )
        expected_kib = _expected_kib(self.plan(request))
        # Within an item of the driver, to which targets are rounded.
        self.assertGreater(_expected_kib(self.plan(more)) + MIB, expected_kib)

    @hypothesis.given(_requests, st.floats(1, 20))
    def test_a_higher_priority_never_gives_less_than_its_equal(
        self, request: situation.PlanRequest, factor: float
    ) -> None:
        hypothesis.assume(request.candidates)
        first, *others = request.candidates
        preferred = dataclasses.replace(
            first,
            guest=dataclasses.replace(first.guest, uuid='preferred'),
            priority=first.priority * factor,
        )
        plan = self.plan(
            dataclasses.replace(
                request, candidates=(first, *others, preferred)
            )
        )
        targets_kib = {
            one.guest_uuid: one.target_kib for one in plan.proposals
        }
        if factor > 1.001:
            self.assertLessEqual(
                targets_kib.get('preferred', first.actual_kib),
                targets_kib.get(first.guest.uuid, first.actual_kib),
            )

    @hypothesis.given(_requests)
    def test_no_stage_puts_the_target_out_of_reach(
        self, request: situation.PlanRequest
    ) -> None:
        plan = self.plan(request)
        known = {one.guest.uuid: one for one in request.candidates}
        for proposal in plan.proposals:
            traits = known[proposal.guest_uuid].traits
            rate = traits.rate_kib_per_second or planners_offer.DEFAULT_RATE
            for segment in proposal.segments:
                left_kib = segment.target_kib - proposal.target_kib
                left_seconds = plan.duration_seconds - segment.until_seconds
                self.assertGreater(left_kib, 0)
                self.assertGreater(left_seconds * rate, left_kib)
