# SPDX-License-Identifier: Apache-2.0
"""What one guest could give within a time, or why nothing.

Taking memory and freeing it are two things: pages that the guest never
touched cost the host nothing, and we reckon that the balloon finds those
first. What a guest *gives* is what leaves it; what it *frees* is what the
host gains.
"""

import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units

_MIB = units.KIB_PER_MIB

# Freeing less than this is not worth a policy, its look-ups and its report.
LEAST_KIB = 8 * _MIB

# How quickly a guest is taken to be before it was seen to move: idle guests
# without KVM made 610-1010 MiB/s, busy ones are several times slower.
DEFAULT_RATE = 200.0 * _MIB

# From a policy's start until a balloon moves: a look, statistics, an order.
STARTUP_SECONDS = 0.2

# So many times what it frees may a guest have to give that it never touched:
# who has much of that has just begun, and may be about to use it.
_MOST_WASTE = 4.0

# A guest may be so many times slower than it was last time.
DOUBT = 2.0

# Traits and priorities may come from a file or a hand; these bounds keep a
# typing error from turning into an infinity.
_LEAST_COOPERATION = 0.01
_PRIORITIES = (0.01, 100.0)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A guest that can help, and by how much.

    :param touched_kib: what the host would gain at a target of zero
    :param lowest_target_kib: all that is safe and can be done in time;
        targets are whole MiB, the driver's items
    :param highest_target_kib: the least that is worth an operation
    :param most_kib: freed at the lowest target
    :param least_kib: freed at the highest target; LEAST_KIB and up to 1 MiB
    :param cooperation: the share of what is asked that is given, 0.01 to 1
    :param weight: its part in sharing: priority x cooperation x most_kib
    """

    candidate: situation.Candidate
    touched_kib: int
    lowest_target_kib: int
    highest_target_kib: int
    most_kib: int
    least_kib: int
    rate_kib_per_second: float
    cooperation: float
    weight: float

    def expected_kib(self, target_kib: int) -> int:
        """Return what the host probably gains at one of the targets."""
        return math.ceil(self.cooperation * (self.touched_kib - target_kib))

    def seconds_to(self, target_kib: int) -> float:
        """Return when the guest gets to a target, counted from the start."""
        distance_kib = self.candidate.actual_kib - target_kib
        return STARTUP_SECONDS + distance_kib / self.rate_kib_per_second


def weigh(
    candidate: situation.Candidate, seconds: float
) -> Offer | model.Refusal:
    """Return what a guest can do within a duration, or why nothing."""
    actual_kib = candidate.actual_kib
    refusal = candidate.left_alone or _find_unknown(candidate)
    if refusal is not None:
        return refusal
    safe_kib = candidate.safe_kib
    rate = _rate_of(candidate)
    movable_kib = rate * max(0.0, seconds - STARTUP_SECONDS)
    most_kib = int(min(safe_kib, movable_kib))
    # NOTE: a target of zero is none, even where the guards would allow it.
    lowest_kib = max(_MIB, round_up_kib(actual_kib - most_kib))
    touched_kib = actual_kib - candidate.untouched_kib
    freed_kib = touched_kib - lowest_kib
    if _is_waste(candidate):
        return _no_use(candidate)
    if freed_kib < LEAST_KIB:
        if safe_kib < LEAST_KIB:
            return _no_room(candidate)
        if movable_kib < safe_kib:
            return _no_time(candidate, most_kib, rate, seconds)
        return _no_use(candidate)
    highest_kib = (touched_kib - LEAST_KIB) // _MIB * _MIB
    most_kib = touched_kib - lowest_kib
    cooperation = _bounded(
        candidate.traits.cooperation, _LEAST_COOPERATION, 1.0
    )
    return Offer(
        candidate=candidate,
        touched_kib=touched_kib,
        lowest_target_kib=lowest_kib,
        highest_target_kib=highest_kib,
        most_kib=most_kib,
        least_kib=touched_kib - highest_kib,
        rate_kib_per_second=rate,
        cooperation=cooperation,
        weight=_bounded(candidate.priority, *_PRIORITIES)
        * cooperation
        * most_kib,
    )


def _is_waste(candidate: situation.Candidate) -> bool:
    """Tell whether most of what it can spare was never touched."""
    freed_kib = candidate.safe_kib - candidate.untouched_kib
    return (
        freed_kib >= LEAST_KIB
        and candidate.untouched_kib > _MOST_WASTE * freed_kib
    )


def round_up_kib(size_kib: float) -> int:
    """Round a size up to whole MiB: of a target, to the guest's favour."""
    return math.ceil(size_kib / _MIB) * _MIB


