# SPDX-License-Identifier: Apache-2.0
"""What the host is told of the guest's memory."""

from typing import Any, ClassVar

from tests.functional import lab
from tests.functional.guest_driver import base

_FREED_KIB = 100 * base.KIB_PER_MIB


class StatisticsTest(base.DriverTest):
    """The same as by the stock driver."""

    def setUp(self) -> None:
        super().setUp()
        self.guests = self.lab.guests('keeper', 'novice')
        for guest in self.guests:
            lab.refresh_statistics(guest)

    def test_same_names(self) -> None:
        timed, stock = (it.domain.memoryStats() for it in self.guests)

        self.assertIn('usable', stock)
        self.assertEqual(set(stock), set(timed))

    def test_same_units(self) -> None:
        timed, stock = (it.domain.memoryStats() for it in self.guests)

        for key in ('available', 'unused', 'usable', 'disk_caches'):
            self.assertAlmostEqual(
                stock[key], timed[key], delta=stock[key] / 5, msg=key
            )

    def test_balloon_is_not_the_guests(self) -> None:
        keeper = self.guests[0]
        before = keeper.domain.memoryStats()
        self.use(keeper)
        self.order(100)
        self.wait_size(102400)
        lab.refresh_statistics(keeper)
        after = keeper.domain.memoryStats()

        self.assertEqual(102400, before['available'] - after['available'])
        self.assertAlmostEqual(
            102400, before['unused'] - after['unused'], delta=4096
        )


class ReportingTest(base.OwnGuestTest):
    features: ClassVar[dict[str, Any]] = {
        'free_page_reporting': True,
        'touch_mib': 300,
    }

    def test_free_pages_go_to_the_host(self) -> None:
        before_kib = self.guest.rss_kib
        lab.wait_until(
            lambda: self.guest.rss_kib < before_kib - _FREED_KIB,
            'memory that the guest freed',
        )
        self.assert_size(0)
