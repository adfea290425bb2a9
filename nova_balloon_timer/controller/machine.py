# SPDX-License-Identifier: Apache-2.0
"""The controller: how host and guests stand comes in, policies go out.

It is to the host what the engine is to one policy, and as pure: it has no
clock, thread, file, log, configuration or hypervisor. Whoever turns the crank
calls :meth:`Controller.handle` with what happened and
:meth:`Controller.handle_timer` no later than :meth:`Controller.next_timer`
says. What it returns are events for the engine, things to do, and notices.
"""

from collections.abc import Callable
import math

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import census as controller_census
from nova_balloon_timer.controller import ending as controller_ending
from nova_balloon_timer.controller import flight as controller_flight
from nova_balloon_timer.controller import giving as controller_giving
from nova_balloon_timer.controller import host as controller_host
from nova_balloon_timer.controller import learning
from nova_balloon_timer.controller import muster as controller_muster
from nova_balloon_timer.controller import relief as controller_relief
from nova_balloon_timer.controller import roster as controller_roster
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.planners import base as planner_base

# Ends of a return that tell whether its guest takes memory at all.
_GIFTS = (
    model.EndReason.TARGET,
    model.EndReason.DEADLINE,
    model.EndReason.STALLED,
    model.EndReason.FAILED,
)

Output = message.Event | message.HostAction | message.Notice
Outputs = list[Output]


