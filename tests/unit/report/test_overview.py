# SPDX-License-Identifier: Apache-2.0
import dataclasses
import itertools
import json
import re
from typing import Any

import hypothesis
from plotly import graph_objects

from nova_balloon_timer.report import overview
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import time_axis
from tests.unit import base
from tests.unit.report import course_examples
from tests.unit.report import examples
from tests.unit.report import strategies

_Kind = saved_run.MarkKind
_RUN = course_examples.make_run()


def _draw(run: saved_run.SavedRun = _RUN) -> dict[str, Any]:
    drawn = overview.draw(run)
    assert drawn is not None
    return drawn.figure


def _texts(figure: dict[str, Any]) -> list[str]:
    return [it['text'] for it in figure['layout']['annotations']]


def _rectangles(figure: dict[str, Any]) -> list[dict[str, Any]]:
    return [it for it in figure['layout']['shapes'] if it['type'] == 'rect']


def _many(guests: int) -> saved_run.SavedRun:
    """Give the policy of one guest to many."""
    policies = []
    for number in range(guests):
        saved = _RUN.policies[number % 3]
        policy = dataclasses.replace(
            saved.report.policy, guest_uuid=f'guest-{number}'
        )
        report = dataclasses.replace(saved.report, policy=policy)
        policies.append(dataclasses.replace(saved, report=report))
    return dataclasses.replace(_RUN, policies=tuple(policies))


class TestOverview(base.TestCase):
    def test_plotly_takes_it(self) -> None:
        for run in (
            _RUN,
            _many(12),
            dataclasses.replace(_RUN, policies=()),
            course_examples.without(_RUN, list(_Kind)),
        ):
            graph_objects.Figure(_draw(run))

    def test_nobody_watched_the_host(self) -> None:
        self.assertIsNone(overview.draw(examples.make_run()))

    def test_rows_share_one_axis_of_utc(self) -> None:
        figure = _draw()
        layout = figure['layout']
        self.assertEqual('date', layout['xaxis']['type'])
        self.assertNotIn('xaxis2', layout)
        first, last = layout['xaxis']['range']
        begun = time_axis.milliseconds(course_examples.BEGUN_AT)
        self.assertTrue(first < begun < begun + 60_000 < last < begun + 62_000)
        domains = [layout['yaxis']['domain']]
        domains += [layout[f'yaxis{row}']['domain'] for row in range(2, 6)]
        for above, below in itertools.pairwise(domains):
            self.assertGreater(above[0], below[1])
        self.assertNotIn('yaxis6', layout)

    def test_guests_are_named_with_what_became_of_them(self) -> None:
        texts = _texts(_draw())
        self.assertIn('<b>build-03</b>: 3072 → 2856 MiB of 3072', texts)
        self.assertIn('stalled, \u2212217 MiB', texts)
        self.assertIn('deadline, \u2212550 MiB', texts)
        self.assertIn('target reached, +614 MiB', texts)

    def test_marks_are_named(self) -> None:
        texts = _texts(_draw())
        for name in ('pressure', 'relief planned', 'corrected'):
            self.assertIn(name, texts)
        self.assertIn('low 1024', texts)
        self.assertIn('high 1536', texts)

    def test_too_many_marks_are_told_by_the_legend(self) -> None:
        assert _RUN.course is not None
        mark = _RUN.course.marks[1]
        course = dataclasses.replace(_RUN.course, marks=(mark,) * 30)
        figure = _draw(dataclasses.replace(_RUN, course=course))
        self.assertNotIn('relief planned', _texts(figure))
        (trace,) = (
            it for it in figure['data'] if it['name'] == 'relief planned'
        )
        self.assertTrue(trace['showlegend'])

    def test_a_shortage_is_shaded_in_every_row(self) -> None:
        shaded = _rectangles(_draw())
        self.assertEqual(
            ['y domain', *(f'y{row} domain' for row in range(2, 6))],
            [it['yref'] for it in shaded],
        )
        begun = time_axis.milliseconds(course_examples.BEGUN_AT)
        self.assertEqual(
            {(5000.0, 17700.0)},
            {(it['x0'] - begun, it['x1'] - begun) for it in shaded},
        )

    def test_a_shortage_without_an_end_is_shaded_to_the_edge(self) -> None:
        figure = _draw(course_examples.without(_RUN, [_Kind.PRESSURE_ENDED]))
        edge = figure['layout']['xaxis']['range'][1]
        self.assertEqual({edge}, {it['x1'] for it in _rectangles(figure)})

    def test_a_guest_is_held_between_its_policies(self) -> None:
        figure = _draw()
        held = next(it for it in figure['data'] if it['legendgroup'] == 'held')
        self.assertEqual(figure['layout']['xaxis']['range'][0], held['x'][0])
        self.assertEqual(figure['layout']['xaxis']['range'][1], held['x'][-1])
        self.assertEqual(
            [2048.0, 2048.0, 2048.0, None, 1434.0, 1434.0],
            held['y'][:6],
        )

    def test_taking_and_giving_back_differ(self) -> None:
        colours = {
            it['name']: it['line']['color']
            for it in _draw()['data']
            if it['name'].startswith('guest: actual')
        }
        self.assertEqual(2, len(set(colours.values())))

    def test_the_legend_names_everything_once(self) -> None:
        shown = [it['name'] for it in _draw()['data'] if it['showlegend']]
        self.assertEqual(sorted(set(shown)), sorted(shown))

    def test_many_guests_get_brief_rows(self) -> None:
        names = {it['name'] for it in _draw(_many(9))['data']}
        self.assertNotIn('guest: RSS', names)
        self.assertIn('guest: actual, taking', names)

    def test_guests_that_moved_the_least_are_left_out(self) -> None:
        drawn = overview.draw(_many(200))
        assert drawn is not None
        self.assertEqual(160, drawn.left_out)
        self.assertIn('yaxis41', drawn.figure['layout'])
        self.assertNotIn('yaxis42', drawn.figure['layout'])

    def test_long_courses_are_thinned(self) -> None:
        assert _RUN.course is not None
        points = _RUN.course.points * 200
        course = dataclasses.replace(_RUN.course, points=points)
        figure = _draw(dataclasses.replace(_RUN, course=course))
        self.assertLessEqual(len(figure['data'][0]['x']), 3000)

    def test_a_large_host_is_told_in_gib(self) -> None:
        assert _RUN.course is not None
        course = dataclasses.replace(
            _RUN.course,
            total_kib=512 * base.GIB,
            high_watermark_kib=64 * base.GIB,
        )
        figure = _draw(dataclasses.replace(_RUN, course=course))
        self.assertEqual('GiB', figure['layout']['yaxis']['title']['text'])
        self.assertIn('high 64.0', _texts(figure))

    def test_texts_of_a_run_are_quoted(self) -> None:
        evil = '<a href="x">%{y}</a>'
        policies = tuple(
            dataclasses.replace(it, guest_name=evil) for it in _RUN.policies
        )
        text = json.dumps(_draw(dataclasses.replace(_RUN, policies=policies)))
        self.assertNotIn('<a', text)

    def test_every_colour_has_a_dark_one(self) -> None:
        colours = re.findall(r'"#[0-9a-f]{6}"', json.dumps(_draw()))
        self.assertEqual(
            set(), {it.strip('"') for it in colours} - set(palette.DARK)
        )

    @hypothesis.given(run=strategies.runs())
    def test_any_run_can_be_drawn(self, run: saved_run.SavedRun) -> None:
        drawn = overview.draw(run)
        if drawn is not None:
            json.dumps(drawn.figure, allow_nan=False)
