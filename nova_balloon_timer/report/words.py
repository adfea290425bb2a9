# SPDX-License-Identifier: Apache-2.0
"""What a run amounts to, in words and figures for a reader."""

import collections
from collections.abc import Iterable

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.report import saved_run

UNKNOWN = '–'  # noqa: RUF001

REASONS = {
    model.EndReason.TARGET: 'target reached',
    model.EndReason.DEADLINE: 'deadline',
    model.EndReason.DISTRESS: 'distress',
    model.EndReason.STALLED: 'stalled',
    model.EndReason.CANCELLED: 'cancelled',
    model.EndReason.SUPERSEDED: 'superseded',
    model.EndReason.GUEST_GONE: 'guest gone',
    model.EndReason.HOST_RECOVERED: 'host recovered',
    model.EndReason.FAILED: 'failed',
}

# What one policy did, and what several did.
_ENDINGS = {
    model.EndReason.TARGET: ('reached its target', 'reached their targets'),
    model.EndReason.DEADLINE: (
        'was stopped at its deadline',
        'were stopped at their deadlines',
    ),
    model.EndReason.DISTRESS: (
        'was stopped because its guest suffered',
        'were stopped because their guests suffered',
    ),
    model.EndReason.STALLED: (
        'was stopped because it moved too slowly',
        'were stopped because they moved too slowly',
    ),
    model.EndReason.CANCELLED: ('was cancelled', 'were cancelled'),
    model.EndReason.SUPERSEDED: ('was superseded', 'were superseded'),
    model.EndReason.GUEST_GONE: ('lost its guest', 'lost their guests'),
    model.EndReason.HOST_RECOVERED: (
        'was stopped because the host had recovered',
        'were stopped because the host had recovered',
    ),
    model.EndReason.FAILED: ('failed', 'failed'),
}

_ORIGINS = {
    model.Origin.PRESSURE: 'because the host is short of memory',
    model.Origin.OPERATOR: 'for an operator',
    model.Origin.RETURN: 'as a return of what was taken before',
}


def headline(run: saved_run.SavedRun) -> str:
    """Say how the policies of a run ended."""
    ends = _ends(run)
    if not run.refusals:
        return ends
    refused = _count(len(run.refusals), 'guest')
    were = 'was' if len(run.refusals) == 1 else 'were'
    return f'{ends} {refused} {were} left alone.'


def _ends(run: saved_run.SavedRun) -> str:
    reports = [saved.report for saved in run.policies]
    if not reports:
        return 'No policy ended in this run.'
    tally = collections.Counter(report.reason for report in reports)
    endings = [
        f'{tally[reason]} {_ENDINGS[reason][tally[reason] > 1]}'
        for reason in model.EndReason
        if tally[reason]
    ]
    if len(reports) == 1:
        return f'The one timed policy {_ENDINGS[reports[0].reason][0]}.'
    return f'Of {len(reports)} timed policies, {_enumerate(endings)}.'


def figures(run: saved_run.SavedRun) -> list[tuple[str, str, str]]:
    """Return what was moved in all: caption, figure, remark."""
    reports = [saved.report for saved in run.policies]
    taken = [it for it in reports if not _deflates(it)]
    given = [it for it in reports if _deflates(it)]
    known = [
        it.lateness_seconds
        for it in reports
        if it.lateness_seconds is not None
    ]
    deadlines = _count(len(known), 'deadline')
    return [
        (
            'taken from guests',
            *_total([it.moved_kib for it in taken], 'policy', 'policies'),
        ),
        (
            'given back to guests',
            *_total([it.moved_kib for it in given], 'policy', 'policies'),
        ),
        ('host memory freed', *_freed(run)),
        (
            'latest stop after its deadline',
            f'{milliseconds(max(known))} ms' if known else UNKNOWN,
            f'of {deadlines} that passed',
        ),
    ]


def _freed(run: saved_run.SavedRun) -> tuple[str, str]:
    """Add up what the host gained.

    Where the host was watched, what it gave back afterwards does not count:
    the question was how much it could get.
    """
    reports = [saved.report for saved in run.policies]
    if run.course is None:
        sizes_kib = [it.freed_kib for it in reports]
        return _total(sizes_kib, "guest's RSS", "guests' RSS, net")
    sizes_kib = [it.freed_kib for it in reports if not _deflates(it)]
    return _total(
        sizes_kib, 'policy that took memory', 'policies that took memory'
    )


