# SPDX-License-Identifier: Apache-2.0
"""Turns the crank: owns the engine, feeds it events, carries out actions."""

from collections.abc import Callable, Iterable
import dataclasses
import os
import queue
import signal
import time
from typing import Protocol

from oslo_log import log as logging

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.engine import machine

LOG = logging.getLogger(__name__)

# How long to wait for freezes when the loop is broken off.
_LAST_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """Something that the thread that owns the engine shall do."""

    function: Callable[[], None]


def end_process() -> None:
    """Have this process end as if it had been told to."""
    os.kill(os.getpid(), signal.SIGTERM)


def run_or_end(
    run: Callable[[], None], on_death: Callable[[], None] = end_process
) -> None:
    """Run what a thread is for; a process without it must not linger.

    :param on_death: called if it dies; else the process sends itself SIGTERM
    """
    try:
        run()
    except BaseException:
        LOG.exception('The thread that turns the crank has died')
        on_death()


Posted = message.Event | message.HostEvent | Call


class Observer(Protocol):
    """Whoever wants to know; called by the thread that owns the engine.

    A call must return at once: the next deadline waits for it.
    """

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Learn that a policy begins, and who keeps its clock."""

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
        self._events: queue.SimpleQueue[Posted] = queue.SimpleQueue()

    @property
    def engine(self) -> machine.Engine:
        """The engine; only the thread that owns it may ask it."""
        return self._engine

    def post(self, event: message.Event | message.HostEvent) -> None:
        """Hand in an event; from any thread or signal handler."""
        self._events.put(event)

    def call(self, function: Callable[[], None]) -> None:
        """Have the thread that owns the engine call a function; from any."""
        self._events.put(Call(function))

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
            event = self._wait(until)
            now = self._clock()
            if event is None:
                self._do_what_is_due(now)
                return
            if isinstance(event, Call):
                event.function()
            else:
                self._take_in(event, now)
        except Exception:
            # NOTE: a defect; deadlines are timers, and must still be met.
            self.has_failed = True
            LOG.exception('The engine failed')
        # A flood of events must not keep from being done what is due.
        self._catch_up()

    def _catch_up(self) -> None:
        try:
            now = self._clock()
            due_at = self._next_timer()
            if due_at is not None and due_at <= now:
                self._do_what_is_due(now)
        except Exception:
            self.has_failed = True
            LOG.exception('The engine failed')

    def _wait(self, until: float | None) -> Posted | None:
        """Return the next event, or None when a timer is due before it."""
        instants = (self._next_timer(), until)
        timer_at = min((at for at in instants if at is not None), default=None)
        wait_seconds = None
        if timer_at is not None:
            wait_seconds = max(0.0, timer_at - self._clock())
        try:
            return self._events.get(timeout=wait_seconds)
        except queue.Empty:
            return None

    def _next_timer(self) -> float | None:
        return self._engine.next_timer()

    def _do_what_is_due(self, now: float) -> None:
        self._carry_out_all(self._engine.handle_timer(now))

    def _take_in(
        self, event: message.Event | message.HostEvent, now: float
    ) -> None:
        if isinstance(event, message.HostEvent):
            return  # of no interest to an engine alone
        actions = self._engine.handle(event, now)
        if isinstance(event, message.BalloonSampled):
            self._tell(self._observer.sampled, event.guest_uuid, event.sample)
        self._carry_out_all(actions)

    def _carry_out_all(self, actions: Iterable[message.Action]) -> None:
        """Carry out each, whatever becomes of the others."""
        for action in actions:
            try:
                self._carry_out(action)
            except Exception:
                self.has_failed = True
                LOG.exception('An action failed: %s', type(action).__name__)

    def _carry_out(self, action: message.Action) -> None:
        match action:
            case message.ReportStart():
                self._tell(
                    self._observer.started, action.policy, action.timing
                )
            case message.ReportEnd():
                self._tell(self._observer.ended, action.report)
            case message.FreezeBalloon():
                self._pool.discard(applier_pool.agent_line(action.guest_uuid))
                self._pool.preempt(action.guest_uuid, self._job(action))
            case message.OfferPolicy() | message.ConcludePolicy():
                line = applier_pool.agent_line(action.guest_uuid)
                self._pool.submit(line, self._job(action))
            case _:
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
