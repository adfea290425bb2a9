# SPDX-License-Identifier: Apache-2.0


from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import guest as simulated_guest
from tests.unit import base

_MIB = units.KIB_PER_MIB


def make_guest(
    *behaviours: behaviour.Behaviour,
    actual_mib: int = 1024,
    used_mib: int = 200,
    touched_mib: int = 1024,
    swaps: bool = False,
    statistics_seconds: float | None = 1.0,
) -> simulated_guest.SimulatedGuest:
    return simulated_guest.SimulatedGuest(
        simulated_guest.GuestProfile(
            name='web',
            uuid='guest-web',
            maximum_kib=1024 * _MIB,
            actual_kib=actual_mib * _MIB,
            used_kib=used_mib * _MIB,
            touched_kib=touched_mib * _MIB,
            swaps=swaps,
            statistics_seconds=statistics_seconds,
            behaviours=behaviours,
        )
    )


class _TestCase(base.TestCase):
    def assert_actual(
        self, guest: simulated_guest.SimulatedGuest, at: float, mib: float
    ) -> None:
        """Check where the balloon stands then, to an item of the driver."""
        guest.advance(at)
        self.assertAlmostEqual(mib, guest.actual_kib / _MIB, delta=1)


class TestDriver(_TestCase):
    def test_inflates_and_deflates_at_the_measured_rates(self) -> None:
        guest = make_guest()
        guest.target_kib = 512 * _MIB
        self.assert_actual(guest, 0.1, 1024 - 84)
        self.assert_actual(guest, 1.0, 512)
        guest.target_kib = 1024 * _MIB
        self.assert_actual(guest, 1.1, 512 + 220)

    def test_reaches_odd_targets_exactly(self) -> None:
        guest = make_guest()
        guest.target_kib = 900 * _MIB + 17
        guest.advance(1.0)
        self.assertEqual(900 * _MIB + 17, guest.actual_kib)

    def test_carries_an_item_to_its_end_and_comes_back(self) -> None:
        guest = make_guest(behaviour.Slow(inflate_kib_per_second=100 * _MIB))
        guest.target_kib = 512 * _MIB
        guest.advance(0.0155)
        before_kib = guest.actual_kib
        self.assertTrue(guest.is_moving)
        guest.target_kib = before_kib
        guest.advance(0.0202)
        self.assertEqual(before_kib - _MIB, guest.actual_kib)
        guest.advance(0.1)
        self.assertEqual(before_kib, guest.actual_kib)
        self.assertFalse(guest.is_moving)

    def test_how_time_is_cut_does_not_matter(self) -> None:
        whole = make_guest()
        cut = make_guest()
        whole.target_kib = cut.target_kib = 512 * _MIB
        whole.advance(0.3)
        for step in range(1, 301):
            cut.advance(step / 1000)
        self.assertAlmostEqual(whole.actual_kib, cut.actual_kib, delta=_MIB)

    def test_is_fast_if_told_so(self) -> None:
        guest = make_guest(behaviour.Ideal(inflate_kib_per_second=4000 * _MIB))
        guest.target_kib = 512 * _MIB
        self.assert_actual(guest, 0.1, 1024 - 400)


class TestBehaviours(_TestCase):
    def _asked_for(
        self, target_mib: int, *behaviours: behaviour.Behaviour
    ) -> simulated_guest.SimulatedGuest:
        guest = make_guest(*behaviours)
        guest.target_kib = target_mib * _MIB
        return guest

    def test_slow(self) -> None:
        odd = behaviour.Slow(inflate_kib_per_second=10 * _MIB)
        self.assert_actual(self._asked_for(512, odd), 2.0, 1004)

    def test_lower_limit(self) -> None:
        odd = behaviour.LowerLimit(limit_kib=800 * _MIB)
        self.assert_actual(self._asked_for(512, odd), 5.0, 800)

    def test_upper_limit(self) -> None:
        odd = behaviour.UpperLimit(limit_kib=800 * _MIB)
        guest = make_guest(odd, actual_mib=600)
        guest.target_kib = 1024 * _MIB
        self.assert_actual(guest, 5.0, 800)

    def test_stuck_for_a_time(self) -> None:
        odd = behaviour.Stuck(from_at=0.1, until_at=2.0)
        guest = self._asked_for(512, odd)
        self.assert_actual(guest, 2.0, 940)
        self.assert_actual(guest, 4.0, 512)

    def test_stuttering(self) -> None:
        odd = behaviour.Stuttering(moves_seconds=0.1, rests_seconds=0.9)
        self.assert_actual(self._asked_for(512, odd), 2.0, 1024 - 168)

    def test_regrowing_takes_back_and_gives_again(self) -> None:
        odd = behaviour.Regrowing(
            from_at=1.0,
            until_at=3.0,
            rate_kib_per_second=100 * _MIB,
            limit_kib=600 * _MIB,
        )
        guest = self._asked_for(512, odd)
        self.assert_actual(guest, 1.0, 512)
        self.assert_actual(guest, 1.5, 562)
        self.assert_actual(guest, 3.0, 600)
        self.assert_actual(guest, 3.5, 512)

    def test_driver_that_loads_later_applies_the_standing_target(self) -> None:
        odd = behaviour.DriverNotLoaded(until_at=2.0)
        guest = self._asked_for(512, odd)
        self.assert_actual(guest, 2.0, 1024)
        self.assertIsNone(guest.sample().statistics)
        self.assert_actual(guest, 3.0, 512)
        self.assertIsNotNone(guest.sample().statistics)

    def test_paused_takes_the_order_and_follows_it_later(self) -> None:
        odd = disturbance.Paused(from_at=0.0, until_at=2.0)
        guest = self._asked_for(512, odd)
        self.assert_actual(guest, 2.0, 1024)
        self.assert_actual(guest, 3.0, 512)

    def test_reboot_lets_the_balloon_go_and_keeps_the_target(self) -> None:
        odd = behaviour.Rebooting(at=1.0, takes_seconds=2.0)
        guest = self._asked_for(512, odd)
        self.assert_actual(guest, 0.9, 512)
        self.assert_actual(guest, 2.9, 1024)
        self.assertIsNone(guest.sample().statistics)
        self.assert_actual(guest, 4.0, 512)

    def test_foreign_controller_comes_again(self) -> None:
        odd = disturbance.ForeignController(
            at=1.0, target_kib=512 * _MIB, every_seconds=2.0
        )
        guest = self._asked_for(1024, odd)
        self.assert_actual(guest, 1.0, 1024)
        self.assert_actual(guest, 2.0, 512)
        guest.target_kib = 1024 * _MIB
        self.assert_actual(guest, 2.9, 1024)
        self.assert_actual(guest, 4.0, 512)

    def test_foreign_controller_cannot_exceed_the_maximum(self) -> None:
        odd = disturbance.ForeignController(at=0.0, target_kib=4096 * _MIB)
        self.assert_actual(self._asked_for(512, odd), 2.0, 1024)