def plan(report: model.EndReport) -> str:
    """Say what a policy was to do, and who kept its clock."""
    balloon_policy = report.policy
    guards = balloon_policy.guards
    verb = 'takes memory'
    if balloon_policy.direction is model.Direction.DEFLATE:
        verb = 'gives memory back'
    clauses = [
        f'{verb} {_ORIGINS[balloon_policy.origin]}',
        f'from {units.format_kib(balloon_policy.start_actual_kib)} '
        f'to {units.format_kib(balloon_policy.target_kib)} '
        f'within {units.format_seconds(balloon_policy.duration_seconds)}',
        report.timing.phrase,
        f'never below {units.format_kib(guards.floor_kib)}',
    ]
    if guards.reserve_kib:
        reserve = units.format_kib(guards.reserve_kib)
        clauses.append(f'{reserve} stay usable')
    return _capital('; '.join(clauses)).replace(' MiB', '\u00a0MiB') + '.'


def guest_report(report: timekeeping.GuestReport) -> str:
    """Say what a guest that kept the clock says of the end."""
    if report.reason is timekeeping.GuestEnd.RUNNING:
        end = 'it had not ended yet'
    else:
        end = f'ended by {report.reason.value}'
    clauses = [
        f'The guest says: {end} after '
        f'{units.format_seconds(report.elapsed_seconds)} of its clock, at '
        f'{units.format_kib(report.reached_kib)}',
        f'moved {units.format_kib(report.moved_kib)}',
    ]
    if report.lateness_seconds:
        after = units.format_kib(report.moved_after_deadline_kib)
        clauses.append(
            f'the last {after} until {milliseconds(report.lateness_seconds)} '
            'ms after its deadline'
        )
    if report.allocation_failures:
        clauses.append(
            f'found no memory to take {report.allocation_failures} times'
        )
    return '; '.join(clauses).replace(' MiB', '\u00a0MiB') + '.'


def segment(outcome: model.SegmentOutcome) -> str:
    """Say where the balloon stood at the end of a segment."""
    at = units.format_seconds(outcome.segment.until_seconds)
    target = units.format_kib(outcome.segment.target_kib)
    actual = units.format_kib(outcome.actual_kib)
    if outcome.reached:
        return f'by {at} to {target}: reached, at {actual}'
    return f'by {at} to {target}: missed, at {actual}'


def mebibytes(size_kib: int | None) -> str:
    """Write a size for a column of sizes in MiB."""
    if size_kib is None:
        return UNKNOWN
    return f'{size_kib / units.KIB_PER_MIB:.0f}'.replace('-', '\u2212')


def precise_mebibytes(size_kib: int | None) -> str:
    """Write a small size for a column of sizes in MiB."""
    if size_kib is None:
        return UNKNOWN
    return f'{size_kib / units.KIB_PER_MIB:.1f}'.replace('-', '\u2212')


def milliseconds(seconds: float | None) -> str:
    """Write a short time for a column of milliseconds."""
    return UNKNOWN if seconds is None else f'{seconds * 1000:.1f}'


def _total(
    sizes_kib: list[int | None], singular: str, plural: str
) -> tuple[str, str]:
    """Add sizes up, and say of how many, and how many are unknown."""
    known = [size_kib for size_kib in sizes_kib if size_kib is not None]
    unknown = len(sizes_kib) - len(known)
    remark = f'{len(known)} {singular if len(known) == 1 else plural}'
    if unknown:
        remark += f'; unknown of {unknown}'
    if sizes_kib and not known:
        return UNKNOWN, remark
    return f'{mebibytes(sum(known))} MiB', remark


def _deflates(report: model.EndReport) -> bool:
    return report.policy.direction is model.Direction.DEFLATE


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def _enumerate(parts: Iterable[str]) -> str:
    *earlier, last = parts
    return f'{", ".join(earlier)} and {last}' if earlier else last


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
