# SPDX-License-Identifier: Apache-2.0
"""What the engine must never do; a simulated host checks each of its steps.

The bounds come from what the host itself has seen, not from the engine.
"""

import dataclasses
from typing import NoReturn

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units

_ROUNDING_SECONDS = 1e-6
_ROUNDING_KIB = 1
_TOLERANCE_KIB = 2 * units.KIB_PER_MIB
# A guest that used up its leash, but for a little, between two looks could
# have moved further than it was let. Then the leash may double, and double
# again while the estimate of the rate catches up; but never because a goal
# was reached.
_USED_UP = 1 / 3
_MOST_GROWTH = 4.0


class InvariantViolated(exception.BalloonTimerError):
    """The engine did what it must never do."""

    msg_fmt = 'at %(at).3f s, guest %(guest)s: %(why)s'


@dataclasses.dataclass(slots=True, kw_only=True)
class _Watched:
    """One policy in the ledger."""

    balloon_policy: model.BalloonPolicy
    deadline_at: float
    lead_seconds: float
    is_started: bool = False
    stopped_at: float | None = None
    is_ended: bool = False
    first_kib: int = 0
    last: model.BalloonSample | None = None
    fastest: float = 0.0
    grown_kib: int = 0
    ordered_kib: int | None = None
    ordered_ahead_kib: int = 0

    @property
    def guest_uuid(self) -> str:
        return self.balloon_policy.guest_uuid

    @property
    def leash_kib(self) -> int:
        """How far a target may be ahead of what was read last."""
        leash = self.balloon_policy.leash
        lead_kib = int(self.fastest * self.lead_seconds)
        longest_kib = max(leash.minimum_kib, lead_kib, self.grown_kib)
        return longest_kib + _ROUNDING_KIB

    @property
    def goals_kib(self) -> set[int]:
        segments = self.balloon_policy.segments
        return {
            self.balloon_policy.target_kib,
            *(segment.target_kib for segment in segments),
        }

    def ahead_kib(self, target_kib: int, actual_kib: int) -> int:
        """How far a target is ahead of the balloon on the policy's way."""
        if self.balloon_policy.direction is model.Direction.INFLATE:
            return actual_kib - target_kib
        return target_kib - actual_kib


