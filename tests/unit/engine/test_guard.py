# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testtools

from nova_balloon_timer import model
from nova_balloon_timer.engine import guard
from tests.unit.engine import factory


def _told(updated_at: int, usable_mib: float) -> model.GuestStatistics:
    return factory.statistics(updated_at, usable_kib=factory.mib(usable_mib))


class UsableMemoryTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.usable = guard.UsableMemory()

    def observe(
        self, actual_mib: float, told: model.GuestStatistics | None
    ) -> None:
        self.usable.observe(factory.sample(0, actual_mib, told))

    def test_unknown_at_first(self) -> None:
        self.assertIsNone(self.usable.now_kib)

    def test_as_told(self) -> None:
        self.observe(1000, _told(1, 600))
        self.assertEqual(factory.mib(600), self.usable.now_kib)

    def test_less_what_was_taken_since(self) -> None:
        self.observe(1000, _told(1, 600))
        self.observe(700, _told(1, 600))
        self.assertEqual(factory.mib(300), self.usable.now_kib)

    def test_never_negative(self) -> None:
        self.observe(1000, _told(1, 600))
        self.observe(100, _told(1, 600))
        self.assertEqual(0, self.usable.now_kib)

    def test_more_when_memory_came_back(self) -> None:
        self.observe(500, _told(1, 200))
        self.observe(600, _told(1, 200))
        self.assertEqual(factory.mib(300), self.usable.now_kib)

    def test_new_statistics_may_be_as_old_as_the_last_look(self) -> None:
        self.observe(1000, _told(1, 600))
        self.observe(900, _told(2, 550))
        self.assertEqual(factory.mib(450), self.usable.now_kib)

    def test_stale_statistics_make_it_unknown(self) -> None:
        self.observe(1000, _told(1, 600))
        self.observe(900, None)
        self.assertIsNone(self.usable.now_kib)

    def test_statistics_without_usable(self) -> None:
        self.observe(1000, factory.statistics(1, usable_kib=None))
        self.assertIsNone(self.usable.now_kib)


class DistressDetectorTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.detector = guard.DistressDetector(
            factory.guards(
                reserve_kib=factory.mib(100),
                swap_in_kib_per_second=factory.mib(8),
                major_faults_per_second=500,
            )
        )
        self.observe(10)

    def observe(self, updated_at: int, **told: Any) -> str | None:
        statistics = factory.statistics(updated_at, **told)
        return self.detector.observe(factory.sample(0, 1000, statistics))

    def test_first_statistics_are_only_the_base(self) -> None:
        detector = guard.DistressDetector(factory.guards())
        statistics = factory.statistics(1, major_faults=10**9)
        sample = factory.sample(0, 1000, statistics)
        self.assertIsNone(detector.observe(sample))

    def test_calm(self) -> None:
        self.assertIsNone(
            self.observe(12, swap_in_kib=factory.mib(16), major_faults=1000)
        )

    def test_swapping(self) -> None:
        words = self.observe(12, swap_in_kib=factory.mib(17))
        self.assertEqual('the guest swaps in 8.5 MiB a second', words)

    def test_faulting(self) -> None:
        words = self.observe(12, major_faults=1002)
        self.assertEqual('the guest takes 501 major faults a second', words)

    def test_shortage(self) -> None:
        words = self.observe(12, usable_kib=factory.mib(49))
        self.assertEqual(
            'usable memory fell to 49 MiB, less than half of its reserve of '
            '100 MiB',
            words,
        )

    def test_same_statistics_are_not_judged_twice(self) -> None:
        self.assertIsNone(self.observe(10, major_faults=10**6))

    def test_counters_of_a_rebooted_guest_start_again(self) -> None:
        self.observe(11, major_faults=900)
        self.assertIsNone(self.observe(12, major_faults=3))

    def test_statistics_that_go_back_in_time(self) -> None:
        self.assertIsNone(self.observe(3, major_faults=10**6))

    def test_unknown_is_not_zero(self) -> None:
        self.assertIsNone(
            self.observe(
                12, usable_kib=None, swap_in_kib=None, major_faults=None
            )
        )
        self.assertIsNone(self.detector.observe(factory.sample(0, 1000)))
