# SPDX-License-Identifier: Apache-2.0
"""What a guest's runs tell of it: how quick it is, and how willing."""

import dataclasses
import itertools
import math

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.controller import settings as controller_settings

# The weight of the newest run in a moving average.
_NEWEST = 0.3
_LEAST_COOPERATION = 0.05

# Less, or in less time, says nothing about a rate.
_TELLING_KIB = 8 * units.KIB_PER_MIB
_TELLING_SECONDS = 0.005

_JUDGED = (
    model.EndReason.TARGET,
    model.EndReason.DEADLINE,
    model.EndReason.STALLED,
    model.EndReason.DISTRESS,
)
_STRIKES = (
    model.EndReason.STALLED,
    model.EndReason.DISTRESS,
    model.EndReason.FAILED,
)


def learn(
    traits: situation.GuestTraits,
    report: model.EndReport,
    now_utc: float,
    settings: controller_settings.ControllerSettings,
) -> situation.GuestTraits:
    """Take the end of a policy that inflated into what is known."""
    strikes = traits.strikes
    struck_utc = traits.struck_utc
    left = strikes_at(traits, now_utc, settings)
    # A guest that was never even seen is not to blame: a daemon is.
    is_blameless = report.reason is model.EndReason.FAILED and not report.curve
    if report.reason in _STRIKES and not is_blameless:
        strikes = left + 1.0
        struck_utc = now_utc
    elif report.reason is model.EndReason.TARGET:
        # NOTE: strikes are as of struck_utc, and fade from then on; so the
        # share that is left is what counts.
        strikes *= max(0.0, left - 1.0) / left if left > 0 else 0.0
    return dataclasses.replace(
        traits,
        rate_kib_per_second=_rate(traits, report),
        cooperation=_cooperation(traits, report),
        strikes=strikes,
        struck_utc=struck_utc,
    )


def strikes_at(
    traits: situation.GuestTraits,
    now_utc: float,
    settings: controller_settings.ControllerSettings,
) -> float:
    """Return the strikes that are not forgotten yet."""
    if traits.struck_utc is None:
        return traits.strikes
    seconds = max(0.0, now_utc - traits.struck_utc)
    halves = seconds / settings.strike_half_life_seconds
    return traits.strikes * math.pow(0.5, halves)


def cool_down_left(
    traits: situation.GuestTraits,
    now_utc: float,
    settings: controller_settings.ControllerSettings,
) -> float:
    """Return for how many seconds the guest is still left alone."""
    if traits.struck_utc is None or traits.strikes <= 0:
        return 0.0
    doublings = max(0.0, traits.strikes - 1.0)
    seconds = settings.cool_down_seconds * math.pow(2.0, min(doublings, 32.0))
    seconds = min(seconds, settings.cool_down_longest_seconds)
    elapsed_seconds = now_utc - traits.struck_utc
    if elapsed_seconds < 0:
        # NOTE: the wall clock was set back, by nobody knows how much; that
        # must not block the guest until it is right again.
        return 0.0
    return max(0.0, seconds - elapsed_seconds)


def _cooperation(
    traits: situation.GuestTraits, report: model.EndReport
) -> float:
    asked_kib = report.actual_start_kib - report.policy.target_kib
    moved_kib = report.moved_kib
    if report.reason not in _JUDGED or asked_kib <= 0 or moved_kib is None:
        return traits.cooperation
    given = min(1.0, max(0.0, moved_kib / asked_kib))
    learned = (1 - _NEWEST) * traits.cooperation + _NEWEST * given
    return max(_LEAST_COOPERATION, learned)


def _rate(
    traits: situation.GuestTraits, report: model.EndReport
) -> float | None:
    """Average what it moved by the time in which it moved.

    Time in which a segment or a guard held it says nothing about the guest.
    """
    moved_kib = 0
    seconds = 0.0
    for before, after in itertools.pairwise(report.curve):
        step_kib = before.actual_kib - after.actual_kib
        if step_kib > 0:
            moved_kib += step_kib
            seconds += after.at - before.at
    if moved_kib < _TELLING_KIB or seconds < _TELLING_SECONDS:
        return traits.rate_kib_per_second
    newest = moved_kib / seconds
    if traits.rate_kib_per_second is None:
        return newest
    return (1 - _NEWEST) * traits.rate_kib_per_second + _NEWEST * newest
