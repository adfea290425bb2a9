# SPDX-License-Identifier: Apache-2.0
"""What any planner's answer must hold to before a guest feels it.

A planner may come from elsewhere, and be wrong. A wrong proposal is left out,
with the planner's defect as the reason, and the others stand.
"""

from collections.abc import Iterable
import math
from typing import TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.planners import base

# What a planner that heeds no types can make us or the model raise.
_MISUSE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    exception.InvalidPolicy,
)

_Answer = TypeVar('_Answer', situation.Proposal, situation.LeftOut)


def ask(
    planner: base.Planner, request: situation.PlanRequest
) -> situation.Plan:
    """Return a planner's checked answer; if it fails, nobody is asked."""
    try:
        plan = planner.plan(request)
    except Exception as error:  # noqa: BLE001
        # NOTE: what decides has no log; whoever logs the plan logs this.
        return _reject(request, f'it failed with {error!r}')
    return check(plan, request)


def check(
    plan: situation.Plan, request: situation.PlanRequest
) -> situation.Plan:
    """Return what is right in a plan.

    A duration beyond the bounds is brought within them, the shortfall is
    reckoned anew, and each candidate is in exactly one of the lists. What is
    said of guests that are no candidates is dropped.
    """
    try:
        seconds = _bounded_seconds(plan.duration_seconds, request)
        proposals = _by_guest(plan.proposals)
        left_out = _by_guest(plan.left_out)
    except _MISUSE as error:
        return _reject(request, f'its answer is no plan: {error!r}')
    answers = [
        _choose(
            candidate,
            proposals.get(candidate.guest.uuid, []),
            left_out.get(candidate.guest.uuid, []),
            seconds,
        )
        for candidate in request.candidates
    ]
    return _assemble(answers, request, seconds, list(proposals))


def _bounded_seconds(seconds: float, request: situation.PlanRequest) -> float:
    if not math.isfinite(seconds):
        raise ValueError(f'a duration of {seconds}')
    return min(max(seconds, request.shortest_seconds), request.longest_seconds)


def _by_guest(answers: Iterable[_Answer]) -> dict[str, list[_Answer]]:
    found: dict[str, list[_Answer]] = {}
    for answer in answers:
        found.setdefault(answer.guest_uuid, []).append(answer)
    return found


def _choose(
    candidate: situation.Candidate,
    proposals: list[situation.Proposal],
    left_out: list[situation.LeftOut],
    seconds: float,
) -> situation.Proposal | situation.LeftOut:
    """Return the one answer for a guest, or the defect that it has."""
    guest_uuid = candidate.guest.uuid
    try:
        if len(proposals) == 1 and not left_out:
            _check_proposal(proposals[0], candidate, seconds)
            return proposals[0]
        if left_out and not proposals:
            return _reason_of(left_out[0])
    except _MISUSE as error:
        return _blame(guest_uuid, str(error))
    said = 'several things' if proposals else 'nothing'
    return _blame(guest_uuid, f'it says {said} of this guest')


def _reason_of(left_out: situation.LeftOut) -> situation.LeftOut:
    if not isinstance(left_out.words, str) or not left_out.words:
        raise ValueError('it leaves this guest out without a reason')
    # NOTE: made anew, as it might be a proposal in the wrong list.
    obstacle = getattr(left_out, 'obstacle', None)
    if not isinstance(obstacle, model.Obstacle):
        obstacle = model.Obstacle.OTHER
    return situation.LeftOut(
        guest_uuid=left_out.guest_uuid,
        words=left_out.words,
        obstacle=obstacle,
    )


def _check_proposal(
    proposal: situation.Proposal,
    candidate: situation.Candidate,
    seconds: float,
) -> None:
    """Check a proposal as the engine would, and for what a guest can spare.

    :raises ValueError: with what is wrong in words
    :raises InvalidPolicy: likewise
    """
    target_kib = proposal.target_kib
    freed_kib = proposal.expected_freed_kib
    # NOTE: not only what mypy would see: a plugin may have no types at all.
    if not isinstance(proposal, situation.Proposal):
        raise ValueError(f'{proposal!r} is no proposal')
    if not isinstance(target_kib, int) or not isinstance(freed_kib, int):
        raise ValueError(f'{target_kib!r} or {freed_kib!r} is no int of KiB')
    if candidate.left_alone:
        raise ValueError(
            'it asks for what must be left alone: '
            f'{candidate.left_alone.words}'
        )
    model.BalloonPolicy(
        uuid='',
        guest_uuid=proposal.guest_uuid,
        direction=model.Direction.INFLATE,
        start_actual_kib=candidate.actual_kib,
        target_kib=target_kib,
        maximum_kib=candidate.guest.maximum_kib,
        duration_seconds=seconds,
        guards=candidate.guards,
        segments=proposal.segments,
    )
    taken_kib = candidate.actual_kib - target_kib
    taken = units.format_kib(taken_kib)
    if taken_kib > candidate.safe_kib:
        spare = units.format_kib(candidate.safe_kib)
        raise ValueError(f'it takes {taken} where only {spare} can be spared')
    if not 0 <= freed_kib <= taken_kib:
        freed = units.format_kib(freed_kib)
        raise ValueError(f'it expects {freed} from taking {taken}')


def _assemble(
    answers: Iterable[situation.Proposal | situation.LeftOut],
    request: situation.PlanRequest,
    seconds: float,
    order: Iterable[str] = (),
) -> situation.Plan:
    """Make a plan of single answers.

    :param order: of the proposals, by guest: whom the planner likes best
    """
    proposals: list[situation.Proposal] = []
    left_out: list[situation.LeftOut] = []
    for answer in answers:
        if isinstance(answer, situation.Proposal):
            proposals.append(answer)
        else:
            left_out.append(answer)
    places = {guest_uuid: place for place, guest_uuid in enumerate(order)}
    proposals.sort(key=lambda one: places[one.guest_uuid])
    expected_kib = sum(one.expected_freed_kib for one in proposals)
    return situation.Plan(
        duration_seconds=seconds,
        proposals=tuple(proposals),
        left_out=tuple(left_out),
        shortfall_kib=max(0, request.need_kib - expected_kib),
    )


def _reject(request: situation.PlanRequest, why: str) -> situation.Plan:
    """Ask nobody, and tell of each guest why."""
    return _assemble(
        [
            _blame(candidate.guest.uuid, why)
            for candidate in request.candidates
        ],
        request,
        request.longest_seconds,
    )


def _blame(guest_uuid: str, why: str) -> situation.LeftOut:
    return situation.LeftOut(
        guest_uuid=guest_uuid,
        words=f'a defect of the planner: {why}',
        obstacle=model.Obstacle.PLANNER_DEFECT,
    )
