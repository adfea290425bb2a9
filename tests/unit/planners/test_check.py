# SPDX-License-Identifier: Apache-2.0

import dataclasses
from typing import Any

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.planners import base as planners_base
from nova_balloon_timer.planners import check
from nova_balloon_timer.planners import default
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB

_REQUEST = factory.make_request(
    factory.make_candidate('a'), factory.make_candidate('b')
)


def _propose(name: str = 'a', **more: Any) -> situation.Proposal:
    fields: dict[str, Any] = {
        'guest_uuid': base.uuid_of(name),
        'target_kib': 700 * MIB,
        'expected_freed_kib': 200 * MIB,
        'words': 'because',
    }
    return situation.Proposal(**(fields | more))


def _leave_out(name: str = 'b') -> situation.LeftOut:
    return situation.LeftOut(guest_uuid=base.uuid_of(name), words='not now')


def _plan(**more: Any) -> situation.Plan:
    fields: dict[str, Any] = {
        'duration_seconds': 5.0,
        'proposals': (_propose(),),
        'left_out': (_leave_out(),),
        'shortfall_kib': 0,
    }
    return situation.Plan(**(fields | more))


class _Duck:
    """What looks like a proposal for guest a."""

    guest_uuid = base.uuid_of('a')
    target_kib = 700 * MIB
    expected_freed_kib = 200 * MIB
    segments = ()


_odd: st.SearchStrategy[Any] = st.sampled_from(
    (0, -1, 10**9, 0.5, None, 'x', float('nan'))
)
_spoilings: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    {},
    optional={
        'target_kib': _odd,
        'expected_freed_kib': _odd,
        'guest_uuid': _odd,
        'segments': _odd,
    },
)


class _Answering(planners_base.Planner):
    """A planner from elsewhere."""

    def __init__(self, answer: Any) -> None:
        self._answer = answer

    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer  # type: ignore[no-any-return]


class CheckTestCase(base.TestCase):
    def test_what_is_right_stays_as_it_is(self) -> None:
        self.assertEqual(_plan(), check.check(_plan(), _REQUEST))

    def test_the_order_of_the_planner_stays(self) -> None:
        plan = _plan(proposals=(_propose('b'), _propose('a')), left_out=())
        self.assertEqual(plan.proposals, check.check(plan, _REQUEST).proposals)

    def test_a_duration_is_brought_within_the_bounds(self) -> None:
        for wrong_seconds, right_seconds in ((0.0, 1.0), (11.0, 10.0)):
            plan = check.check(_plan(duration_seconds=wrong_seconds), _REQUEST)
            self.assertEqual(right_seconds, plan.duration_seconds)
            self.assertEqual(1, len(plan.proposals))

    def test_the_shortfall_is_reckoned_anew(self) -> None:
        plan = _plan(
            proposals=(_propose(expected_freed_kib=MIB),), shortfall_kib=7
        )
        self.assertEqual(199 * MIB, check.check(plan, _REQUEST).shortfall_kib)

    def test_one_that_is_no_candidate_is_dropped(self) -> None:
        plan = _plan(
            proposals=(_propose(), _propose('x')),
            left_out=(_leave_out(), _leave_out('y')),
        )
        self.assertEqual(_plan(), check.check(plan, _REQUEST))


