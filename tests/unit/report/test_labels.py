# SPDX-License-Identifier: Apache-2.0
import itertools

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.report import labels
from tests.unit import base

_FRAME = labels.Frame(x_range=(0.0, 10.0), y_range=(0.0, 1000.0))
_TEXT = 'twenty letters wide!'
_numbers = st.floats(0, 10)
_sizes = st.floats(0, 1000)


class TestLabels(base.TestCase):
    def test_labels_far_apart_share_a_row(self) -> None:
        self.assertEqual(
            [0, 0], labels.rows(_FRAME, [(1.0, _TEXT), (9.0, _TEXT)])
        )

    def test_labels_close_together_are_stacked(self) -> None:
        texts = [(1.0, _TEXT), (1.1, _TEXT), (1.2, _TEXT), (9.0, _TEXT)]
        self.assertEqual([0, 1, 2, 0], labels.rows(_FRAME, texts))

    def test_nothing_to_spread(self) -> None:
        self.assertEqual([], labels.spread(_FRAME, []))

    @hypothesis.given(values=st.lists(_sizes, max_size=5))
    def test_spread_labels_are_a_line_apart(self, values: list[float]) -> None:
        values.sort(reverse=True)
        moves = labels.spread(_FRAME, values)
        places = [
            _FRAME.down_pixels(value) - move
            for value, move in zip(values, moves, strict=True)
        ]
        for above, below in itertools.pairwise(places):
            self.assertGreaterEqual(below - above, 16.999)

    def test_a_label_keeps_clear_of_a_curve(self) -> None:
        falling = [(0.0, 900.0), (5.0, 300.0), (10.0, 300.0)]
        below = [(0.0, 100.0), (10.0, 100.0)]
        _, down = labels.clearing(
            _FRAME, (5.0, 300.0), [_TEXT], [falling, below]
        )
        self.assertLess(down, -40)

    @hypothesis.given(
        point=st.tuples(_numbers, _sizes),
        curve=st.lists(st.tuples(_numbers, _sizes), max_size=8),
    )
    def test_a_label_stays_in_the_plot(
        self,
        point: tuple[float, float],
        curve: list[tuple[float, float]],
    ) -> None:
        right, down = labels.clearing(_FRAME, point, [_TEXT], [curve])
        centre_right = _FRAME.right_pixels(point[0]) + right
        centre_down = _FRAME.down_pixels(point[1]) + down
        self.assertTrue(50 <= centre_right <= _FRAME.width - 50)
        self.assertTrue(10 <= centre_down <= _FRAME.height - 10)
