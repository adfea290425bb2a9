# SPDX-License-Identifier: Apache-2.0
"""The engine's timers, curve and stall detector."""

import hypothesis
from hypothesis import strategies
import testtools

from nova_balloon_timer.engine import curve
from nova_balloon_timer.engine import settings
from nova_balloon_timer.engine import stall
from nova_balloon_timer.engine import timers
from tests.unit.engine import factory


class TimerQueueTest(testtools.TestCase):
    @hypothesis.given(
        strategies.lists(
            strategies.tuples(
                strategies.sampled_from('abcd'),
                strategies.none() | strategies.integers(0, 9),
            )
        ),
        strategies.integers(0, 9),
    )
    def test_behaves_as_a_dictionary_would(
        self, changes: list[tuple[str, int | None]], now: int
    ) -> None:
        queue = timers.TimerQueue()
        expected: dict[str, int] = {}
        for key, at in changes:
            if at is None:
                queue.discard(key)
                expected.pop(key, None)
            else:
                queue.set(key, at)
                expected[key] = at
        self.assertEqual(
            min(expected.values(), default=None), queue.earliest()
        )
        due = {key for key, at in expected.items() if at <= now}
        found = list(queue.each_due(now))
        self.assertEqual(due, set(found))
        self.assertEqual(len(due), len(found))
        left = [at for at in expected.values() if at > now]
        self.assertEqual(min(left, default=None), queue.earliest())


class CurveTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.curve = curve.Curve()

    def add(self, at: float, actual_mib: float) -> None:
        self.curve.add(factory.sample(at, actual_mib), None)

    def test_last_is_the_newest(self) -> None:
        self.assertIsNone(self.curve.last)
        self.add(1, 1024)
        self.add(2, 1000)
        self.assertIs(self.curve.points[-1], self.curve.last)

    def test_empty(self) -> None:
        self.assertIsNone(self.curve.actual_at(1, 9))
        self.assertIsNone(self.curve.last_movement_at())

    def test_interpolates(self) -> None:
        self.add(1, 100)
        self.add(3, 300)
        self.assertEqual(factory.mib(200), self.curve.actual_at(2, 9))

    def test_unknown_outside_and_within_a_long_gap(self) -> None:
        self.add(1, 100)
        self.add(3, 300)
        self.assertIsNone(self.curve.actual_at(0.9, 9))
        self.assertIsNone(self.curve.actual_at(3.1, 9))
        self.assertIsNone(self.curve.actual_at(2, 1.9))

    def test_last_movement(self) -> None:
        for at, actual_mib in ((1, 5), (2, 4), (3, 4), (4, 4)):
            self.add(at, actual_mib)
        self.assertEqual(2, self.curve.last_movement_at())

    def test_no_movement(self) -> None:
        self.add(1, 5)
        self.add(2, 5)
        self.assertIsNone(self.curve.last_movement_at())

    def test_stays_small_and_keeps_the_newest(self) -> None:
        for at in range(100_000):
            self.add(at, 1)
        points = self.curve.points
        self.assertLess(len(points), 2100)
        self.assertEqual(0, points[0].at)
        newest = [point.at for point in points[-1000:]]
        self.assertEqual(list(range(99_000, 100_000)), newest)


class StallDetectorTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        # 512 MiB to go, of which 2 % (10.24 MiB) would be worth waiting for.
        self.detector = stall.StallDetector(
            factory.balloon_policy(),
            settings.EngineSettings(
                stall_window_seconds=2.0, stall_fraction=0.02
            ),
        )

    def move(
        self, mib_per_second: float, deadline_at: float, seconds: float = 3.0
    ) -> str | None:
        words = None
        for tick in range(round(seconds * 10) + 1):
            at = tick / 10
            sample = factory.sample(at, 1024 - at * mib_per_second)
            words = words or self.detector.observe(sample, deadline_at)
        return words

    def test_no_movement(self) -> None:
        self.assertEqual('moved 0 MiB in the last 2.00 s', self.move(0, 60))

    def test_slow_but_worth_waiting_for(self) -> None:
        self.assertIsNone(self.move(0.5, 60))

    def test_too_slow_to_matter(self) -> None:
        self.assertEqual(
            'moved 0.2 MiB in the last 2.00 s', self.move(0.1, 60)
        )

    def test_quick_guest_shortly_before_its_deadline(self) -> None:
        self.assertIsNone(self.move(100, 3.01))

    def test_no_verdict_before_the_window_is_full(self) -> None:
        self.assertIsNone(self.move(0, 60, seconds=1.9))

    def test_hold_starts_over(self) -> None:
        self.move(0, 60, seconds=1.9)
        self.detector.hold()
        self.assertIsNone(self.detector.observe(factory.sample(2.1, 1024), 60))
