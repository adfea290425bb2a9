# SPDX-License-Identifier: Apache-2.0

import itertools

import hypothesis
from hypothesis import strategies as st
from testtools import matchers

from nova_balloon_timer.journal import thinning
from tests.unit import base


class TestThinner(base.TestCase):
    def kept(self, *readings: tuple[float, bool]) -> list[float]:
        thinner = thinning.Thinner()
        return [
            at
            for at, is_pressing in readings
            if thinner.takes(at, is_pressing=is_pressing)
        ]

    def test_one_a_minute_while_all_is_well(self) -> None:
        readings = [(float(second), False) for second in range(150)]
        self.assertEqual([0.0, 60.0, 120.0], self.kept(*readings))

    def test_five_a_second_while_the_host_is_short(self) -> None:
        readings = [(index * 0.0625, True) for index in range(17)]
        self.assertEqual([0.0, 0.25, 0.5, 0.75, 1.0], self.kept(*readings))

    def test_the_change_is_kept_at_once(self) -> None:
        self.assertEqual(
            [0.0, 1.0, 2.0, 62.0],
            self.kept(
                (0.0, False),
                (0.9, False),
                (1.0, True),
                (1.1, False),
                (2.0, False),
                (3.0, False),
                (62.0, False),
            ),
        )

    @hypothesis.given(
        steps=st.lists(st.tuples(st.floats(0, 0.3), st.booleans()))
    )
    def test_never_more_than_five_a_second(
        self, steps: list[tuple[float, bool]]
    ) -> None:
        thinner = thinning.Thinner()
        now = 0.0
        taken = []
        for step, is_pressing in steps:
            now += step
            if thinner.takes(now, is_pressing=is_pressing):
                taken.append(now)
        for earlier, later in itertools.pairwise(taken):
            self.assertThat(
                later - earlier, matchers.Not(matchers.LessThan(0.2))
            )
