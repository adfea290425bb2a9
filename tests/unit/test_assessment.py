# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import assessment
from nova_balloon_timer import model
from tests.unit import base

MIB = base.MIB
GIB = base.GIB


def _assess(
    sample: model.BalloonSample | None, **guards: int
) -> assessment.Assessment:
    return assessment.assess(
        base.make_guest(), sample, base.make_guards(**guards)
    )


def _usable(usable_kib: int | None) -> model.GuestStatistics:
    return base.make_statistics(usable_kib=usable_kib)


class RoomTestCase(base.TestCase):
    def test_the_floor_limits_it(self) -> None:
        told = _assess(base.make_sample(), floor_kib=700 * MIB)
        self.assertEqual(324 * MIB, told.could_take_kib)
        self.assertEqual((), told.refusals)

    def test_the_reserve_limits_it(self) -> None:
        sample = base.make_sample(statistics=_usable(100 * MIB))
        self.assertEqual(36 * MIB, _assess(sample).could_take_kib)

    def test_without_a_reserve_usable_does_not_matter(self) -> None:
        for told in (None, _usable(None), _usable(0)):
            sample = base.make_sample(statistics=told)
            could_kib = _assess(sample, reserve_kib=0).could_take_kib
            self.assertEqual(768 * MIB, could_kib)

    def test_what_is_in_the_balloon_is_not_there_twice(self) -> None:
        sample = base.make_sample(actual_kib=300 * MIB)
        self.assertEqual(44 * MIB, _assess(sample).could_take_kib)

    def test_one_item_of_the_driver_is_enough(self) -> None:
        told = _assess(base.make_sample(), floor_kib=GIB - MIB)
        self.assertEqual(MIB, told.could_take_kib)
        self.assertEqual((), told.refusals)


class FreeTestCase(base.TestCase):
    def test_the_host_gains_no_more_than_is_taken(self) -> None:
        self.assertEqual(736 * MIB, _assess(base.make_sample()).could_free_kib)

    def test_the_host_gains_no_more_than_the_guest_costs(self) -> None:
        sample = base.make_sample(rss_kib=215 * MIB)
        self.assertEqual(215 * MIB, _assess(sample).could_free_kib)

    def test_it_is_unknown_when_the_cost_is(self) -> None:
        told = _assess(base.make_sample(rss_kib=None))
        self.assertIsNone(told.could_free_kib)
        self.assertEqual(736 * MIB, told.could_take_kib)


class RefusalTestCase(base.TestCase):
    def check(
        self,
        told: assessment.Assessment,
        obstacle: model.Obstacle,
        words: str,
    ) -> None:
        self.assertEqual(0, told.could_take_kib)
        self.assertIsNone(told.could_free_kib)
        (refusal,) = told.refusals
        self.assertIs(obstacle, refusal.obstacle)
        self.assertIn(words, refusal.words)

    def test_of_a_guest_that_could_not_be_read(self) -> None:
        self.check(_assess(None), model.Obstacle.UNREADABLE, 'does not answer')

    def test_of_a_guest_without_statistics(self) -> None:
        for told in (None, _usable(None)):
            self.check(
                _assess(base.make_sample(statistics=told)),
                model.Obstacle.NO_DRIVER,
                'gives no statistics',
            )

    def test_of_a_guest_at_its_floor(self) -> None:
        self.check(
            _assess(base.make_sample(), floor_kib=GIB - MIB + 1),
            model.Obstacle.NO_ROOM,
            'it has 1024 MiB and a floor of 1023 MiB',
        )

    def test_of_a_guest_below_its_floor(self) -> None:
        self.check(
            _assess(base.make_sample(actual_kib=100 * MIB)),
            model.Obstacle.NO_ROOM,
            'it has 100 MiB and a floor of 256 MiB',
        )

    def test_of_a_guest_within_its_reserve(self) -> None:
        for usable_mib in (0, 64):
            self.check(
                _assess(
                    base.make_sample(statistics=_usable(usable_mib * MIB))
                ),
                model.Obstacle.NO_ROOM,
                f'its usable memory of {usable_mib} MiB is within its reserve '
                'of 64 MiB',
            )

    def test_keeps_every_reason_of_the_hypervisor(self) -> None:
        refusals = tuple(
            model.Refusal(obstacle=obstacle, words=obstacle.value)
            for obstacle in (model.Obstacle.PAUSED, model.Obstacle.HUGE_PAGES)
        )
        told = assessment.assess(
            base.make_guest(refusals=refusals),
            base.make_sample(),
            base.make_guards(),
        )
        self.assertEqual(refusals, told.refusals)
        self.assertEqual(0, told.could_take_kib)


class PropertyTestCase(base.TestCase):
    @hypothesis.given(
        actual_kib=st.integers(0, GIB),
        usable_kib=st.none() | st.integers(0, GIB),
        rss_kib=st.none() | st.integers(0, 2 * GIB),
        floor_kib=st.integers(0, 2 * GIB),
        reserve_kib=st.integers(0, 2 * GIB),
    )
    def test_taking_all_that_can_be_taken_hurts_no_guard(
        self,
        actual_kib: int,
        usable_kib: int | None,
        rss_kib: int | None,
        floor_kib: int,
        reserve_kib: int,
    ) -> None:
        sample = base.make_sample(
            actual_kib=actual_kib,
            rss_kib=rss_kib,
            statistics=_usable(usable_kib),
        )
        told = _assess(sample, floor_kib=floor_kib, reserve_kib=reserve_kib)
        take_kib = told.could_take_kib
        self.assertEqual(take_kib == 0, bool(told.refusals))
        self.assertTrue(take_kib == 0 or actual_kib - take_kib >= floor_kib)
        if reserve_kib and take_kib:
            self.assertGreaterEqual((usable_kib or 0) - take_kib, reserve_kib)
        self.assertLessEqual(told.could_free_kib or 0, take_kib)
