# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer.planners import offer as planners_offer
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB
GIB = base.GIB
_Obstacle = model.Obstacle


def _weigh(seconds: float = 10.0, **more: Any) -> planners_offer.Offer:
    offer = planners_offer.weigh(factory.make_candidate(**more), seconds)
    assert isinstance(offer, planners_offer.Offer), offer
    return offer


class OfferTestCase(base.TestCase):
    def test_with_time_enough_it_is_all_that_is_safe(self) -> None:
        # 1024 - 224 in use - 64 of reserve: 736 can go, 124 for nothing.
        offer = _weigh()
        self.assertEqual(288 * MIB, offer.lowest_target_kib)
        self.assertEqual(612 * MIB, offer.most_kib)
        self.assertEqual(892 * MIB, offer.highest_target_kib)
        self.assertEqual(8 * MIB, offer.least_kib)
        self.assertEqual(612.0 * MIB, offer.weight)

    def test_a_short_time_limits_it_by_the_rate(self) -> None:
        # 0.2 s to start, then 1.8 s of 200 MiB each.
        self.assertEqual(664 * MIB, _weigh(2.0).lowest_target_kib)
        # 1.8 s of 100 MiB each, of which 124 MiB were never touched.
        slow = _weigh(2.0, traits=factory.make_traits(100))
        self.assertEqual(844 * MIB, slow.lowest_target_kib)
        self.assertEqual(56 * MIB, slow.most_kib)

    def test_targets_are_whole_items_in_the_favour_of_the_guest(self) -> None:
        offer = _weigh(
            actual_kib=GIB - 300,
            rss_kib=900 * MIB + 700,
            peak_use_kib=224 * MIB + 1,
        )
        self.assertEqual(289 * MIB, offer.lowest_target_kib)
        self.assertEqual(892 * MIB, offer.highest_target_kib)
        self.assertEqual(8 * MIB + 700, offer.least_kib)

    def test_a_target_is_above_zero_without_any_guards(self) -> None:
        guards = base.make_guards(floor_kib=0, reserve_kib=0)
        self.assertEqual(MIB, _weigh(guards=guards).lowest_target_kib)

    def test_cooperation_lowers_what_is_expected(self) -> None:
        traits = factory.make_traits(None, cooperation=0.5)
        offer = _weigh(traits=traits, priority=3.0)
        self.assertEqual(100 * MIB, offer.expected_kib(700 * MIB))
        self.assertEqual(1.5 * 612 * MIB, offer.weight)

    def test_nonsense_is_brought_within_bounds(self) -> None:
        for wrong in (0.0, -1.0, float('nan'), float('-inf')):
            traits = factory.make_traits(None, cooperation=wrong)
            offer = _weigh(traits=traits, priority=wrong)
            self.assertEqual(0.01, offer.cooperation)
            self.assertAlmostEqual(0.0001 * 612 * MIB, offer.weight)

    def test_an_endless_time_is_no_endless_offer(self) -> None:
        self.assertEqual(612 * MIB, _weigh(float('inf')).most_kib)


class RefusalTestCase(base.TestCase):
    def check(
        self,
        obstacle: model.Obstacle,
        words: str,
        seconds: float = 10.0,
        **more: Any,
    ) -> None:
        candidate = factory.make_candidate(**more)
        self.assertEqual(
            model.Refusal(obstacle=obstacle, words=words),
            planners_offer.weigh(candidate, seconds),
        )

    def test_of_one_that_is_left_alone(self) -> None:
        refusal = base.make_refusal('it is migrating', _Obstacle.OTHER)
        self.check(refusal.obstacle, refusal.words, left_alone=refusal)

    def test_of_one_without_statistics(self) -> None:
        self.check(
            _Obstacle.NO_DRIVER,
            'it gives no statistics, so what it can spare is unknown: its '
            'balloon driver is not loaded, or it still boots or hangs',
            usable_kib=None,
        )
        self.check(
            _Obstacle.USE_UNKNOWN,
            'how much it needed lately is not known yet',
            peak_use_kib=None,
        )

    def test_statistics_are_not_needed_without_a_reserve(self) -> None:
        guards = base.make_guards(reserve_kib=0)
        offer = _weigh(guards=guards, usable_kib=None, peak_use_kib=None)
        self.assertEqual(256 * MIB, offer.lowest_target_kib)

    def test_of_one_that_cannot_be(self) -> None:
        self.check(
            _Obstacle.UNREADABLE,
            'it is said to have 2048 MiB, which is not within its maximum of '
            '1024 MiB',
            actual_kib=2 * GIB,
        )

    def test_of_one_at_its_floor(self) -> None:
        self.check(
            _Obstacle.NO_ROOM,
            'nothing can be taken: it has 256 MiB and a floor of 256 MiB',
            actual_kib=256 * MIB,
        )
        self.check(
            _Obstacle.NO_ROOM,
            'only 4 MiB can be taken: it has 260 MiB and a floor of 256 MiB',
            actual_kib=260 * MIB,
            usable_kib=260 * MIB,
            peak_use_kib=0,
        )

    def test_of_one_that_needs_what_it_has(self) -> None:
        self.check(
            _Obstacle.NO_ROOM,
            'nothing can be taken: of its 1024 MiB it uses 974 MiB, and its '
            'reserve is 64 MiB',
            usable_kib=50 * MIB,
        )
        self.check(
            _Obstacle.NO_ROOM,
            'only 0.5 MiB can be taken: of its 1024 MiB it uses 224 MiB, '
            'lately up to 960 MiB, and its reserve is 64 MiB',
            peak_use_kib=960 * MIB - 512,
        )

    def test_of_one_of_which_taking_frees_nothing(self) -> None:
        self.check(
            _Obstacle.NEVER_TOUCHED,
            'taking the 736 MiB that it can spare would free nothing: it '
            'never touched 809 MiB of its 1024 MiB',
            rss_kib=215 * MIB,
        )
        self.check(
            _Obstacle.NEVER_TOUCHED,
            'taking the 736 MiB that it can spare would free only 7 MiB: it '
            'never touched 729 MiB of its 1024 MiB',
            rss_kib=295 * MIB,
        )

    def test_of_one_that_is_too_slow(self) -> None:
        self.check(
            _Obstacle.NO_TIME,
            'in 1.00 s it could free nothing at its learned rate of 100 '
            'MiB/s: 124 MiB that it never touched come first',
            seconds=1.0,
            traits=factory.make_traits(100),
        )
        self.check(
            _Obstacle.NO_TIME,
            'in 220 ms it could free only 4.0 MiB at its assumed rate of 200 '
            'MiB/s',
            seconds=0.22,
            rss_kib=None,
        )

    def test_of_one_that_did_not_move_at_all(self) -> None:
        self.check(
            _Obstacle.NO_TIME,
            'in 10.00 s it could free only 0.0 MiB at its learned rate of '
            '0.0 MiB/s',
            rss_kib=None,
            traits=factory.make_traits(0),
        )
