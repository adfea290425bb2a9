# SPDX-License-Identifier: Apache-2.0

import dataclasses
import math
from typing import Any

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from tests.unit import base

MIB = base.MIB
GIB = base.GIB
_DEFLATE = model.Direction.DEFLATE


def _segments(*stages: tuple[float, int]) -> tuple[model.Segment, ...]:
    return tuple(
        model.Segment(until_seconds=until, target_kib=target_mib * MIB)
        for until, target_mib in stages
    )


def _complaint(name: str, words: str, **changes: Any) -> Any:
    return (name, {'changes': changes, 'words': words})


class ComplaintTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        _complaint(
            'no duration',
            'the duration must be above zero and finite',
            duration_seconds=0.0,
        ),
        _complaint(
            'negative duration',
            'the duration must be above zero and finite',
            duration_seconds=-1.0,
        ),
        _complaint('no target', 'the target must be above zero', target_kib=0),
        _complaint(
            'negative target', 'the target must be above zero', target_kib=-MIB
        ),
        _complaint(
            'target above the maximum',
            "the target 1025 MiB is above the guest's maximum 1024 MiB",
            target_kib=1025 * MIB,
            direction=_DEFLATE,
        ),
        _complaint(
            'floor above the maximum',
            "the floor 1025 MiB is above the guest's maximum 1024 MiB",
            guards=base.make_guards(floor_kib=1025 * MIB),
        ),
        _complaint(
            'negative reserve',
            'the reserve must not be negative',
            guards=base.make_guards(reserve_kib=-1),
        ),
        _complaint(
            'no leash',
            'the leash must be 1 MiB or more',
            leash=model.Leash(minimum_kib=0),
        ),
        _complaint(
            'negative leash',
            "the leash's time must be finite and not negative",
            leash=model.Leash(lead_seconds=-0.1),
        ),
        _complaint(
            'leash that is no number',
            "the leash's time must be finite and not negative",
            leash=model.Leash(lead_seconds=math.nan),
        ),
        _complaint(
            'target below the floor',
            'the target 255 MiB is below the floor 256 MiB',
            target_kib=255 * MIB,
        ),
        _complaint(
            'segment at zero',
            'the segment at 0 ms is not later than the one before',
            segments=_segments((0.0, 768)),
        ),
        _complaint(
            'segment in the past',
            'the segment at -1000 ms is not later than the one before',
            segments=_segments((-1.0, 768)),
        ),
        _complaint(
            'segments out of order',
            'the segment at 500 ms is not later than the one before',
            segments=_segments((1.0, 768), (0.5, 640)),
        ),
        _complaint(
            'two segments at once',
            'the segment at 1.00 s is not later than the one before',
            segments=_segments((1.0, 768), (1.0, 640)),
        ),
        _complaint(
            'segment at the deadline',
            'the segment at 2.00 s does not end before the duration of 2.00 s',
            segments=_segments((2.0, 768)),
        ),
        _complaint(
            'segment that goes back',
            'the segment at 1.50 s goes to 800 MiB, which is not on the way '
            'from 768 MiB to 512 MiB',
            segments=_segments((1.0, 768), (1.5, 800)),
        ),
        _complaint(
            'segment beyond the target',
            'the segment at 1.00 s goes to 400 MiB, which is not on the way '
            'from 1024 MiB to 512 MiB',
            segments=_segments((1.0, 400)),
        ),
    ]
    changes: dict[str, Any]
    words: str

    def test_is_made_in_words(self) -> None:
        error = self.assertRaises(
            exception.InvalidPolicy, base.make_policy, **self.changes
        )
        self.assertEqual(self.words, str(error))


class NeverEndingTestCase(testscenarios.WithScenarios, base.TestCase):
    """Instants that no clock reaches: such a policy would never end."""

    scenarios = [
        ('nan', {'changes': {'duration_seconds': math.nan}}),
        ('infinite', {'changes': {'duration_seconds': math.inf}}),
        ('segment', {'changes': {'segments': _segments((math.nan, 768))}}),
    ]
    changes: dict[str, Any]

    def test_is_rejected(self) -> None:
        self.assertRaises(
            exception.InvalidPolicy, base.make_policy, **self.changes
        )


