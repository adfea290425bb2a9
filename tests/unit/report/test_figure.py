# SPDX-License-Identifier: Apache-2.0
import dataclasses
import json
import re
from typing import Any

import hypothesis
from plotly import graph_objects

from nova_balloon_timer import model
from nova_balloon_timer.report import figure
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.report import examples
from tests.unit.report import strategies

_RUN = examples.make_run()


def _draw(name: str, **more: Any) -> dict[str, Any]:
    (report,) = (
        saved.report for saved in _RUN.policies if saved.guest_name == name
    )
    drawn = figure.draw(dataclasses.replace(report, **more))
    assert drawn is not None
    return drawn


def _texts(drawn: dict[str, Any]) -> list[str]:
    return [label['text'] for label in drawn['layout']['annotations']]


class TestFigure(base.TestCase):
    def test_plotly_takes_them(self) -> None:
        for saved in _RUN.policies:
            drawn = figure.draw(saved.report)
            if drawn is not None:
                graph_objects.Figure(drawn)

    def test_no_curve_no_plot(self) -> None:
        self.assertIsNone(figure.draw(base.make_report()))

    def test_lines(self) -> None:
        drawn = _draw('web-01')
        traces = {trace['name']: trace for trace in drawn['data']}
        self.assertEqual(
            {
                'actual',
                'target handed out',
                'usable in the guest',
                'RSS on the host',
            },
            set(traces),
        )
        self.assertEqual('vh', traces['target handed out']['line']['shape'])
        self.assertEqual(2048.0, traces['actual']['y'][0])
        self.assertEqual(896.0, traces['actual']['y'][-1])

    def test_unknown_is_not_drawn(self) -> None:
        point = model.CurvePoint(at=0.5, actual_kib=base.GIB)
        drawn = _draw('web-01', curve=(point,))
        (trace,) = drawn['data']
        self.assertEqual('actual', trace['name'])
        self.assertEqual('markers', trace['mode'])

    def test_labels_of_a_deadline(self) -> None:
        texts = _texts(_draw('cache-02'))
        self.assertIn('<b>deadline 5.00 s</b>', texts)
        self.assertIn('target 2048', texts)
        self.assertIn('floor 2048', texts)
        self.assertIn('deadline after 5.00 s', texts[-1])
        self.assertIn('2820 MiB, no movement after it', texts[-1])

    def test_lateness_is_told(self) -> None:
        texts = _texts(_draw('cache-02', lateness_seconds=0.0171))
        self.assertIn('last moved 17.1 ms after it', texts[-1])

    def test_give_back_is_told(self) -> None:
        self.assertRegex(_texts(_draw('build-03'))[-1], r'then to \d+ MiB')

    def test_unconfirmed_end_is_told(self) -> None:
        texts = _texts(_draw('web-01', confirmed=False))
        self.assertIn('not seen still', texts[-1])

    def test_nothing_is_said_of_what_was_not_watched(self) -> None:
        point = model.CurvePoint(at=1.39, actual_kib=896 * base.MIB)
        texts = _texts(_draw('web-01', curve=(point,)))
        self.assertTrue(texts[-1].endswith('at 896 MiB'), texts[-1])

    def test_segments(self) -> None:
        texts = _texts(_draw('database-04'))
        self.assertIn('to 1280 MiB: reached', texts)
        self.assertIn('to 1664 MiB: reached', texts)
        texts = _texts(_draw('database-04', segments=()))
        self.assertIn('to 1664 MiB', texts)

    def test_floor_out_of_range_is_left_out(self) -> None:
        self.assertNotIn('floor 512', _texts(_draw('web-01')))
        self.assertIn('floor 512', _texts(_draw('batch-06')))

    def test_deadline_far_away_does_not_squeeze_the_curve(self) -> None:
        drawn = _draw('web-01', deadline_at=600.0)
        self.assertLess(drawn['layout']['xaxis']['range'][1], 3.0)
        self.assertIn('<b>deadline 10 min 0 s →</b>', _texts(drawn))

    def test_ticks_are_powers_of_two(self) -> None:
        for saved in _RUN.policies[1:]:
            axis = _draw(saved.guest_name)['layout']['yaxis']
            low, high = axis['range']
            self.assertEqual(0, axis['dtick'] & (axis['dtick'] - 1))
            self.assertTrue(3 <= (high - low) / axis['dtick'] <= 6)

    def test_every_colour_has_a_dark_one(self) -> None:
        colours = re.findall(r'#[0-9a-f]{6}', json.dumps(_draw('web-01')))
        self.assertEqual(set(), set(colours) - set(palette.DARK))

    @hypothesis.given(run=strategies.runs())
    def test_any_run_can_be_drawn(self, run: saved_run.SavedRun) -> None:
        for saved in run.policies:
            json.dumps(figure.draw(saved.report), allow_nan=False)
