# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testtools

from nova_balloon_timer import model
from nova_balloon_timer.appliers.guest_driver import line
from tests.unit.engine import factory

mib = factory.mib


def words(left_seconds: float = 10.0, **changes: Any) -> list[str]:
    balloon_policy = factory.balloon_policy(**changes)
    text = line.start(balloon_policy, left_seconds, 4_500)
    assert text.endswith('\n')
    return text.removesuffix('\n').split(' ')


def segments(*stages: tuple[float, float]) -> tuple[model.Segment, ...]:
    return tuple(
        model.Segment(until_seconds=seconds, target_kib=mib(size_mib))
        for seconds, size_mib in stages
    )


class StartTest(testtools.TestCase):
    def test_sizes_are_the_balloons(self) -> None:
        self.assertEqual(
            [
                'start',
                f'id={factory.POLICY}',
                'direction=inflate',
                f'target_kib={mib(512)}',
                'duration_ms=10000',
                'begin_by_ms=4500',
            ],
            words(),
        )

    def test_deflate_has_no_reserve(self) -> None:
        found = words(
            direction=model.Direction.DEFLATE,
            start_actual_kib=mib(512),
            target_kib=mib(768),
            guards=factory.guards(reserve_kib=mib(64)),
        )
        self.assertIn('direction=deflate', found)
        self.assertIn(f'target_kib={mib(256)}', found)
        self.assertEqual(6, len(found))

    def test_reserve(self) -> None:
        found = words(guards=factory.guards(reserve_kib=mib(64)))
        self.assertEqual(f'reserve_kib={mib(64)}', found[-1])

    def test_a_guest_is_left_a_bit_more_rather_than_less(self) -> None:
        found = words(target_kib=mib(512) + 1)
        self.assertIn(f'target_kib={mib(512) - 4}', found)

    def test_what_is_left_of_the_duration(self) -> None:
        self.assertIn('duration_ms=2999', words(2.9999))
        self.assertIn('duration_ms=1', words(0.0001))

    def test_segments(self) -> None:
        found = words(segments=segments((1, 900), (2.5, 700)))
        self.assertEqual(
            f'segments=1000:{mib(124)},2500:{mib(324)}', found[-1]
        )

    def test_segments_count_from_now(self) -> None:
        found = words(7.0, segments=segments((2, 900), (5, 800), (8, 700)))
        self.assertEqual(
            f'segments=2000:{mib(224)},5000:{mib(324)}', found[-1]
        )

    def test_segments_that_fall_together(self) -> None:
        found = words(segments=segments((1.0, 900), (1.0004, 800)))
        self.assertEqual(f'segments=1000:{mib(224)}', found[-1])

    def test_cancel(self) -> None:
        self.assertEqual('cancel id=abc\n', line.cancel('abc'))


class ObjectionTest(testtools.TestCase):
    def test_none(self) -> None:
        self.assertEqual('', line.objection(factory.balloon_policy()))

    def test_too_many_segments(self) -> None:
        stages = [(0.1 * number, 1000 - number) for number in range(1, 18)]
        made = factory.balloon_policy(segments=segments(*stages))
        self.assertIn('16 segments, and not 17', line.objection(made))

    def test_more_than_a_day(self) -> None:
        made = factory.balloon_policy(duration_seconds=86_401)
        self.assertIn('a day', line.objection(made))