class Ledger:
    """The books of a simulated host.

    :param late_seconds: how late the host's timers are
    :param freeze_timeout_seconds: how long an end may stay unreported
    """

    def __init__(
        self, *, late_seconds: float, freeze_timeout_seconds: float
    ) -> None:
        self._late_seconds = late_seconds + _ROUNDING_SECONDS
        self._freeze_timeout_seconds = freeze_timeout_seconds
        self._watched: dict[str, _Watched] = {}
        self._last_kib: dict[str, int] = {}

    @property
    def all_ended(self) -> bool:
        """Tell whether every policy was reported as ended."""
        return all(watched.is_ended for watched in self._watched.values())

    def note(self, event: message.Event, now: float) -> None:
        """Take in what the engine is about to learn."""
        match event:
            case message.PolicyRequested():
                balloon_policy = event.policy
                self._watched[balloon_policy.uuid] = _Watched(
                    balloon_policy=balloon_policy,
                    deadline_at=now + balloon_policy.duration_seconds,
                    # NOTE: who looks late has to lead by so much more.
                    lead_seconds=(
                        balloon_policy.leash.lead_seconds + self._late_seconds
                    ),
                )
            case message.BalloonSampled():
                self._last_kib[event.guest_uuid] = event.sample.actual_kib
                for watched in self._open(event.guest_uuid):
                    _learn_rate(watched, event.sample)
            case message.BalloonFrozen():
                self._last_kib[event.guest_uuid] = event.after.actual_kib

    def check(self, action: message.Action, now: float) -> None:
        """Check an order or a report of the engine.

        :raises InvariantViolated: where it must not be
        """
        match action:
            case message.ReadBalloon():
                if not self._open(action.guest_uuid):
                    _complain(now, action.guest_uuid, 'read without a policy')
            case message.SetTarget():
                self._check_target(action, now)
            case message.FreezeBalloon():
                self._check_freeze(action, now)
            case message.ReportStart():
                self._check_start(action.policy, now)
            case message.ReportEnd():
                self._check_end(action.report, now)

    def check_deadlines(self, now: float) -> None:
        """Check that nothing is overdue.

        :raises InvariantViolated: where something is
        """
        for watched in self._watched.values():
            if watched.is_ended:
                continue
            due_at = watched.deadline_at
            what = 'live'
            if watched.stopped_at is not None:
                due_at = watched.stopped_at + self._freeze_timeout_seconds
                what = 'unreported'
            if now > due_at + self._late_seconds:
                _complain(
                    now,
                    watched.guest_uuid,
                    f'policy {watched.balloon_policy.uuid} is still {what}, '
                    f'{units.format_seconds(now - due_at)} too late',
                )

    def check_finish(self, now: float) -> None:
        """Check that every policy has ended.

        :raises InvariantViolated: where one has not
        """
        for uuid, watched in self._watched.items():
            if not watched.is_ended:
                _complain(
                    now, watched.guest_uuid, f'policy {uuid} never ended'
                )

    def _open(self, guest_uuid: str) -> list[_Watched]:
        return [
            watched
            for watched in self._watched.values()
            if watched.guest_uuid == guest_uuid and not watched.is_ended
        ]

    def _check_target(self, order: message.SetTarget, now: float) -> None:
        guest_uuid = order.guest_uuid
        watched = self._only_live(guest_uuid, now)
        balloon_policy = watched.balloon_policy
        last_kib = self._last_kib.get(guest_uuid)
        if last_kib is None:
            _complain(now, guest_uuid, 'a target before the balloon was read')
        lowest_kib = balloon_policy.guards.floor_kib
        if balloon_policy.direction is model.Direction.DEFLATE:
            lowest_kib = watched.first_kib
        asked = f'the target {units.format_kib(order.target_kib)}'
        if order.target_kib < lowest_kib:
            floor = units.format_kib(lowest_kib)
            _complain(now, guest_uuid, f'{asked} is below the floor {floor}')
        if order.target_kib > balloon_policy.maximum_kib:
            _complain(now, guest_uuid, f'{asked} is above the maximum')
        ahead_kib = watched.ahead_kib(order.target_kib, last_kib)
        watched.ordered_kib = order.target_kib
        watched.ordered_ahead_kib = ahead_kib
        if ahead_kib > watched.leash_kib:
            _complain(
                now,
                guest_uuid,
                f'{asked} is {units.format_kib(ahead_kib)} ahead of the '
                f'balloon, the leash is {units.format_kib(watched.leash_kib)}',
            )
        if ahead_kib < -_TOLERANCE_KIB:
            _complain(
                now,
                guest_uuid,
                f'{asked} sends the balloon back by '
                f'{units.format_kib(-ahead_kib)}',
            )

    def _only_live(self, guest_uuid: str, now: float) -> _Watched:
        candidates = self._open(guest_uuid)
        if len(candidates) != 1:
            _complain(
                now,
                guest_uuid,
                f'a target while {len(candidates)} policies are open',
            )
        watched = candidates[0]
        if not watched.is_started or watched.stopped_at is not None:
            _complain(now, guest_uuid, 'a target without a live policy')
        return watched

    def _check_freeze(self, order: message.FreezeBalloon, now: float) -> None:
        guest_uuid = order.guest_uuid
        started = [
            watched for watched in self._open(guest_uuid) if watched.is_started
        ]
        if len(started) != 1:
            _complain(now, guest_uuid, f'a freeze of {len(started)} policies')
        watched = started[0]
        balloon_policy = watched.balloon_policy
        self._stop(watched, now)
        lowest_kib = balloon_policy.guards.floor_kib
        if balloon_policy.direction is model.Direction.DEFLATE:
            lowest_kib = min(lowest_kib, balloon_policy.start_actual_kib)
        if (
            order.lowest_kib < lowest_kib
            or order.highest_kib > balloon_policy.maximum_kib
        ):
            _complain(now, guest_uuid, 'a freeze beyond floor or maximum')
        if order.at_kib is None:
            return
        last_kib = self._last_kib.get(guest_uuid, order.at_kib)
        if watched.ahead_kib(order.at_kib, last_kib) > watched.leash_kib:
            _complain(now, guest_uuid, 'a freeze that moves the balloon on')

    def _check_start(
        self, balloon_policy: model.BalloonPolicy, now: float
    ) -> None:
        watched = self._known(balloon_policy, now)
        others = [
            other
            for other in self._open(watched.guest_uuid)
            if other is not watched and other.is_started
        ]
        if others:
            _complain(now, watched.guest_uuid, 'two policies at once')
        if watched.is_started or watched.stopped_at is not None:
            _complain(now, watched.guest_uuid, 'a policy that starts twice')
        watched.is_started = True
        watched.first_kib = self._last_kib.get(watched.guest_uuid, 0)

    def _check_end(self, report: model.EndReport, now: float) -> None:
        watched = self._known(report.policy, now)
        if watched.is_ended:
            _complain(now, watched.guest_uuid, 'a policy that ends twice')
        self._stop(watched, now)
        watched.is_ended = True
        stopped_at = watched.stopped_at
        if stopped_at is None or abs(report.ended_at - stopped_at) > (
            _ROUNDING_SECONDS
        ):
            _complain(
                now,
                watched.guest_uuid,
                f'the report says that it ended at {report.ended_at:.3f} s, '
                f'but it did at {stopped_at:.3f} s',
            )

    def _stop(self, watched: _Watched, now: float) -> None:
        if watched.stopped_at is None:
            self.check_deadlines(now)
            watched.stopped_at = now

    def _known(
        self, balloon_policy: model.BalloonPolicy, now: float
    ) -> _Watched:
        watched = self._watched.get(balloon_policy.uuid)
        if watched is None:
            _complain(
                now,
                balloon_policy.guest_uuid,
                f'policy {balloon_policy.uuid} was never asked for',
            )
        return watched


def _learn_rate(watched: _Watched, sample: model.BalloonSample) -> None:
    last = watched.last
    watched.last = sample
    if last is None or sample.at <= last.at:
        return
    moved_kib = abs(sample.actual_kib - last.actual_kib)
    rate = moved_kib / (sample.at - last.at)
    watched.fastest = max(watched.fastest, rate)
    ordered_kib = watched.ordered_kib
    if ordered_kib is None or ordered_kib in watched.goals_kib:
        return
    left_kib = watched.ahead_kib(ordered_kib, sample.actual_kib)
    if moved_kib and left_kib <= _USED_UP * watched.ordered_ahead_kib:
        lead_kib = rate * watched.lead_seconds
        used_kib = watched.ordered_ahead_kib / (1 - _USED_UP)
        grown_kib = int(_MOST_GROWTH * max(lead_kib, used_kib))
        watched.grown_kib = max(watched.grown_kib, grown_kib)


def _complain(now: float, guest_uuid: str, why: str) -> NoReturn:
    raise InvariantViolated(at=now, guest=guest_uuid, why=why)
