# SPDX-License-Identifier: Apache-2.0
"""A scenario: guests, policies, what happens to them, and how it must end."""

import dataclasses

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import machine
from nova_balloon_timer.simulator import expectation
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import host as simulated_host


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyPlan:
    """A policy that will be asked for, and what is expected of it.

    :param start_kib: what the planner believes that the guest has; None: it
        looks
    """

    name: str
    guest: str
    target_kib: int
    duration_seconds: float
    floor_kib: int
    reserve_kib: int
    at: float = 0.0
    start_kib: int | None = None
    segments: tuple[model.Segment, ...] = ()
    origin: model.Origin = model.Origin.OPERATOR
    expect: expectation.Expectation


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """Somebody ends a policy."""

    policy: str
    at: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a scenario file holds.

    :param recovered_at: when the host is no longer short of memory
    """

    name: str
    description: str
    guests: tuple[simulated_guest.GuestProfile, ...]
    plans: tuple[PolicyPlan, ...]
    cancellations: tuple[Cancellation, ...] = ()
    recovered_at: tuple[float, ...] = ()
    timers_late_seconds: float = 0.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a policy of a scenario ended, beside what was expected.

    :param complaints: what is not as expected, in words; empty if all is
    """

    scenario: str
    plan: PolicyPlan
    report: model.EndReport
    complaints: tuple[str, ...]


def run(
    scenario: Scenario, engine: simulated_host.EngineLike | None = None
) -> list[Outcome]:
    """Run a scenario on the real engine, unless another is given.

    :returns: one for each policy, in the order of the file
    :raises InvalidScenario: if a policy turns out to be impossible
    :raises InvariantViolated: when the engine does what it must not
    """
    host = simulated_host.SimulatedHost(
        engine or machine.Engine(),
        scenario.guests,
        timers_late_seconds=scenario.timers_late_seconds,
    )
    for plan in scenario.plans:
        host.call_at(plan.at, _Request(scenario, plan, host))
    for cancellation in scenario.cancellations:
        cancelled = message.PolicyCancelled(policy_uuid=cancellation.policy)
        host.post_at(cancellation.at, cancelled)
    for recovered_at in scenario.recovered_at:
        host.post_at(recovered_at, message.HostRecovered())
    reports = {report.policy.uuid: report for report in host.run()}
    return [
        Outcome(
            scenario=scenario.name,
            plan=plan,
            report=reports[plan.name],
            complaints=plan.expect.compare(reports[plan.name]),
        )
        for plan in scenario.plans
    ]


@dataclasses.dataclass(frozen=True, slots=True)
class _Request:
    """Makes the policy when its time has come, from the guest as it is."""

    scenario: Scenario
    plan: PolicyPlan
    host: simulated_host.SimulatedHost

    def __call__(self) -> message.Event:
        plan = self.plan
        guest = self.host.guest(guest_uuid(plan.guest))
        try:
            balloon_policy = make_policy(plan, guest)
        except exception.InvalidPolicy as error:
            raise exception.InvalidScenario(
                source=self.scenario.name, why=f'policy {plan.name}: {error}'
            ) from error
        return message.PolicyRequested(policy=balloon_policy)


def guest_uuid(name: str) -> str:
    """Return what the engine knows a scenario's guest by."""
    return f'guest-{name}'


def make_policy(
    plan: PolicyPlan, guest: simulated_guest.SimulatedGuest
) -> model.BalloonPolicy:
    """Make the policy that a plan asks for.

    :raises InvalidPolicy: if it is impossible
    """
    start_kib = plan.start_kib
    if start_kib is None:
        start_kib = guest.actual_kib
    direction = model.Direction.DEFLATE
    if plan.target_kib <= start_kib:
        direction = model.Direction.INFLATE
    return model.BalloonPolicy(
        uuid=plan.name,
        guest_uuid=guest.profile.uuid,
        direction=direction,
        start_actual_kib=start_kib,
        target_kib=plan.target_kib,
        maximum_kib=guest.profile.maximum_kib,
        duration_seconds=plan.duration_seconds,
        guards=model.Guards(
            floor_kib=plan.floor_kib, reserve_kib=plan.reserve_kib
        ),
        segments=plan.segments,
        origin=plan.origin,
        explanation=f'policy {plan.name} of a simulation',
    )
