# SPDX-License-Identifier: Apache-2.0
"""A host in memory: guests, an engine, and a virtual clock between them."""

from collections.abc import Callable, Iterable
import heapq
import itertools
import math
from typing import Protocol

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import hypervisor
from nova_balloon_timer.simulator import invariant

# How long to look on after the last end: nothing more may come.
_AFTERMATH_SECONDS = 1.0
_MOST_STEPS_AT_ONCE = 1000
_CHANGE_EVENT_SECONDS = 1.0


def _never() -> bool:
    return False


class EngineLike(Protocol):
    """What a host needs of an engine."""

    def handle(self, event: message.Event, now: float) -> list[message.Action]:
        """Take an event in."""

    def handle_timer(self, now: float) -> list[message.Action]:
        """Do what has become due."""

    def next_timer(self) -> float | None:
        """Return when something becomes due."""


class SimulatedHost:
    """Runs an engine and checks it after every step.

    :param timers_late_seconds: the host wakes up so much after each timer
    """

    def __init__(
        self,
        engine: EngineLike,
        profiles: Iterable[simulated_guest.GuestProfile],
        *,
        latency: hypervisor.Latency | None = None,
        timers_late_seconds: float = 0.0,
        settings: engine_settings.EngineSettings | None = None,
    ) -> None:
        settings = settings or engine_settings.EngineSettings()
        self.now = 0.0
        self.reports: list[model.EndReport] = []
        self._engine = engine
        self._late_seconds = timers_late_seconds
        self._settings = settings
        self._ledger = invariant.Ledger(
            late_seconds=timers_late_seconds,
            freeze_timeout_seconds=settings.freeze_patience_seconds,
        )
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()
        self._requests = 0
        self._ends_by = 0.0
        self._idle_since: float | None = None
        self._steps_at_once = 0
        self._lines: dict[str, hypervisor.GuestLine] = {}
        for profile in profiles:
            self._add_guest(profile, latency or hypervisor.Latency())

    def guest(self, guest_uuid: str) -> simulated_guest.SimulatedGuest:
        """Return a guest as it is now."""
        guest = self._lines[guest_uuid].guest
        guest.advance(self.now)
        return guest

    def post_at(self, at: float, event: message.Event) -> None:
        """Hand an event to the engine at that time."""
        self.call_at(at, lambda: event)

    def call_at(
        self, at: float, make_event: Callable[[], message.Event]
    ) -> None:
        """Have an event made at that time and handed to the engine."""
        self._requests += 1
        self._ends_by = max(self._ends_by, at)

        def feed(now: float) -> None:
            event = make_event()
            self._requests -= 1
            if isinstance(event, message.PolicyRequested):
                self._expect_end(now + event.policy.duration_seconds)
            self._feed(event, now)

        self._schedule(at, feed)

    def run(
        self, is_enough: Callable[[], bool] = _never
    ) -> list[model.EndReport]:
        """Let time pass until every policy has ended and nothing follows.

        :param is_enough: asked before each step; if so it is left there,
            whatever has ended by then
        :returns: how they ended, in that order
        :raises InvariantViolated: when the engine does what it must not
        """
        while self._goes_on():
            if is_enough():
                return self.reports
            timer_at = self._timer_at()
            event_at = self._heap[0][0] if self._heap else math.inf
            at = min(timer_at, event_at)
            if math.isinf(at):
                break
            self._move_to(max(at, self.now))
            if timer_at <= event_at:
                self._carry_out(self._engine.handle_timer(self.now))
            else:
                heapq.heappop(self._heap)[2](self.now)
            self._ledger.check_deadlines(self.now)
        self._ledger.check_finish(self.now)
        return self.reports

    def _add_guest(
        self,
        profile: simulated_guest.GuestProfile,
        latency: hypervisor.Latency,
    ) -> None:
        guest = simulated_guest.SimulatedGuest(profile)
        self._lines[profile.uuid] = hypervisor.GuestLine(
            guest, latency, self._schedule, self._feed
        )
        leaves_at = min(odd.leaves_at() for odd in guest.behaviours)
        gone = message.GuestGone(guest_uuid=profile.uuid)
        if math.isfinite(leaves_at):
            self._schedule(
                leaves_at + latency.event_seconds,
                lambda now: self._feed(gone, now),
            )
        self._watch_changes(guest, guest.actual_kib, 0.0)

    def _watch_changes(
        self,
        guest: simulated_guest.SimulatedGuest,
        last_kib: int,
        now: float,
    ) -> None:
        """Tell of a balloon that moved, once a second as QEMU does."""
        guest.advance(now)
        actual_kib = guest.actual_kib
        if actual_kib != last_kib:
            guest_uuid = guest.profile.uuid
            self._feed(message.BalloonChanged(guest_uuid=guest_uuid), now)
        self._schedule(
            now + _CHANGE_EVENT_SECONDS,
            lambda then: self._watch_changes(guest, actual_kib, then),
        )

    def _goes_on(self) -> bool:
        if self._requests or not self._ledger.all_ended:
            self._idle_since = None
            return self.now <= self._ends_by
        if self._idle_since is None:
            self._idle_since = self.now
        return self.now <= self._idle_since + _AFTERMATH_SECONDS

    def _expect_end(self, deadline_at: float) -> None:
        """Reckon when the run is over at the latest, freezes included."""
        slack_seconds = 2 * self._settings.freeze_patience_seconds
        slack_seconds += 4 * self._late_seconds + _AFTERMATH_SECONDS
        self._ends_by = max(self._ends_by, deadline_at + slack_seconds)

    def _timer_at(self) -> float:
        timer_at = self._engine.next_timer()
        return math.inf if timer_at is None else timer_at + self._late_seconds

    def _move_to(self, at: float) -> None:
        self._steps_at_once += 1
        if at > self.now:
            self._steps_at_once = 0
        self.now = at
        if self._steps_at_once > _MOST_STEPS_AT_ONCE:
            raise invariant.InvariantViolated(
                at=at, guest='(any)', why='the engine runs in circles'
            )

    def _schedule(self, at: float, call: Callable[[float], None]) -> None:
        heapq.heappush(self._heap, (at, next(self._numbers), call))

    def _feed(self, event: message.Event, now: float) -> None:
        self._ledger.note(event, now)
        self._carry_out(self._engine.handle(event, now))

    def _carry_out(self, actions: list[message.Action]) -> None:
        for action in actions:
            self._ledger.check(action, self.now)
            match action:
                case message.ReportEnd():
                    self.reports.append(action.report)
                case message.ReportStart():
                    pass
                case _:
                    line = self._lines[action.guest_uuid]
                    line.submit(action, self.now)
