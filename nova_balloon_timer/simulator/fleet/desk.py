# SPDX-License-Identifier: Apache-2.0
"""Carries out what the real controller wants, on coarse guests."""

from collections.abc import Callable, Iterable

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.simulator.fleet import course as fleet_course
from nova_balloon_timer.simulator.fleet import flight as fleet_flight
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import memory as fleet_memory
from nova_balloon_timer.simulator.fleet import tally as fleet_tally

_TOLERANCE_KIB = 1024

Check = Callable[[model.BalloonPolicy], None]


class Desk:
    """Between the controller and the guests: what the crank is on a host.

    :ivar below: the guests that have less than their full memory, by UUID
    """

    def __init__(
        self,
        controller: controller_machine.Controller,
        memory: fleet_memory.FleetMemory,
        tally: fleet_tally.Tally,
        course: fleet_course.Course,
        check: Check | None = None,
    ) -> None:
        self._controller = controller
        self._memory = memory
        self._tally = tally
        self._course = course
        self._check = check
        self.flights: dict[str, fleet_flight.FleetFlight] = {}
        self.below: set[str] = set()

    def tell(
        self,
        event: message.Event | message.HostEvent | message.ReportEnd,
        now: float,
    ) -> None:
        """Have the controller take an event in, and follow it."""
        self.follow(self._controller.handle(event, now), now)

    def follow(
        self, outputs: Iterable[controller_machine.Output], now: float
    ) -> None:
        """Do what the controller wants."""
        for output in outputs:
            match output:
                case message.PolicyRequested():
                    self._start(output.policy, now)
                case message.PolicyCancelled():
                    self._cancel(output.policy_uuid, now)
                case message.HostRecovered():
                    self._recover(now)
                case message.LookAtGuest():
                    guest = self._memory.guests.get(output.guest_uuid)
                    sample = None if guest is None else guest.sample(now)
                    self.tell(
                        message.GuestLooked(
                            guest_uuid=output.guest_uuid, sample=sample
                        ),
                        now,
                    )
                case message.ListGuests():
                    self.list_guests(now)
                case message.StartStatistics() | message.RememberTraits():
                    pass
                case _ if isinstance(output, message.Notice):
                    self._tally.noticed(output)
                    self._course.noticed(output)

    def list_guests(self, now: float) -> None:
        """Tell the controller who is there."""
        guests = tuple(it.guest for it in self._memory.guests.values())
        self.tell(message.GuestsListed(guests=guests), now)

    def look(self, guest: fleet_guest.FleetGuest, now: float) -> None:
        """Look at a guest that no policy moves."""
        guest.looked_at = now
        guest_uuid = guest.profile.uuid
        if guest_uuid not in self.flights:
            event = message.GuestLooked(
                guest_uuid=guest_uuid, sample=guest.sample(now)
            )
            self.tell(event, now)

    def step(self, now: float) -> None:
        """Let the policies under way go on."""
        for guest_uuid, flight in list(self.flights.items()):
            if self.flights.get(guest_uuid) is not flight:
                continue  # what ended before it ended this one, too
            with self._memory.changing(flight.guest):
                end = flight.step(now)
            if end is not None:
                self.end(flight, end, now)
            else:
                self._sampled(flight, now)

    def end(
        self,
        flight: fleet_flight.FleetFlight,
        end: fleet_flight.End,
        now: float,
    ) -> None:
        """End a policy and tell of it."""
        guest_uuid = flight.balloon_policy.guest_uuid
        self.flights.pop(guest_uuid, None)
        with self._memory.changing(flight.guest):
            report = flight.finish(end)
        self.note(flight.guest)
        self._sampled(flight, now)
        self._tally.ended(report)
        self._course.ended(report)
        self.tell(message.ReportEnd(report=report), now)

    def note(self, guest: fleet_guest.FleetGuest) -> None:
        """Keep up with who has less than its full memory."""
        missing_kib = guest.profile.maximum_kib - guest.actual_kib
        if missing_kib > _TOLERANCE_KIB:
            self.below.add(guest.profile.uuid)
        else:
            self.below.discard(guest.profile.uuid)

    def break_off(
        self,
        guest: fleet_guest.FleetGuest,
        reason: model.EndReason,
        detail: str,
        now: float,
    ) -> None:
        """End a guest's policy, if one is under way."""
        flight = self.flights.get(guest.profile.uuid)
        if flight is not None:
            end = fleet_flight.End(at=now, reason=reason, detail=detail)
            self.end(flight, end, now)

    def _sampled(self, flight: fleet_flight.FleetFlight, now: float) -> None:
        guest = flight.guest
        self.tell(
            message.BalloonSampled(
                guest_uuid=guest.profile.uuid, sample=guest.sample(now)
            ),
            now,
        )

    def _start(self, balloon_policy: model.BalloonPolicy, now: float) -> None:
        if self._check is not None:
            self._check(balloon_policy)
        guest = self._memory.guests.get(balloon_policy.guest_uuid)
        if guest is None:
            return
        self.break_off(
            guest, model.EndReason.SUPERSEDED, 'another took its place', now
        )
        self._tally.started(balloon_policy, now)
        with self._memory.changing(guest):
            flight = fleet_flight.FleetFlight(balloon_policy, guest, now)
        self.flights[balloon_policy.guest_uuid] = flight
        self.tell(message.PolicyRequested(policy=balloon_policy), now)

    def _cancel(self, policy_uuid: str, now: float) -> None:
        for flight in list(self.flights.values()):
            if flight.balloon_policy.uuid == policy_uuid:
                self.break_off(
                    flight.guest, model.EndReason.CANCELLED, 'cancelled', now
                )

    def _recover(self, now: float) -> None:
        for flight in list(self.flights.values()):
            if flight.balloon_policy.origin is model.Origin.PRESSURE:
                self.break_off(
                    flight.guest,
                    model.EndReason.HOST_RECOVERED,
                    'the host is no longer short of memory',
                    now,
                )
