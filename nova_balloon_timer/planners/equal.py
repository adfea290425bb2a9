# SPDX-License-Identifier: Apache-2.0
"""The simplest planner: the same percentage from everyone.

It is fair in the plainest sense and easy to foretell; it knows no rates, no
priorities and no haste. It is meant as a template, too.
"""

import math

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.planners import base

_MIB = units.KIB_PER_MIB


class EqualPlanner(base.Planner):
    """Frees the same share of each guest's memory, where that is safe.

    Of the memory that it ever used, that is: the rest costs the host nothing,
    and goes first.
    """

    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        """Say what is asked of each candidate, or why nothing is."""
        willing_kib = sum(
            _touched_kib(candidate)
            for candidate in request.candidates
            if not candidate.left_alone
        )
        share = min(1.0, request.need_kib / max(1, willing_kib))
        percent = max(0, math.ceil(100 * share))
        proposals: list[situation.Proposal] = []
        left_out: list[situation.LeftOut] = []
        for candidate in request.candidates:
            answer = _ask(candidate, percent)
            if isinstance(answer, situation.Proposal):
                proposals.append(answer)
            else:
                left_out.append(answer)
        freed_kib = sum(one.expected_freed_kib for one in proposals)
        return situation.Plan(
            duration_seconds=request.longest_seconds,
            proposals=tuple(proposals),
            left_out=tuple(left_out),
            shortfall_kib=max(0, request.need_kib - freed_kib),
        )


def _ask(
    candidate: situation.Candidate, percent: int
) -> situation.Proposal | situation.LeftOut:
    guest_uuid = candidate.guest.uuid
    actual_kib = candidate.actual_kib
    if candidate.left_alone:
        return situation.LeftOut(
            guest_uuid=guest_uuid,
            words=candidate.left_alone.words,
            obstacle=candidate.left_alone.obstacle,
        )
    # Safe is what floor, reserve and peak use leave; a target is above zero.
    untouched_kib = candidate.untouched_kib
    wanted_kib = untouched_kib + _touched_kib(candidate) * percent // 100
    taken_kib = min(wanted_kib, candidate.safe_kib, actual_kib - _MIB)
    taken_kib = taken_kib // _MIB * _MIB
    freed_kib = taken_kib - untouched_kib
    figures = (
        f'{percent} % of the {units.format_kib(_touched_kib(candidate))} that '
        f'it used, with {units.format_kib(candidate.safe_kib)} to spare and '
        f'{units.format_kib(untouched_kib)} never touched'
    )
    if freed_kib <= 0:
        obstacle = model.Obstacle.NEVER_TOUCHED
        if candidate.safe_kib == 0:
            obstacle = model.Obstacle.NO_ROOM
        return situation.LeftOut(
            guest_uuid=guest_uuid,
            words=f'would free nothing: {figures}',
            obstacle=obstacle,
        )
    return situation.Proposal(
        guest_uuid=guest_uuid,
        target_kib=actual_kib - taken_kib,
        expected_freed_kib=freed_kib,
        words=f'gives {units.format_kib(taken_kib)}: {figures}',
    )


def _touched_kib(candidate: situation.Candidate) -> int:
    return candidate.actual_kib - candidate.untouched_kib
