# SPDX-License-Identifier: Apache-2.0
"""A run as a saved one, for the report."""

import dataclasses
import datetime

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import thinning

_MOST_POINTS = 8_000
_MOST_MARKS = 2_000
_Kind = saved_run.MarkKind


class Course:
    """Keeps what a report draws, in bounded memory.

    :param most_policies: those that moved the most are kept
    """

    def __init__(self, most_policies: int) -> None:
        self._most_policies = most_policies
        self._points: list[tuple[float, float]] = []
        self._marks: list[tuple[float, _Kind, str]] = []
        self._reports: list[model.EndReport] = []

    def host(self, at: float, available_kib: float) -> None:
        """Keep a point of the host's memory."""
        self._points.append((at, available_kib))

    def noticed(self, notice: message.Notice) -> None:
        """Keep what the controller tells."""
        if len(self._marks) < _MOST_MARKS:
            kind, words = _mark(notice)
            self._marks.append((notice.at, kind, words))

    def ended(self, report: model.EndReport) -> None:
        """Keep how a policy ended."""
        reports = self._reports
        reports.append(report)
        if len(reports) > 2 * self._most_policies:
            self._reports = self._most_moved()

    def _most_moved(self) -> list[model.EndReport]:
        by_size = sorted(
            self._reports, key=lambda it: it.moved_kib or 0, reverse=True
        )
        kept = {it.policy.uuid for it in by_size[: self._most_policies]}
        return [it for it in self._reports if it.policy.uuid in kept]

    def saved(
        self,
        host: str,
        began_at: float,
        total_kib: int,
        marks: situation.Watermarks,
        guest_names: dict[str, str],
    ) -> saved_run.SavedRun:
        """Return it all as the report wants it."""
        clock = saved_run.WallClock(
            monotonic_at=0.0,
            utc=datetime.datetime.fromtimestamp(
                began_at, datetime.timezone.utc
            ),
        )
        run = saved_run.from_reports(
            self._most_moved(),
            guest_names=guest_names,
            host=host,
            wall_clock=clock,
        )
        chosen = thinning.kept([kib for _, kib in self._points], _MOST_POINTS)
        course = saved_run.HostCourse(
            total_kib=total_kib,
            low_watermark_kib=marks.low_kib,
            high_watermark_kib=marks.high_kib,
            points=tuple(
                saved_run.HostPoint(
                    at=clock.utc_at(self._points[index][0]),
                    available_kib=max(0, int(self._points[index][1])),
                )
                for index in chosen
            ),
            marks=tuple(
                saved_run.Mark(at=clock.utc_at(at), kind=kind, words=words)
                for at, kind, words in self._marks
            ),
        )
        return dataclasses.replace(run, course=course)


def _mark(notice: message.Notice) -> tuple[_Kind, str]:
    match notice:
        case message.PressureStarted():
            return _Kind.PRESSURE_STARTED, notice.words
        case message.PressureEnded():
            return _Kind.PRESSURE_ENDED, notice.words
        case message.ReliefPlanned():
            kind = _Kind.RELIEF_PLANNED
            if notice.corrects:
                kind = _Kind.RELIEF_CORRECTED
            return kind, (
                f'{units.format_kib(notice.need_kib)} of '
                f'{len(notice.plan.proposals)} guests'
            )
        case message.ForeignChange():
            before = units.format_kib(notice.before_kib)
            return _Kind.FOREIGN_CHANGE, (
                f'{notice.guest_uuid}: from {before} to '
                f'{units.format_kib(notice.after_kib)}'
            )
