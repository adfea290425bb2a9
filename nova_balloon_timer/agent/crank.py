# SPDX-License-Identifier: Apache-2.0
"""The crank of a whole host: the engine's, and the controller's beside it."""

from collections.abc import Callable, Mapping, Sequence
import math
import time
from typing import Protocol

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine as controller_machine

LOG = logging.getLogger(__name__)

# The line of jobs that are no guest's.
_HOST_LINE = ''

# A disk that hangs must not keep a host short of memory.
_JOURNAL_WAIT_SECONDS = 0.5

# How long after an event the host's course is still kept in full.
_AFTERMATH_SECONDS = 60.0

Done = Callable[[str | None], None]


class Journal(Protocol):
    """What the crank needs of a journal; no call of it may wait."""

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        done: Done,
        guest_names: Mapping[str, str] | None = None,
    ) -> None:
        """Keep policies before they begin; ``done`` gets an error's words."""

    def start(self, policy_uuid: str, at: float) -> None:
        """Keep that a policy begins to move its balloon."""

    def end(self, report: model.EndReport, done: Done) -> None:
        """Keep how a policy ended."""

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        """Keep what was learned of a guest."""

    def note(
        self, notice: message.Notice, guest_name: str | None = None
    ) -> None:
        """Keep what happened on the host."""

    def sample_host(
        self,
        memory: situation.HostMemory,
        watermarks: situation.Watermarks,
        *,
        is_pressing: bool,
    ) -> None:
        """Keep how the host stands, every now and then."""


class HostObserver(manager.Observer, Protocol):
    """Whoever wants to know what happens on the host; must return at once."""

    def noticed(self, notice: message.Notice) -> None:
        """Learn what happened on the host."""