def _bounded(value: float, lowest: float, highest: float) -> float:
    """Bring a figure within bounds; what is no number becomes the lowest."""
    return min(value, highest) if value > lowest else lowest


def _rate_of(candidate: situation.Candidate) -> float:
    rate = candidate.traits.rate_kib_per_second
    if rate is None:
        return DEFAULT_RATE
    return _bounded(rate, 1.0, units.KIB_PER_GIB * 1024.0)


def _find_unknown(candidate: situation.Candidate) -> model.Refusal | None:
    """Say what must be known before anything is asked; None if it is."""
    if not 0 < candidate.actual_kib <= candidate.guest.maximum_kib:
        return model.Refusal(
            obstacle=model.Obstacle.UNREADABLE,
            words=f'it is said to have '
            f'{units.format_kib(candidate.actual_kib)}, which is not within '
            f'its maximum of {units.format_kib(candidate.guest.maximum_kib)}',
        )
    if candidate.guards.reserve_kib <= 0:
        return None
    if candidate.usable_kib is None:
        return model.Refusal(
            obstacle=model.Obstacle.NO_DRIVER,
            words='it gives no statistics, so what it can spare is unknown: '
            'its balloon driver is not loaded, or it still boots or hangs',
        )
    if candidate.peak_use_kib is None:
        return model.Refusal(
            obstacle=model.Obstacle.USE_UNKNOWN,
            words='how much it needed lately is not known yet',
        )
    return None


def _no_room(candidate: situation.Candidate) -> model.Refusal:
    return model.Refusal(
        obstacle=model.Obstacle.NO_ROOM, words=_why_no_room(candidate)
    )


def _why_no_room(candidate: situation.Candidate) -> str:
    actual_kib = candidate.actual_kib
    guards = candidate.guards
    actual = units.format_kib(actual_kib)
    taken = 'nothing'
    if candidate.safe_kib > 0:
        taken = f'only {units.format_kib(candidate.safe_kib)}'
    if actual_kib - guards.floor_kib < LEAST_KIB:
        floor = units.format_kib(guards.floor_kib)
        return f'{taken} can be taken: it has {actual} and a floor of {floor}'
    used_kib = actual_kib - (candidate.usable_kib or 0)
    words = (
        f'{taken} can be taken: of its {actual} it uses '
        f'{units.format_kib(used_kib)}'
    )
    peak_kib = candidate.peak_use_kib or 0
    if peak_kib > used_kib:
        words += f', lately up to {units.format_kib(peak_kib)}'
    return (
        f'{words}, and its reserve is {units.format_kib(guards.reserve_kib)}'
    )


def _no_use(candidate: situation.Candidate) -> model.Refusal:
    safe_kib = candidate.safe_kib
    untouched_kib = candidate.untouched_kib
    freed = 'nothing'
    if safe_kib > untouched_kib:
        freed = f'only {units.format_kib(safe_kib - untouched_kib)}'
    return model.Refusal(
        obstacle=model.Obstacle.NEVER_TOUCHED,
        words=f'taking the {units.format_kib(safe_kib)} that it can spare '
        f'would free {freed}: it never touched '
        f'{units.format_kib(untouched_kib)} of its '
        f'{units.format_kib(candidate.actual_kib)}',
    )


def _no_time(
    candidate: situation.Candidate,
    most_kib: int,
    rate: float,
    seconds: float,
) -> model.Refusal:
    untouched_kib = candidate.untouched_kib
    freed = 'nothing'
    if most_kib > untouched_kib:
        freed = f'only {units.format_kib(most_kib - untouched_kib)}'
    known = 'learned'
    if candidate.traits.rate_kib_per_second is None:
        known = 'assumed'
    words = (
        f'in {units.format_seconds(seconds)} it could free {freed} at its '
        f'{known} rate of {units.format_kib(int(rate))}/s'
    )
    if untouched_kib > 0:
        untouched = units.format_kib(untouched_kib)
        words += f': {untouched} that it never touched come first'
    return model.Refusal(obstacle=model.Obstacle.NO_TIME, words=words)
