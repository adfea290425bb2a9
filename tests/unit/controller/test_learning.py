# SPDX-License-Identifier: Apache-2.0

from typing import Any

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import learning
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
_Reason = model.EndReason
_UTC = factory.UTC_OFFSET
_SETTINGS = factory.make_settings()


def make_curve(*points: tuple[float, int]) -> tuple[model.CurvePoint, ...]:
    return tuple(
        model.CurvePoint(at=at, actual_kib=actual_mib * MIB)
        for at, actual_mib in points
    )


def learn(
    traits: situation.GuestTraits | None = None,
    at: float = 0.0,
    **report: Any,
) -> situation.GuestTraits:
    return learning.learn(
        traits or situation.GuestTraits(),
        base.make_report(**({'curve': make_curve((1.0, 1024))} | report)),
        _UTC + at,
        _SETTINGS,
    )


def struck(strikes: float, at: float = 0.0) -> situation.GuestTraits:
    return situation.GuestTraits(strikes=strikes, struck_utc=_UTC + at)


def cool_down(traits: situation.GuestTraits, at: float) -> float:
    return learning.cool_down_left(traits, _UTC + at, _SETTINGS)


class StrikeTestCase(testscenarios.WithScenarios, base.TestCase):
    """Which ends are held against a guest."""

    scenarios = [
        (reason.value, {'reason': reason, 'strikes': strikes})
        for reason, strikes in (
            (_Reason.TARGET, 0.0),
            (_Reason.DEADLINE, 0.0),
            (_Reason.DISTRESS, 1.0),
            (_Reason.STALLED, 1.0),
            (_Reason.CANCELLED, 0.0),
            (_Reason.SUPERSEDED, 0.0),
            (_Reason.GUEST_GONE, 0.0),
            (_Reason.HOST_RECOVERED, 0.0),
            (_Reason.FAILED, 1.0),
        )
    ]
    reason: _Reason
    strikes: float

    def test_counts(self) -> None:
        self.assertEqual(self.strikes, learn(reason=self.reason).strikes)

    def test_is_stamped_with_the_wall_clock(self) -> None:
        stamp = _UTC if self.strikes else None
        self.assertEqual(stamp, learn(reason=self.reason).struck_utc)

    def test_what_is_known_of_an_end_without_movement_stays(self) -> None:
        known = situation.GuestTraits(rate_kib_per_second=5.0)
        fresh = learn(known, reason=self.reason, moved_kib=None)
        self.assertEqual(5.0, fresh.rate_kib_per_second)
        self.assertEqual(1.0, fresh.cooperation)


class StrikeMemoryTestCase(base.TestCase):
    def test_a_guest_that_was_never_seen_is_not_to_blame(self) -> None:
        """A daemon that restarts fails the policies of all its guests."""
        self.assertEqual(0.0, learn(reason=_Reason.FAILED, curve=()).strikes)

    def test_every_reason_is_in_the_table(self) -> None:
        listed = {name for name, _ in StrikeTestCase.scenarios}
        self.assertEqual({reason.value for reason in _Reason}, listed)

    def test_half_is_forgotten_in_the_half_life(self) -> None:
        left = learning.strikes_at(struck(4), _UTC + 3600, _SETTINGS)
        self.assertEqual(2.0, left)

    def test_a_success_takes_one_back(self) -> None:
        fresh = learn(struck(3), reason=_Reason.TARGET)
        left = learning.strikes_at(fresh, _UTC, _SETTINGS)
        self.assertAlmostEqual(2.0, left)

    def test_no_success_makes_them_negative(self) -> None:
        fresh = learn(struck(0.5), reason=_Reason.TARGET)
        self.assertEqual(0.0, fresh.strikes)

    def test_ends_do_not_speed_the_forgetting_up(self) -> None:
        """However many policies end, time alone makes strikes fade."""
        traits = struck(4)
        for _ in range(10):
            traits = learn(traits, at=3600, reason=_Reason.DEADLINE)
        left = learning.strikes_at(traits, _UTC + 3600, _SETTINGS)
        self.assertAlmostEqual(2.0, left)

    def test_a_late_success_takes_back_one_of_those_left(self) -> None:
        fresh = learn(struck(4), at=3600, reason=_Reason.TARGET)
        left = learning.strikes_at(fresh, _UTC + 3600, _SETTINGS)
        self.assertAlmostEqual(1.0, left)

    @hypothesis.given(
        strikes=st.floats(0, 20),
        at=st.floats(-1e6, 1e6),
        reason=st.sampled_from(_Reason),
    )
    def test_are_never_negative_nor_more_than_one_more(
        self, strikes: float, at: float, reason: _Reason
    ) -> None:
        fresh = learn(struck(strikes), at=at, reason=reason)
        left = learning.strikes_at(fresh, _UTC + at, _SETTINGS)
        assert 0 <= left <= strikes + 1


