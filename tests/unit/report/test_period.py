# SPDX-License-Identifier: Apache-2.0
import dataclasses
import datetime

from nova_balloon_timer.report import period
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.report import course_examples
from tests.unit.report import examples

_Kind = saved_run.MarkKind
_RUN = course_examples.make_run()
_STARTED = _Kind.PRESSURE_STARTED
_ENDED = _Kind.PRESSURE_ENDED


def _run(*marks: tuple[float, saved_run.MarkKind]) -> saved_run.SavedRun:
    assert _RUN.course is not None
    course = dataclasses.replace(
        _RUN.course,
        marks=tuple(
            saved_run.Mark(at=course_examples.utc(at), kind=kind, words='')
            for at, kind in marks
        ),
    )
    return dataclasses.replace(_RUN, course=course)


class TestPeriod(base.TestCase):
    def shortages(
        self, *marks: tuple[float, saved_run.MarkKind]
    ) -> list[tuple[float, float, bool, bool]]:
        return [
            (
                (it.begin_at - course_examples.BEGUN_AT).total_seconds(),
                it.seconds,
                it.has_begin,
                it.has_end,
            )
            for it in period.shortages(_run(*marks))
        ]

    def test_recorded(self) -> None:
        whole = period.recorded(_RUN)
        assert whole is not None
        self.assertEqual(
            (course_examples.BEGUN_AT, 60.0), (whole.begin_at, whole.seconds)
        )

    def test_a_policy_may_outlast_the_points(self) -> None:
        assert _RUN.course is not None
        course = dataclasses.replace(_RUN.course, points=(), marks=())
        whole = period.recorded(dataclasses.replace(_RUN, course=course))
        assert whole is not None
        last = max(
            it.started_at + datetime.timedelta(seconds=it.report.ended_at)
            for it in _RUN.policies
        )
        self.assertEqual(last, whole.end_at)

    def test_nothing_recorded(self) -> None:
        run = saved_run.SavedRun(host='here', policies=())
        self.assertIsNone(period.recorded(run))
        self.assertEqual([], period.shortages(run))
        self.assertEqual([], period.shortages(examples.make_run()))

    def test_shortages(self) -> None:
        self.assertEqual([], self.shortages((3, _Kind.RELIEF_PLANNED)))
        self.assertEqual(
            [(5.0, 2.0, True, True), (20.0, 1.0, True, True)],
            self.shortages(
                (5, _STARTED), (7, _ENDED), (20, _STARTED), (21, _ENDED)
            ),
        )

    def test_edges_are_open(self) -> None:
        self.assertEqual(
            [(0.0, 7.0, False, True), (20.0, 40.0, True, False)],
            self.shortages((7, _ENDED), (20, _STARTED)),
        )

    def test_repeated_marks_change_nothing(self) -> None:
        self.assertEqual(
            [(5.0, 4.0, True, True)],
            self.shortages(
                (5, _STARTED), (6, _STARTED), (9, _ENDED), (10, _ENDED)
            ),
        )
