# SPDX-License-Identifier: Apache-2.0
"""What the agent's journal says, beside which the observers' words stand."""

import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3

from nova_balloon_timer import model
from nova_balloon_timer.journal import reader
from nova_balloon_timer.report import saved_run

_CORRECTS = 'that another guest did not deliver'
_ROWS = """
    SELECT uuid, guest_name, requested_us, ended_us, reason FROM policy
    ORDER BY id
"""
_UNENDED = 'SELECT count(*) FROM policy WHERE ended_us IS NULL'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One policy on the disk; instants by the wall clock.

    :ivar ended_at: None if it has not ended
    """

    uuid: str
    guest_name: str
    requested_at: float
    ended_at: float | None
    reason: str | None


def rows(journal: pathlib.Path) -> dict[str, Row]:
    """Read which policies the journal holds, and how they ended."""
    if not journal.exists():
        return {}
    uri = f'{journal.as_uri()}?mode=ro'
    with contextlib.closing(
        sqlite3.connect(uri, uri=True, timeout=5)
    ) as connection:
        try:
            found = connection.execute(_ROWS).fetchall()
        except sqlite3.OperationalError:  # killed before it made its tables
            return {}
    return {
        uuid: Row(
            uuid=uuid,
            guest_name=name,
            requested_at=requested_us / 1e6,
            ended_at=None if ended_us is None else ended_us / 1e6,
            reason=reason,
        )
        for uuid, name, requested_us, ended_us, reason in found
    }


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A policy that ended; instants by the wall clock."""

    guest_name: str
    origin: model.Origin
    is_correction: bool
    started_at: float
    deadline_at: float
    ended_at: float
    asked_kib: int
    moved_kib: int
    freed_kib: int | None
    lateness_seconds: float | None
    reason: model.EndReason


class Evidence:
    """All that a journal tells of a trial."""

    def __init__(self, journal: pathlib.Path, since: float) -> None:
        book = reader.Reader(journal)
        begin = datetime.datetime.fromtimestamp(since, datetime.timezone.utc)
        run = book.saved_run(begin, host='bench')
        self.unended = len(book.in_flight())
        self.marks = run.course.marks if run.course else ()
        self.policies = sorted(
            (_policy(it) for it in run.policies), key=lambda it: it.started_at
        )

    def mark_at(
        self, kind: saved_run.MarkKind, since: float = 0.0
    ) -> float | None:
        """Say when something first happened since then."""
        return next(
            (
                mark.at.timestamp()
                for mark in self.marks
                if mark.kind is kind and mark.at.timestamp() >= since
            ),
            None,
        )

    def count(self, kind: saved_run.MarkKind, since: float = 0.0) -> int:
        """Count how often something happened since then."""
        return sum(
            mark.kind is kind and mark.at.timestamp() >= since
            for mark in self.marks
        )

    def of(self, origin: model.Origin) -> list[Policy]:
        """Give the policies of one origin, the oldest first."""
        return [it for it in self.policies if it.origin is origin]

    @property
    def corrections(self) -> list[Policy]:
        """Give those that make up for what others did not deliver."""
        return [it for it in self.policies if it.is_correction]


def _policy(saved: saved_run.SavedPolicy) -> Policy:
    report = saved.report
    started_at = saved.started_at.timestamp()
    return Policy(
        guest_name=saved.guest_name,
        origin=report.policy.origin,
        is_correction=_CORRECTS in report.policy.explanation,
        started_at=started_at,
        deadline_at=started_at + report.deadline_at,
        ended_at=started_at + report.ended_at,
        asked_kib=abs(report.actual_start_kib - report.policy.target_kib),
        moved_kib=abs(report.moved_kib or 0),
        freed_kib=report.freed_kib,
        lateness_seconds=report.lateness_seconds,
        reason=report.reason,
    )
