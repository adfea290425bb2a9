# SPDX-License-Identifier: Apache-2.0
"""A run out of JSON that may come from anywhere; the reverse of encoding."""

import datetime
import itertools

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import fields
from nova_balloon_timer.report import saved_run

_MOST_POLICIES = 10_000
_MOST_SEGMENTS = 1_000
_MOST_POINTS = 10_000
_MOST_HOST_POINTS = 500_000
_MOST_MARKS = 10_000
_LONGEST_SECONDS = 1e9
# How far a stored duration may be from the instants that it was made of.
_ROUNDING_SECONDS = 1e-3


def decode(root: fields.Field) -> saved_run.SavedRun:
    """Check everything and make a run of it.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    version = root.get('schema_version')
    if version.integer() != encoding.SCHEMA_VERSION:
        version.complain(
            f'is {version.integer()}; this release reads only '
            f'{encoding.SCHEMA_VERSION}'
        )
    return saved_run.SavedRun(
        host=root.get('host').text(),
        policies=tuple(
            decode_saved_policy(field)
            for field in root.get('policies').items(_MOST_POLICIES)
        ),
        refusals=tuple(
            _decode_refusal(field)
            for field in root.get('refusals').items(_MOST_POLICIES)
        ),
        course=root.get('course').or_none(_decode_course),
    )


def _decode_course(field: fields.Field) -> saved_run.HostCourse:
    points = field.get('points')
    marks = field.get('marks')
    course = saved_run.HostCourse(
        total_kib=field.get('total_kib').size_kib(),
        low_watermark_kib=field.get('low_watermark_kib').size_kib(),
        high_watermark_kib=field.get('high_watermark_kib').size_kib(),
        points=tuple(
            saved_run.HostPoint(
                at=item.get('at').instant(),
                available_kib=item.get('available_kib').size_kib(),
            )
            for item in points.items(_MOST_HOST_POINTS)
        ),
        marks=tuple(
            saved_run.Mark(
                at=item.get('at').instant(),
                kind=item.get('kind').choice(saved_run.MarkKind),
                words=item.get('words').text(),
            )
            for item in marks.items(_MOST_MARKS)
        ),
    )
    _check_order(points, [point.at for point in course.points])
    _check_order(marks, [mark.at for mark in course.marks])
    return course


def _check_order(
    field: fields.Field, instants: list[datetime.datetime]
) -> None:
    if any(after < before for before, after in itertools.pairwise(instants)):
        field.complain('are not in the order of their instants')


def _decode_refusal(field: fields.Field) -> saved_run.SavedRefusal:
    return saved_run.SavedRefusal(
        guest_name=field.get('guest_name').text(),
        refusal=model.Refusal(
            obstacle=field.get('obstacle').choice(model.Obstacle),
            words=field.get('words').text(),
        ),
    )


def decode_saved_policy(field: fields.Field) -> saved_run.SavedPolicy:
    """Read a policy and how it ended.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    started_at = field.get('started_at').instant()
    return saved_run.SavedPolicy(
        guest_name=field.get('guest_name').text(),
        started_at=started_at,
        report=_decode_report(field, started_at),
    )


def _decode_report(
    field: fields.Field, started_at: datetime.datetime
) -> model.EndReport:
    end = field.get('end')
    size_kib = fields.Field.size_kib
    change_kib = fields.Field.integer
    after = end.get('moved_after_deadline_kib')
    outcomes = end.get('segments').items(_MOST_SEGMENTS)
    points = field.get('curve').items(_MOST_POINTS)
    report = model.EndReport(
        policy=decode_policy(field),
        reason=end.get('reason').choice(model.EndReason),
        detail=end.get('detail').text(),
        started_at=0.0,
        deadline_at=_decode_instant(field.get('deadline_at'), started_at),
        ended_at=_decode_instant(end.get('ended_at'), started_at),
        actual_start_kib=end.get('actual_start_kib').size_kib(),
        actual_end_kib=end.get('actual_end_kib').or_none(size_kib),
        moved_kib=end.get('moved_kib').or_none(change_kib),
        freed_kib=end.get('freed_kib').or_none(change_kib),
        lateness_seconds=end.get('lateness_seconds').or_none(_decode_seconds),
        moved_after_deadline_kib=after.or_none(change_kib),
        confirmed=end.get('confirmed').boolean(),
        segments=tuple(_decode_outcome(item) for item in outcomes),
        curve=tuple(_decode_point(item) for item in points),
        timing=decode_timing(end.get('timing')),
        guest_report=end.get('guest_report').or_none(decode_guest_report),
    )
    _check_duration(end.get('duration_seconds'), report)
    return report


