# SPDX-License-Identifier: Apache-2.0
"""A timed policy on a coarse guest: rate x time, and the engine's ends.

The engine itself looks at a balloon a hundred times a second; for thousands
of guests over days its rules are applied to straight lines instead.
"""

import collections
import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.simulator.fleet import guest as fleet_guest

_ENGINE = engine_settings.EngineSettings()

# A look, the statistics, the first order.
_STARTUP_SECONDS = 0.1
# Odd guests change their pace at places that must not be jumped over.
_ODD_STEP_SECONDS = 0.02
_POINT_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Why a policy ends, in words, and what it gives back."""

    at: float
    reason: model.EndReason
    detail: str
    give_back_kib: int = 0


class FleetFlight:
    """One policy on its way; whoever steps it counts the guest anew."""

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        guest: fleet_guest.FleetGuest,
        now: float,
    ) -> None:
        self.balloon_policy = balloon_policy
        self.guest = guest
        self.started_at = now
        self.deadline_at = now + balloon_policy.duration_seconds
        self._at = now
        self._start_kib = guest.actual_kib
        guest.settle(now)
        self._start_rss_kib = guest.rss_kib
        self._inflates = balloon_policy.direction is model.Direction.INFLATE
        self._looks: collections.deque[tuple[float, int]] = collections.deque()
        self._curve = [self._point(now)]

    def step(self, until_at: float) -> End | None:
        """Let time pass; what is returned, is over.

        :param until_at: the host's present
        """
        while self._at < until_at:
            end_at = min(until_at, self.deadline_at)
            for segment in self.balloon_policy.segments:
                stage_at = self.started_at + segment.until_seconds
                if self._at < stage_at < end_at:
                    end_at = stage_at
            if self.guest.behaviours:
                end_at = min(end_at, self._at + _ODD_STEP_SECONDS)
            begin_at = max(self._at, self.started_at + _STARTUP_SECONDS)
            self._at = end_at
            end = None
            if begin_at < end_at:
                end = self._move(begin_at, end_at)
            if end is None and end_at >= self.deadline_at:
                end = self._deadline()
            if end is not None:
                return end
        return None

    def _move(self, begin_at: float, end_at: float) -> End | None:
        guest = self.guest
        before_kib = guest.actual_kib
        way = -1 if self._inflates else 1
        aim_kib, is_held = self._aim(begin_at)
        seconds = end_at - begin_at
        rate = self._rate(begin_at, way)
        distance_kib = max(0, (aim_kib - before_kib) * way)
        moved_kib = min(distance_kib, int(rate * seconds))
        left_kib = distance_kib - moved_kib
        regrown_kib = self._regrown(begin_at, seconds)
        if moved_kib or regrown_kib:
            if moved_kib == distance_kib and rate > 0:
                end_at = min(end_at, begin_at + moved_kib / rate)
            guest.move(end_at, before_kib + way * moved_kib + regrown_kib)
            self._note(begin_at, end_at)
        is_held = is_held and left_kib == 0
        return (
            self._met(end_at)
            or self._distress(end_at, regrown_kib)
            or self._stall(end_at, is_held)
        )

    def _aim(self, at: float) -> tuple[int, bool]:
        """Return how far it may go now, and whether that is not the end."""
        balloon_policy = self.balloon_policy
        final_kib = aim_kib = balloon_policy.target_kib
        for segment in balloon_policy.segments:
            if at < self.started_at + segment.until_seconds:
                aim_kib = segment.target_kib
                break
        reserve_kib = balloon_policy.guards.reserve_kib
        if self._inflates and reserve_kib > 0:
            used_kib = math.ceil(self.guest.use_kib(at))
            guarded_kib = used_kib + reserve_kib
            aim_kib = max(aim_kib, min(guarded_kib, self.guest.actual_kib))
        return aim_kib, aim_kib != final_kib

    def _rate(self, at: float, way: int) -> float:
        guest = self.guest
        profile = guest.profile
        rate = profile.deflate_kib_per_second
        if way < 0:
            rate = profile.inflate_kib_per_second
        if not guest.behaviours:
            return rate
        if guest.stands_still(at) or not guest.has_driver(at):
            return 0.0
        for odd in guest.behaviours:
            rate = odd.pace(rate, at, guest.actual_kib, way)
        return rate

    def _regrown(self, at: float, seconds: float) -> int:
        guest = self.guest
        rate = sum(
            odd.regrowth(at, guest.actual_kib) for odd in guest.behaviours
        )
        room_kib = guest.profile.maximum_kib - guest.actual_kib
        return min(int(rate * seconds), room_kib)

    def _met(self, at: float) -> End | None:
        target_kib = self.balloon_policy.target_kib
        left_kib = target_kib - self.guest.actual_kib
        if self._inflates:
            left_kib = -left_kib
        if left_kib > _ENGINE.tolerance_kib:
            return None
        return End(
            at=at,
            reason=model.EndReason.TARGET,
            detail=f'reached {units.format_kib(target_kib)}',
        )

    def _distress(self, at: float, regrown_kib: int) -> End | None:
        if not self._inflates:
            return None
        guest = self.guest
        usable_kib = guest.actual_kib - guest.use_kib(at)
        reserve_kib = self.balloon_policy.guards.reserve_kib
        if regrown_kib:
            detail = 'the guest took memory back by itself'
        elif usable_kib < reserve_kib // 2:
            detail = (
                f'usable memory fell to {units.format_kib(int(usable_kib))}, '
                'less than half of its reserve of '
                f'{units.format_kib(reserve_kib)}'
            )
        else:
            return None
        taken_kib = max(0, self._start_kib - guest.actual_kib)
        return End(
            at=at,
            reason=model.EndReason.DISTRESS,
            detail=detail,
            give_back_kib=int(taken_kib * _ENGINE.give_back_fraction),
        )

    def _stall(self, at: float, is_held: bool) -> End | None:
        looks = self._looks
        if is_held:
            looks.clear()
            return None
        actual_kib = self.guest.actual_kib
        looks.append((at, actual_kib))
        window_seconds = _ENGINE.stall_window_seconds
        while len(looks) > 1 and looks[1][0] <= at - window_seconds:
            looks.popleft()
        first_at, first_kib = looks[0]
        if first_at > at - window_seconds:
            return None
        moved_kib = first_kib - actual_kib
        whole_kib = self._start_kib - self.balloon_policy.target_kib
        if not self._inflates:
            moved_kib, whole_kib = -moved_kib, -whole_kib
        left_seconds = max(self.deadline_at - at, window_seconds)
        worth_kib = max(
            _ENGINE.tolerance_kib, whole_kib * _ENGINE.stall_fraction
        )
        if moved_kib / (at - first_at) * left_seconds >= worth_kib:
            return None
        return End(
            at=at,
            reason=model.EndReason.STALLED,
            detail=f'moved {units.format_kib(moved_kib)} in the last '
            f'{units.format_seconds(at - first_at)}',
        )

    def _deadline(self) -> End:
        duration = units.format_seconds(self.balloon_policy.duration_seconds)
        return End(
            at=self.deadline_at,
            reason=model.EndReason.DEADLINE,
            detail=f'{duration} have passed',
        )

    def _point(self, at: float) -> model.CurvePoint:
        guest = self.guest
        return model.CurvePoint(
            at=at,
            actual_kib=guest.actual_kib,
            target_kib=self.balloon_policy.target_kib,
            usable_kib=max(0, guest.actual_kib - int(guest.use_kib(at))),
            rss_kib=int(guest.rss_kib),
        )

    def _note(self, begin_at: float, end_at: float) -> None:
        """Keep a point of the curve, and where it left the one before."""
        last = self._curve[-1]
        if begin_at - last.at > _ODD_STEP_SECONDS:
            self._curve.append(dataclasses.replace(last, at=begin_at))
        elif len(self._curve) > 2 and end_at - self._curve[-2].at < (
            _POINT_SECONDS
        ):
            self._curve.pop()
        self._curve.append(self._point(end_at))

    def finish(self, end: End) -> model.EndReport:
        """Make the report, after the guest was given back what it gets."""
        guest = self.guest
        is_gone = end.reason is model.EndReason.GUEST_GONE
        highest_kib = guest.profile.maximum_kib
        actual_kib = min(guest.actual_kib + end.give_back_kib, highest_kib)
        guest.move(max(end.at, guest.at), actual_kib)
        guest.target_kib = actual_kib
        moved_kib = self._start_kib - actual_kib
        if not self._inflates:
            moved_kib = -moved_kib
        if self._curve[-1].at < end.at:
            self._curve.append(self._point(end.at))
        in_time = end.reason is not model.EndReason.DEADLINE
        return model.EndReport(
            policy=self.balloon_policy,
            reason=end.reason,
            detail=end.detail,
            started_at=self.started_at,
            deadline_at=self.deadline_at,
            ended_at=end.at,
            actual_start_kib=self._start_kib,
            actual_end_kib=None if is_gone else actual_kib,
            moved_kib=None if is_gone else moved_kib,
            freed_kib=None
            if is_gone
            else int(self._start_rss_kib - guest.rss_kib),
            lateness_seconds=None if in_time else 0.0,
            moved_after_deadline_kib=None if in_time else 0,
            confirmed=not is_gone,
            curve=tuple(self._curve),
        )
