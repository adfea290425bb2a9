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
        # NOTE: a SimpleQueue, because signal handlers put into it too.
        self._events: queue.SimpleQueue[message.Event] = queue.SimpleQueue()

    def post(self, event: message.Event) -> None:
        """Hand in an event; from any thread or signal handler."""
        self._events.put(event)

    def run_until_idle(self) -> None:
        """Turn the crank until no policy is under way and no event waits."""
        while not (self._engine.is_idle and self._events.empty()):
            self._turn()

    def _turn(self) -> None:
        """Wait for the next event or timer, and do what follows from it."""
        timer_at = self._engine.next_timer()
        wait_seconds = None
        if timer_at is not None:
            wait_seconds = max(0.0, timer_at - self._clock())
        try:
            event = self._events.get(timeout=wait_seconds)
        except queue.Empty:
            actions = self._engine.handle_timer(self._clock())
        else:
            actions = self._engine.handle(event, self._clock())
            if isinstance(event, message.BalloonSampled):
                self._tell(
                    self._observer.sampled, event.guest_uuid, event.sample
                )
        for action in actions:
            self._carry_out(action)

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
