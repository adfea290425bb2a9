# SPDX-License-Identifier: Apache-2.0
"""Announcements as they go over the message bus.

In two forms, as with Nova: in envelopes that name object and version, for
``versioned`` notifications; and flat, for ``unversioned`` ones.
"""

from collections.abc import Callable
import datetime
import itertools
from typing import Any

from nova_balloon_timer import announcement
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from nova_balloon_timer.notifier import objects
from nova_balloon_timer.notifier import registry
from nova_balloon_timer.notifier import wording

_UtcAt = Callable[[float], datetime.datetime]
_Values = dict[str, Any]

# NOTE: a broker takes much more, but consumers keep what they get. Together
# these keep a payload below 16 KiB, whatever a text holds.
_NAME_BYTES = 256
_WORDS_BYTES = 2048
_MOST_SEGMENTS = 20

_SECONDS_DECIMALS = 6
_DATA = f'{registry.Payload.OBJ_SERIAL_NAMESPACE}.data'


def publisher_id(service: str, host: str) -> str:
    """Return who sends the notifications of a host, as others know it."""
    return f'{service}:{_name(host)}'


def encode(
    announced: announcement.Announcement, *, host: str, utc_at: _UtcAt
) -> dict[str, Any]:
    """Return the payload in its envelope, ready for JSON.

    :param utc_at: turns an instant of our monotonic clock into UTC
    """
    payload_class, values = _describe(announced, utc_at)
    payload = payload_class(
        host=_name(host),
        uuid=_name(announced.subject_uuid),
        sequence=announced.sequence,
        occurred_at=utc_at(announced.at),
        **values,
    )
    primitive: dict[str, Any] = payload.obj_to_primitive()
    return primitive


def flatten(primitive: dict[str, Any]) -> dict[str, Any]:
    """Return a payload without its envelopes: the unversioned form."""
    return {
        name: _flatten_value(value) for name, value in primitive[_DATA].items()
    }


def _flatten_value(value: Any) -> Any:
    # NOTE: all objects within a payload are payloads in envelopes.
    if isinstance(value, dict):
        return flatten(value)
    if isinstance(value, list):
        return [_flatten_value(item) for item in value]
    return value


def _describe(
    announced: announcement.Announcement, utc_at: _UtcAt
) -> tuple[type[objects.EventPayload], _Values]:
    match announced.fact:
        case announcement.PolicyCreated() as fact:
            return objects.BalloonPolicyPayload, _policy_values(
                fact, fact.policy, None, None, utc_at
            )
        case announcement.PolicyStarted() as fact:
            return objects.BalloonPolicyPayload, _policy_values(
                fact, fact.policy, fact.timing, fact.started_at, utc_at
            )
        case announcement.PolicyProgressed() as fact:
            return objects.BalloonPolicyProgressPayload, _progress_values(
                fact, utc_at
            )
        case announcement.PolicyEnded() as fact:
            return objects.BalloonPolicyEndPayload, _end_values(fact, utc_at)
        case announcement.PressureStarted() as fact:
            return objects.HostMemoryPressurePayload, _pressure_values(
                fact, announced.at, None, utc_at
            )
        case announcement.PressureEnded() as fact:
            return objects.HostMemoryPressurePayload, _pressure_values(
                fact, fact.started_at, announced.at, utc_at
            )


def _policy_values(
    fact: announcement.PolicyFact,
    balloon_policy: model.BalloonPolicy,
    timing: timekeeping.Timing | None,
    started_at: float | None,
    utc_at: _UtcAt,
    outcomes: tuple[model.SegmentOutcome, ...] = (),
) -> _Values:
    duration_seconds = balloon_policy.duration_seconds
    deadline_at = None if started_at is None else started_at + duration_seconds
    segments = balloon_policy.segments
    return {
        'guest_uuid': _name(balloon_policy.guest_uuid),
        'guest_name': _name(fact.guest_name),
        'instance': _instance_payload(
            balloon_policy.guest_uuid, fact.instance
        ),
        'direction': balloon_policy.direction.value,
        'mode': balloon_policy.mode.value,
        'timed_by': None if timing is None else timing.keeper.value,
        'timing_words': '' if timing is None else _words(timing.words),
        'origin': balloon_policy.origin.value,
        'explanation': _words(balloon_policy.explanation),
        'start_kib': balloon_policy.start_actual_kib,
        'target_kib': balloon_policy.target_kib,
        'maximum_kib': balloon_policy.maximum_kib,
        'duration_seconds': _seconds(duration_seconds),
        'segments': _segment_payloads(segments[:_MOST_SEGMENTS], outcomes),
        'omitted_segments': max(0, len(segments) - _MOST_SEGMENTS),
        'floor_kib': balloon_policy.guards.floor_kib,
        'reserve_kib': balloon_policy.guards.reserve_kib,
        'leash_kib': balloon_policy.leash.minimum_kib,
        'leash_seconds': _seconds(balloon_policy.leash.lead_seconds),
        'started_at': _instant(started_at, utc_at),
        'deadline_at': _instant(deadline_at, utc_at),
    }


