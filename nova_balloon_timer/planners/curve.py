# SPDX-License-Identifier: Apache-2.0
"""The way to a target in stages, so that a guest can tell how it fares.

Most of the relief comes in the first stage. After each the balloon waits
until the guest's statistics, which come once a second, have been seen: a
guest that suffers is noticed before all is taken. A stage never costs the
target: what is left after it can be done by a guest that is half as quick as
it is known to be.
"""

from nova_balloon_timer import model
from nova_balloon_timer.planners import offer as planners_offer

# Shorter policies go straight: there is no time to wait in.
SHORTEST_SECONDS = 3.0

# How much of the relief has come at the end of each stage.
_STAGES = (0.6, 0.85)

# Statistics come every second and are whole seconds old when they do.
_PAUSE_SECONDS = 1.5

# All pauses of a policy.
PAUSES_SECONDS = _PAUSE_SECONDS * len(_STAGES)


def make(
    offer: planners_offer.Offer, target_kib: int, duration_seconds: float
) -> tuple[model.Segment, ...]:
    """Return the stages for a guest; none if time or target are short.

    A stage lasts for as long as the guest needs to get there, and a pause.
    """
    if duration_seconds < SHORTEST_SECONDS:
        return ()
    segments: list[model.Segment] = []
    relief_kib = offer.touched_kib - target_kib
    rate = offer.rate_kib_per_second
    for count, stage in enumerate(_STAGES, start=1):
        stage_kib = planners_offer.round_up_kib(
            offer.touched_kib - stage * relief_kib
        )
        left_kib = stage_kib - target_kib
        if left_kib < planners_offer.LEAST_KIB:
            break
        # Rounded, as it is shown to people.
        until_seconds = round(
            offer.seconds_to(stage_kib) + count * _PAUSE_SECONDS, 2
        )
        left_seconds = duration_seconds - until_seconds
        needed_seconds = planners_offer.DOUBT * left_kib / rate
        if left_seconds <= needed_seconds:
            break
        segments.append(
            model.Segment(until_seconds=until_seconds, target_kib=stage_kib)
        )
    return tuple(segments)
