# SPDX-License-Identifier: Apache-2.0
"""From when to when a host was watched, and when it was short of memory."""

import dataclasses
import datetime

from nova_balloon_timer.report import saved_run

_Instant = datetime.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """A stretch of time, UTC.

    :param has_begin: False where it had begun before anybody looked
    :param has_end: False where it went on when nobody looked any more
    """

    begin_at: _Instant
    end_at: _Instant
    has_begin: bool = True
    has_end: bool = True

    @property
    def seconds(self) -> float:
        """How long it was."""
        return (self.end_at - self.begin_at).total_seconds()


def recorded(run: saved_run.SavedRun) -> Period | None:
    """Return the time that a run covers; None if there is nothing in it."""
    instants = []
    if run.course is not None:
        instants += [point.at for point in run.course.points]
        instants += [mark.at for mark in run.course.marks]
    for saved in run.policies:
        seconds = saved.report.ended_at
        instants += [
            saved.started_at,
            saved.started_at + datetime.timedelta(seconds=seconds),
        ]
    if not instants:
        return None
    return Period(begin_at=min(instants), end_at=max(instants))


def shortages(run: saved_run.SavedRun) -> list[Period]:
    """Return when the host was short of memory, by the marks of its course.

    A shortage that nobody saw begin or end reaches to the record's edge.
    """
    whole = recorded(run)
    if run.course is None or whole is None:
        return []
    found = []
    begin_at: _Instant | None = None
    for mark in run.course.marks:
        if mark.kind is saved_run.MarkKind.PRESSURE_STARTED:
            begin_at = begin_at or mark.at
        elif mark.kind is saved_run.MarkKind.PRESSURE_ENDED:
            if begin_at is not None:
                found.append(Period(begin_at=begin_at, end_at=mark.at))
            elif not found:
                found.append(
                    Period(
                        begin_at=whole.begin_at,
                        end_at=mark.at,
                        has_begin=False,
                    )
                )
            begin_at = None
    if begin_at is not None:
        found.append(
            Period(begin_at=begin_at, end_at=whole.end_at, has_end=False)
        )
    return found