class PolicyTestCase(base.TestCase):
    def test_defaults_are_those_of_the_design(self) -> None:
        made = base.make_policy()
        self.assertEqual(16 * MIB, made.leash.minimum_kib)
        self.assertEqual(0.1, made.leash.lead_seconds)
        self.assertIs(timekeeping.Mode.HOST, made.mode)
        self.assertIs(model.Origin.OPERATOR, made.origin)
        self.assertEqual((), made.segments)

    def test_extremes_are_allowed(self) -> None:
        base.make_policy(target_kib=256 * MIB)
        base.make_policy(target_kib=GIB)
        base.make_policy(guards=base.make_guards(reserve_kib=0))
        base.make_policy(segments=_segments((0.001, 1024), (1.999, 512)))

    def test_deflating_may_end_below_the_floor(self) -> None:
        made = base.make_policy(
            direction=_DEFLATE,
            start_actual_kib=100 * MIB,
            target_kib=200 * MIB,
            segments=_segments((1.0, 150)),
        )
        self.assertEqual(200 * MIB, made.target_kib)

    def test_several_faults_make_one_complaint(self) -> None:
        error = self.assertRaises(
            exception.InvalidPolicy,
            base.make_policy,
            duration_seconds=0,
            target_kib=0,
        )
        self.assertEqual(
            'the duration must be above zero and finite', str(error)
        )

    def test_is_frozen(self) -> None:
        made = base.make_policy()
        self.assertRaises(
            dataclasses.FrozenInstanceError, setattr, made, 'target_kib', 1
        )

    @hypothesis.given(
        direction=st.sampled_from(model.Direction),
        start_kib=st.integers(1, GIB),
        target_kib=st.integers(-1, 2 * GIB),
        floor_kib=st.integers(0, 2 * GIB),
        duration=st.floats(-1, 10),
        stages=st.lists(
            st.tuples(st.floats(-1, 11), st.integers(-1, 2 * GIB)), max_size=4
        ),
    )
    def test_what_is_accepted_is_within_its_bounds(
        self,
        direction: model.Direction,
        start_kib: int,
        target_kib: int,
        floor_kib: int,
        duration: float,
        stages: list[tuple[float, int]],
    ) -> None:
        try:
            made = base.make_policy(
                direction=direction,
                start_actual_kib=start_kib,
                target_kib=target_kib,
                duration_seconds=duration,
                guards=base.make_guards(floor_kib=floor_kib),
                segments=tuple(
                    model.Segment(until_seconds=until, target_kib=size_kib)
                    for until, size_kib in stages
                ),
            )
        except exception.InvalidPolicy as error:
            self.assertNotIn('\n', str(error))
            return
        sizes = [one.target_kib for one in made.segments] + [made.target_kib]
        instants = [one.until_seconds for one in made.segments]
        inflates = direction is model.Direction.INFLATE
        self.assertEqual(sorted(sizes, reverse=inflates), sizes)
        self.assertEqual(sorted(set(instants)), instants)
        self.assertTrue(all(0 < at < duration for at in instants))
        self.assertTrue(all(0 < size <= GIB for size in sizes))
        if inflates:
            self.assertTrue(all(size >= floor_kib for size in sizes))


class SampleTestCase(base.TestCase):
    def test_usable_is_unknown_without_statistics(self) -> None:
        self.assertIsNone(base.make_sample(statistics=None).usable_kib)

    def test_usable_is_what_the_statistics_say(self) -> None:
        self.assertEqual(800 * MIB, base.make_sample().usable_kib)

    def test_usable_of_nothing_is_not_unknown(self) -> None:
        told = base.make_statistics(usable_kib=0)
        self.assertEqual(0, base.make_sample(statistics=told).usable_kib)


class ReportTestCase(base.TestCase):
    def test_duration_is_how_long_it_was_in_force(self) -> None:
        report = base.make_report(started_at=100.0, ended_at=101.5)
        self.assertEqual(1.5, report.duration_seconds)
