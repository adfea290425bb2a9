# SPDX-License-Identifier: Apache-2.0
"""The planner that is used unless another is configured."""

from collections.abc import Iterable
import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.planners import base
from nova_balloon_timer.planners import curve
from nova_balloon_timer.planners import offer as planners_offer
from nova_balloon_timer.planners import waterfill


class DefaultPlanner(base.Planner):
    """Asks the few guests that can help best, each by what it can spare.

    It reckons in memory that the host really gains, within the time that
    there is, at the rates and by the cooperation that were learned.
    """

    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        """Say what is asked of each candidate, or why nothing is."""
        seconds = _time_there_is(request)
        choice = _choose(request, seconds)
        is_late = False
        if 2 * choice.expected_kib < request.need_kib:
            # NOTE: relief that comes late is better than hardly any; and who
            # is quicker than is known is not even late.
            later = _choose(request, request.longest_seconds)
            is_late = later.expected_kib > choice.expected_kib
            if is_late:
                choice = later
        if is_late:
            seconds = max(seconds, _time_to_take(request, choice.asked, 0.0))
        elif _is_at_leisure(request):
            seconds = _time_to_take(
                request, choice.asked, curve.PAUSES_SECONDS
            )
        remark = _lament(choice.shortfall_kib)
        return situation.Plan(
            duration_seconds=seconds,
            proposals=tuple(
                _propose(
                    one,
                    target_kib,
                    remark,
                    # Who is late does not pause on the way.
                    () if is_late else curve.make(one, target_kib, seconds),
                )
                for one, target_kib in choice.asked
            ),
            left_out=tuple(_leave_out(request, choice)),
            shortfall_kib=choice.shortfall_kib,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Choice:
    """Who is asked for what, and why the others are not."""

    asked: list[tuple[planners_offer.Offer, int]]
    refusals: dict[str, model.Refusal]
    expected_kib: int
    shortfall_kib: int


def _choose(request: situation.PlanRequest, seconds: float) -> _Choice:
    offers: list[planners_offer.Offer] = []
    refusals: dict[str, model.Refusal] = {}
    for candidate in request.candidates:
        weighed = planners_offer.weigh(candidate, seconds)
        if isinstance(weighed, model.Refusal):
            refusals[candidate.guest.uuid] = weighed
        else:
            offers.append(weighed)
    chosen = waterfill.choose(request.need_kib, offers)
    targets_kib = waterfill.share(request.need_kib, chosen)
    asked = list(zip(chosen, targets_kib, strict=True))
    expected_kib = sum(
        one.expected_kib(target_kib) for one, target_kib in asked
    )
    return _Choice(
        asked=asked,
        refusals=refusals,
        expected_kib=expected_kib,
        shortfall_kib=max(0, request.need_kib - expected_kib),
    )


def _is_at_leisure(request: situation.PlanRequest) -> bool:
    """Tell whether memory does not run out."""
    exhaustion_seconds = request.exhaustion_seconds
    return exhaustion_seconds is None or math.isinf(exhaustion_seconds)


def _time_there_is(request: situation.PlanRequest) -> float:
    """Return in which time guests may give: half of that to exhaustion.

    The other half is for a fall that becomes steeper, and for corrections.
    """
    exhaustion_seconds = request.exhaustion_seconds
    if exhaustion_seconds is None or _is_at_leisure(request):
        return request.longest_seconds
    return _bounded_seconds(request, exhaustion_seconds / 2)


def _time_to_take(
    request: situation.PlanRequest,
    asked: Iterable[tuple[planners_offer.Offer, int]],
    pauses_seconds: float,
) -> float:
    """Return the time that the slowest needs, its doubts and pauses included.

    A policy that is not over when it could be holds up the correction of what
    it lacks.
    """
    slowest_seconds = max(
        (one.seconds_to(target_kib) for one, target_kib in asked), default=0.0
    )
    return _bounded_seconds(
        request,
        planners_offer.DOUBT * slowest_seconds + pauses_seconds,
    )


def _bounded_seconds(request: situation.PlanRequest, seconds: float) -> float:
    # NOTE: in this order: in a correction little may be left, and what is
    # left of the time is the stronger bound.
    # What is no number loses against the bounds.
    return min(request.longest_seconds, max(request.shortest_seconds, seconds))


def _propose(
    offer: planners_offer.Offer,
    target_kib: int,
    remark: str,
    segments: tuple[model.Segment, ...],
) -> situation.Proposal:
    expected_kib = offer.expected_kib(target_kib)
    return situation.Proposal(
        guest_uuid=offer.candidate.guest.uuid,
        target_kib=target_kib,
        expected_freed_kib=expected_kib,
        words=_explain(offer, target_kib, expected_kib) + remark,
        segments=segments,
    )


def _explain(
    offer: planners_offer.Offer, target_kib: int, expected_kib: int
) -> str:
    """Say how much is asked and freed, and what the figures rest on."""
    candidate = offer.candidate
    taken_kib = candidate.actual_kib - target_kib
    words = (
        f'gives {units.format_kib(taken_kib)} of the '
        f'{units.format_kib(candidate.safe_kib)} that it can spare, which '
        f'should free {units.format_kib(expected_kib)}'
    )
    untouched_kib = candidate.actual_kib - offer.touched_kib
    if untouched_kib > 0:
        words += f'; it never touched {units.format_kib(untouched_kib)}'
    if offer.cooperation < 1:
        words += f'; it usually gives {offer.cooperation:.0%} of what is asked'
    if candidate.priority != 1:
        words += f'; its priority is {candidate.priority:g}'
    return words


def _lament(shortfall_kib: int) -> str:
    """Say what every proposal adds where all of them are not enough."""
    if shortfall_kib == 0:
        return ''
    return (
        '; that is all that it can safely give in this time, and the host '
        f'still lacks {units.format_kib(shortfall_kib)}'
    )


def _leave_out(
    request: situation.PlanRequest,
    choice: _Choice,
) -> Iterable[situation.LeftOut]:
    asked = {one.candidate.guest.uuid for one, _ in choice.asked}
    number = '1 guest' if len(asked) == 1 else f'{len(asked)} guests'
    not_needed = model.Refusal(
        obstacle=model.Obstacle.NOT_NEEDED,
        words=f'not needed: the {units.format_kib(request.need_kib)} that the '
        f'host lacks come from {number} with more to give',
    )
    for candidate in request.candidates:
        guest_uuid = candidate.guest.uuid
        if guest_uuid not in asked:
            refusal = choice.refusals.get(guest_uuid, not_needed)
            yield situation.LeftOut(
                guest_uuid=guest_uuid,
                words=refusal.words,
                obstacle=refusal.obstacle,
            )
