# SPDX-License-Identifier: Apache-2.0
import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.report import thinning
from tests.unit import base


class TestThinning(base.TestCase):
    def test_a_short_curve_stays(self) -> None:
        self.assertEqual([], thinning.kept([], 10))
        self.assertEqual([0, 1, 2], thinning.kept([3, 1, 2], 3))

    @hypothesis.given(
        values=st.lists(st.integers(), min_size=1), most=st.integers(1, 50)
    )
    def test_ends_and_peaks_stay(self, values: list[int], most: int) -> None:
        indexes = thinning.kept(values, most)
        self.assertEqual(sorted(set(indexes)), indexes)
        self.assertLessEqual(len(indexes), max(most, 4))
        self.assertEqual((0, len(values) - 1), (indexes[0], indexes[-1]))
        kept = [values[index] for index in indexes]
        self.assertEqual((min(values), max(values)), (min(kept), max(kept)))