def _check_duration(field: fields.Field, report: model.EndReport) -> None:
    difference = _decode_seconds(field) - report.duration_seconds
    if abs(difference) > _ROUNDING_SECONDS:
        field.complain('is not the time from started_at to ended_at')


def decode_policy(field: fields.Field) -> model.BalloonPolicy:
    """Read a policy.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    segments = field.get('segments').items(_MOST_SEGMENTS)
    try:
        return model.BalloonPolicy(
            uuid=field.get('uuid').text(),
            guest_uuid=field.get('guest_uuid').text(),
            direction=field.get('direction').choice(model.Direction),
            start_actual_kib=field.get('start_actual_kib').size_kib(),
            target_kib=field.get('target_kib').size_kib(),
            maximum_kib=field.get('maximum_kib').size_kib(),
            duration_seconds=_decode_seconds(field.get('duration_seconds')),
            guards=_decode_guards(field.get('guards')),
            segments=tuple(_decode_segment(item) for item in segments),
            leash=_decode_leash(field.get('leash')),
            mode=field.get('mode').choice(timekeeping.Mode),
            mode_words=field.get('mode_words').text(),
            origin=field.get('origin').choice(model.Origin),
            explanation=field.get('explanation').text(),
        )
    except exception.InvalidPolicy as error:
        field.complain(f'is no possible policy: {error}')


def decode_timing(field: fields.Field) -> timekeeping.Timing:
    """Read who kept a policy's clock.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    keeper = field.get('keeper')
    mode = keeper.choice(timekeeping.Mode)
    if mode is timekeeping.Mode.AUTO:
        keeper.complain('is auto, which keeps no clock')
    return timekeeping.Timing(keeper=mode, words=field.get('words').text())


def decode_guest_report(field: fields.Field) -> timekeeping.GuestReport:
    """Read what a guest said of a policy.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    after = field.get('moved_after_deadline_kib')
    failures = field.get('allocation_failures')
    return timekeeping.GuestReport(
        reason=field.get('reason').choice(timekeeping.GuestEnd),
        start_kib=field.get('start_kib').size_kib(),
        target_kib=field.get('target_kib').size_kib(),
        reached_kib=field.get('reached_kib').size_kib(),
        moved_kib=field.get('moved_kib').integer(),
        elapsed_seconds=_decode_seconds(field.get('elapsed_seconds')),
        lateness_seconds=_decode_seconds(field.get('lateness_seconds')),
        moved_after_deadline_kib=after.integer(),
        allocation_failures=failures.integer(lowest=0),
    )


def _decode_guards(field: fields.Field) -> model.Guards:
    return model.Guards(
        floor_kib=field.get('floor_kib').size_kib(),
        reserve_kib=field.get('reserve_kib').size_kib(),
        swap_in_kib_per_second=field.get('swap_in_kib_per_second').size_kib(),
        major_faults_per_second=field.get('major_faults_per_second').integer(
            lowest=0
        ),
    )


def _decode_leash(field: fields.Field) -> model.Leash:
    return model.Leash(
        minimum_kib=field.get('minimum_kib').size_kib(),
        lead_seconds=_decode_seconds(field.get('lead_seconds')),
    )


def _decode_segment(field: fields.Field) -> model.Segment:
    return model.Segment(
        until_seconds=_decode_seconds(field.get('until_seconds')),
        target_kib=field.get('target_kib').size_kib(),
    )


def _decode_outcome(field: fields.Field) -> model.SegmentOutcome:
    return model.SegmentOutcome(
        segment=_decode_segment(field),
        actual_kib=field.get('actual_kib').size_kib(),
        reached=field.get('reached').boolean(),
    )


def _decode_point(field: fields.Field) -> model.CurvePoint:
    size_kib = fields.Field.size_kib
    return model.CurvePoint(
        at=field.get('at_seconds').number(-_LONGEST_SECONDS, _LONGEST_SECONDS),
        actual_kib=field.get('actual_kib').size_kib(),
        target_kib=field.get('target_kib').or_none(size_kib),
        usable_kib=field.get('usable_kib').or_none(size_kib),
        rss_kib=field.get('rss_kib').or_none(size_kib),
    )


def _decode_instant(
    field: fields.Field, started_at: datetime.datetime
) -> float:
    """Read an instant and count it from the policy's start."""
    seconds = (field.instant() - started_at).total_seconds()
    if not 0 <= seconds <= _LONGEST_SECONDS:
        field.complain("is before the policy's start, or long after")
    return seconds


def _decode_seconds(field: fields.Field) -> float:
    return field.number(0, _LONGEST_SECONDS)
