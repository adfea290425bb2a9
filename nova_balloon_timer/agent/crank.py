# SPDX-License-Identifier: Apache-2.0
"""The crank of a whole host: the engine's, and the controller's beside it."""

from collections.abc import Callable, Sequence
import math
import time
from typing import TypeVar

from oslo_log import log as logging

from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import diary as agent_diary
from nova_balloon_timer.agent import herald as agent_herald
from nova_balloon_timer.agent import listener
from nova_balloon_timer.agent import looker
from nova_balloon_timer.agent import unjournaled
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.notifier import announcer as notifier_announcer

LOG = logging.getLogger(__name__)

# The line of jobs that are no guest's.
_HOST_LINE = ''

# A disk that hangs must not keep a host short of memory.
_JOURNAL_WAIT_SECONDS = 0.2

# The first of many guests need not wait until all are on the disk.
_FIRST_PORTION = 32

# How long a controller that failed is not asked.
_REST_SECONDS = 1.0

# How long after the last freeze the journal may take to say that it is kept.
_LAST_TELLS_SECONDS = 0.2

_Answer = TypeVar('_Answer')
_Otherwise = TypeVar('_Otherwise')


class HostCrank(manager.Manager):
    """Turns engine and controller; journals, then acts, then tells."""

    def __init__(
        self,
        applier: base.Applier,
        pool: applier_pool.WorkerPool,
        observer: listener.HostObserver,
        *,
        controller: controller_machine.Controller,
        journal: listener.Journal,
        announcer: notifier_announcer.Announcer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(applier, pool, observer, clock=clock)
        self.controller = controller
        self.diary = agent_diary.Diary(
            journal, agent_herald.Herald(announcer), controller
        )
        self._host_observer = observer
        self._is_stopping = False
        self._looker = looker.Looker(applier, self.post)
        self._controller_rests_until = -math.inf
        self._untold = 0
        self._unwritten: dict[str, tuple[model.BalloonPolicy, float]] = {}
        self._accepted: dict[str, Callable[[], None]] = {}
        self.requested_at: dict[str, float] = {}
        self.unjournaled = unjournaled.UnjournaledEnds()
        # What is for a later portion, and has not ended before its turn.
        self._unrequested: set[str] = set()

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        accepted: Callable[[], None] | None = None,
    ) -> None:
        """Journal policies, and run them then; from any thread.

        :param accepted: called, by the thread that turns the crank, when the
            first of them is handed to the engine
        """
        self.call(lambda: self.take(policies, accepted))

    def take(
        self,
        policies: Sequence[model.BalloonPolicy],
        accepted: Callable[[], None] | None = None,
    ) -> None:
        """Do what :meth:`request` does, in the crank's own thread."""
        if accepted is not None and policies:
            self._accepted[policies[0].uuid] = accepted
        self._request(policies)

    def cancel(self, policy_uuid: str) -> None:
        """End a policy, in the crank's own thread."""
        event = message.PolicyCancelled(policy_uuid=policy_uuid)
        self._take_in(event, self._clock())

    @property
    def is_stopping(self) -> bool:
        """Tell whether what is under way is being frozen, for good."""
        return self._is_stopping

    @property
    def waiting(self) -> tuple[model.BalloonPolicy, ...]:
        """The policies that wait for the journal, and are not begun."""
        return tuple(it for it, _ in self._unwritten.values())

    def resume(
        self,
        balloon_policy: model.BalloonPolicy,
        started_at: float,
        timing: timekeeping.Timing | None,
        sequence: int | None,
    ) -> None:
        """Go on with a policy that ran in a process before; from any thread.

        :param timing: who kept its clock; None if that was open yet
        :param sequence: of the last notification of it
        """

        def resume() -> None:
            now = self._clock()
            self.diary.herald.resume(
                balloon_policy, started_at, timing, sequence, now
            )

        self.call(resume)
        self.post(
            message.PolicyResumed(
                policy=balloon_policy, started_at=started_at, timing=timing
            )
        )

    def stop(self) -> None:
        """Have :meth:`run` freeze what is under way, and return."""

        def stop() -> None:
            self._is_stopping = True

        self.call(stop)

    def run(self) -> None:
        """Turn until stopped."""
        try:
            while not self._is_stopping:
                self._turn()
        finally:
            self._is_stopping = True
            for balloon_policy, _ in list(self._unwritten.values()):
                self._release(balloon_policy)
            self._freeze_all()
            until = self._clock() + _LAST_TELLS_SECONDS
            while self._untold and self._clock() < until:
                self._turn(until)

    def _next_timer(self) -> float | None:
        # NOTE: all wait equally long, so the first to come is the first due.
        waiting = next(iter(self._unwritten.values()), None)
        instants = [
            self._engine.next_timer(),
            None if waiting is None else waiting[1],
        ]
        if not self._is_stopping:
            instants.append(self._controller_timer())
        return min((at for at in instants if at is not None), default=None)

    def _controller_timer(self) -> float:
        if self._clock() >= self._controller_rests_until:
            due_at = self._consult(self.controller.next_timer, None)
            if due_at is not None:
                return due_at
        return self._controller_rests_until

    def _consult(
        self, ask: Callable[[], _Answer], otherwise: _Otherwise
    ) -> _Answer | _Otherwise:
        """Ask the controller; a defect of it costs relief, but no deadline."""
        try:
            return ask()
        except Exception:
            LOG.exception('The controller failed')
        self.has_failed = True
        self._controller_rests_until = self._clock() + _REST_SECONDS
        return otherwise

    def _do_what_is_due(self, now: float) -> None:
        super()._do_what_is_due(now)
        while self._unwritten:
            balloon_policy, until = next(iter(self._unwritten.values()))
            if until > now:
                break
            LOG.warning(
                'The journal does not answer: policy %s runs without '
                'being journaled',
                balloon_policy.uuid,
            )
            self._release(balloon_policy)
        if not self._is_stopping and now >= self._controller_rests_until:
            self._follow(
                self._consult(lambda: self.controller.handle_timer(now), [])
            )

    def _take_in(
        self, event: message.Event | message.HostEvent, now: float
    ) -> None:
        # NOTE: the engine first; whatever may be wrong with the controller,
        # deadlines are met.
        if isinstance(event, message.PolicyCancelled):
            self._release_unwritten(event.policy_uuid)
        super()._take_in(event, now)
        self._tell_controller(event, now)
        if isinstance(event, message.BalloonSampled):
            self.diary.sample(event, now)
        if isinstance(event, message.PressureRead):
            self.diary.read_host(now, is_idle=self._engine.is_idle)

    def _tell_controller(
        self,
        event: message.Event | message.HostEvent | message.ReportEnd,
        now: float,
    ) -> None:
        self._follow(
            self._consult(lambda: self.controller.handle(event, now), [])
        )

    def _carry_out(self, action: message.Action) -> None:
        match action:
            case message.ReportStart():
                self.diary.start(action, self._clock())
                super()._carry_out(action)
            case message.ReportEnd():
                self._end(action)
            case message.FreezeBalloon():
                super()._carry_out(action)
                self._note_frozen(action.guest_uuid)
            case _:
                super()._carry_out(action)

    def _note_frozen(self, guest_uuid: str) -> None:
        """Tell the controller, unless a policy already waits for its turn."""
        if all(
            run.balloon_policy.guest_uuid != guest_uuid
            for run in self._engine.runs
        ):
            self.controller.note_frozen(guest_uuid)

    def _end(self, action: message.ReportEnd) -> None:
        report = action.report

        def tell(error: str | None) -> None:
            # NOTE: told even if it could not be kept, as it did happen.
            self.call(lambda: self._tell_end(report, error is None))

        self._untold += 1
        self.unjournaled.add(report)
        self.requested_at.pop(report.policy.uuid, None)
        self._unrequested.discard(report.policy.uuid)
        self.diary.end(report, tell, self._clock())
        self._tell_controller(action, self._clock())

    def _tell_end(self, report: model.EndReport, is_written: bool) -> None:
        self._untold -= 1
        self.unjournaled.settle(report.policy.uuid, is_written)
        self._tell(self._observer.ended, report)

    def _follow(self, outputs: controller_machine.Outputs) -> None:
        """Do what the controller wants."""
        if self._is_stopping:
            outputs = [
                it for it in outputs if isinstance(it, message.RememberTraits)
            ]
        wanted = [
            output.policy
            for output in outputs
            if isinstance(output, message.PolicyRequested)
        ]
        if wanted:
            # First of all, as it waits for the disk.
            self._request(wanted)
        for output in outputs:
            match output:
                case message.PolicyCancelled():
                    self._release_unwritten(output.policy_uuid)
                    super()._take_in(output, self._clock())
                case message.HostRecovered():
                    self._release_relief()
                    super()._take_in(output, self._clock())
                case _ if isinstance(output, message.Notice):
                    self.diary.note(output)
                    self._tell(self._host_observer.noticed, output)
                case _ if isinstance(output, message.HostAction):
                    self._do_for_host(output)

    def _request(self, policies: Sequence[model.BalloonPolicy]) -> None:
        now = self._clock()
        for balloon_policy in policies:
            self.requested_at[balloon_policy.uuid] = now
            self._unwritten[balloon_policy.uuid] = (
                balloon_policy,
                now + _JOURNAL_WAIT_SECONDS,
            )
            self.diary.herald.create(balloon_policy, now)
        self._write(policies, now, _FIRST_PORTION)

    def _write(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        count: int,
    ) -> None:
        """Journal some, and when they are on the disk twice as many."""
        portion, others = policies[:count], policies[count:]
        self._unrequested.difference_update(it.uuid for it in portion)
        self._unrequested.update(it.uuid for it in others)

        def written(error: str | None) -> None:
            if error is not None:
                LOG.warning(
                    '%d policies run without being journaled: %s',
                    len(portion),
                    error,
                )

            def release() -> None:
                for balloon_policy in portion:
                    self._release(balloon_policy)
                left = [it for it in others if it.uuid in self._unrequested]
                if left:
                    self._write(left, requested_at, 2 * count)

            self.call(release)

        self.diary.request(portion, requested_at, written)

    def _release(self, balloon_policy: model.BalloonPolicy) -> None:
        """Let a policy run, unless that happened before."""
        if self._unwritten.pop(balloon_policy.uuid, None) is None:
            return
        event = message.PolicyRequested(policy=balloon_policy)
        self._tell_controller(event, self._clock())
        super()._take_in(event, self._clock())
        accepted = self._accepted.pop(balloon_policy.uuid, None)
        if accepted is not None:
            accepted()

    def _release_unwritten(self, policy_uuid: str) -> None:
        """Let a policy begin that shall end, so that its end is told."""
        waiting = self._unwritten.get(policy_uuid)
        if waiting is not None:
            self._release(waiting[0])

    def _release_relief(self) -> None:
        for balloon_policy, _ in list(self._unwritten.values()):
            if balloon_policy.origin is model.Origin.PRESSURE:
                self._release(balloon_policy)

    def _do_for_host(self, action: message.HostAction) -> None:
        match action:
            case message.ListGuests():
                self._pool.submit(_HOST_LINE, self._looker.list_guests)
            case message.LookAtGuest():
                guest_uuid = action.guest_uuid
                self._pool.submit(
                    guest_uuid, lambda: self._looker.look(guest_uuid)
                )
            case message.StartStatistics():
                guest_uuid = action.guest_uuid
                self._pool.submit(
                    guest_uuid,
                    lambda: self._looker.start_statistics(guest_uuid),
                )
            case message.RememberTraits():
                self.diary.remember(action)
