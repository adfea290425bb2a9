# SPDX-License-Identifier: Apache-2.0
"""A run as JSON's objects, lists, texts and numbers; see the run file."""

import dataclasses
import datetime
from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.report import saved_run

SCHEMA_VERSION = 2

_Json = dict[str, Any]


def encode(run: saved_run.SavedRun) -> _Json:
    """Turn a run into what JSON can write."""
    return {
        'schema_version': SCHEMA_VERSION,
        'host': run.host,
        'policies': [encode_saved_policy(saved) for saved in run.policies],
        'refusals': [
            {
                'guest_name': refused.guest_name,
                'obstacle': refused.refusal.obstacle.value,
                'words': refused.refusal.words,
            }
            for refused in run.refusals
        ],
        'course': None if run.course is None else _encode_course(run.course),
    }


def _encode_course(course: saved_run.HostCourse) -> _Json:
    return {
        'total_kib': course.total_kib,
        'low_watermark_kib': course.low_watermark_kib,
        'high_watermark_kib': course.high_watermark_kib,
        'points': [
            {
                'at': _encode_instant(point.at, 0),
                'available_kib': point.available_kib,
            }
            for point in course.points
        ],
        'marks': [
            {
                'at': _encode_instant(mark.at, 0),
                'kind': mark.kind.value,
                'words': mark.words,
            }
            for mark in course.marks
        ],
    }


def encode_saved_policy(saved: saved_run.SavedPolicy) -> _Json:
    """Turn a policy and how it ended into what JSON can write."""
    return {**encode_policy(saved.report.policy), **_encode_report(saved)}


def encode_policy(balloon_policy: model.BalloonPolicy) -> _Json:
    """Turn a policy into what JSON can write."""
    guards = balloon_policy.guards
    leash = balloon_policy.leash
    return {
        'uuid': balloon_policy.uuid,
        'guest_uuid': balloon_policy.guest_uuid,
        'direction': balloon_policy.direction.value,
        'mode': balloon_policy.mode.value,
        'mode_words': balloon_policy.mode_words,
        'origin': balloon_policy.origin.value,
        'explanation': balloon_policy.explanation,
        'start_actual_kib': balloon_policy.start_actual_kib,
        'target_kib': balloon_policy.target_kib,
        'maximum_kib': balloon_policy.maximum_kib,
        'duration_seconds': balloon_policy.duration_seconds,
        'segments': [_encode_segment(it) for it in balloon_policy.segments],
        'guards': {
            'floor_kib': guards.floor_kib,
            'reserve_kib': guards.reserve_kib,
            'swap_in_kib_per_second': guards.swap_in_kib_per_second,
            'major_faults_per_second': guards.major_faults_per_second,
        },
        'leash': {
            'minimum_kib': leash.minimum_kib,
            'lead_seconds': leash.lead_seconds,
        },
    }


def _encode_report(saved: saved_run.SavedPolicy) -> _Json:
    report = saved.report
    return {
        'guest_name': saved.guest_name,
        'started_at': _encode_instant(saved.started_at, 0),
        'deadline_at': _encode_instant(saved.started_at, report.deadline_at),
        'end': _encode_end(saved),
        'curve': [
            {
                'at_seconds': point.at,
                'actual_kib': point.actual_kib,
                'target_kib': point.target_kib,
                'usable_kib': point.usable_kib,
                'rss_kib': point.rss_kib,
            }
            for point in report.curve
        ],
    }


def _encode_end(saved: saved_run.SavedPolicy) -> _Json:
    report = saved.report
    return {
        'reason': report.reason.value,
        'detail': report.detail,
        'ended_at': _encode_instant(saved.started_at, report.ended_at),
        'actual_start_kib': report.actual_start_kib,
        'actual_end_kib': report.actual_end_kib,
        'moved_kib': report.moved_kib,
        'freed_kib': report.freed_kib,
        'duration_seconds': report.duration_seconds,
        'lateness_seconds': report.lateness_seconds,
        'moved_after_deadline_kib': report.moved_after_deadline_kib,
        'confirmed': report.confirmed,
        'timing': encode_timing(report.timing),
        'guest_report': encode_guest_report(report.guest_report),
        'segments': [
            {
                **_encode_segment(outcome.segment),
                'actual_kib': outcome.actual_kib,
                'reached': outcome.reached,
            }
            for outcome in report.segments
        ],
    }


def encode_timing(timing: timekeeping.Timing) -> _Json:
    """Turn who kept the clock into what JSON can write."""
    return {'keeper': timing.keeper.value, 'words': timing.words}


def encode_guest_report(
    report: timekeeping.GuestReport | None,
) -> _Json | None:
    """Turn what a guest says of a policy into what JSON can write."""
    if report is None:
        return None
    return {**dataclasses.asdict(report), 'reason': report.reason.value}


def _encode_segment(segment: model.Segment) -> _Json:
    return {
        'until_seconds': segment.until_seconds,
        'target_kib': segment.target_kib,
    }


def _encode_instant(started_at: datetime.datetime, seconds: float) -> str:
    instant = started_at + datetime.timedelta(seconds=seconds)
    return instant.isoformat(timespec='microseconds')
