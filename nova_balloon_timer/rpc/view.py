# SPDX-License-Identifier: Apache-2.0
"""What an agent knows, as JSON's objects, lists, texts and numbers.

The keys are those of version 1.0 of the RPC: one that is added makes it 1.1,
one that goes or means something else makes it 2.0.
"""

from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

from nova_balloon_timer import assessment
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.engine import states
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import thinning
from nova_balloon_timer.rpc import standing as rpc_standing

Json = dict[str, Any]

_MOST_POINTS = 500


def page(key: str, items: Sequence[Json], limit: int) -> Json:
    """Return the first items, and from where to go on.

    :param items: one more than the limit, if there are as many
    """
    shown = list(items[:limit])
    marker = shown[-1]['uuid'] if len(items) > limit else None
    return {key: shown, 'next_marker': marker}


def policy(
    standing: rpc_standing.PolicyStanding,
    now: float,
    wall_clock: saved_run.WallClock,
) -> Json:
    """Describe a policy under way."""
    made = standing.policy
    started_at = standing.started_at
    deadline_at = None
    elapsed_seconds = 0.0
    left_seconds = made.duration_seconds
    if started_at is not None:
        until_at = now if standing.ended_at is None else standing.ended_at
        deadline_at = started_at + made.duration_seconds
        elapsed_seconds = max(0.0, until_at - started_at)
        left_seconds = max(0.0, deadline_at - until_at)
    if standing.ended_at is not None:
        left_seconds = 0.0
    seen = standing.seen
    return {
        **_terms(made, standing.guest_name),
        'state': standing.state.value,
        'requested_at': _utc_at(standing.requested_at, wall_clock),
        'started_at': _utc_at(started_at, wall_clock),
        'deadline_at': _utc_at(deadline_at, wall_clock),
        'elapsed_seconds': elapsed_seconds,
        'left_seconds': left_seconds,
        'actual_kib': None if seen is None else seen.actual_kib,
        'moved_kib': None if seen is None else _moved_kib(made, seen),
        'usable_kib': None if seen is None else seen.usable_kib,
        'rss_kib': None if seen is None else seen.rss_kib,
        'held_by': standing.held_by,
        **_timing(standing.timing),
        'end': None,
    }


def ended_policy(saved: saved_run.SavedPolicy) -> Json:
    """Describe a policy that has ended."""
    report = saved.report
    seen = report.curve[-1] if report.curve else None
    return {
        **_terms(report.policy, saved.guest_name),
        'state': states.State.ENDED.value,
        'requested_at': None,
        'started_at': _instant(saved.started_at),
        'deadline_at': _instant(_later(saved, report.deadline_at)),
        'elapsed_seconds': report.duration_seconds,
        'left_seconds': 0.0,
        'actual_kib': report.actual_end_kib,
        'moved_kib': report.moved_kib,
        'usable_kib': None if seen is None else seen.usable_kib,
        'rss_kib': None if seen is None else seen.rss_kib,
        'held_by': '',
        **_timing(report.timing),
        'end': {
            'reason': report.reason.value,
            'detail': report.detail,
            'ended_at': _instant(_later(saved, report.ended_at)),
            'actual_end_kib': report.actual_end_kib,
            'moved_kib': report.moved_kib,
            'freed_kib': report.freed_kib,
            'duration_seconds': report.duration_seconds,
            'lateness_seconds': report.lateness_seconds,
            'moved_after_deadline_kib': report.moved_after_deadline_kib,
            'confirmed': report.confirmed,
            'guest_report': encoding.encode_guest_report(report.guest_report),
        },
    }


def past_policy(past: journal_reader.PastPolicy) -> Json:
    """Describe a policy of the history in a line."""
    return {
        'uuid': past.uuid,
        'guest_uuid': past.guest_uuid,
        'guest_name': past.guest_name,
        'origin': past.origin.value,
        'direction': past.direction.value,
        'start_kib': past.start_kib,
        'target_kib': past.target_kib,
        'end_kib': past.end_kib,
        'freed_kib': past.freed_kib,
        'reason': past.reason.value,
        'detail': past.detail,
        'started_at': _instant(past.started_utc),
        'ended_at': _instant(past.ended_utc),
        'lateness_seconds': past.lateness_seconds,
        **_timing(past.timing),
    }


def saved_policy(saved: saved_run.SavedPolicy) -> Json:
    """Describe a policy that has ended with its curve, made short."""
    curve = saved.report.curve
    chosen = thinning.kept([it.actual_kib for it in curve], _MOST_POINTS)
    report = dataclasses.replace(
        saved.report, curve=tuple(curve[index] for index in chosen)
    )
    return encoding.encode_saved_policy(
        dataclasses.replace(saved, report=report)
    )


def expectation(report: model.EndReport) -> Json:
    """Describe how a policy would probably end."""
    return {
        'reason': report.reason.value,
        'detail': report.detail,
        'actual_end_kib': report.actual_end_kib,
        'freed_kib': report.freed_kib,
        'duration_seconds': report.duration_seconds,
    }


def event(mark: saved_run.Mark) -> Json:
    """Describe what happened on the host."""
    return {
        'at': _instant(mark.at),
        'kind': mark.kind.value,
        'words': mark.words,
    }


