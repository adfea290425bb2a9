# SPDX-License-Identifier: Apache-2.0
"""How a host got its memory back, in words for a reader."""

import bisect
from collections.abc import Sequence
import dataclasses
import datetime

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.report import period
from nova_balloon_timer.report import saved_run

KINDS = {
    saved_run.MarkKind.PRESSURE_STARTED: 'pressure',
    saved_run.MarkKind.PRESSURE_ENDED: 'pressure over',
    saved_run.MarkKind.RELIEF_PLANNED: 'relief planned',
    saved_run.MarkKind.RELIEF_CORRECTED: 'corrected',
    saved_run.MarkKind.FOREIGN_CHANGE: 'foreign change',
}

_MOST_LINES = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Relief:
    """What was asked of guests because the host was short, and what came."""

    policies: int
    asked_kib: int
    moved_kib: int
    freed_kib: int | None
    freed_at: datetime.datetime | None


def headline(run: saved_run.SavedRun) -> str:
    """Say how long the host was short, and what was done about it."""
    shortages = period.shortages(run)
    if not shortages:
        return 'The host was not short of memory.'
    seconds = sum(shortage.seconds for shortage in shortages)
    how_long = units.format_seconds(seconds)
    if not shortages[-1].has_end:
        how_long = f'at least {how_long}'
    if len(shortages) > 1:
        how_long = f'{len(shortages)} times, {how_long} in all'
    else:
        how_long = f'for {how_long}'
    relief = _relief(_for_pressure(run))
    freed = ''
    if relief.freed_kib is not None:
        freed = f'; {_freed(run, relief)}'
    return f'The host was short of memory {how_long}{freed}.'


def shortages(run: saved_run.SavedRun) -> list[str]:
    """Say of each shortage when it was, and what became of it."""
    found = period.shortages(run)
    # What is asked for after a shortage still belongs to it.
    edges = [shortage.begin_at for shortage in found[1:]]
    of_each: list[list[saved_run.SavedPolicy]] = [[] for _ in found]
    for saved in _for_pressure(run):
        if found:
            of_each[bisect.bisect(edges, saved.started_at)].append(saved)
    lines = [
        f'{_when(run, shortage)}{_least(run.course, shortage)}. '
        f'{_told(run, _relief(policies))}'
        for shortage, policies in zip(found, of_each, strict=True)
    ]
    if len(lines) > _MOST_LINES:
        rest = len(lines) - _MOST_LINES
        return [*lines[:_MOST_LINES], f'And {rest} times more.']
    return lines


def recorded(run: saved_run.SavedRun) -> str:
    """Say what time the record covers."""
    whole = period.recorded(run)
    if whole is None:
        return 'Nothing was recorded'
    begin = whole.begin_at.strftime('%Y-%m-%d %H:%M:%S')
    return f'Recorded from {begin} to {clock(run, whole.end_at)} UTC'


def clock(run: saved_run.SavedRun, at: datetime.datetime) -> str:
    """Write an instant, with its day where the record has several."""
    whole = period.recorded(run)
    one_day = whole is None or whole.begin_at.date() == whole.end_at.date()
    return at.strftime('%H:%M:%S' if one_day else '%Y-%m-%d %H:%M:%S')


def precise_clock(run: saved_run.SavedRun, at: datetime.datetime) -> str:
    """Write an instant to the millisecond, likewise."""
    return f'{clock(run, at)}.{at.microsecond // 1000:03d}'


def _for_pressure(run: saved_run.SavedRun) -> list[saved_run.SavedPolicy]:
    return [
        saved
        for saved in run.policies
        if saved.report.policy.origin is model.Origin.PRESSURE
    ]


def _relief(policies: Sequence[saved_run.SavedPolicy]) -> _Relief:
    reports = [saved.report for saved in policies]
    freed = [it.freed_kib for it in reports if it.freed_kib is not None]
    ends = [
        saved.started_at + datetime.timedelta(seconds=saved.report.ended_at)
        for saved in policies
        if saved.report.freed_kib
    ]
    return _Relief(
        policies=len(reports),
        asked_kib=sum(
            abs(it.actual_start_kib - it.policy.target_kib) for it in reports
        ),
        moved_kib=sum(it.moved_kib or 0 for it in reports),
        freed_kib=sum(freed) if freed else None,
        freed_at=max(ends, default=None),
    )


def _told(run: saved_run.SavedRun, relief: _Relief) -> str:
    if not relief.policies:
        return 'Nothing was asked of guests.'
    asked = units.format_kib(relief.asked_kib)
    moved = units.format_kib(relief.moved_kib)
    policies = f'{relief.policies} policies'
    if relief.policies == 1:
        policies = 'One policy'
    told = f'{policies} asked guests for {asked}; {moved} were moved'
    if relief.freed_kib is None:
        return f'{told}; what that freed on the host is unknown.'
    return f'{told}. On the host {_freed(run, relief)}.'


def _freed(run: saved_run.SavedRun, relief: _Relief) -> str:
    freed = units.format_kib(relief.freed_kib or 0)
    told = f'{freed} were really freed'
    if relief.freed_at is not None:
        told += f' by {clock(run, relief.freed_at)}'
    return told


def _when(run: saved_run.SavedRun, shortage: period.Period) -> str:
    lasted = units.format_seconds(shortage.seconds)
    begin = f'From {clock(run, shortage.begin_at)}'
    if not shortage.has_begin:
        begin += ' or earlier'
    if shortage.has_end:
        return f'{begin} to {clock(run, shortage.end_at)}, for {lasted}'
    return f'{begin} to the end of the record, for at least {lasted}'


def _least(
    course: saved_run.HostCourse | None, shortage: period.Period
) -> str:
    sizes = [
        point.available_kib
        for point in (course.points if course else ())
        if shortage.begin_at <= point.at <= shortage.end_at
    ]
    if not sizes:
        return ''
    return f', with {units.format_kib(min(sizes))} available at the least'
