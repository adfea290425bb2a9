# SPDX-License-Identifier: Apache-2.0
"""Any run that a process could have had, for hypothesis."""

import dataclasses
import datetime

from hypothesis import strategies as st

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.report import saved_run

_PIB = 2**39
_sizes = st.integers(1, _PIB)
_changes = st.none() | st.integers(-_PIB, _PIB)
_instants = st.floats(0, 1e6)
_seconds = st.floats(0.001, 1e5)
_texts = st.text(max_size=40)


@st.composite
def segments(
    draw: st.DrawFn, whole_seconds: float, start_kib: int, target_kib: int
) -> tuple[model.Segment, ...]:
    """Draw stages on the way from start to target."""
    low, high = sorted((start_kib, target_kib))
    number = draw(st.integers(0, 3))
    sizes = sorted(
        (draw(st.integers(low, high)) for _ in range(number)),
        reverse=start_kib > target_kib,
    )
    return tuple(
        model.Segment(
            until_seconds=whole_seconds * (index + 1) / (number + 1),
            target_kib=size,
        )
        for index, size in enumerate(sizes)
    )


@st.composite
def policies(draw: st.DrawFn) -> model.BalloonPolicy:
    """Draw a policy."""
    low, middle, high, maximum = sorted(draw(_sizes) for _ in range(4))
    inflates = draw(st.booleans())
    start_kib, target_kib = (high, middle) if inflates else (middle, high)
    direction = model.Direction.INFLATE
    if not inflates:
        direction = model.Direction.DEFLATE
    duration_seconds = draw(_seconds)
    return model.BalloonPolicy(
        uuid=draw(_texts),
        guest_uuid=draw(st.sampled_from(['one', 'two'])),
        direction=direction,
        start_actual_kib=start_kib,
        target_kib=target_kib,
        maximum_kib=maximum,
        duration_seconds=duration_seconds,
        guards=model.Guards(
            floor_kib=low,
            reserve_kib=draw(st.integers(0, _PIB)),
            swap_in_kib_per_second=draw(_sizes),
            major_faults_per_second=draw(_sizes),
        ),
        segments=draw(segments(duration_seconds, start_kib, target_kib)),
        leash=model.Leash(
            minimum_kib=1024 + draw(_sizes), lead_seconds=draw(_seconds)
        ),
        mode=draw(st.sampled_from(timekeeping.Mode)),
        mode_words=draw(_texts),
        origin=draw(st.sampled_from(model.Origin)),
        explanation=draw(_texts),
    )


@st.composite
def timings(draw: st.DrawFn) -> timekeeping.Timing:
    """Draw who kept a clock."""
    keepers = (timekeeping.Mode.HOST, timekeeping.Mode.GUEST)
    return timekeeping.Timing(
        keeper=draw(st.sampled_from(keepers)), words=draw(_texts)
    )


@st.composite
def guest_reports(draw: st.DrawFn) -> timekeeping.GuestReport:
    """Draw what a guest says of a policy."""
    return timekeeping.GuestReport(
        reason=draw(st.sampled_from(timekeeping.GuestEnd)),
        start_kib=draw(_sizes),
        target_kib=draw(_sizes),
        reached_kib=draw(_sizes),
        moved_kib=draw(st.integers(-_PIB, _PIB)),
        elapsed_seconds=draw(_seconds),
        lateness_seconds=draw(_seconds),
        moved_after_deadline_kib=draw(st.integers(-_PIB, _PIB)),
        allocation_failures=draw(st.integers(0, _PIB)),
    )


@st.composite
def points(draw: st.DrawFn, started_at: float) -> model.CurvePoint:
    """Draw a look at a guest."""
    return model.CurvePoint(
        at=started_at + draw(_seconds),
        actual_kib=draw(_sizes),
        target_kib=draw(st.none() | _sizes),
        usable_kib=draw(st.none() | _sizes),
        rss_kib=draw(st.none() | _sizes),
    )


@st.composite
def reports(draw: st.DrawFn) -> model.EndReport:
    """Draw how a policy ended."""
    balloon_policy = draw(policies())
    started_at = draw(_instants)
    return model.EndReport(
        policy=balloon_policy,
        reason=draw(st.sampled_from(model.EndReason)),
        detail=draw(_texts),
        started_at=started_at,
        deadline_at=started_at + balloon_policy.duration_seconds,
        ended_at=started_at + draw(_seconds),
        actual_start_kib=draw(_sizes),
        actual_end_kib=draw(st.none() | _sizes),
        moved_kib=draw(_changes),
        freed_kib=draw(_changes),
        lateness_seconds=draw(st.none() | _seconds),
        moved_after_deadline_kib=draw(_changes),
        confirmed=draw(st.booleans()),
        segments=tuple(
            model.SegmentOutcome(
                segment=segment,
                actual_kib=draw(_sizes),
                reached=draw(st.booleans()),
            )
            for segment in balloon_policy.segments
        ),
        curve=tuple(draw(st.lists(points(started_at), max_size=5))),
        timing=draw(timings()),
        guest_report=draw(st.none() | guest_reports()),
    )


_utc_instants = st.datetimes(
    min_value=datetime.datetime(1990, 1, 1),  # noqa: DTZ001
    max_value=datetime.datetime(2200, 1, 1),  # noqa: DTZ001
    timezones=st.just(datetime.timezone.utc),
)


@st.composite
def courses(draw: st.DrawFn) -> saved_run.HostCourse:
    """Draw how a host's memory went."""
    instants = st.lists(_utc_instants, max_size=6).map(sorted)
    return saved_run.HostCourse(
        total_kib=draw(_sizes),
        low_watermark_kib=draw(_sizes),
        high_watermark_kib=draw(_sizes),
        points=tuple(
            saved_run.HostPoint(
                at=at, available_kib=draw(st.integers(0, _PIB))
            )
            for at in draw(instants)
        ),
        marks=tuple(
            saved_run.Mark(
                at=at,
                kind=draw(st.sampled_from(saved_run.MarkKind)),
                words=draw(_texts),
            )
            for at in draw(instants)
        ),
    )


@st.composite
def runs(draw: st.DrawFn) -> saved_run.SavedRun:
    """Draw a run."""
    run = saved_run.from_reports(
        draw(st.lists(reports(), max_size=3)),
        guest_names={'one': draw(_texts)},
        refusals={
            'one': model.Refusal(
                obstacle=draw(st.sampled_from(model.Obstacle)),
                words=draw(_texts),
            )
        },
        host=draw(_texts),
        wall_clock=saved_run.WallClock(
            monotonic_at=draw(_instants),
            utc=draw(_utc_instants),
        ),
    )
    course = draw(st.none() | courses())
    return dataclasses.replace(run, course=course)