class DefectTestCase(base.TestCase):
    def check(self, words: str, **more: Any) -> None:
        """Check that guest a is left out for this reason, and only a."""
        plan = check.check(_plan(**more), _REQUEST)
        self.assertEqual((), plan.proposals)
        self.assertEqual(
            [base.uuid_of('a'), base.uuid_of('b')],
            [one.guest_uuid for one in plan.left_out],
        )
        self.assertIn('a defect of the planner: ', plan.left_out[0].words)
        self.assertIn(words, plan.left_out[0].words)
        self.assertEqual('not now', plan.left_out[1].words)
        self.assertEqual(_REQUEST.need_kib, plan.shortfall_kib)

    def check_proposal(self, words: str, **more: Any) -> None:
        self.check(words, proposals=(_propose(**more),))

    def test_a_forgotten_guest(self) -> None:
        self.check('it says nothing of this guest', proposals=())

    def test_a_guest_in_both_lists_or_twice(self) -> None:
        words = 'it says several things of this guest'
        self.check(words, left_out=(_leave_out('a'), _leave_out('b')))
        self.check(words, proposals=(_propose(), _propose()))

    def test_a_guest_in_the_wrong_list(self) -> None:
        self.check('is no proposal', proposals=(_Duck(),))
        plan = _plan(proposals=(), left_out=(_propose(), _leave_out()))
        checked = check.check(plan, _REQUEST)
        self.assertEqual((), checked.proposals)
        self.assertEqual('because', checked.left_out[0].words)

    def test_no_reason(self) -> None:
        for words in ('', None):
            silent: Any = {'guest_uuid': base.uuid_of('a'), 'words': words}
            self.check(
                'it leaves this guest out without a reason',
                proposals=(),
                left_out=(situation.LeftOut(**silent), _leave_out()),
            )

    def test_the_kind_of_reason_is_kept_if_there_is_one(self) -> None:
        for given, kept in (
            (model.Obstacle.NO_TIME, model.Obstacle.NO_TIME),
            ('no-time', model.Obstacle.OTHER),
        ):
            fields: dict[str, Any] = {
                'guest_uuid': base.uuid_of('a'),
                'words': 'too slow',
                'obstacle': given,
            }
            plan = _plan(
                proposals=(),
                left_out=(situation.LeftOut(**fields), _leave_out()),
            )
            left_out = check.check(plan, _REQUEST).left_out[0]
            self.assertEqual('too slow', left_out.words)
            self.assertIs(kept, left_out.obstacle)

    def test_a_wrong_target(self) -> None:
        for target_mib, words in (
            (1025, 'the target 1025 MiB is not the way to inflate'),
            (255, 'the target 255 MiB is below the floor 256 MiB'),
            (287, 'it takes 737 MiB where only 736 MiB can be spared'),
        ):
            self.check_proposal(
                words, target_kib=target_mib * MIB, expected_freed_kib=0
            )

    def test_a_wrong_figure(self) -> None:
        for freed_kib, words in (
            (-MIB, 'it expects -1 MiB from taking 324 MiB'),
            (325 * MIB, 'it expects 325 MiB from taking 324 MiB'),
            (float('nan'), 'nan is no int of KiB'),
            (None, 'None is no int of KiB'),
        ):
            self.check_proposal(words, expected_freed_kib=freed_kib)
        self.check_proposal('is no int of KiB', target_kib=700.5 * MIB)

    def test_wrong_segments(self) -> None:
        late = model.Segment(until_seconds=5.0, target_kib=800 * MIB)
        beyond = model.Segment(until_seconds=1.0, target_kib=600 * MIB)
        self.check_proposal('does not end before', segments=(late,))
        self.check_proposal('not on the way', segments=(beyond,))
        self.check_proposal("'str' object has no", segments=('1s=800M',))
        self.check_proposal('not iterable', segments=None)

    def test_asking_of_one_that_is_left_alone(self) -> None:
        paused = factory.make_candidate('a', left_alone=base.make_refusal())
        plan = check.check(_plan(), factory.make_request(paused))
        (left_out,) = plan.left_out
        self.assertEqual(
            'a defect of the planner: it asks for what must be left alone: '
            'it is paused',
            left_out.words,
        )


class AskTestCase(base.TestCase):
    def check(self, answer: Any, words: str) -> None:
        """Check that nobody is asked, and everybody told."""
        plan = check.ask(_Answering(answer), _REQUEST)
        self.assertEqual((), plan.proposals)
        self.assertEqual(10.0, plan.duration_seconds)
        self.assertEqual(_REQUEST.need_kib, plan.shortfall_kib)
        self.assertEqual(2, len(plan.left_out))
        for left_out in plan.left_out:
            self.assertIn('a defect of the planner: ', left_out.words)
            self.assertIn(words, left_out.words)

    def test_a_right_answer_is_passed_on(self) -> None:
        self.assertEqual(_plan(), check.ask(_Answering(_plan()), _REQUEST))

    def test_an_error_is_told(self) -> None:
        self.check(ZeroDivisionError('by x'), "ZeroDivisionError('by x')")

    def test_what_is_no_plan_is_told(self) -> None:
        self.check(None, 'its answer is no plan')
        for wrong in (
            {'duration_seconds': float('nan')},
            {'duration_seconds': float('inf')},
            {'duration_seconds': 'long'},
            {'proposals': None},
            {'proposals': (None,)},
            {'left_out': 7},
        ):
            self.check(_plan(**wrong), 'its answer is no plan')

    @hypothesis.given(factory.any_request(), st.data())
    def test_nothing_wrong_comes_through(
        self, request: situation.PlanRequest, data: st.DataObject
    ) -> None:
        plan = default.DefaultPlanner().plan(request)
        spoiled = dataclasses.replace(
            plan,
            duration_seconds=data.draw(
                st.floats(allow_nan=True) | st.just(plan.duration_seconds)
            ),
            proposals=tuple(
                dataclasses.replace(one, **data.draw(_spoilings))
                for one in plan.proposals
            ),
        )
        checked = check.check(spoiled, request)
        self.assertEqual(checked, check.check(checked, request))
        known = {one.guest.uuid: one for one in request.candidates}
        self.assertEqual(
            len(known), len(checked.proposals) + len(checked.left_out)
        )
        for proposal in checked.proposals:
            factory.to_policy(proposal, known[proposal.guest_uuid], checked)
