# SPDX-License-Identifier: Apache-2.0
"""Two accounts of one end, the host's and the guest's: the first end wins."""

from collections.abc import Mapping
import dataclasses
import math
import types

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.engine import judge
from nova_balloon_timer.engine import run as engine_run
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import states

_GuestEnd = timekeeping.GuestEnd
_Trigger = states.Trigger

# What a guest ends by itself, before any order to stop reaches it. Its other
# ends are its answers to what the host did.
_OWN_ENDS: Mapping[timekeeping.GuestEnd, states.Trigger] = (
    types.MappingProxyType(
        {
            _GuestEnd.TARGET: _Trigger.TARGET_REACHED,
            _GuestEnd.DEADLINE: _Trigger.DEADLINE_PASSED,
            _GuestEnd.STALLED: _Trigger.STALLED,
            _GuestEnd.OOM: _Trigger.DISTRESSED,
        }
    )
)

# What the guest may have been before, as far as the host can know. That it
# suffers is the host's own finding, and is never overruled.
_MAY_BE_SECOND = {
    _Trigger.TARGET_REACHED: (
        _Trigger.DEADLINE_PASSED,
        _Trigger.STALLED,
        _Trigger.CANCELLED,
        _Trigger.SUPERSEDED,
        _Trigger.HOST_RECOVERED,
    ),
    _Trigger.DEADLINE_PASSED: (
        _Trigger.STALLED,
        _Trigger.CANCELLED,
        _Trigger.SUPERSEDED,
        _Trigger.HOST_RECOVERED,
    ),
    _Trigger.STALLED: (_Trigger.DEADLINE_PASSED,),
    _Trigger.DISTRESSED: (_Trigger.DEADLINE_PASSED, _Trigger.STALLED),
}


def reconcile(
    verdict: judge.Verdict,
    guest_report: timekeeping.GuestReport | None,
    ended: engine_run.Run,
    ended_at: float,
    settings: engine_settings.EngineSettings,
) -> judge.Verdict:
    """Return what ended a policy, from what both sides say.

    The guest is not trusted: what the host's own looks at the balloon and
    its own clock contradict does not count.

    :param verdict: why the host ended it
    :param guest_report: None if the guest says nothing
    """
    if guest_report is None:
        return verdict
    if _was_shortened(guest_report, ended, settings.tolerance_kib):
        return _shortened(verdict, guest_report)
    trigger = _OWN_ENDS.get(guest_report.reason)
    if trigger is None or verdict.trigger not in _MAY_BE_SECOND[trigger]:
        return verdict
    earliest_at = ended.deadline_at - settings.guest_grace_seconds
    contradicted = {
        _Trigger.TARGET_REACHED: _short_kib(ended) > settings.tolerance_kib,
        _Trigger.DEADLINE_PASSED: ended_at < earliest_at,
        _Trigger.DISTRESSED: (
            ended.balloon_policy.direction is model.Direction.DEFLATE
        ),
    }
    if contradicted.get(trigger, False):
        return verdict
    return dataclasses.replace(
        verdict, trigger=trigger, detail=_words(guest_report)
    )


def lateness(
    guest_report: timekeeping.GuestReport,
    ended: engine_run.Run,
    settings: engine_settings.EngineSettings,
) -> tuple[float, int] | None:
    """Return what a guest says of its balloon after the deadline.

    :returns: seconds, and KiB that moved; None if the host has seen more
        than that with its own eyes
    """
    after = [
        point
        for point in ended.curve.points
        if point.at > ended.deadline_at + guest_report.lateness_seconds
    ]
    if not after:
        return None
    # NOTE: a page that moves later than the guest says may be one that is
    # given back; only movement between looks is certain.
    moved_kib = max(
        judge.ahead_kib(
            ended.balloon_policy.direction,
            point.actual_kib,
            after[0].actual_kib,
        )
        for point in after
    )
    if moved_kib > settings.tolerance_kib:
        return None
    return (
        guest_report.lateness_seconds,
        guest_report.moved_after_deadline_kib,
    )


def _was_shortened(
    guest_report: timekeeping.GuestReport,
    ended: engine_run.Run,
    tolerance_kib: int,
) -> bool:
    """Tell whether the guest arrived at a nearer target than ours."""
    if guest_report.reason is not _GuestEnd.TARGET:
        return False
    wanted_kib = ended.balloon_policy.target_kib
    return abs(guest_report.target_kib - wanted_kib) > tolerance_kib


def _shortened(
    verdict: judge.Verdict, guest_report: timekeeping.GuestReport
) -> judge.Verdict:
    if verdict.trigger not in (_Trigger.STALLED, _Trigger.DEADLINE_PASSED):
        return verdict
    target = units.format_kib(guest_report.target_kib)
    return dataclasses.replace(
        verdict,
        trigger=_Trigger.YIELDED,
        detail=f'somebody else gave the guest the target {target}',
    )


def _short_kib(ended: engine_run.Run) -> float:
    last = ended.curve.last
    if last is None:
        return math.inf
    balloon_policy = ended.balloon_policy
    return judge.ahead_kib(
        balloon_policy.direction, balloon_policy.target_kib, last.actual_kib
    )


def _words(guest_report: timekeeping.GuestReport) -> str:
    match guest_report.reason:
        case _GuestEnd.TARGET:
            reached = units.format_kib(guest_report.reached_kib)
            return f'reached {reached}'
        case _GuestEnd.DEADLINE:
            return 'its time was up'
        case _GuestEnd.OOM:
            return 'the guest ran out of memory'
        case _:
            return (
                'its driver found no memory to move, '
                f'{guest_report.allocation_failures} times'
            )
