# SPDX-License-Identifier: Apache-2.0

from typing import Any

import hypothesis
from hypothesis import strategies

from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import stall
from nova_balloon_timer.pressure import verdict
from tests.unit import base


class OrderTestCase(base.TestCase):
    def order(self, window: float, percent: float) -> stall.TriggerOrder:
        settings = pressure_base.PressureSettings(
            window_seconds=window, stall_percent=percent
        )
        return stall.order_of(settings)

    def test_it_is_in_the_kernel_s_words(self) -> None:
        self.assertEqual('some 100000 2000000', self.order(2.0, 5.0).text)
        self.assertEqual('some 50000 1000000', self.order(1.0, 5.0).text)

    def test_the_stall_is_within_the_window(self) -> None:
        self.assertEqual('some 1 500000', self.order(0.5, 0.0).text)
        self.assertEqual('some 500000 500000', self.order(0.5, 200).text)

    def test_rounding_keeps_the_share(self) -> None:
        for window, expected in (
            (0.5, 'some 100000 2000000'),
            (1.0, 'some 100000 2000000'),
            (2.0, 'some 100000 2000000'),
            (2.1, 'some 200000 4000000'),
            (10.0, 'some 500000 10000000'),
            (30.0, 'some 500000 10000000'),
        ):
            self.assertEqual(expected, self.order(window, 5.0).rounded().text)


class JudgeTestCase(base.TestCase):
    """A threshold of 5 % in 2 s, calm below 1 % for 5 s."""

    def setUp(self) -> None:
        super().setUp()
        self.make()

    def make(self, **more: Any) -> None:
        settings = pressure_base.PressureSettings(**more)
        self.judge = stall.StallJudge(settings, rest_seconds=0.5)
        self.total_us = 7_000_000
        self.now = 100.0

    def go(
        self, seconds: float, stalled_ms: float = 0, fired: bool = False
    ) -> verdict.Verdict:
        """Look once more, after so long with so much of stalls."""
        self.now += seconds
        self.total_us += round(stalled_ms * 1000)
        return self.judge.judge(self.now, self.total_us, fired)

    def test_what_was_before_the_first_look_does_not_count(self) -> None:
        seen = self.go(0)
        self.assertFalse(seen.is_pressing)
        self.assertIsNone(seen.stalled_share)
        self.assertTrue(seen.is_news)
        self.assertEqual(0.5, seen.next_seconds)

    def test_rises_as_soon_as_a_window_holds_the_threshold(self) -> None:
        self.go(0)
        self.assertFalse(self.go(0.1, 60).is_pressing)
        seen = self.go(0.1, 40)
        self.assertTrue(seen.is_pressing)
        self.assertIn('waited for memory 5.0% of the last 2 s', seen.words)
        self.assertIn('the threshold is 5%', seen.words)
        self.assertEqual(0.1, seen.next_seconds)

    def test_it_ends_where_only_no_stall_at_all_is_calm(self) -> None:
        self.make(calm_percent=0.0)
        self.go(0)
        self.assertTrue(self.go(0.1, 100).is_pressing)
        for _ in range(60):
            seen = self.go(0.1)
        self.assertFalse(seen.is_pressing)

    def test_as_much_in_two_windows_is_not_short(self) -> None:
        self.go(0)
        for _ in range(40):
            self.assertFalse(self.go(0.5, 20).is_pressing)

    def test_the_share_is_of_the_time_since_the_last_that_was_told(
        self,
    ) -> None:
        self.go(0)
        self.assertFalse(self.go(0.5, 1).is_news)
        seen = self.go(0.5, 199)
        self.assertTrue(seen.is_news)
        assert seen.stalled_share is not None
        self.assertAlmostEqual(0.2, seen.stalled_share)
        share = self.go(0.1, 50).stalled_share
        assert share is not None
        self.assertAlmostEqual(0.5, share)

    def test_a_trigger_counts_at_half_the_share_in_two_windows(self) -> None:
        self.go(0)
        self.go(0.1, 99)
        self.go(2.5)
        # The kernel may look up to a window later than we do.
        self.assertFalse(self.go(0.5, 0, fired=True).is_pressing)
        self.assertTrue(self.go(0.1, 2, fired=True).is_pressing)

    def test_a_stale_trigger_does_not_count(self) -> None:
        self.go(0)
        self.go(0.5, 2)
        self.assertFalse(self.go(0.5, 0, fired=True).is_pressing)

    def test_falls_after_so_long_without_stalls(self) -> None:
        self.go(0)
        rose_at = self.now + 1
        self.assertTrue(self.go(1, 1000).is_pressing)
        while (seen := self.go(0.1)).is_pressing:
            self.assertTrue(seen.is_news)
            self.assertEqual(0.1, seen.next_seconds)
        self.assertTrue(seen.is_news)
        self.assertTrue(5.0 <= self.now - rose_at <= 5.2, self.now - rose_at)

    def test_little_stalls_do_not_put_it_off(self) -> None:
        self.go(0)
        self.go(1, 1000)
        for _ in range(49):
            self.assertTrue(self.go(0.1, 0.5).is_pressing)
        self.go(0.1)
        self.assertFalse(self.go(0.1).is_pressing)

    def test_larger_ones_do(self) -> None:
        self.go(0)
        self.go(1, 1000)
        for _ in range(100):
            self.assertTrue(self.go(0.1, 2).is_pressing)

    def test_a_count_that_began_anew_is_no_stall(self) -> None:
        self.go(0)
        self.total_us = 50_000
        seen = self.go(0.5)
        self.assertFalse(seen.is_pressing)
        self.assertIsNone(seen.stalled_share)
        self.assertTrue(self.go(0.5, 100).is_pressing)

    def test_forgotten_is_as_new(self) -> None:
        self.go(0)
        self.go(1, 1000)
        self.judge.forget()
        self.assertFalse(self.go(0.1, 500).is_pressing)

    def test_without_settling_it_falls_with_the_window(self) -> None:
        self.make(settle_seconds=0.0)
        self.go(0)
        self.assertTrue(self.go(0.5, 500).is_pressing)
        self.assertTrue(self.go(0.5).is_pressing)
        self.go(1)
        self.assertFalse(self.go(0.6).is_pressing)

    def test_words_of_the_settling(self) -> None:
        self.go(0)
        self.go(1, 1000)
        words = self.go(3).words
        self.assertIn('0.0% of the last 2 s: it is over after 5 s', words)
        self.assertTrue(words.endswith('below 1%'))

    @hypothesis.given(
        strategies.lists(
            strategies.tuples(
                strategies.floats(0.0, 10.0),
                strategies.floats(0.0, 1.0),
                strategies.booleans(),
            ),
            max_size=60,
        )
    )
    def test_whatever_comes(
        self, looks: list[tuple[float, float, bool]]
    ) -> None:
        self.make()
        for seconds, share, fired in looks:
            seen = self.go(seconds, seconds * share * 1000, fired)
            self.assertTrue(0.1 <= seen.next_seconds <= 0.5)
            if seen.stalled_share is not None:
                self.assertTrue(0 <= seen.stalled_share <= 1)
            if seen.is_pressing:
                self.assertTrue(seen.is_news)
        for _ in range(120):
            seen = self.go(0.1)
        self.assertFalse(seen.is_pressing if looks else False)
