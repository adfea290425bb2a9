# SPDX-License-Identifier: Apache-2.0
"""What ``apply`` tells of its plan and of its ends."""

from collections.abc import Sequence
import datetime
import socket
import time

from nova_balloon_timer import assessment
from nova_balloon_timer import manager
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import preparation
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.simulator import dry_run

Row = tuple[object, ...]

PLAN_COLUMNS = (
    'Guest',
    'Would',
    'Start MiB',
    'Target MiB',
    'Floor MiB',
    'Reserve MiB',
    'Could take MiB',
    'Expected MiB',
    'Expected freed MiB',
    'Timed by',
    'Expected end, or why not',
)
END_COLUMNS = (
    'Guest',
    'Ended by',
    'Start MiB',
    'End MiB',
    'Target MiB',
    'Moved MiB',
    'Freed MiB',
    'Seconds',
    'Late ms',
    'MiB after deadline',
    'Timed by',
    'Detail',
)

_IN_TIME = (model.EndReason.TARGET, model.EndReason.DEADLINE)


class Recorder:
    """Keeps the reports, and passes everything on to a display."""

    def __init__(self, display: manager.Observer) -> None:
        self._display = display
        self.reports: list[model.EndReport] = []
        self.started = display.started
        self.sampled = display.sampled

    def ended(self, report: model.EndReport) -> None:
        """Keep a report."""
        self.reports.append(report)
        self._display.ended(report)

    @property
    def all_ended_in_time(self) -> bool:
        """Tell whether each ended by target or deadline, and was seen to."""
        return all(ended_in_time(report) for report in self.reports)


def ended_in_time(report: model.EndReport) -> bool:
    """Tell whether it was the target or the deadline, and it was seen."""
    return report.reason in _IN_TIME and report.confirmed


def saved_run_of(
    plan: preparation.Plan, reports: Sequence[model.EndReport]
) -> saved_run.SavedRun:
    """Return a run as it is kept in a file."""
    return saved_run.from_reports(
        reports,
        guest_names=plan.names,
        refusals=plan.refusals,
        host=socket.gethostname(),
        wall_clock=saved_run.WallClock(
            monotonic_at=time.monotonic(),
            utc=datetime.datetime.now(datetime.timezone.utc),
        ),
    )


def plan_rows(plan: preparation.Plan) -> list[Row]:
    """Return a row for each guest of a dry run."""
    policies = {made.guest_uuid: made for made in plan.policies}
    expected = dry_run.expect(plan.guests, plan.samples, plan.policies)
    rows: list[Row] = []
    for guest in plan.guests:
        sample = plan.samples.get(guest.uuid)
        start = base.attribute_in_mib(sample, 'actual_kib')
        made = policies.get(guest.uuid)
        if made is None:
            blanks = (base.Figure(None),) * (len(PLAN_COLUMNS) - 4)
            words = plan.refusals[guest.uuid].words
            rows.append((guest.name, 'refuse', start, *blanks, words))
            continue
        could = assessment.assess(guest, sample, made.guards).could_take_kib
        report = expected[guest.uuid]
        rows.append(
            (
                guest.name,
                made.direction.value,
                start,
                base.in_mib(made.target_kib),
                base.in_mib(made.guards.floor_kib),
                base.in_mib(made.guards.reserve_kib),
                base.in_mib(could),
                base.in_mib(report.actual_end_kib),
                base.in_mib(report.freed_kib),
                timed_by(plan.timings.get(guest.uuid)),
                f'{report.reason.value}: {report.detail}',
            )
        )
    return rows


def end_rows(
    plan: preparation.Plan, reports: Sequence[model.EndReport]
) -> list[Row]:
    """Return a row for each guest of a run."""
    by_guest = {report.policy.guest_uuid: report for report in reports}
    rows: list[Row] = []
    for guest in plan.guests:
        refusal = plan.refusals.get(guest.uuid)
        if refusal is not None:
            rows.append(blank_row(guest.name, 'refused', refusal.words))
        elif guest.uuid in by_guest:
            rows.append(end_row(guest.name, by_guest[guest.uuid]))
    return rows


def blank_row(name: object, what: str, words: str) -> Row:
    """Return the row of a guest of which no policy has ended."""
    blanks = (base.Figure(None),) * (len(END_COLUMNS) - 3)
    return (name, what, *blanks, words)


def end_row(name: str, report: model.EndReport) -> Row:
    """Return the row of a guest whose policy has ended."""
    late_seconds = report.lateness_seconds
    late_ms = None
    if late_seconds is not None:
        late_ms = round(late_seconds * 1000, 1)
    return (
        name,
        report.reason.value,
        base.in_mib(report.actual_start_kib),
        base.in_mib(report.actual_end_kib),
        base.in_mib(report.policy.target_kib),
        base.in_mib(report.moved_kib),
        base.in_mib(report.freed_kib),
        round(report.duration_seconds, 3),
        base.Figure(late_ms),
        base.in_mib(report.moved_after_deadline_kib),
        report.timing.keeper.value,
        report.detail,
    )


def timed_by(timing: timekeeping.Timing | None) -> str:
    """Say who would keep the clock, and why it would not be the guest."""
    if timing is None:
        return 'unknown'
    keeper = timing.keeper.value
    return f'{keeper}: {timing.words}' if timing.words else keeper