class CoolDownTestCase(base.TestCase):
    def test_there_is_none_without_a_strike(self) -> None:
        self.assertEqual(0.0, cool_down(situation.GuestTraits(), 0))

    def test_doubles_with_each_strike(self) -> None:
        for strikes, seconds in ((1, 60), (2, 120), (3, 240), (5, 960)):
            self.assertEqual(seconds, cool_down(struck(strikes), 0))

    def test_ends_at_the_longest(self) -> None:
        for strikes in (7, 40, 1e6):
            self.assertEqual(3600, cool_down(struck(strikes), 0))

    def test_passes(self) -> None:
        self.assertEqual(20.0, cool_down(struck(1), 40))
        self.assertEqual(0.0, cool_down(struck(1), 60))
        self.assertEqual(0.0, cool_down(struck(1), 1e6))

    def test_half_a_strike_is_as_long_as_one(self) -> None:
        self.assertEqual(60.0, cool_down(struck(0.5), 0))

    def test_a_clock_that_was_set_back_does_not_block_for_ever(self) -> None:
        """Struck, as it seems, in the future."""
        self.assertEqual(0.0, cool_down(struck(1, at=86_400), 0))


class CooperationTestCase(base.TestCase):
    def learn(self, moved_mib: int, **more: Any) -> float:
        fields: dict[str, Any] = {
            'reason': _Reason.DEADLINE,
            'moved_kib': moved_mib * MIB,
        }
        return learn(**(fields | more)).cooperation

    def test_falls_with_what_is_not_given(self) -> None:
        self.assertAlmostEqual(1.0, self.learn(512))
        self.assertAlmostEqual(0.85, self.learn(256))
        self.assertAlmostEqual(0.7, self.learn(0))

    def test_never_falls_to_nothing(self) -> None:
        traits = situation.GuestTraits()
        for _ in range(50):
            traits = learn(traits, reason=_Reason.STALLED, moved_kib=0)
        self.assertEqual(0.05, traits.cooperation)

    def test_rises_again(self) -> None:
        traits = situation.GuestTraits(cooperation=0.05)
        for _ in range(50):
            traits = learn(traits, reason=_Reason.TARGET)
        self.assertAlmostEqual(1.0, traits.cooperation, places=4)

    def test_movement_the_wrong_way_counts_as_none(self) -> None:
        self.assertAlmostEqual(0.7, self.learn(-100))

    def test_what_we_broke_off_says_nothing(self) -> None:
        for reason in (
            _Reason.CANCELLED,
            _Reason.SUPERSEDED,
            _Reason.HOST_RECOVERED,
            _Reason.GUEST_GONE,
            _Reason.FAILED,
        ):
            self.assertEqual(1.0, self.learn(0, reason=reason))

    def test_a_policy_that_asked_for_nothing_says_nothing(self) -> None:
        made = base.make_policy(start_actual_kib=512 * MIB)
        moved = self.learn(0, policy=made, actual_start_kib=512 * MIB)
        self.assertEqual(1.0, moved)


class RateTestCase(base.TestCase):
    def learn(
        self, *points: tuple[float, int], known_mib: float | None = None
    ) -> float | None:
        known = None if known_mib is None else known_mib * MIB
        traits = situation.GuestTraits(rate_kib_per_second=known)
        fresh = learn(traits, curve=make_curve(*points))
        rate = fresh.rate_kib_per_second
        return None if rate is None else rate / MIB

    def test_the_first_run_tells_it(self) -> None:
        self.assertEqual(200, self.learn((0, 1024), (1, 824)))

    def test_time_in_which_it_was_held_does_not_count(self) -> None:
        rate = self.learn((0, 1024), (1, 824), (9, 824), (10, 624))
        self.assertEqual(200, rate)

    def test_a_later_run_moves_it_a_bit(self) -> None:
        rate = self.learn((0, 1024), (1, 824), known_mib=100)
        self.assertEqual(130, rate)

    def test_too_little_says_nothing(self) -> None:
        self.assertIsNone(self.learn())
        self.assertIsNone(self.learn((0, 1024)))
        self.assertIsNone(self.learn((0, 1024), (1, 1017)))
        self.assertIsNone(self.learn((0, 1024), (0.004, 824)))
        self.assertEqual(50, self.learn((0, 1024), known_mib=50))

    def test_what_comes_back_is_not_taken_for_giving(self) -> None:
        rate = self.learn((0, 1024), (1, 824), (2, 1024))
        self.assertEqual(200, rate)