class Controller:
    """Relieves one host, and returns what was taken.

    :param remembered: what was learned of guests before
    :param make_uuid: for new policies
    :param utc_offset: what added to ``now`` makes seconds since the epoch
    """

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        planner: planner_base.Planner,
        *,
        make_uuid: Callable[[], str],
        now: float,
        utc_offset: float = 0.0,
        remembered: controller_settings.Remembered | None = None,
    ) -> None:
        self._settings = settings
        self._utc_offset = utc_offset
        self._was_short = False
        self._cancellations = controller_ending.Cancellations()
        self.host = controller_host.HostState(settings)
        self.flights = controller_flight.Flights()
        self.roster = controller_roster.Roster(settings, remembered or {})
        self.muster = controller_muster.Muster(
            settings, self.roster, self.flights, utc_offset
        )
        self._census = controller_census.Census(
            settings, self.roster, self.flights, now
        )
        self._relief = controller_relief.Relief(settings, planner, make_uuid)
        self._giving = controller_giving.Giving(settings, make_uuid)
        self._handlers: dict[type, Callable[..., Outputs]] = {
            message.PressureRead: self._on_pressure,
            message.GuestsListed: self._on_listed,
            message.GuestsChanged: self._on_changed,
            message.GuestWithdrawn: self._on_withdrawn,
            message.GuestLooked: self._on_looked,
            message.PolicyRequested: self._on_requested,
            message.PolicyResumed: self._on_requested,
            message.BalloonSampled: self._on_sampled,
            message.GuestGone: self._on_gone,
            message.ReportEnd: self._on_ended,
        }

    def reload(
        self,
        settings: controller_settings.ControllerSettings,
        planner: planner_base.Planner,
    ) -> None:
        """Take other settings, and another planner, from now on.

        :raises InvalidConfiguration: its watermarks do not fit this host;
            nothing is taken then
        """
        self.host.reload(settings)
        self._settings = settings
        self.roster.reload(settings)
        self.muster.reload(settings)
        self._census.reload(settings)
        self._relief.reload(settings, planner)
        self._giving.reload(settings)

    def next_timer(self) -> float:
        """Return when :meth:`handle_timer` is due."""
        give_at = math.inf
        if self._may_give():
            give_at = self._giving.ready_at(self.host)
        return min(self._census.next_at, give_at)

    def handle_timer(self, now: float) -> Outputs:
        """Do what has become due."""
        outputs: Outputs = [*self._expect(self._census.due(now), now)]
        if self._may_give() and now >= self._giving.ready_at(self.host):
            outputs += self._give(now)
        return outputs

    def handle(
        self,
        event: message.Event | message.HostEvent | message.ReportEnd,
        now: float,
    ) -> Outputs:
        """Take in what happened; events of no interest are let pass."""
        handler = self._handlers.get(type(event))
        return [] if handler is None else handler(event, now)

    def _on_pressure(self, event: message.PressureRead, now: float) -> Outputs:
        was_calm = self.host.calm_since is not None
        self.host.observe(event.reading, now)
        outputs = self._tell_pressure(now)
        lacking = self.muster.lacking(now)
        owed_kib = sum(kib for _, kib in lacking)
        if self.host.is_short or owed_kib > 0:
            outputs += self._relieve(now, owed_kib)
        outputs += self._aid(lacking, now)
        if self.host.calm_since is not None and not was_calm:
            self._relief.note_recovered()
            outputs.append(message.HostRecovered())
        return outputs

    def _tell_pressure(self, now: float) -> Outputs:
        is_short = self.host.is_short
        if is_short == self._was_short:
            return []
        self._was_short = self._census.is_tense = is_short
        memory = self.host.memory
        words = self.host.words
        if not is_short:
            return [message.PressureEnded(at=now, memory=memory, words=words)]
        self._giving.note_pressure(now)
        self._relief.note_change()
        outputs: Outputs = [
            message.PressureStarted(at=now, memory=memory, words=words)
        ]
        for flight in self.flights.returning():
            outputs += self._cancellations.order(
                flight.balloon_policy.uuid, 'the host is short of memory again'
            )
        return outputs

    def _relieve(self, now: float, owed_kib: int) -> Outputs:
        made = self._relief.plan(
            self.host,
            self.flights,
            lambda replaceable: self.muster.candidates(now, replaceable),
            now,
            owed_kib,
        )
        if made is None:
            return []
        planned, policies = made
        expected_kib = {
            proposal.guest_uuid: proposal.expected_freed_kib
            for proposal in planned.plan.proposals
        }
        outputs: Outputs = [planned]
        for made_policy in policies:
            freed_kib = expected_kib[made_policy.guest_uuid]
            outputs.append(self._launch(made_policy, freed_kib, now))
        return outputs

    def _launch(
        self,
        balloon_policy: model.BalloonPolicy,
        expected_kib: int,
        now: float,
    ) -> message.PolicyRequested:
        deadline_at = now + balloon_policy.duration_seconds
        self.flights.add(
            controller_flight.Flight(
                balloon_policy, expected_kib, deadline_at, heard_at=now
            )
        )
        return message.PolicyRequested(policy=balloon_policy)

    def _may_give(self) -> bool:
        # NOTE: whether a guest lacks any is found out round by round only: it
        # is asked at every event, and would cost more than all else at rest.
        return self.host.calm_since is not None and not (
            self.flights.returning()
        )

    def _give(self, now: float) -> Outputs:
        needy = self.muster.needy(now)
        return self._launch_returns(
            self._giving.plan(self.host, self.flights, needy, now), now
        )

    def _aid(
        self,
        lacking: list[tuple[controller_roster.GuestRecord, int]],
        now: float,
    ) -> Outputs:
        policies = self._giving.aid(self.host, self.flights, lacking, now)
        for balloon_policy in policies:
            record = self.roster.find(balloon_policy.guest_uuid)
            if record is not None:
                # Or it would be taken what it was just given.
                record.aided_until = now + self._settings.cool_down_seconds
        return self._launch_returns(policies, now)

    def _launch_returns(
        self, policies: list[model.BalloonPolicy], now: float
    ) -> Outputs:
        return [
            self._launch(it, it.target_kib - it.start_actual_kib, now)
            for it in policies
        ]

    def _on_listed(self, event: message.GuestsListed, now: float) -> Outputs:
        able: list[controller_roster.GuestRecord] = []
        if event.guests is None:
            self._census.retry(now)
        else:
            able = self.roster.take(event.guests)
        if able:
            self._relief.note_change()
        outputs: Outputs = [
            message.StartStatistics(guest_uuid=record.guest.uuid)
            for record in able
        ]
        return [*outputs, *self._expect(self._census.note_listed(), now)]

    def _expect(
        self, actions: list[message.HostAction], now: float
    ) -> list[message.HostAction]:
        """Note since when guests are looked at: they may hang."""
        for action in actions:
            if isinstance(action, message.LookAtGuest):
                record = self.roster.find(action.guest_uuid)
                if record is not None:
                    record.awaited_since = now
        return actions

    def _on_changed(self, event: message.GuestsChanged, now: float) -> Outputs:
        self._census.hurry(now)
        return []

    def _on_withdrawn(
        self, event: message.GuestWithdrawn, now: float
    ) -> Outputs:
        self.roster.withdraw(event.guest_uuid, event.refusal)
        flight = self.flights.find(event.guest_uuid)
        if flight is None:
            return []
        policy_uuid = flight.balloon_policy.uuid
        return [*self._cancellations.order(policy_uuid, event.refusal.words)]

    def _on_looked(self, event: message.GuestLooked, now: float) -> Outputs:
        record = self.roster.find(event.guest_uuid)
        if record is None:
            return []
        record.is_awaited = False
        sample = event.sample
        if sample is None or event.guest_uuid in self.flights:
            # NOTE: a look that a policy overtook says nothing any more.
            return []
        record.observe(sample)
        outputs: Outputs = []
        if record.must_be_reminded(sample, now):
            outputs.append(
                message.StartStatistics(guest_uuid=event.guest_uuid)
            )
        drift = record.drift(sample)
        if drift is None:
            return outputs
        record.respected_until = now + self._settings.respect_seconds
        before_kib, after_kib = drift
        return [
            *outputs,
            message.ForeignChange(
                at=now,
                guest_uuid=event.guest_uuid,
                before_kib=before_kib,
                after_kib=after_kib,
            ),
        ]

    def _on_requested(
        self,
        event: message.PolicyRequested | message.PolicyResumed,
        now: float,
    ) -> Outputs:
        """Take policies of others into the books; ours are there already."""
        balloon_policy = event.policy
        flight = self.flights.find(balloon_policy.guest_uuid)
        if flight is None or flight.balloon_policy.uuid != balloon_policy.uuid:
            distance_kib = abs(
                balloon_policy.target_kib - balloon_policy.start_actual_kib
            )
            started_at = now
            if isinstance(event, message.PolicyResumed):
                started_at = event.started_at
            self.flights.add(
                controller_flight.Flight(
                    balloon_policy,
                    distance_kib,
                    started_at + balloon_policy.duration_seconds,
                    heard_at=now,
                    is_ours=False,
                    is_resumed=isinstance(event, message.PolicyResumed),
                )
            )
        return []

    def _on_sampled(
        self, event: message.BalloonSampled, now: float
    ) -> Outputs:
        flight = self.flights.find(event.guest_uuid)
        record = self.roster.find(event.guest_uuid)
        if flight is not None:
            flight.observe(event.sample, now)
        if record is not None:
            record.observe(event.sample)
        return []

    def note_frozen(self, guest_uuid: str) -> None:
        """Learn that a guest's policy is over, before its end is told."""
        flight = self.flights.find(guest_uuid)
        if flight is not None:
            flight.freeze()

    def _on_gone(self, event: message.GuestGone, now: float) -> Outputs:
        self.roster.drop(event.guest_uuid)
        self._census.hurry(now)
        return []

    def _on_ended(self, event: message.ReportEnd, now: float) -> Outputs:
        report = event.report
        flight = self.flights.end(report)
        is_foreign = self._was_foreign(report)
        origin = report.policy.origin
        if origin is model.Origin.RETURN:
            self._giving.note_end(now, report.moved_kib)
        if origin is model.Origin.PRESSURE and flight is not None:
            self._relief.note_end(report, now)
        record = self.roster.find(report.policy.guest_uuid)
        if record is None:
            return []
        record.settle(report.actual_end_kib)
        if origin is model.Origin.RETURN and report.actual_end_kib is not None:
            record.fill(report.actual_end_kib)
        if origin is model.Origin.RETURN and report.reason in _GIFTS:
            record.note_gift(report.moved_kib, now)
        # NOTE: a freeze makes void what waits for the guest, looks included.
        record.is_awaited = False
        if origin is model.Origin.OPERATOR or is_foreign:
            record.respected_until = now + self._settings.respect_seconds
        was_ours = flight is None or not flight.is_resumed
        if report.policy.direction is model.Direction.DEFLATE or not was_ours:
            # NOTE: that we were away says nothing about the guest.
            return []
        record.traits = learning.learn(
            record.traits, report, now + self._utc_offset, self._settings
        )
        return [
            message.RememberTraits(
                guest_uuid=report.policy.guest_uuid, traits=record.traits
            )
        ]

    def _was_foreign(self, report: model.EndReport) -> bool:
        """Tell whether somebody else ended a policy of ours."""
        was_ordered = self._cancellations.settle(report)
        if report.reason is model.EndReason.CANCELLED:
            return not was_ordered
        return (
            report.reason is model.EndReason.SUPERSEDED
            and report.policy.guest_uuid not in self.flights
        )
