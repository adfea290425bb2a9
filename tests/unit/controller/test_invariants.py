# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to a host and its guests: what the controller keeps to."""

import collections
import itertools
import math
from typing import Any

import hypothesis
from hypothesis import stateful
from hypothesis import strategies

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import machine
from nova_balloon_timer.planners import default
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB
_Reason = model.EndReason
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')

_NAMES = ('web', 'db', 'batch')
_GUARDS = base.make_guards()
_PRIORITIES = {'web': 1.0, 'db': 0.5, 'batch': 4.0}

# What a planner may round up: to whole MiB and its least, for each guest.
_ROUNDING_KIB = len(_NAMES) * 9 * MIB

_guests = strategies.sampled_from(_NAMES)


class ControllerMachine(stateful.RuleBasedStateMachine):
    """A toy host and a toy engine around a real controller."""

    def __init__(self) -> None:
        super().__init__()
        numbers = itertools.count()
        self.now = 1000.0
        self.load_mib = 0
        self.is_told_short = False
        self.guests = {
            base.uuid_of(name): factory.ToyGuest(name) for name in _NAMES
        }
        self.settings = factory.make_settings(
            rank=lambda guest: _PRIORITIES[guest.name]
        )
        self.controller = machine.Controller(
            self.settings,
            default.DefaultPlanner(),
            make_uuid=lambda: f'policy-{next(numbers)}',
            now=self.now,
            utc_offset=factory.UTC_OFFSET,
        )
        self.turn()
        self.read()

    # The host and its engine.

    @property
    def available_kib(self) -> int:
        taken_kib = sum(
            guest.actual_kib
            for guest in self.guests.values()
            if guest.is_there
        )
        return max(0, 8 * GIB - self.load_mib * MIB - taken_kib)

    def sample(self, guest: factory.ToyGuest) -> model.BalloonSample:
        return model.BalloonSample(
            at=self.now,
            actual_kib=guest.actual_kib,
            rss_kib=guest.actual_kib,
            statistics=base.make_statistics(
                updated_at=int(self.now),
                usable_kib=max(0, guest.actual_kib - guest.used_kib),
            ),
        )

    def handle(
        self, event: message.Event | message.HostEvent | message.ReportEnd
    ) -> None:
        self.follow(self.controller.handle(event, self.now))

    def follow(self, outputs: machine.Outputs) -> None:
        self.check(outputs)
        for output in outputs:
            match output:
                case message.PolicyRequested():
                    self.begin(output.policy)
                case message.PolicyCancelled():
                    self.end_all(_Reason.CANCELLED, uuid=output.policy_uuid)
                case message.HostRecovered():
                    self.end_all(
                        _Reason.HOST_RECOVERED, origin=model.Origin.PRESSURE
                    )
                case message.ListGuests():
                    self.list_guests()
                case message.LookAtGuest():
                    self.look(self.guests[output.guest_uuid])
                case _:
                    pass

    def end_all(self, reason: _Reason, **like: object) -> None:
        """End the policies that have these attributes."""
        for guest in self.guests.values():
            run = guest.run
            if run is not None and all(
                getattr(run, name) == value for name, value in like.items()
            ):
                self.end(guest, reason)

    def begin(self, balloon_policy: model.BalloonPolicy) -> None:
        guest = self.guests[balloon_policy.guest_uuid]
        self.handle(message.PolicyRequested(policy=balloon_policy))
        if guest.run is not None:
            assert guest.run.origin is not model.Origin.RETURN
            self.end(guest, _Reason.SUPERSEDED)
        guest.run = balloon_policy
        guest.started_at = self.now
        if not guest.is_there:
            self.end(guest, _Reason.GUEST_GONE)

    def end(self, guest: factory.ToyGuest, reason: _Reason) -> None:
        run = guest.run
        assert run is not None
        guest.run = None
        moved_kib = abs(run.start_actual_kib - guest.actual_kib)
        known = not guest.hangs and guest.is_there
        self.handle(
            message.ReportEnd(
                report=base.make_report(
                    policy=run,
                    reason=reason,
                    started_at=guest.started_at,
                    deadline_at=guest.started_at + run.duration_seconds,
                    ended_at=self.now,
                    actual_start_kib=run.start_actual_kib,
                    actual_end_kib=guest.actual_kib if known else None,
                    moved_kib=moved_kib if known else None,
                    freed_kib=moved_kib if known else None,
                )
            )
        )

    def look(self, guest: factory.ToyGuest) -> None:
        if guest.hangs:
            return
        sample = self.sample(guest) if guest.is_there else None
        self.handle(message.GuestLooked(guest_uuid=guest.uuid, sample=sample))

    def list_guests(self) -> None:
        self.handle(
            message.GuestsListed(
                guests=tuple(
                    base.make_guest(
                        guest.name,
                        refusals=(_PAUSED,) if guest.is_paused else (),
                    )
                    for guest in self.guests.values()
                    if guest.is_there
                )
            )
        )

    def move(self, guest: factory.ToyGuest, seconds: float) -> None:
        run = guest.run
        if run is None:
            return
        if not guest.hangs:
            step_kib = int(guest.rate_kib * seconds)
            way_kib = run.target_kib - guest.actual_kib
            guest.actual_kib += max(-step_kib, min(step_kib, way_kib))
            self.handle(
                message.BalloonSampled(
                    guest_uuid=guest.uuid, sample=self.sample(guest)
                )
            )
            if guest.actual_kib == run.target_kib:
                self.end(guest, _Reason.TARGET)
                return
        if self.now >= guest.started_at + run.duration_seconds:
            reason = _Reason.FAILED if guest.hangs else _Reason.DEADLINE
            self.end(guest, reason)

    def turn(self) -> None:
        outputs = self.controller.handle_timer(self.now)
        next_at = self.controller.next_timer()
        assert math.isfinite(next_at)
        assert next_at > self.now, 'a busy loop'
        self.follow(outputs)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        for guest in self.guests.values():
            self.move(guest, seconds)
        if self.controller.next_timer() <= self.now:
            self.turn()

    def read_now(self, **more: Any) -> situation.PressureReading:
        return factory.make_reading(self.now, self.available_kib / MIB, **more)

    # What may happen.

    @stateful.rule()
    def read(self) -> None:
        self.handle(message.PressureRead(reading=self.read_now()))

    @stateful.rule(is_pressing=strategies.booleans())
    def see_tasks_wait(self, is_pressing: bool) -> None:
        reading = self.read_now(
            source='psi', is_pressing=is_pressing, stalled_share=0.1
        )
        self.handle(message.PressureRead(reading=reading))

    @stateful.rule(
        seconds=strategies.sampled_from((0.1, 0.5, 1.0, 2.0)),
        times=strategies.integers(1, 20),
    )
    def wait(self, seconds: float, times: int) -> None:
        for _ in range(times):
            self.pass_time(seconds)
            self.read()

    @stateful.rule(seconds=strategies.sampled_from((0.3, 31.0, 300.0)))
    def stand_still(self, seconds: float) -> None:
        """Let time pass in one piece, without a reading."""
        self.pass_time(seconds)

    @stateful.rule(load_mib=strategies.integers(0, 5 * 1024))
    def load(self, load_mib: int) -> None:
        self.load_mib = load_mib

    @stateful.rule(name=_guests, hangs=strategies.booleans())
    def hang(self, name: str, hangs: bool) -> None:
        guest = self.guests[base.uuid_of(name)]
        was_hanging, guest.hangs = guest.hangs, hangs
        if was_hanging and not hangs:
            self.look(guest)

    @stateful.rule(name=_guests, rate_mib=strategies.integers(0, 500))
    def change_rate(self, name: str, rate_mib: int) -> None:
        self.guests[base.uuid_of(name)].rate_kib = rate_mib * MIB

    @stateful.rule(name=_guests, is_paused=strategies.booleans())
    def pause(self, name: str, is_paused: bool) -> None:
        self.guests[base.uuid_of(name)].is_paused = is_paused
        self.handle(message.GuestsChanged())

    @stateful.rule(name=_guests)
    def leave(self, name: str) -> None:
        guest = self.guests[base.uuid_of(name)]
        guest.is_there = False
        if guest.run is not None:
            self.end(guest, _Reason.GUEST_GONE)
        self.handle(message.GuestGone(guest_uuid=guest.uuid))

    @stateful.rule(name=_guests)
    def come(self, name: str) -> None:
        guest = self.guests[base.uuid_of(name)]
        if not guest.is_there:
            guest.is_there = True
            guest.actual_kib = GIB
            self.handle(message.GuestsChanged())

    @stateful.rule(name=_guests, actual_mib=strategies.integers(300, 1024))
    def meddle(self, name: str, actual_mib: int) -> None:
        """Have somebody else set a balloon."""
        guest = self.guests[base.uuid_of(name)]
        if guest.run is not None:
            self.end(guest, _Reason.SUPERSEDED)
        guest.actual_kib = actual_mib * MIB

    @stateful.rule(name=_guests, target_mib=strategies.integers(300, 1023))
    def order(self, name: str, target_mib: int) -> None:
        """Have an operator ask for a policy."""
        guest = self.guests[base.uuid_of(name)]
        if guest.run is not None or guest.actual_kib <= target_mib * MIB:
            return
        self.begin(
            base.make_policy(
                guest_uuid=guest.uuid,
                start_actual_kib=guest.actual_kib,
                target_kib=target_mib * MIB,
                guards=_GUARDS,
            )
        )

    # What must hold.

    def check(self, outputs: machine.Outputs) -> None:
        asked: collections.Counter[str] = collections.Counter()
        for output in outputs:
            match output:
                case message.PressureStarted():
                    assert not self.is_told_short, 'told twice'
                    self.is_told_short = True
                    self.check_returns(outputs)
                case message.PressureEnded():
                    assert self.is_told_short, 'what did not begin'
                    self.is_told_short = False
                case message.PolicyRequested():
                    asked[output.policy.guest_uuid] += 1
                    self.check_policy(output.policy)
                case message.ReliefPlanned():
                    self.check_need(output)
        assert not asked or max(asked.values()) == 1, 'two for one guest'

    def check_returns(self, outputs: machine.Outputs) -> None:
        """Check that pressure ends all that is being returned."""
        cancelled = {
            it.policy_uuid
            for it in factory.pick(outputs, message.PolicyCancelled)
        }
        for guest in self.guests.values():
            run = guest.run
            if run is not None and run.origin is model.Origin.RETURN:
                assert run.uuid in cancelled, 'returned under pressure'

    def check_policy(self, made: model.BalloonPolicy) -> None:
        guest = self.guests[made.guest_uuid]
        if made.direction is model.Direction.DEFLATE:
            given_kib = made.target_kib - made.start_actual_kib
            spare_kib = self.controller.host.above_low_kib
            assert not self.is_told_short or given_kib <= spare_kib, (
                'given what the host lacks'
            )
            assert guest.run is None, 'a second policy'
            assert made.target_kib <= GIB
            return
        assert self.is_told_short or self.has_starving(), 'taken for nothing'
        assert made.target_kib >= _GUARDS.floor_kib, 'below the floor'
        least_kib = guest.used_kib + _GUARDS.reserve_kib
        assert made.target_kib >= least_kib, 'into the reserve'
        run = guest.run
        assert run is None or run.origin is model.Origin.PRESSURE

    def has_starving(self) -> bool:
        """Tell whether some guest misses what was taken from it."""
        return any(
            guest.actual_kib - guest.used_kib < _GUARDS.reserve_kib
            for guest in self.guests.values()
        )

    def check_need(self, notice: message.ReliefPlanned) -> None:
        """Check that nothing is asked for twice."""
        host = self.controller.host
        relief_kib = self.controller.flights.relief_kib(host.memory, self.now)
        most_kib = max(host.lacking_kib_in(0.0), host.stall_step_kib)
        most_kib += max(self.settings.least_need_kib, host.portion_kib)
        most_kib += _ROUNDING_KIB
        # A silent guest's relief does not count, but may come all the same.
        most_kib += sum(
            max(0, guest.actual_kib - guest.run.target_kib)
            for guest in self.guests.values()
            if guest.run is not None and guest.hangs
        )
        assert not notice.plan.proposals or relief_kib <= most_kib, (
            'asked for twice'
        )

    @stateful.invariant()
    def flights_are_what_runs(self) -> None:
        for guest in self.guests.values():
            flight = self.controller.flights.find(guest.uuid)
            found = None if flight is None else flight.balloon_policy
            assert found == guest.run

    def teardown(self) -> None:
        """Once all is well for good, every guest is full again."""
        self.load_mib = 0
        for guest in self.guests.values():
            guest.is_there = True
            guest.is_paused = False
            guest.rate_kib = 100 * MIB
            if guest.hangs:
                guest.hangs = False
                self.look(guest)
        self.handle(message.GuestsChanged())
        self.read()
        for _ in range(600):
            self.pass_time(5.0)
            self.read()
            if all(it.actual_kib >= GIB - MIB for it in self.guests.values()):
                return
        raise AssertionError(f'never given back: {self.guests}')


ControllerMachine.TestCase.settings = hypothesis.settings(
    max_examples=100,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


ControllerInvariantsTest = ControllerMachine.TestCase
# NOTE: hypothesis made the class; by these a test runner finds it again.
ControllerInvariantsTest.__module__ = __name__
ControllerInvariantsTest.__qualname__ = 'ControllerInvariantsTest'
