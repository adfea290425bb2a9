# SPDX-License-Identifier: Apache-2.0
"""Turns the crank: owns the engine, feeds it events, carries out actions."""

from collections.abc import Callable
import queue
import time
from typing import Protocol

from oslo_log import log as logging

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.engine import machine

LOG = logging.getLogger(__name__)

# How long to wait for freezes when the loop is broken off.
_LAST_SECONDS = 1.0


class Observer(Protocol):
    """Whoever wants to know; called by the thread that owns the engine.

    A call must return at once: the next deadline waits for it.
    """

    def started(self, balloon_policy: model.BalloonPolicy) -> None:
        """Learn that a policy begins to move its balloon."""

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Learn what a guest's balloon read."""

    def ended(self, report: model.EndReport) -> None:
        """Learn how a policy ended."""


class Manager:
    """One thread's loop around the engine.

    :param pool: carries out the engine's actions, guest by guest
    :param clock: monotonic, the one that the applier stamps samples with
    """

    def __init__(
        self,
        applier: base.Applier,
        pool: applier_pool.WorkerPool,
        observer: Observer,
        *,
        engine: machine.Engine | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._applier = applier
        self._pool = pool
        self._observer = observer
        self._engine = engine or machine.Engine()
        self._clock = clock
        self.has_failed = False
        # NOTE: a SimpleQueue, because signal handlers put into it too.
        self._events: queue.SimpleQueue[message.Event] = queue.SimpleQueue()

    def post(self, event: message.Event) -> None:
        """Hand in an event; from any thread or signal handler."""
        self._events.put(event)

    def run_until_idle(self) -> None:
        """Turn the crank until no policy is under way and no event waits.

        Whatever ends it early, also a second Ctrl-C, freezes first.
        """
        try:
            while not (self._engine.is_idle and self._events.empty()):
                self._turn()
        except BaseException:
            self._freeze_all()
            raise

    def _freeze_all(self) -> None:
        until = self._clock() + _LAST_SECONDS
        for run in self._engine.runs:
            uuid = run.balloon_policy.uuid
            self.post(message.PolicyCancelled(policy_uuid=uuid))
        while not self._engine.is_idle and self._clock() < until:
            self._turn(until)

    def _turn(self, until: float | None = None) -> None:
        """Wait for the next event or timer, and do what follows from it."""
        try:
            for action in self._next_actions(until):
                self._carry_out(action)
        except Exception:
            # NOTE: a defect; deadlines are timers, and must still be met.
            self.has_failed = True
            LOG.exception('The engine failed')

    def _next_actions(self, until: float | None) -> list[message.Action]:
        instants = (self._engine.next_timer(), until)
        timer_at = min((at for at in instants if at is not None), default=None)
        wait_seconds = None
        if timer_at is not None:
            wait_seconds = max(0.0, timer_at - self._clock())
        try:
            event = self._events.get(timeout=wait_seconds)
        except queue.Empty:
            return self._engine.handle_timer(self._clock())
        actions = self._engine.handle(event, self._clock())
        if isinstance(event, message.BalloonSampled):
            self._tell(self._observer.sampled, event.guest_uuid, event.sample)
        return actions

    def _carry_out(self, action: message.Action) -> None:
        match action:
            case message.ReportStart():
                self._tell(self._observer.started, action.policy)
            case message.ReportEnd():
                self._tell(self._observer.ended, action.report)
            case message.FreezeBalloon():
                self._pool.preempt(action.guest_uuid, self._job(action))
            case message.ReadBalloon() | message.SetTarget():
                self._pool.submit(action.guest_uuid, self._job(action))

    def _tell(self, listen: Callable[..., None], *what: object) -> None:
        """Tell the observer; its own trouble must not end a policy."""
        try:
            listen(*what)
        except Exception:
            LOG.exception('An observer failed')

    def _job(self, action: message.GuestAction) -> applier_pool.Job:
        def job() -> None:
            event = base.perform(self._applier, action)
            if event is not None:
                self.post(event)

        return job
