# SPDX-License-Identifier: Apache-2.0
"""Candidates and requests with the dull parts filled in, and any at all."""

from typing import Any

from hypothesis import strategies as st

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from tests.unit import base

MIB = base.MIB
GIB = base.GIB


def make_candidate(name: str = 'web-01', **more: Any) -> situation.Candidate:
    """Return a guest of 1 GiB that touched 900 MiB and can spare 736 MiB."""
    fields: dict[str, Any] = {
        'guest': base.make_guest(name),
        'guards': base.make_guards(),
        'actual_kib': GIB,
        'usable_kib': 800 * MIB,
        'rss_kib': 900 * MIB,
        'peak_use_kib': 224 * MIB,
    }
    return situation.Candidate(**(fields | more))


def make_traits(rate_mib: float | None, **more: Any) -> situation.GuestTraits:
    """Return traits of a guest that moves so many MiB a second."""
    rate = None if rate_mib is None else rate_mib * MIB
    return situation.GuestTraits(rate_kib_per_second=rate, **more)


def make_request(
    *candidates: situation.Candidate, **more: Any
) -> situation.PlanRequest:
    """Return a request for 200 MiB, in 10 s at the most, without a fall."""
    fields: dict[str, Any] = {
        'need_kib': 200 * MIB,
        'shortest_seconds': 1.0,
        'longest_seconds': 10.0,
        'exhaustion_seconds': None,
        'candidates': candidates or (make_candidate(),),
    }
    return situation.PlanRequest(**(fields | more))


def to_policy(
    proposal: situation.Proposal,
    candidate: situation.Candidate,
    plan: situation.Plan,
) -> model.BalloonPolicy:
    """Make of a proposal what the engine gets."""
    return base.make_policy(
        guest_uuid=proposal.guest_uuid,
        start_actual_kib=candidate.actual_kib,
        target_kib=proposal.target_kib,
        maximum_kib=candidate.guest.maximum_kib,
        duration_seconds=plan.duration_seconds,
        guards=candidate.guards,
        segments=proposal.segments,
        origin=model.Origin.PRESSURE,
    )


_sizes_kib = st.integers(0, 16 * GIB)

traits = st.builds(
    situation.GuestTraits,
    rate_kib_per_second=st.none() | st.floats(0, 4.0 * GIB),
    cooperation=st.floats(0, 1),
)


@st.composite
def any_candidate(draw: st.DrawFn, name: str) -> situation.Candidate:
    """Return any guest, however it stands, or says that it stands."""
    maximum_kib = draw(st.integers(1, 16 * GIB))
    return situation.Candidate(
        guest=base.make_guest(
            name,
            maximum_kib=maximum_kib,
            terms=ownership.Terms(
                max_step_kib=draw(st.none() | st.integers(0, 2 * GIB))
            ),
        ),
        guards=base.make_guards(
            floor_kib=draw(st.integers(0, maximum_kib // 2)),
            reserve_kib=draw(st.sampled_from((0, 64 * MIB, GIB))),
        ),
        actual_kib=draw(st.integers(maximum_kib // 2, maximum_kib)),
        usable_kib=draw(st.none() | _sizes_kib),
        rss_kib=draw(st.none() | _sizes_kib),
        peak_use_kib=draw(st.none() | st.integers(0, GIB)),
        traits=draw(traits),
        priority=draw(st.floats(0.1, 10)),
        left_alone=draw(
            st.sampled_from((None, None, None, base.make_refusal()))
        ),
    )


@st.composite
def any_request(draw: st.DrawFn) -> situation.PlanRequest:
    """Return any request that makes sense, and bounds that contradict."""
    count = draw(st.integers(0, 8))
    return situation.PlanRequest(
        need_kib=draw(st.integers(1, 64 * GIB)),
        shortest_seconds=draw(st.floats(0.1, 5)),
        longest_seconds=draw(st.floats(0.01, 120)),
        exhaustion_seconds=draw(st.none() | st.floats(0, 1e9)),
        candidates=tuple(
            draw(any_candidate(f'guest-{number}')) for number in range(count)
        ),
    )
