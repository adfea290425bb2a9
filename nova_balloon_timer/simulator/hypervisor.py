# SPDX-License-Identifier: Apache-2.0
"""What carries out the engine's orders: a line per guest, one job at a time.

It keeps the applier's contract: a freeze voids the orders of its guest that
were not begun, and a job at work is waited for.
"""

import collections
from collections.abc import Callable, Generator
import dataclasses
import math

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.simulator import guest as simulated_guest

Schedule = Callable[[float, Callable[[float], None]], None]
Sink = Callable[[message.Event, float], None]
_Job = Generator[float, float, message.Event | None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Latency:
    """How long libvirt takes, as measured.

    :param set_moving_seconds: for an order while the balloon moves
    :param event_seconds: from a guest's end to the event that tells it
    """

    read_seconds: float = 0.0013
    set_seconds: float = 0.0007
    set_moving_seconds: float = 0.005
    event_seconds: float = 0.01


class GuestLine:
    """The orders for one guest.

    :param schedule: runs a call at an instant
    :param sink: takes the events
    """

    def __init__(
        self,
        guest: simulated_guest.SimulatedGuest,
        latency: Latency,
        schedule: Schedule,
        sink: Sink,
    ) -> None:
        self.guest = guest
        self._latency = latency
        self._schedule = schedule
        self._sink = sink
        self._waiting: collections.deque[message.GuestAction] = (
            collections.deque()
        )
        self._job: _Job | None = None

    def submit(self, action: message.GuestAction, now: float) -> None:
        """Take an order."""
        if isinstance(action, message.FreezeBalloon):
            self._waiting.clear()
        self._waiting.append(action)
        if self._job is None:
            self._begin(now)

    def _begin(self, now: float) -> None:
        action = self._waiting.popleft()
        self.guest.advance(now)
        match action:
            case message.ReadBalloon():
                self._job = self._read(action)
            case message.SetTarget():
                self._job = self._set(action)
            case message.FreezeBalloon():
                self._job = self._freeze(action)
            case message.OfferPolicy():
                self._job = self._decline(action)
            case message.ConcludePolicy():
                self._job = self._stay_silent(action)
        self._schedule_answer(now + next(self._job))

    def _schedule_answer(self, at: float) -> None:
        for odd in self.guest.behaviours:
            at = odd.answers_at(at)
        if math.isfinite(at):
            self._schedule(at, self._resume)

    def _resume(self, now: float) -> None:
        """Carry the job at work one call further."""
        if self._job is None:
            return
        self.guest.advance(now)
        event = self._obstacle(now)
        if event is None:
            try:
                self._schedule_answer(now + self._job.send(now))
                return
            except StopIteration as end:
                event = end.value
        self._job = None
        if event is not None:
            self._sink(event, now)
        # NOTE: the engine may have given, and so begun, another order.
        if self._job is None and self._waiting:
            self._begin(now)

    def _obstacle(self, now: float) -> message.Event | None:
        guest_uuid = self.guest.profile.uuid
        for odd in self.guest.behaviours:
            if now >= odd.leaves_at():
                return message.GuestGone(guest_uuid=guest_uuid)
            if odd.fails(now):
                return message.ActionFailed(
                    guest_uuid=guest_uuid,
                    kind=message.FailureKind.TRANSIENT,
                    words='the hypervisor cannot be reached',
                )
            if odd.refuses(now):
                return message.ActionFailed(
                    guest_uuid=guest_uuid,
                    kind=message.FailureKind.PERMANENT,
                    words='the hypervisor refuses',
                )
        return None

    def _set_seconds(self) -> float:
        if self.guest.is_moving:
            return self._latency.set_moving_seconds
        return self._latency.set_seconds

    def _read(self, action: message.ReadBalloon) -> _Job:
        yield self._latency.read_seconds
        return message.BalloonSampled(
            guest_uuid=action.guest_uuid, sample=self.guest.sample()
        )

    def _set(self, action: message.SetTarget) -> _Job:
        yield self._set_seconds()
        self.guest.target_kib = action.target_kib
        return None

    def _freeze(self, action: message.FreezeBalloon) -> _Job:
        yield self._latency.read_seconds
        before: model.BalloonSample = self.guest.sample()
        target_kib = before.actual_kib
        if action.at_kib is not None:
            target_kib = action.at_kib
        target_kib = max(
            action.lowest_kib, min(action.highest_kib, target_kib)
        )
        yield self._set_seconds()
        self.guest.target_kib = target_kib
        yield self._latency.read_seconds
        return message.BalloonFrozen(
            guest_uuid=action.guest_uuid,
            target_kib=target_kib,
            before=before,
            after=self.guest.sample(),
        )

    def _decline(self, action: message.OfferPolicy) -> _Job:
        yield self._latency.read_seconds
        return message.PolicyDeclined(
            guest_uuid=action.guest_uuid,
            policy_uuid=action.policy.uuid,
            words='it has no driver that could',
        )

    def _stay_silent(self, action: message.ConcludePolicy) -> _Job:
        yield self._latency.read_seconds
        return message.GuestReported(
            guest_uuid=action.guest_uuid,
            policy_uuid=action.policy.uuid,
            report=None,
            words='it does not know the policy',
        )