def _instance_payload(
    uuid: str, instance: ownership.Instance | None
) -> objects.BalloonInstancePayload | None:
    if instance is None:
        return None
    return objects.BalloonInstancePayload(
        uuid=_name(uuid),
        display_name=_name(instance.display_name),
        tenant_id=_name(instance.project_id),
        host=_name(instance.host),
    )


def _guest_report_payload(
    report: timekeeping.GuestReport | None,
) -> objects.BalloonGuestReportPayload | None:
    if report is None:
        return None
    return objects.BalloonGuestReportPayload(
        reason=report.reason.value,
        start_kib=report.start_kib,
        target_kib=report.target_kib,
        reached_kib=report.reached_kib,
        moved_kib=report.moved_kib,
        elapsed_seconds=_seconds(report.elapsed_seconds),
        lateness_seconds=_seconds(report.lateness_seconds),
        moved_after_deadline_kib=report.moved_after_deadline_kib,
        allocation_failures=report.allocation_failures,
    )


def _segment_payloads(
    segments: tuple[model.Segment, ...],
    outcomes: tuple[model.SegmentOutcome, ...],
) -> list[objects.BalloonSegmentPayload]:
    # NOTE: stages end in their order; the policy may end before some do.
    reached = itertools.chain(outcomes, itertools.repeat(None))
    return [
        objects.BalloonSegmentPayload(
            until_seconds=_seconds(segment.until_seconds),
            target_kib=segment.target_kib,
            actual_kib=None if outcome is None else outcome.actual_kib,
            reached=None if outcome is None else outcome.reached,
        )
        for segment, outcome in zip(segments, reached, strict=False)
    ]


def _progress_values(
    fact: announcement.PolicyProgressed, utc_at: _UtcAt
) -> _Values:
    sample = fact.sample
    moved_kib = sample.actual_kib - fact.policy.start_actual_kib
    if fact.policy.direction is model.Direction.INFLATE:
        moved_kib = -moved_kib
    return {
        **_policy_values(
            fact, fact.policy, fact.timing, fact.started_at, utc_at
        ),
        'elapsed_seconds': _seconds(sample.at - fact.started_at),
        'actual_kib': sample.actual_kib,
        'moved_kib': moved_kib,
        'usable_kib': sample.usable_kib,
        'rss_kib': sample.rss_kib,
    }


def _end_values(fact: announcement.PolicyEnded, utc_at: _UtcAt) -> _Values:
    report = fact.report
    return {
        **_policy_values(
            fact,
            report.policy,
            report.timing,
            report.started_at,
            utc_at,
            report.segments,
        ),
        'reason': report.reason.value,
        'detail': _words(report.detail),
        'ended_at': utc_at(report.ended_at),
        'elapsed_seconds': _seconds(report.duration_seconds),
        'actual_start_kib': report.actual_start_kib,
        'actual_end_kib': report.actual_end_kib,
        'moved_kib': report.moved_kib,
        'freed_kib': report.freed_kib,
        'lateness_seconds': _seconds(report.lateness_seconds),
        'moved_after_deadline_kib': report.moved_after_deadline_kib,
        'confirmed': report.confirmed,
        'guest_report': _guest_report_payload(report.guest_report),
    }


def _pressure_values(
    fact: announcement.PressureStarted | announcement.PressureEnded,
    started_at: float | None,
    ended_at: float | None,
    utc_at: _UtcAt,
) -> _Values:
    duration_seconds = None
    if started_at is not None and ended_at is not None:
        duration_seconds = ended_at - started_at
    memory, watermarks = fact.memory, fact.watermarks
    return {
        'words': _words(fact.words),
        'total_kib': None if memory is None else memory.total_kib,
        'available_kib': None if memory is None else memory.available_kib,
        'low_watermark_kib': None
        if watermarks is None
        else watermarks.low_kib,
        'high_watermark_kib': (
            None if watermarks is None else watermarks.high_kib
        ),
        'started_at': _instant(started_at, utc_at),
        'ended_at': _instant(ended_at, utc_at),
        'duration_seconds': _seconds(duration_seconds),
    }


def _name(text: str) -> str:
    return wording.tidy(text, _NAME_BYTES)


def _words(text: str) -> str:
    return wording.tidy(text, _WORDS_BYTES)


def _seconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, _SECONDS_DECIMALS)


def _instant(at: float | None, utc_at: _UtcAt) -> datetime.datetime | None:
    """Return it in UTC; None where no calendar goes: a policy may be long."""
    try:
        return None if at is None else utc_at(at)
    except OverflowError:
        return None
