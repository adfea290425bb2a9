# SPDX-License-Identifier: Apache-2.0

import testtools

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.engine import pace
from nova_balloon_timer.engine import settings
from tests.unit.engine import factory


class PaceTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.settings = settings.EngineSettings()
        self.pace = self.make(model.Leash())

    def make(self, leash: model.Leash) -> pace.Pace:
        return pace.Pace(factory.balloon_policy(leash=leash), self.settings)

    def move(
        self, mib_per_second: float, seconds: float, *, free: bool = True
    ) -> None:
        """Let a guest move steadily, looked at every 10 ms.

        :param free: the leash does not hold it; else it is used up
        """
        actual_mib = 100_000.0
        for tick in range(round(seconds / 0.01) + 1):
            leashed_kib = None if free else factory.mib(actual_mib)
            self.pace.observe(
                factory.sample(tick * 0.01, actual_mib), leashed_kib
            )
            actual_mib -= mib_per_second * 0.01

    def rate_mib(self) -> float:
        return self.pace.rate_kib_per_second / units.KIB_PER_MIB

    def test_leash_is_the_minimum_at_first(self) -> None:
        self.assertEqual(factory.mib(16), self.pace.leash_kib)

    def test_learns_a_steady_rate(self) -> None:
        self.move(800, 1)
        self.assertAlmostEqual(800, self.rate_mib(), delta=1)
        self.assertAlmostEqual(
            factory.mib(80), self.pace.leash_kib, delta=factory.mib(1)
        )

    def test_follows_a_guest_that_slows_down(self) -> None:
        self.move(800, 1)
        self.pace = self.make(model.Leash())
        self.move(800, 0.2)
        fast_mib = self.rate_mib()
        self.move(100, 0.5)
        self.assertLess(self.rate_mib(), fast_mib / 4)

    def test_used_up_leash_grows_but_not_the_rate(self) -> None:
        self.move(800, 0.05, free=False)
        self.assertAlmostEqual(800, self.rate_mib(), delta=1)
        self.assertGreater(self.pace.leash_kib, factory.mib(800))

    def test_growth_is_bounded(self) -> None:
        self.move(800, 10, free=False)
        self.assertAlmostEqual(
            factory.mib(16 * 80), self.pace.leash_kib, delta=factory.mib(1)
        )

    def test_growth_ends_when_it_is_not_needed(self) -> None:
        self.move(800, 0.05, free=False)
        self.move(800, 1)
        self.assertAlmostEqual(
            factory.mib(80), self.pace.leash_kib, delta=factory.mib(1)
        )

    def test_movement_the_other_way_says_nothing(self) -> None:
        self.pace.observe(factory.sample(0, 500), None)
        self.pace.observe(factory.sample(1, 1000), None)
        self.assertEqual(0, self.pace.rate_kib_per_second)

    def test_same_instant_says_nothing(self) -> None:
        self.pace.observe(factory.sample(1, 1000), 0)
        self.pace.observe(factory.sample(1, 500), 0)
        self.assertEqual(0, self.pace.rate_kib_per_second)

    def test_fixed_leash_does_not_grow(self) -> None:
        leash = model.Leash(minimum_kib=factory.mib(8), lead_seconds=0)
        self.pace = self.make(leash)
        self.move(800, 1)
        self.assertEqual(factory.mib(8), self.pace.leash_kib)

    def test_taper_is_what_can_still_move(self) -> None:
        self.move(800, 1)
        tapered_kib = self.pace.tapered_leash_kib(0.05)
        self.assertAlmostEqual(
            factory.mib(40), tapered_kib, delta=factory.mib(1)
        )
        self.assertEqual(self.pace.leash_kib, self.pace.tapered_leash_kib(10))
        self.assertEqual(factory.mib(1), self.pace.tapered_leash_kib(-1))

    def test_no_taper_while_the_rate_is_unknown(self) -> None:
        self.assertEqual(factory.mib(16), self.pace.tapered_leash_kib(0.001))

    def test_looks_are_a_few_a_leash(self) -> None:
        self.move(800, 1)
        self.assertAlmostEqual(0.05, self.pace.next_look_seconds, delta=0.001)

    def test_looks_get_rarer_while_nothing_moves(self) -> None:
        self.assertEqual(
            self.settings.poll_shortest_seconds, self.pace.next_look_seconds
        )
        for tick in range(20):
            self.pace.observe(factory.sample(tick, 1000), 0)
        self.assertEqual(
            self.settings.poll_longest_seconds, self.pace.next_look_seconds
        )
