# SPDX-License-Identifier: Apache-2.0
"""Two accounts of one end, the host's and the guest's: the first end wins."""

from collections.abc import Mapping
import dataclasses
import types

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
    if guest_report is None or verdict.trigger is _Trigger.TARGET_REACHED:
        return verdict
    trigger = _OWN_ENDS.get(guest_report.reason, verdict.trigger)
    if trigger is verdict.trigger:
        return verdict
    if trigger is _Trigger.TARGET_REACHED and not _was_reached(
        ended, settings.tolerance_kib
    ):
        return verdict
    earliest_at = ended.deadline_at - settings.guest_grace_seconds
    if trigger is _Trigger.DEADLINE_PASSED and ended_at < earliest_at:
        return verdict
    return dataclasses.replace(
        verdict, trigger=trigger, detail=_words(guest_report)
    )


def _was_reached(ended: engine_run.Run, tolerance_kib: int) -> bool:
    last = ended.curve.last
    if last is None:
        return False
    balloon_policy = ended.balloon_policy
    short_kib = judge.ahead_kib(
        balloon_policy.direction, balloon_policy.target_kib, last.actual_kib
    )
    return short_kib <= tolerance_kib


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
