# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer.controller import peak
from tests.unit import base

MIB = base.MIB


class PeakUseTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.peak = peak.PeakUse(half_life_seconds=100)

    def observe(self, at: float, used_mib: int) -> float:
        self.peak.observe(at, used_mib * MIB)
        assert self.peak.kib is not None
        return self.peak.kib / MIB

    def test_is_unknown_before_the_first_look(self) -> None:
        self.assertIsNone(self.peak.kib)

    def test_is_what_the_first_look_saw(self) -> None:
        self.assertEqual(200, self.observe(0, 200))

    def test_rises_at_once_and_fears_five_seconds_more_of_it(self) -> None:
        self.observe(0, 200)
        self.assertEqual(300 + 5 * 50, self.observe(2, 300))

    def test_fears_growth_that_ended_no_more_soon(self) -> None:
        """A guest that boots grows quickly, and is then itself."""
        self.observe(0, 200)
        self.observe(2, 300)
        for at, peak_mib in ((3, 425), (4, 362.5), (10, 331.25)):
            self.assertEqual(peak_mib, self.observe(at, 300))

    def test_falls_by_half_in_its_half_life(self) -> None:
        self.observe(0, 600)
        self.assertEqual(600, self.observe(0, 200))
        self.assertEqual(400, self.observe(100, 200))
        self.assertEqual(300, self.observe(200, 200))

    def test_is_never_below_what_is_used(self) -> None:
        self.observe(0, 600)
        self.observe(1, 500)
        self.assertEqual(500, round(self.observe(10_000, 500)))

    def test_fades_from_when_it_was_last_seen(self) -> None:
        self.observe(0, 600)
        self.assertEqual(600, self.observe(10_000, 500))

    def test_falls_alike_however_often_it_is_looked_at(self) -> None:
        self.observe(0, 600)
        self.observe(0, 200)
        for at in range(1, 100):
            self.observe(at, 200)
        self.assertEqual(400, round(self.observe(100, 200)))

    def test_a_clock_that_goes_back_forgets_nothing(self) -> None:
        self.observe(100, 600)
        self.observe(100, 200)
        self.assertEqual(600, self.observe(50, 200))