def _instance(instance: ownership.Instance | None) -> Json | None:
    """Describe the server in a cloud that a guest is."""
    if instance is None:
        return None
    return {
        'display_name': instance.display_name,
        'project_id': instance.project_id,
        'flavor': instance.flavor_name,
    }


def guest(standing: situation.GuestStanding) -> Json:
    """Describe a guest."""
    sample = standing.sample
    assessed = assessment.assess(
        standing.guest, _as_of_now(standing), standing.guards
    )
    left_alone = standing.left_alone
    if left_alone is None and assessed.refusals:
        left_alone = assessed.refusals[0]
    return {
        'uuid': standing.guest.uuid,
        'name': standing.guest.name,
        'maximum_kib': standing.guest.maximum_kib,
        'actual_kib': None if sample is None else sample.actual_kib,
        'usable_kib': standing.usable_kib,
        'rss_kib': None if sample is None else sample.rss_kib,
        'floor_kib': standing.guards.floor_kib,
        'reserve_kib': standing.guards.reserve_kib,
        'could_take_kib': assessed.could_take_kib,
        'could_free_kib': assessed.could_free_kib,
        'priority': standing.priority,
        'refusals': [it.words for it in standing.guest.refusals],
        'left_alone': '' if left_alone is None else left_alone.words,
        'rate_kib_per_second': standing.traits.rate_kib_per_second,
        'cooperation': standing.traits.cooperation,
        'policy_uuid': standing.policy_uuid,
        'instance': _instance(standing.guest.instance),
    }


def host(
    standing: rpc_standing.HostStanding,
    identity: rpc_standing.Identity,
    journal: rpc_standing.JournalStanding,
    notifications: rpc_standing.NotificationStanding,
) -> Json:
    """Describe the host, and its agent."""
    memory = standing.memory
    marks = standing.watermarks
    return {
        'host': identity.host,
        'version': identity.version,
        'started_at': _instant(identity.started_utc),
        'is_short': standing.is_short,
        'words': standing.words,
        'total_kib': None if memory is None else memory.total_kib,
        'available_kib': None if memory is None else memory.available_kib,
        'low_watermark_kib': None if marks is None else marks.low_kib,
        'high_watermark_kib': None if marks is None else marks.high_kib,
        'stalled_share': standing.stalled_share,
        'fall_kib_per_second': standing.fall_kib_per_second,
        'exhaustion_seconds': standing.exhaustion_seconds,
        'guests': standing.guests,
        'policies': standing.policies,
        'relief_kib': standing.relief_kib,
        'connection_uri': identity.connection_uri,
        'applier': identity.applier,
        'planner': identity.planner,
        'pressure_sources': list(identity.pressure_sources),
        'journal': {
            'path': journal.path,
            'failure': journal.failure,
            'waiting': journal.waiting,
        },
        'notifications': {
            'enabled': notifications.is_enabled,
            'waiting': notifications.waiting,
            'dropped': notifications.dropped,
            'failure': notifications.failure,
        },
    }


def _terms(made: model.BalloonPolicy, guest_name: str) -> Json:
    """Describe what a policy is to do; it does not change."""
    return {
        'uuid': made.uuid,
        'guest_uuid': made.guest_uuid,
        'guest_name': guest_name,
        'direction': made.direction.value,
        'origin': made.origin.value,
        'mode': made.mode.value,
        'explanation': made.explanation,
        'start_kib': made.start_actual_kib,
        'target_kib': made.target_kib,
        'maximum_kib': made.maximum_kib,
        'duration_seconds': made.duration_seconds,
        'segments': [
            {
                'until_seconds': segment.until_seconds,
                'target_kib': segment.target_kib,
            }
            for segment in made.segments
        ],
        'floor_kib': made.guards.floor_kib,
        'reserve_kib': made.guards.reserve_kib,
        'leash_kib': made.leash.minimum_kib,
        'leash_seconds': made.leash.lead_seconds,
    }


def _timing(timing: timekeeping.Timing | None) -> Json:
    """Describe who keeps a policy's clock; None: that is open yet."""
    return {
        'timed_by': None if timing is None else timing.keeper.value,
        'timing_words': '' if timing is None else timing.words,
    }


def _moved_kib(made: model.BalloonPolicy, seen: model.CurvePoint) -> int:
    moved_kib = made.start_actual_kib - seen.actual_kib
    if made.direction is model.Direction.DEFLATE:
        return -moved_kib
    return moved_kib


def _as_of_now(
    standing: situation.GuestStanding,
) -> model.BalloonSample | None:
    """Return the last look, with what can be given now for what was told."""
    sample = standing.sample
    if sample is None or sample.statistics is None:
        return sample
    statistics = dataclasses.replace(
        sample.statistics, usable_kib=standing.usable_kib
    )
    return dataclasses.replace(sample, statistics=statistics)


def _later(saved: saved_run.SavedPolicy, seconds: float) -> datetime.datetime:
    return saved.started_at + datetime.timedelta(seconds=seconds)


def _utc_at(at: float | None, wall_clock: saved_run.WallClock) -> str | None:
    return None if at is None else _instant(wall_clock.utc_at(at))


def _instant(utc: datetime.datetime) -> str:
    return utc.isoformat(timespec='microseconds')