class HostCrank(manager.Manager):
    """Turns engine and controller; journals, then acts, then tells."""

    def __init__(
        self,
        applier: base.Applier,
        pool: applier_pool.WorkerPool,
        observer: HostObserver,
        *,
        controller: controller_machine.Controller,
        journal: Journal,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(applier, pool, observer, clock=clock)
        self.controller = controller
        self._journal = journal
        self._host_observer = observer
        self._is_stopping = False
        self._eventful_until = -math.inf
        self._unwritten: dict[str, tuple[model.BalloonPolicy, float]] = {}

    def request(self, policies: Sequence[model.BalloonPolicy]) -> None:
        """Journal policies, and run them then; from any thread."""
        self.call(lambda: self._request(policies))

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

    def _next_timer(self) -> float | None:
        instants = [
            self._engine.next_timer(),
            *(until for _, until in self._unwritten.values()),
        ]
        if not self._is_stopping:
            instants.append(self.controller.next_timer())
        return min((at for at in instants if at is not None), default=None)

    def _do_what_is_due(self, now: float) -> None:
        super()._do_what_is_due(now)
        for balloon_policy, until in list(self._unwritten.values()):
            if until <= now:
                LOG.warning(
                    'The journal does not answer: policy %s runs without '
                    'being journaled',
                    balloon_policy.uuid,
                )
                self._release(balloon_policy)
        if not self._is_stopping:
            self._follow(self.controller.handle_timer(now))

    def _take_in(
        self, event: message.Event | message.HostEvent, now: float
    ) -> None:
        # NOTE: the engine first; whatever may be wrong with the controller,
        # deadlines are met.
        super()._take_in(event, now)
        self._follow(self.controller.handle(event, now))
        if isinstance(event, message.PressureRead):
            self._keep_reading()
        # A flood of events must not keep from being done what is due.
        due_at = self._next_timer()
        if due_at is not None and due_at <= now:
            self._do_what_is_due(now)

    def _carry_out(self, action: message.Action) -> None:
        match action:
            case message.ReportStart():
                self._journal.start(action.policy.uuid, self._clock())
                super()._carry_out(action)
            case message.ReportEnd():
                self._end(action)
            case _:
                super()._carry_out(action)

    def _end(self, action: message.ReportEnd) -> None:
        report = action.report

        def tell(error: str | None) -> None:
            # NOTE: told even if it could not be kept, as it did happen.
            self.call(lambda: self._tell(self._observer.ended, report))

        self._journal.end(report, tell)
        self._follow(self.controller.handle(action, self._clock()))

    def _follow(self, outputs: controller_machine.Outputs) -> None:
        """Do what the controller wants."""
        if self._is_stopping:
            return
        wanted: list[model.BalloonPolicy] = []
        for output in outputs:
            match output:
                case message.PolicyRequested():
                    wanted.append(output.policy)
                case message.PolicyCancelled():
                    self._cancel(output)
                case message.HostRecovered():
                    super()._take_in(output, self._clock())
                case _ if isinstance(output, message.Notice):
                    self._note(output)
                    self._tell(self._host_observer.noticed, output)
                case _ if isinstance(output, message.HostAction):
                    self._do_for_host(output)
        if wanted:
            self._request(wanted)

    def _request(self, policies: Sequence[model.BalloonPolicy]) -> None:
        now = self._clock()
        for balloon_policy in policies:
            self._unwritten[balloon_policy.uuid] = (
                balloon_policy,
                now + _JOURNAL_WAIT_SECONDS,
            )

        def written(error: str | None) -> None:
            if error is not None:
                LOG.warning(
                    '%d policies run without being journaled: %s',
                    len(policies),
                    error,
                )

            def release() -> None:
                for balloon_policy in policies:
                    self._release(balloon_policy)

            self.call(release)

        roster = self.controller.roster
        names = {
            it.guest_uuid: roster.name_of(it.guest_uuid) for it in policies
        }
        self._journal.request(policies, now, written, names)

    def _release(self, balloon_policy: model.BalloonPolicy) -> None:
        """Let a policy run, unless that happened before."""
        if self._unwritten.pop(balloon_policy.uuid, None) is None:
            return
        event = message.PolicyRequested(policy=balloon_policy)
        self._follow(self.controller.handle(event, self._clock()))
        super()._take_in(event, self._clock())

    def _cancel(self, event: message.PolicyCancelled) -> None:
        waiting = self._unwritten.get(event.policy_uuid)
        if waiting is not None:
            self._release(waiting[0])
        super()._take_in(event, self._clock())

    def _note(self, notice: message.Notice) -> None:
        name = None
        if isinstance(notice, message.ForeignChange):
            name = self.controller.roster.name_of(notice.guest_uuid)
        self._journal.note(notice, name)

    def _keep_reading(self) -> None:
        host = self.controller.host
        if host.memory is None or host.watermarks is None:
            return
        now = self._clock()
        if host.is_short or not self._engine.is_idle:
            self._eventful_until = now + _AFTERMATH_SECONDS
        self._journal.sample_host(
            host.memory,
            host.watermarks,
            is_pressing=now < self._eventful_until,
        )

    def _do_for_host(self, action: message.HostAction) -> None:
        match action:
            case message.ListGuests():
                self._pool.submit(_HOST_LINE, self._list_guests)
            case message.LookAtGuest():
                guest_uuid = action.guest_uuid
                self._pool.submit(guest_uuid, lambda: self._look(guest_uuid))
            case message.StartStatistics():
                guest_uuid = action.guest_uuid
                self._pool.submit(
                    guest_uuid,
                    lambda: self._applier.start_statistics(guest_uuid),
                )
            case message.RememberTraits():
                self._journal.remember(action.guest_uuid, action.traits)

    def _list_guests(self) -> None:
        guests = None
        try:
            guests = tuple(self._applier.list_guests())
        except exception.ApplierError as error:
            LOG.warning('The guests could not be listed: %s', error)
        finally:
            self._events.put(message.GuestsListed(guests=guests))

    def _look(self, guest_uuid: str) -> None:
        sample = None
        try:
            sample = self._applier.read(guest_uuid)
        except exception.ApplierError as error:
            LOG.debug('A look failed: %s', error)
        finally:
            self._events.put(
                message.GuestLooked(guest_uuid=guest_uuid, sample=sample)
            )
