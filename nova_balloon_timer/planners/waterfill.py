# SPDX-License-Identifier: Apache-2.0
"""How a need is shared among guests.

Each gives ``level x weight``, but no less than is worth asking and no more
than it can; the level is the one at which what they probably free adds up to
the need. As a weight is priority x cooperation x what the guest can free,
equal guests give the same share of what they have to give.
"""

from collections.abc import Sequence
import math

from nova_balloon_timer import units
from nova_balloon_timer.planners import offer as planners_offer

# What a guest with room to spare hardly notices, and is worth asking for.
_PORTION_KIB = 64 * units.KIB_PER_MIB


def choose(
    need_kib: int, offers: Sequence[planners_offer.Offer]
) -> list[planners_offer.Offer]:
    """Return those to ask, best first: few for a little, all for a lot.

    A portion is 64 MiB, or half of what a guest can free if that is less. The
    first guests whose portions cover the need are chosen, or all if they do
    not. So hundreds are not disturbed for a few MiB; yet a large need is
    spread wide, which hurts each the least, is the quickest, as guests give
    side by side, and leaves room for those that give less than was thought.

    A larger need never chooses fewer guests.
    """
    chosen: list[planners_offer.Offer] = []
    covered_kib = 0.0
    for one in sorted(offers, key=_rank):
        if covered_kib >= need_kib:
            break
        chosen.append(one)
        portion_kib = min(_PORTION_KIB, one.most_kib / 2)
        covered_kib += one.cooperation * max(portion_kib, one.least_kib)
    return chosen


def share(need_kib: int, chosen: Sequence[planners_offer.Offer]) -> list[int]:
    """Return a target for each, in KiB and whole MiB.

    What they probably free covers the need if that is possible, and is then
    less than one MiB more, unless it is the least that is worth asking.
    """
    level = _find_level(need_kib, chosen)
    ideals_kib = [
        one.touched_kib
        - min(max(level * one.weight, one.least_kib), one.most_kib)
        for one in chosen
    ]
    targets_kib = [
        min(
            max(planners_offer.round_up_kib(ideal_kib), one.lowest_target_kib),
            one.highest_target_kib,
        )
        for one, ideal_kib in zip(chosen, ideals_kib, strict=True)
    ]
    _make_up(need_kib, chosen, ideals_kib, targets_kib)
    return targets_kib


def _rank(one: planners_offer.Offer) -> tuple[float, str]:
    return -one.weight, one.candidate.guest.uuid


def _find_level(
    need_kib: int, chosen: Sequence[planners_offer.Offer]
) -> float:
    """Return the level at which the need is covered.

    What is freed grows with the level, in straight lines between the bends
    where a guest begins to give more than its least, or has given its most:
    walk along the bends, in O(n log n).

    :returns: infinity if the need is more than all together have
    """
    bends: list[tuple[float, float]] = []
    freed_kib = 0.0
    for one in chosen:
        slope = one.cooperation * one.weight
        bends.append((one.least_kib / one.weight, slope))
        bends.append((one.most_kib / one.weight, -slope))
        freed_kib += one.cooperation * one.least_kib
    bends.sort()
    level = slope = 0.0
    for bend, change in bends:
        ahead_kib = slope * (bend - level)
        if freed_kib + ahead_kib >= need_kib:
            missing_kib = max(0.0, need_kib - freed_kib)
            return level + missing_kib / slope if slope > 0 else level
        freed_kib += ahead_kib
        level = bend
        slope = max(0.0, slope + change)
    return math.inf


def _make_up(
    need_kib: int,
    chosen: Sequence[planners_offer.Offer],
    ideals_kib: Sequence[float],
    targets_kib: list[int],
) -> None:
    """Take back what rounding lost, an MiB from each that gained the most.

    All targets were rounded up. So nearly always one round is enough; another
    makes up for the rounding of floating point.
    """
    expected_kib = sum(
        one.expected_kib(target_kib)
        for one, target_kib in zip(chosen, targets_kib, strict=True)
    )
    order = sorted(
        range(len(chosen)),
        key=lambda index: ideals_kib[index] - targets_kib[index],
    )
    while expected_kib < need_kib:
        before_kib = expected_kib
        for index in order:
            one = chosen[index]
            target_kib = targets_kib[index]
            if expected_kib >= need_kib:
                return
            if target_kib > one.lowest_target_kib:
                targets_kib[index] = target_kib - units.KIB_PER_MIB
                expected_kib += one.expected_kib(targets_kib[index])
                expected_kib -= one.expected_kib(target_kib)
        if expected_kib == before_kib:
            return
