# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer.planners import offer as planners_offer
from nova_balloon_timer.planners import waterfill
from tests.unit import base
from tests.unit.planners import factory

MIB = base.MIB
GIB = base.GIB


def _offer(name: str = 'a', **more: Any) -> planners_offer.Offer:
    """Return one of 612 MiB at the most."""
    offer = planners_offer.weigh(factory.make_candidate(name, **more), 10.0)
    assert isinstance(offer, planners_offer.Offer), offer
    return offer


def _small(name: str, most_mib: int) -> planners_offer.Offer:
    usable_kib = (most_mib + 64) * MIB
    return _offer(name, rss_kib=None, usable_kib=usable_kib, peak_use_kib=0)


def _cooperative(name: str, cooperation: float) -> planners_offer.Offer:
    traits = factory.make_traits(None, cooperation=cooperation)
    return _offer(name, traits=traits)


def _share_mib(need_mib: float, *offers: planners_offer.Offer) -> list[float]:
    """Return what each frees."""
    targets_kib = waterfill.share(int(need_mib * MIB), offers)
    return [
        (offer.touched_kib - target_kib) / MIB
        for offer, target_kib in zip(offers, targets_kib, strict=True)
    ]


class ChooseTestCase(base.TestCase):
    def choose(
        self, need_mib: float, *offers: planners_offer.Offer
    ) -> list[str]:
        chosen = waterfill.choose(int(need_mib * MIB), offers)
        return [one.candidate.guest.name for one in chosen]

    def test_one_is_enough_for_a_little(self) -> None:
        offers = [_offer(f'{number:04}') for number in range(1000)]
        self.assertEqual(1, len(self.choose(0.1, *offers)))
        self.assertEqual(1, len(self.choose(64, *offers)))

    def test_the_more_is_needed_the_more_are_asked(self) -> None:
        offers = [_offer(f'{number:04}') for number in range(20)]
        self.assertEqual(2, len(self.choose(65, *offers)))
        self.assertEqual(16, len(self.choose(1024, *offers)))
        self.assertEqual(20, len(self.choose(1500, *offers)))

    def test_half_of_what_a_small_one_can_free_is_its_portion(self) -> None:
        offers = [_small(name, 40) for name in 'abcdef']
        self.assertEqual(3, len(self.choose(60, *offers)))
        self.assertEqual(4, len(self.choose(61, *offers)))

    def test_the_best_come_first(self) -> None:
        offers = [_small('a', 300), _offer('b'), _small('c', 400)]
        self.assertEqual(['b', 'c'], self.choose(100, *offers))

    def test_equals_are_told_apart_by_their_uuid(self) -> None:
        offers = [_offer(name) for name in 'abc']
        expected = min(offers, key=lambda one: one.candidate.guest.uuid)
        for order in (offers, offers[::-1]):
            (name,) = self.choose(10, *order)
            self.assertEqual(expected.candidate.guest.name, name)

    def test_nobody_is_there(self) -> None:
        self.assertEqual([], self.choose(10))


class ShareTestCase(base.TestCase):
    def test_equals_give_the_same(self) -> None:
        self.assertEqual([100, 100, 100], _share_mib(300, *map(_offer, 'abc')))

    def test_it_goes_by_what_each_can_free(self) -> None:
        self.assertEqual(
            [200, 50], _share_mib(250, _offer(), _small('b', 153))
        )

    def test_twice_the_priority_gives_twice_as_much(self) -> None:
        offers = (_offer('a', priority=2.0), _offer('b'))
        self.assertEqual([200, 100], _share_mib(300, *offers))

    def test_what_one_has_not_the_others_give(self) -> None:
        # 2:1:1, of which the first could give no more than 612.
        offers = (_offer('a', priority=2.0), _offer('b'), _offer('c'))
        self.assertEqual([612, 394, 394], _share_mib(1400, *offers))

    def test_little_comes_of_one_that_cooperates_little(self) -> None:
        # Weights 1 and 1/2: 160 + 80/2 = 200.
        offers = (_offer('a'), _cooperative('b', 0.5))
        self.assertEqual([160, 80], _share_mib(200, *offers))

    def test_nobody_gives_less_than_is_worth_asking(self) -> None:
        # 612:9 would be 88.7 and 1.3 MiB.
        offers = (_offer('a'), _small('b', 9))
        self.assertEqual([82, 8], _share_mib(90, *offers))
        self.assertEqual([8], _share_mib(0.1, _offer()))

    def test_rounding_does_not_add_up(self) -> None:
        # 33 1/3 MiB each.
        given = _share_mib(100, *map(_offer, 'abc'))
        self.assertEqual([33, 33, 34], sorted(given))

    def test_all_is_given_if_it_is_not_enough(self) -> None:
        offers = (_offer('a'), _small('b', 100))
        self.assertEqual([612, 100], _share_mib(800, *offers))
        self.assertEqual([612, 100], _share_mib(712, *offers))
        # 611.1 and 99.9.
        self.assertEqual([611, 100], _share_mib(711, *offers))

    def test_nobody_is_there(self) -> None:
        self.assertEqual([], _share_mib(100))
