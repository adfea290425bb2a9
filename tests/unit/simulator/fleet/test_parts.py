# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer.simulator.fleet import demand
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import memory
from nova_balloon_timer.simulator.fleet import pattern
from nova_balloon_timer.simulator.fleet import shortage
from tests.unit import base
from tests.unit.simulator.fleet import factory

GIB, MIB = base.GIB, base.MIB


class TestShortage(base.TestCase):
    def test_counts_between_the_crossings(self) -> None:
        found = shortage.Shortage(100.0)
        found.add(0, 10, 150, 50)
        found.add(10, 20, 50, 150)
        found.add(20, 30, 150, 150)
        found.add(30, 40, 50, 50)

        summary = found.summary()
        self.assertEqual((10.0, 10.0), summary.lasted_seconds)
        self.assertEqual(20.0, summary.seconds)
        self.assertEqual(2, summary.times)

    def test_quantiles(self) -> None:
        found = shortage.ShortageSummary(
            seconds=10.0, lasted_seconds=(1.0, 2.0, 3.0, 4.0)
        )
        self.assertEqual(2.0, found.quantile(0.5))
        self.assertEqual(4.0, found.quantile(0.95))
        self.assertEqual(4.0, found.longest_seconds)


class TestDemand(base.TestCase):
    def test_a_series_goes_in_straight_lines(self) -> None:
        series = demand.Series()
        series.add(10.0, 100, 200)
        series.add(20.0, 200, 400)
        series.add(20.0, 999, 999)
        replay = series.replay()

        self.assertEqual((100, 200), replay.at(0.0))
        self.assertEqual((150.0, 300.0), replay.at(15.0))
        self.assertEqual((200, 400), replay.at(99.0))

    def test_patterns(self) -> None:
        day = pattern.Diurnal(low_kib=100, high_kib=300)
        self.assertEqual(300.0, day.kib(14 * 3600))
        self.assertEqual(100.0, day.kib(2 * 3600))
        burst = pattern.Burst(
            size_kib=1, to_kib=11, at=5, lasts_seconds=20, ramp_seconds=10
        )
        self.assertEqual(
            [1, 6, 11, 1], [burst.kib(it) for it in (0, 10, 20, 25)]
        )
        leak = pattern.Leak(
            size_kib=1, rate_kib_per_second=2, limit_kib=9, restarts_at=50
        )
        self.assertEqual([1, 5, 9, 3], [leak.kib(it) for it in (0, 2, 40, 51)])


class TestGuest(base.TestCase):
    def _guest(self, **more: Any) -> fleet_guest.FleetGuest:
        guest = fleet_guest.FleetGuest(factory.make_profile(**more), 0.0)
        guest.tick(0.0, 100.0)
        return guest

    def test_lack_is_what_it_needs_beyond_what_it_has(self) -> None:
        guest = self._guest(use_kib=512 * MIB)
        guest.move(10.0, 412 * MIB)
        guest.settle(20.0)

        self.assertEqual(1000 * MIB, guest.lacked_kib_seconds)
        self.assertEqual(10.0, guest.below_seconds)

    def test_rss_falls_with_the_balloon_and_comes_back(self) -> None:
        guest = self._guest()
        guest.move(10.0, 512 * MIB)
        self.assertEqual(512 * MIB, guest.rss_kib)
        guest.move(20.0, GIB)
        guest.settle(30.0)
        self.assertEqual(512 * MIB + 10 * guest.slope, guest.rss_kib)
        self.assertTrue(0 < guest.slope <= 10 * MIB)

    def test_the_host_is_the_sum(self) -> None:
        host = memory.FleetMemory(
            10 * GIB, pattern.Constant(size_kib=GIB), 0.0
        )
        guests = [
            fleet_guest.FleetGuest(factory.make_profile(name), 0.0)
            for name in ('one', 'two')
        ]
        for guest in guests:
            host.add(guest)
        host.tick(0.0, 60.0)
        self.assertEqual(7 * GIB, host.available_kib(30.0))
        with host.changing(guests[0]):
            guests[0].move(30.0, 512 * MIB)
        self.assertEqual(7 * GIB + 512 * MIB, host.available_kib(30.0))
        host.remove(guests[1])
        self.assertEqual(8 * GIB + 512 * MIB, host.available_kib(30.0))
        self.assertEqual((7 * GIB, 7 * GIB), host.untouched_kib)
