# SPDX-License-Identifier: Apache-2.0
import dataclasses
import datetime

import hypothesis

from nova_balloon_timer.report import course_words
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import words
from tests.unit import base
from tests.unit.report import course_examples
from tests.unit.report import strategies

_Kind = saved_run.MarkKind
_RUN = course_examples.make_run()


class TestCourseWords(base.TestCase):
    def test_one_shortage(self) -> None:
        self.assertEqual(
            'The host was short of memory for 12.70 s; 1415 MiB were really '
            'freed by 09:30:12.',
            course_words.headline(_RUN),
        )
        self.assertEqual(
            [
                'From 09:30:05 to 09:30:17, for 12.70 s, with 1020 MiB '
                'available at the least. 4 policies asked guests for 2812 '
                'MiB; 1965 MiB were moved. On the host 1415 MiB were really '
                'freed by 09:30:12.'
            ],
            course_words.shortages(_RUN),
        )

    def test_a_shortage_that_never_ended(self) -> None:
        run = course_examples.without(_RUN, [_Kind.PRESSURE_ENDED])
        self.assertIn('for at least 55.00 s;', course_words.headline(run))
        (line,) = course_words.shortages(run)
        self.assertIn('to the end of the record, for at least', line)

    def test_a_shortage_that_nobody_saw_begin(self) -> None:
        run = course_examples.without(_RUN, [_Kind.PRESSURE_STARTED])
        (line,) = course_words.shortages(run)
        self.assertIn('From 09:30:00 or earlier to 09:30:17', line)

    def test_no_shortage(self) -> None:
        run = course_examples.without(_RUN, list(_Kind))
        self.assertEqual(
            'The host was not short of memory.', course_words.headline(run)
        )
        self.assertEqual([], course_words.shortages(run))

    def test_nothing_was_asked(self) -> None:
        run = dataclasses.replace(_RUN, policies=())
        self.assertEqual(
            'The host was short of memory for 12.70 s.',
            course_words.headline(run),
        )
        (line,) = course_words.shortages(run)
        self.assertIn('Nothing was asked of guests.', line)

    def test_what_was_freed_is_unknown(self) -> None:
        saved = _RUN.policies[0]
        report = dataclasses.replace(saved.report, freed_kib=None)
        run = dataclasses.replace(
            _RUN, policies=(dataclasses.replace(saved, report=report),)
        )
        (line,) = course_words.shortages(run)
        self.assertIn('One policy asked guests for 614 MiB', line)
        self.assertIn('what that freed on the host is unknown.', line)

    def test_policies_belong_to_the_shortage_before_them(self) -> None:
        assert _RUN.course is not None
        first, *_, second = (
            saved_run.Mark(at=course_examples.utc(at), kind=kind, words='')
            for at, kind in (
                (4.0, _Kind.PRESSURE_STARTED),
                (9.0, _Kind.PRESSURE_STARTED),
            )
        )
        ended = dataclasses.replace(
            first, at=course_examples.utc(6.0), kind=_Kind.PRESSURE_ENDED
        )
        course = dataclasses.replace(_RUN.course, marks=(first, ended, second))
        run = dataclasses.replace(_RUN, course=course)
        earlier, later = course_words.shortages(run)
        self.assertIn('3 policies', earlier)
        self.assertIn('One policy', later)
        self.assertIn('short of memory 2 times', course_words.headline(run))

    def test_days_are_told_where_there_are_several(self) -> None:
        at = _RUN.policies[0].started_at
        self.assertEqual('09:30:05', course_words.clock(_RUN, at))
        self.assertEqual('09:30:05.050', course_words.precise_clock(_RUN, at))
        later = dataclasses.replace(
            _RUN.policies[0], started_at=at + datetime.timedelta(days=1)
        )
        run = dataclasses.replace(_RUN, policies=(later,))
        self.assertEqual('2026-05-04 09:30:05', course_words.clock(run, at))

    def test_every_mark_has_words(self) -> None:
        self.assertEqual(set(_Kind), set(course_words.KINDS))

    def test_what_is_given_back_does_not_count_as_not_freed(self) -> None:
        totals = {name: rest for name, *rest in words.figures(_RUN)}
        self.assertEqual(
            ['1415 MiB', '4 policies that took memory'],
            totals['host memory freed'],
        )

    @hypothesis.given(run=strategies.runs())
    def test_something_can_be_said_of_any_run(
        self, run: saved_run.SavedRun
    ) -> None:
        self.assertTrue(course_words.headline(run).endswith('.'))
        self.assertTrue(course_words.recorded(run))
        for line in course_words.shortages(run):
            self.assertTrue(line.endswith('.'))
