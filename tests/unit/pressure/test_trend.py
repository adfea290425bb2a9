# SPDX-License-Identifier: Apache-2.0

import random

from nova_balloon_timer.pressure import trend
from tests.unit import base

MIB = base.MIB


class TrendTestCase(base.TestCase):
    def fall_mib(self, *looks: tuple[float, float]) -> float | None:
        line = trend.Trend()
        for at, mib in looks:
            line.add(at, round(mib * MIB))
        fall = line.fall_kib_per_second()
        return None if fall is None else fall / MIB

    def test_one_look_tells_nothing(self) -> None:
        self.assertIsNone(self.fall_mib())
        self.assertIsNone(self.fall_mib((0.0, 100)))
        self.assertIsNone(self.fall_mib((1.0, 100), (1.0, 50), (0.5, 10)))

    def test_a_steady_fall_is_told_exactly(self) -> None:
        looks = [(n / 10, 4000 - 8 * n) for n in range(100)]
        fall = self.fall_mib(*looks)
        assert fall is not None
        self.assertAlmostEqual(80, fall, 3)

    def test_growth_is_negative(self) -> None:
        self.assertEqual(-50, self.fall_mib((0.0, 100), (1.0, 150)))

    def test_a_still_memory_does_not_fall(self) -> None:
        self.assertEqual('0.0', str(self.fall_mib((0.0, 9), (1.0, 9))))

    def test_at_rest_a_few_looks_suffice(self) -> None:
        looks = [(5.0 * n, 4000 - 100 * n) for n in range(4)]
        self.assertEqual(20, self.fall_mib(*looks))

    def test_old_looks_do_not_count(self) -> None:
        self.assertEqual(
            10, self.fall_mib((0.0, 900), (90.0, 500), (92.0, 480))
        )

    def test_a_short_spike_is_damped(self) -> None:
        looks = [(n / 10, 4000.0) for n in range(29)] + [(2.9, 3900.0)]
        fall = self.fall_mib(*looks)
        assert fall is not None
        # Between the last two looks it is 1000.
        self.assertTrue(0 < fall < 10, fall)

    def test_noise_is_averaged_out(self) -> None:
        chance = random.Random(1)  # noqa: S311
        looks = [
            (n / 10, 4000 - 8 * n + chance.uniform(-20, 20)) for n in range(31)
        ]
        fall = self.fall_mib(*looks)
        assert fall is not None
        self.assertTrue(70 < fall < 90, fall)

    def test_what_was_cleared_does_not_count(self) -> None:
        line = trend.Trend()
        line.add(0.0, 100)
        line.clear()
        line.add(1.0, 50)
        self.assertIsNone(line.fall_kib_per_second())
