# SPDX-License-Identifier: Apache-2.0
"""The engine under arbitrary events, late timers and lying guests."""

import dataclasses

import hypothesis
from hypothesis import stateful
from hypothesis import strategies

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.engine import machine
from nova_balloon_timer.engine import settings
from tests.unit.engine import factory
from tests.unit.engine import test_guest_clock

_GUESTS = ('guest-a', 'guest-b')
_MAXIMUM_KIB = factory.mib(1024)
_LEASH_KIB = factory.mib(16)
_GRACE_SECONDS = settings.EngineSettings().guest_grace_seconds

_guests = strategies.sampled_from(_GUESTS)
_sizes_kib = strategies.integers(0, _MAXIMUM_KIB)
_waits = strategies.one_of(
    strategies.floats(0, 0.05), strategies.floats(0, 12)
)


@dataclasses.dataclass
class _Watched:
    """What an observer outside the engine knows of a policy."""

    balloon_policy: model.BalloonPolicy
    deadline_at: float
    is_over: bool = False
    is_offered: bool = False
    is_with_guest: bool = False
    first_kib: int | None = None
    starts: int = 0
    reports: int = 0


class EngineMachine(stateful.RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.engine = machine.Engine()
        self.now = 100.0
        self.skew_seconds = 0.0
        self.count = 0
        self.policies: dict[str, _Watched] = {}
        self.live: dict[str, str] = {}
        self.freezing: dict[str, str] = {}
        self.concluding: dict[str, str] = {}
        self.actual_kib: dict[str, int] = {}
        self.updated_at = 0

    # What can happen.

    @stateful.rule(
        guest=_guests,
        start_kib=_sizes_kib,
        target_kib=strategies.integers(1, _MAXIMUM_KIB),
        floor_kib=strategies.integers(0, _MAXIMUM_KIB),
        reserve_kib=strategies.sampled_from((0, factory.mib(64))),
        duration_seconds=strategies.floats(0.001, 20),
        origin=strategies.sampled_from(model.Origin),
        share=strategies.none() | strategies.floats(0.1, 0.9),
        mode=strategies.sampled_from(timekeeping.Mode),
    )
    def request(
        self,
        guest: str,
        start_kib: int,
        target_kib: int,
        floor_kib: int,
        reserve_kib: int,
        duration_seconds: float,
        origin: model.Origin,
        share: float | None,
        mode: timekeeping.Mode,
    ) -> None:
        inflates = target_kib < start_kib
        segments: tuple[model.Segment, ...] = ()
        if share is not None:
            segments = (
                model.Segment(
                    until_seconds=duration_seconds * share,
                    target_kib=int(
                        start_kib + (target_kib - start_kib) * share
                    ),
                ),
            )
        balloon_policy = model.BalloonPolicy(
            uuid=f'policy-{self.count}',
            guest_uuid=guest,
            direction=(
                model.Direction.INFLATE
                if inflates
                else model.Direction.DEFLATE
            ),
            start_actual_kib=start_kib,
            target_kib=target_kib,
            maximum_kib=_MAXIMUM_KIB,
            duration_seconds=duration_seconds,
            guards=model.Guards(
                floor_kib=min(floor_kib, target_kib)
                if inflates
                else floor_kib,
                reserve_kib=reserve_kib,
            ),
            segments=segments,
            leash=model.Leash(minimum_kib=_LEASH_KIB, lead_seconds=0),
            origin=origin,
            mode=mode,
        )
        self.count += 1
        self.policies[balloon_policy.uuid] = _Watched(
            balloon_policy=balloon_policy,
            deadline_at=self.now + duration_seconds,
        )
        before = self.live.get(guest)
        self.handle(message.PolicyRequested(policy=balloon_policy))
        if before is not None:
            assert self.policies[before].is_over, 'two live policies'
        self.live[guest] = balloon_policy.uuid

    @stateful.rule(
        guest=_guests,
        actual_kib=_sizes_kib,
        usable_kib=strategies.none() | _sizes_kib,
        swap_in_kib=strategies.none() | strategies.integers(0, 2**40),
        major_faults=strategies.none() | strategies.integers(0, 2**40),
        updates=strategies.integers(-2, 2),
        delay=strategies.floats(0, 0.5),
    )
    def sample(
        self,
        guest: str,
        actual_kib: int,
        updates: int,
        delay: float,
        **told: int | None,
    ) -> None:
        """Let a guest say anything, also what contradicts itself."""
        self.updated_at = max(0, self.updated_at + updates)
        statistics = None
        if told['usable_kib'] is not None:
            statistics = model.GuestStatistics(
                updated_at=self.updated_at, **told
            )
        self.tell_sample(guest, actual_kib, statistics, self.now - delay)

    @stateful.rule(guest=_guests, step_kib=strategies.integers(0, _LEASH_KIB))
    def follow(self, guest: str, step_kib: int) -> None:
        """Let a guest do as its policy wants: then runs get somewhere."""
        uuid = self.live.get(guest)
        if uuid is None:
            return
        balloon_policy = self.policies[uuid].balloon_policy
        actual_kib = self.actual_kib.get(
            guest, balloon_policy.start_actual_kib
        )
        if balloon_policy.direction is model.Direction.INFLATE:
            actual_kib = max(balloon_policy.target_kib, actual_kib - step_kib)
        else:
            actual_kib = min(balloon_policy.target_kib, actual_kib + step_kib)
        self.updated_at += 1
        statistics = factory.statistics(self.updated_at)
        self.tell_sample(guest, actual_kib, statistics, self.now)

    @stateful.rule(guest=_guests, actual_kib=_sizes_kib)
    def freeze(self, guest: str, actual_kib: int) -> None:
        self.actual_kib[guest] = actual_kib
        sample = model.BalloonSample(at=self.now, actual_kib=actual_kib)
        self.handle(
            message.BalloonFrozen(
                guest_uuid=guest,
                target_kib=actual_kib,
                before=sample,
                after=dataclasses.replace(sample, at=self.now + 0.001),
            )
        )

    @stateful.rule(guest=_guests, accepts=strategies.booleans())
    def answer(self, guest: str, accepts: bool) -> None:
        """Let a guest answer the offer of its policy, or of one before."""
        uuid = self.live.get(guest, 'policy-0')
        event: message.Event = message.PolicyDeclined(
            guest_uuid=guest, policy_uuid=uuid, words='no'
        )
        if accepts:
            event = message.PolicyAccepted(guest_uuid=guest, policy_uuid=uuid)
        self.handle(event)

    @stateful.rule(
        guest=_guests,
        reason=strategies.none()
        | strategies.sampled_from(timekeeping.GuestEnd),
    )
    def tell_end(
        self, guest: str, reason: timekeeping.GuestEnd | None
    ) -> None:
        """Let a guest say of its policy what it likes."""
        uuid = self.concluding.pop(guest, 'policy-0')
        said = None
        if reason is not None:
            said = test_guest_clock.guest_report(reason=reason)
        self.handle(
            message.GuestReported(
                guest_uuid=guest, policy_uuid=uuid, report=said, words=''
            )
        )

    @stateful.rule(
        guest=_guests, kind=strategies.sampled_from(message.FailureKind)
    )
    def fail_action(self, guest: str, kind: message.FailureKind) -> None:
        self.handle(
            message.ActionFailed(guest_uuid=guest, kind=kind, words='broken')
        )

    @stateful.rule(guest=_guests)
    def balloon_changed(self, guest: str) -> None:
        self.handle(message.BalloonChanged(guest_uuid=guest))

    @stateful.rule(guest=_guests)
    def lose_guest(self, guest: str) -> None:
        self.handle(message.GuestGone(guest_uuid=guest))

    @stateful.rule()
    def host_recovers(self) -> None:
        self.handle(message.HostRecovered())

    @stateful.rule(number=strategies.integers(0, 30))
    def cancel(self, number: int) -> None:
        uuid = f'policy-{number}'
        self.handle(message.PolicyCancelled(policy_uuid=uuid))
        if uuid in self.policies:
            assert self.policies[uuid].is_over

    @stateful.rule(seconds=_waits)
    def timer(self, seconds: float) -> None:
        """Turn the timer, in time or late."""
        self.skew_seconds = 0.0
        self.now += seconds
        self.turn_timer()

    @stateful.rule(seconds=strategies.floats(0, 3600))
    def clock_steps_back(self, seconds: float) -> None:
        """Have the clock show less until it is next right."""
        self.skew_seconds = seconds
        self.turn_timer()

    # What must hold.

    def tell_sample(
        self,
        guest: str,
        actual_kib: int,
        statistics: model.GuestStatistics | None,
        at: float,
    ) -> None:
        self.actual_kib[guest] = actual_kib
        if guest in self.live and guest not in self.freezing:
            watched = self.policies[self.live[guest]]
            if watched.first_kib is None:
                watched.first_kib = actual_kib
        sample = model.BalloonSample(
            at=at, actual_kib=actual_kib, statistics=statistics
        )
        self.handle(message.BalloonSampled(guest_uuid=guest, sample=sample))

    def handle(self, event: message.Event) -> None:
        shown = self.now - self.skew_seconds
        self.check(self.engine.handle(event, shown))

    def turn_timer(self) -> None:
        shown = self.now - self.skew_seconds
        self.check(self.engine.handle_timer(shown))

    def check(self, actions: list[message.Action]) -> None:
        for action in actions:
            match action:
                case message.SetTarget():
                    self.check_target(action)
                case message.FreezeBalloon():
                    self.check_freeze(action)
                case message.OfferPolicy():
                    self.check_offer(action)
                case message.ConcludePolicy():
                    uuid = action.policy.uuid
                    assert self.freezing[action.guest_uuid] == uuid
                    self.concluding[action.guest_uuid] = uuid
                case message.ReportStart():
                    watched = self.policies[action.policy.uuid]
                    watched.starts += 1
                    watched.is_offered = False
                    watched.is_with_guest = (
                        action.timing.keeper is timekeeping.Mode.GUEST
                    )
                    assert watched.starts == 1, 'started twice'
                    assert not watched.is_over, 'started after its end'
                case message.ReportEnd():
                    self.check_report(action.report)
        self.check_deadlines()

    def check_deadlines(self) -> None:
        for watched in self.policies.values():
            may_be_in_guest = watched.is_with_guest or watched.is_offered
            grace_seconds = _GRACE_SECONDS if may_be_in_guest else 0
            if watched.deadline_at + grace_seconds <= self.now:
                assert watched.is_over, 'ran past its deadline'

    def check_target(self, action: message.SetTarget) -> None:
        guest = action.guest_uuid
        assert guest in self.live, 'a target without a live policy'
        assert guest not in self.freezing, 'a target during a freeze'
        watched = self.policies[self.live[guest]]
        assert watched.starts == 1, 'a target before the start'
        assert not watched.is_with_guest, 'a target beside the guest'
        actual_kib = self.actual_kib[guest]
        target_kib = action.target_kib
        assert target_kib <= _MAXIMUM_KIB, 'above the maximum'
        if watched.balloon_policy.direction is model.Direction.INFLATE:
            floor_kib = watched.balloon_policy.guards.floor_kib
            assert target_kib >= floor_kib, 'below the floor'
            assert target_kib >= watched.balloon_policy.target_kib, 'too far'
            ahead_kib = actual_kib - target_kib
        else:
            assert target_kib <= watched.balloon_policy.target_kib, 'too far'
            first_kib = watched.first_kib
            assert first_kib is not None
            assert target_kib >= first_kib, 'takes what it is to give'
            ahead_kib = target_kib - actual_kib
        assert ahead_kib <= _LEASH_KIB, 'further than the leash'

    def check_offer(self, action: message.OfferPolicy) -> None:
        watched = self.policies[action.policy.uuid]
        mode = watched.balloon_policy.mode
        assert mode is not timekeeping.Mode.HOST, 'offered against its mode'
        assert self.live[action.guest_uuid] == action.policy.uuid
        assert watched.starts == 0, 'offered after its start'
        watched.is_offered = True

    def check_freeze(self, action: message.FreezeBalloon) -> None:
        guest = action.guest_uuid
        if guest not in self.freezing:
            uuid = self.live.pop(guest)
            self.policies[uuid].is_over = True
            self.freezing[guest] = uuid
        assert action.highest_kib <= _MAXIMUM_KIB
        assert action.lowest_kib <= action.highest_kib

    def check_report(self, report: model.EndReport) -> None:
        watched = self.policies[report.policy.uuid]
        watched.reports += 1
        assert watched.reports == 1, 'ended twice'
        watched.is_over = True
        guest = report.policy.guest_uuid
        for place in (self.live, self.freezing):
            if place.get(guest) == report.policy.uuid:
                del place[guest]
        assert report.started_at <= report.ended_at <= self.now

    @stateful.invariant()
    def engine_agrees_on_who_is_live(self) -> None:
        found = {
            run.balloon_policy.guest_uuid: run.balloon_policy.uuid
            for run in self.engine.runs
        }
        assert found == self.live

    def teardown(self) -> None:
        """Whatever happened, time alone brings every policy to its end."""
        for _ in range(1000):
            timer_at = self.engine.next_timer()
            if timer_at is None:
                break
            self.skew_seconds = 0.0
            self.now = max(self.now, timer_at)
            self.turn_timer()
        assert self.engine.is_idle, 'something never ends'
        for watched in self.policies.values():
            assert watched.reports == 1, 'a policy without an end'


EngineMachine.TestCase.settings = hypothesis.settings(
    max_examples=300,
    stateful_step_count=40,
    deadline=None,
    suppress_health_check=list(hypothesis.HealthCheck),
)


EngineInvariantsTest = EngineMachine.TestCase
# NOTE: hypothesis made the class; by these a test runner finds it again.
EngineInvariantsTest.__module__ = __name__
EngineInvariantsTest.__qualname__ = 'EngineInvariantsTest'