class TestMemory(_TestCase):
    def test_usable_follows_the_balloon(self) -> None:
        guest = make_guest()
        guest.target_kib = 512 * _MIB
        guest.advance(2.0)
        self.assertEqual((512 - 50 - 200) * _MIB, guest.sample().usable_kib)

    def test_statistics_have_a_resolution_of_a_second(self) -> None:
        guest = make_guest()
        guest.target_kib = 512 * _MIB
        told = guest.sample().statistics
        guest.advance(0.9)
        self.assertEqual(told, guest.sample().statistics)
        guest.advance(1.1)
        later = guest.sample().statistics
        assert told is not None and later is not None
        self.assertEqual(told.updated_at + 1, later.updated_at)

    def test_statistics_that_stand_still_become_stale(self) -> None:
        odd = disturbance.Paused(from_at=0.5)
        guest = make_guest(odd)
        guest.advance(2.9)
        self.assertIsNotNone(guest.sample().statistics)
        guest.advance(3.1)
        self.assertIsNone(guest.sample().statistics)

    def test_guest_may_give_no_statistics(self) -> None:
        guest = make_guest(statistics_seconds=None)
        guest.advance(2.0)
        self.assertIsNone(guest.sample().statistics)

    def test_rss_falls_only_for_what_was_touched(self) -> None:
        guest = make_guest(touched_mib=600)
        rss_kib = guest.sample().rss_kib
        guest.target_kib = 600 * _MIB
        guest.advance(1.0)
        self.assertEqual(rss_kib, guest.sample().rss_kib)
        guest.target_kib = 500 * _MIB
        guest.advance(2.0)
        after_kib = guest.sample().rss_kib
        assert rss_kib is not None and after_kib is not None
        self.assertEqual(rss_kib - 100 * _MIB, after_kib)
        guest.target_kib = 1024 * _MIB
        guest.advance(3.0)
        self.assertEqual(after_kib, guest.sample().rss_kib)

    def test_growing_programs_leave_less_usable(self) -> None:
        odd = behaviour.Growing(
            from_at=1.0,
            rate_kib_per_second=100 * _MIB,
            limit_kib=150 * _MIB,
        )
        guest = make_guest(odd)
        guest.advance(5.0)
        self.assertEqual((1024 - 50 - 350) * _MIB, guest.sample().usable_kib)

    def test_squeezed_guest_with_swap_swaps(self) -> None:
        guest = make_guest(used_mib=600, swaps=True)
        guest.target_kib = 400 * _MIB
        self.assert_actual(guest, 5.0, 400)
        statistics = guest.sample().statistics
        assert statistics is not None
        self.assertEqual(0, statistics.usable_kib)
        self.assertGreater(statistics.major_faults or 0, 29_000)
        self.assertGreater(statistics.swap_in_kib or 0, 29_000 * 4)
        self.assertGreater(statistics.swap_out_kib or 0, 250 * _MIB)

    def test_squeezed_guest_without_swap_stops(self) -> None:
        guest = make_guest(used_mib=600)
        guest.target_kib = 400 * _MIB
        self.assert_actual(guest, 5.0, 650)

    def test_liar_contradicts_itself(self) -> None:
        guest = make_guest(behaviour.Lying())
        told = guest.sample().statistics
        guest.advance(1.0)
        later = guest.sample().statistics
        assert told is not None and later is not None
        self.assertEqual(guest.profile.maximum_kib, told.usable_kib)
        self.assertLess(later.updated_at, told.updated_at)
        self.assertLess(later.swap_in_kib or 0, told.swap_in_kib or 0)
