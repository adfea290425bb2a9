# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.cmd.watch import gauge
from tests.unit import base

_SIZES = st.floats(min_value=0, max_value=1e9)


def _bar(*sizes: float, whole: float, width: int) -> str:
    parts = [
        gauge.Part(size=size, glyph=glyph, style='')
        for size, glyph in zip(sizes, '#+.', strict=False)
    ]
    return gauge.bar(parts, whole, width).plain


class BarTestCase(base.TestCase):
    def test_gives_each_part_its_share(self) -> None:
        self.assertEqual('#####+++..', _bar(50, 30, 20, whole=100, width=10))

    def test_leaves_blank_what_lacks(self) -> None:
        self.assertEqual('#####     ', _bar(50, whole=100, width=10))

    def test_cuts_what_is_beyond_the_whole(self) -> None:
        self.assertEqual('##########', _bar(500, 9, whole=100, width=10))

    def test_of_nothing_is_blank(self) -> None:
        self.assertEqual('    ', _bar(5, whole=0, width=4))

    @hypothesis.given(
        sizes=st.lists(_SIZES, max_size=3),
        whole=_SIZES,
        width=st.integers(min_value=0, max_value=200),
    )
    def test_has_its_width_always(
        self, sizes: list[float], whole: float, width: int
    ) -> None:
        self.assertEqual(width, len(_bar(*sizes, whole=whole, width=width)))


class PlaceTestCase(base.TestCase):
    def test_is_within_the_bar(self) -> None:
        for value, cell in ((-5, 0), (0, 0), (50, 5), (100, 9), (500, 9)):
            self.assertEqual(cell, gauge.place(value, 100, 10))


class CourseTestCase(base.TestCase):
    def test_goes_from_the_lowest_to_the_highest(self) -> None:
        self.assertEqual('abcd', gauge.course([1, 2, 3, 4], 9, 'abcd'))

    def test_of_what_does_not_change_is_in_the_middle(self) -> None:
        self.assertEqual('ccc', gauge.course([7, 7, 7], 9, 'abcd'))

    def test_of_nothing_is_empty(self) -> None:
        self.assertEqual('', gauge.course([], 9, 'abcd'))
        self.assertEqual('', gauge.course([1.0], 0, 'abcd'))

    @hypothesis.given(
        values=st.lists(_SIZES, min_size=1, max_size=500),
        width=st.integers(min_value=1, max_value=80),
    )
    def test_fits_and_loses_no_dip(
        self, values: list[float], width: int
    ) -> None:
        drawn = gauge.course(values, width, gauge.PLAIN.levels)
        self.assertTrue(1 <= len(drawn) <= width)
        if max(values) > min(values):
            self.assertIn(gauge.PLAIN.levels[0], drawn)


class GlyphsTestCase(base.TestCase):
    def test_are_as_fine_as_the_stream(self) -> None:
        for encoding in ('utf-8', 'UTF8', 'utf_8'):
            self.assertIs(gauge.FINE, gauge.glyphs_for(encoding))
        for plain in ('ascii', 'latin-1', '', None):
            self.assertIs(gauge.PLAIN, gauge.glyphs_for(plain))
