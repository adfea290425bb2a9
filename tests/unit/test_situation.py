# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from tests.unit import base

MIB = base.MIB
GIB = base.GIB


class WatermarkRuleTestCase(testscenarios.WithScenarios, base.TestCase):
    """On a host of 64 GiB."""

    scenarios = [
        (f'{low}, {high}', {'rule': (low, high), 'marks_mib': marks_mib})
        for low, high, marks_mib in (
            ('5%', '10%', (3276, 6553)),
            ('2G', '10%', (2048, 6553)),
            ('5%', '8G', (3276, 8192)),
            ('512M', '1G', (512, 1024)),
            ('0.5%', '1%', (327, 655)),
        )
    ]
    rule: tuple[str, str]
    marks_mib: tuple[int, int]

    def test_gives_sizes(self) -> None:
        low, high = self.rule
        marks = situation.WatermarkRule(low=low, high=high).of(64 * GIB)
        found = (marks.low_kib // MIB, marks.high_kib // MIB)
        self.assertEqual(self.marks_mib, found)


class WrongRuleTestCase(base.TestCase):
    def of(self, low: str, high: str) -> situation.Watermarks:
        return situation.WatermarkRule(low=low, high=high).of(64 * GIB)

    def test_low_is_below_high(self) -> None:
        for low, high in (('10%', '5%'), ('5%', '5%'), ('8G', '10%')):
            error = self.assertRaises(
                exception.InvalidConfiguration, self.of, low, high
            )
            self.assertIn(f'low_watermark {low}', str(error))
            self.assertIn(f'high_watermark {high}', str(error))

    def test_both_are_sizes(self) -> None:
        for low, high in (('5', '10%'), ('5%', 'much'), ('', '10%')):
            self.assertRaises(exception.InvalidSize, self.of, low, high)


class CandidateTestCase(base.TestCase):
    def make(self, **more: Any) -> situation.Candidate:
        """Return a guest that has 1024 MiB and uses 224."""
        fields: dict[str, Any] = {
            'guest': base.make_guest(),
            'guards': base.make_guards(),
            'actual_kib': GIB,
            'usable_kib': 800 * MIB,
            'rss_kib': 900 * MIB,
            'peak_use_kib': 224 * MIB,
        }
        return situation.Candidate(**(fields | more))

    def safe_mib(self, **more: Any) -> float:
        return self.make(**more).safe_kib / MIB

    def test_untouched_is_what_the_host_never_gave(self) -> None:
        for rss_mib, untouched_mib in (
            (900, 124),
            (1024, 0),
            (1040, 0),
            (0, 1024),
        ):
            made = self.make(rss_kib=rss_mib * MIB)
            self.assertEqual(untouched_mib * MIB, made.untouched_kib)

    def test_unknown_cost_counts_as_full(self) -> None:
        self.assertEqual(0, self.make(rss_kib=None).untouched_kib)

    def test_safe_leaves_the_reserve(self) -> None:
        self.assertEqual(736, self.safe_mib())

    def test_safe_leaves_what_it_used_lately(self) -> None:
        self.assertEqual(460, self.safe_mib(peak_use_kib=500 * MIB))

    def test_what_it_uses_now_counts_if_it_is_more(self) -> None:
        self.assertEqual(36, self.safe_mib(usable_kib=100 * MIB))

    def test_safe_stays_above_the_floor(self) -> None:
        guards = base.make_guards(floor_kib=900 * MIB)
        self.assertEqual(124, self.safe_mib(guards=guards))

    def test_no_more_is_safe_than_its_terms_let_be_taken_at_once(self) -> None:
        for step_mib, safe_mib in ((0, 0), (100, 100), (736, 736), (900, 736)):
            guest = base.make_guest(
                terms=ownership.Terms(max_step_kib=step_mib * MIB)
            )
            self.assertEqual(safe_mib, self.safe_mib(guest=guest))
            self.assertEqual(
                min(step_mib, 768),
                self.safe_mib(
                    guest=guest, guards=base.make_guards(reserve_kib=0)
                ),
            )

    def test_there_is_no_less_than_nothing(self) -> None:
        self.assertEqual(0, self.safe_mib(usable_kib=0))
        self.assertEqual(0, self.safe_mib(actual_kib=100 * MIB))
        self.assertEqual(0, self.safe_mib(actual_kib=0))

    def test_nothing_is_safe_where_nothing_is_known(self) -> None:
        self.assertEqual(0, self.safe_mib(usable_kib=None))
        self.assertEqual(0, self.safe_mib(peak_use_kib=None))

    def test_without_a_reserve_nothing_needs_to_be_known(self) -> None:
        guards = base.make_guards(reserve_kib=0)
        self.assertEqual(768, self.safe_mib(guards=guards, usable_kib=None))
        self.assertEqual(768, self.safe_mib(guards=guards, usable_kib=0))
