# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies

from nova_balloon_timer import situation
from nova_balloon_timer.pressure import verdict
from nova_balloon_timer.pressure import watermark
from tests.unit import base

MIB = base.MIB

_LOW, _HIGH = 512, 1024
_MARKS = situation.Watermarks(low_kib=_LOW * MIB, high_kib=_HIGH * MIB)


class WatermarkTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.judge = watermark.WatermarkJudge(settle_seconds=5.0)

    def look(
        self, at: float, mib: float, total_mib: int = 64 * 1024
    ) -> verdict.Verdict:
        memory = situation.HostMemory(
            at=at,
            total_kib=total_mib * MIB,
            available_kib=round(mib * MIB),
        )
        return self.judge.judge(memory, _MARKS)


class DecisionTestCase(WatermarkTestCase):
    def test_rises_at_once_and_falls_when_well_for_long(self) -> None:
        for at, mib, expected in (
            (0.0, 2000, False),
            (1.0, 1023, False),
            (2.0, 512, False),
            (2.1, 511.9, True),
            (3.0, 1023, True),
            (9.0, 1023, True),
            (10.0, 1024, True),
            (14.9, 1500, True),
            (15.0, 1500, False),
            (16.0, 600, False),
            (17.0, 100, True),
        ):
            self.assertIs(expected, self.look(at, mib).is_pressing, f'{at}')

    def test_a_dip_below_the_high_mark_begins_the_settling_anew(self) -> None:
        for at, mib, expected in (
            (0.0, 100, True),
            (1.0, 1100, True),
            (5.0, 1023, True),
            (6.5, 1100, True),
            (11.4, 1100, True),
            (11.5, 1100, False),
        ):
            self.assertIs(expected, self.look(at, mib).is_pressing, f'{at}')

    def test_without_settling_it_falls_at_once(self) -> None:
        self.judge = watermark.WatermarkJudge(settle_seconds=0.0)
        self.assertTrue(self.look(0.0, 100).is_pressing)
        self.assertFalse(self.look(0.1, 1024).is_pressing)

    def test_forgotten_is_as_new(self) -> None:
        self.look(0.0, 100)
        self.judge.forget()
        seen = self.look(1.0, 600)
        self.assertFalse(seen.is_pressing)
        self.assertIsNone(seen.fall_kib_per_second)

    def test_another_total_is_no_fall(self) -> None:
        self.look(0.0, 4000)
        seen = self.look(1.0, 2000, total_mib=3000)
        self.assertIsNone(seen.fall_kib_per_second)


class IntervalTestCase(WatermarkTestCase):
    def test_the_nearer_the_more_often(self) -> None:
        for mib, expected in (
            (63 * 1024, 5.0),
            (512 + 4096, 2.0),
            (512 + 1024, 0.5),
            (1024, 0.25),
            (1023, 0.1),
            (10, 0.1),
        ):
            self.judge = watermark.WatermarkJudge(settle_seconds=5.0)
            seen = self.look(0.0, mib)
            self.assertAlmostEqual(expected, seen.next_seconds, 3)

    def test_a_quick_fall_is_looked_at_sooner(self) -> None:
        self.look(0.0, 40 * 1024)
        seen = self.look(2.0, 30 * 1024)
        # 5 GiB a second, and 29.5 GiB to go.
        self.assertAlmostEqual(2.95, seen.next_seconds, 2)

    def test_while_it_settles_it_is_looked_at_often(self) -> None:
        self.look(0.0, 100)
        seen = self.look(1.0, 60 * 1024)
        self.assertTrue(seen.is_pressing)
        self.assertEqual(0.1, seen.next_seconds)

    @hypothesis.given(
        start_mib=strategies.integers(600, 60 * 1024),
        rate_mib=strategies.integers(100, 2 * 1024),
    )
    def test_a_crossing_is_seen_within_a_tenth_of_a_second(
        self, start_mib: int, rate_mib: int
    ) -> None:
        # Memory is still until the first look, and falls from then on.
        self.judge = watermark.WatermarkJudge(settle_seconds=5.0)
        now = 0.0
        crossed_at = (start_mib - _LOW) / rate_mib
        while True:
            mib = max(0.0, start_mib - rate_mib * now)
            seen = self.look(now, mib)
            if seen.is_pressing:
                break
            now += seen.next_seconds
        self.assertTrue(now - crossed_at <= 0.101, now - crossed_at)


class NewsTestCase(WatermarkTestCase):
    def test_little_is_told_while_all_is_well(self) -> None:
        told = [self.look(n / 4, 1500).is_news for n in range(9)]
        quiet = [False] * 3
        self.assertEqual([True, *quiet, True, *quiet, True], told)

    def test_all_is_told_while_it_is_tense(self) -> None:
        for at, mib in ((0.0, 1000), (0.1, 500), (0.2, 2000), (0.3, 2000)):
            self.assertTrue(self.look(at, mib).is_news)


class WordsTestCase(WatermarkTestCase):
    def test_they_tell_the_figures_that_decided(self) -> None:
        for at, mib, words in (
            (0.0, 2000, 'available memory 2000 MiB is above the high '
             'watermark of 1024 MiB'),
            (20.0, 900, 'available memory 900 MiB is between the watermarks '
             'of 512 MiB and 1024 MiB'),
            (40.0, 312, 'available memory 312 MiB is below the low watermark '
             'of 512 MiB'),
            (60.0, 700, 'available memory 700 MiB is not yet up to the high '
             'watermark of 1024 MiB'),
            (80.0, 2000, 'available memory 2000 MiB is above the high '
             'watermark of 1024 MiB, for 0.0 of 5 s'),
            (100.0, 2000, 'available memory 2000 MiB is above the high '
             'watermark of 1024 MiB'),
        ):  # fmt: skip
            self.assertEqual(words, self.look(at, mib).words)

    def test_they_tell_when_it_will_be_used_up(self) -> None:
        self.look(0.0, 392)
        words = self.look(1.0, 312).words
        self.assertTrue(
            words.endswith(', and falls by 80 MiB a second: exhausted in 4 s'),
            words,
        )

    def test_they_tell_of_fractions_of_a_second(self) -> None:
        self.look(0.0, 500)
        words = self.look(1.0, 100).words
        self.assertTrue(words.endswith('exhausted in 250 ms'), words)

    def test_what_takes_long_is_left_out(self) -> None:
        self.look(0.0, 60 * 1024)
        self.assertNotIn('falls', self.look(1.0, 60 * 1024 - 2).words)
