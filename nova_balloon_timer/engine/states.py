# SPDX-License-Identifier: Apache-2.0
"""The life of a policy: one table, from which the docs draw their diagram.

A policy is live while it is pending, offered or running. It *ends* with the
transition out of those; what follows is the freeze and the report.
"""

from collections.abc import Mapping
import enum
import types

from nova_balloon_timer import exception
from nova_balloon_timer import model


class State(enum.Enum):
    """Where a policy stands."""

    PENDING = 'pending'
    OFFERED = 'offered'
    RUNNING = 'running'
    FREEZING = 'freezing'
    ENDED = 'ended'

    @property
    def is_live(self) -> bool:
        """Tell whether the policy may still give its guest a target."""
        return self in (State.PENDING, State.OFFERED, State.RUNNING)


class Trigger(enum.Enum):
    """What moves a policy from one state to the next."""

    OFFERED = 'offered'
    DECLINED = 'declined'
    READY = 'ready'
    TARGET_REACHED = 'target-reached'
    DEADLINE_PASSED = 'deadline-passed'
    DISTRESSED = 'distressed'
    STALLED = 'stalled'
    CANCELLED = 'cancelled'
    SUPERSEDED = 'superseded'
    YIELDED = 'yielded'
    GUEST_GONE = 'guest-gone'
    HOST_RECOVERED = 'host-recovered'
    FAILED = 'failed'
    STILL = 'still'
    GAVE_UP = 'gave-up'


# The typed reason that a trigger ends a policy with.
REASONS: Mapping[Trigger, model.EndReason] = types.MappingProxyType(
    {
        Trigger.DECLINED: model.EndReason.FAILED,
        Trigger.TARGET_REACHED: model.EndReason.TARGET,
        Trigger.DEADLINE_PASSED: model.EndReason.DEADLINE,
        Trigger.DISTRESSED: model.EndReason.DISTRESS,
        Trigger.STALLED: model.EndReason.STALLED,
        Trigger.CANCELLED: model.EndReason.CANCELLED,
        Trigger.SUPERSEDED: model.EndReason.SUPERSEDED,
        Trigger.YIELDED: model.EndReason.SUPERSEDED,
        Trigger.GUEST_GONE: model.EndReason.GUEST_GONE,
        Trigger.HOST_RECOVERED: model.EndReason.HOST_RECOVERED,
        Trigger.FAILED: model.EndReason.FAILED,
    }
)

# A pending policy has given no target, so nothing is there to freeze; nor is
# it where a guest declined to keep its clock. While the guest has not answered
# it may have begun. A running policy is frozen, unless its guest is gone or
# another controller's target has to be respected.
TRANSITIONS: Mapping[tuple[State, Trigger], State] = types.MappingProxyType(
    {
        (State.PENDING, Trigger.READY): State.RUNNING,
        (State.PENDING, Trigger.OFFERED): State.OFFERED,
        (State.PENDING, Trigger.TARGET_REACHED): State.ENDED,
        (State.PENDING, Trigger.CANCELLED): State.ENDED,
        (State.PENDING, Trigger.SUPERSEDED): State.ENDED,
        (State.PENDING, Trigger.GUEST_GONE): State.ENDED,
        (State.PENDING, Trigger.HOST_RECOVERED): State.ENDED,
        (State.PENDING, Trigger.FAILED): State.ENDED,
        (State.OFFERED, Trigger.READY): State.RUNNING,
        (State.OFFERED, Trigger.DECLINED): State.ENDED,
        (State.OFFERED, Trigger.CANCELLED): State.FREEZING,
        (State.OFFERED, Trigger.SUPERSEDED): State.FREEZING,
        (State.OFFERED, Trigger.GUEST_GONE): State.ENDED,
        (State.OFFERED, Trigger.HOST_RECOVERED): State.FREEZING,
        (State.OFFERED, Trigger.FAILED): State.FREEZING,
        (State.RUNNING, Trigger.TARGET_REACHED): State.FREEZING,
        (State.RUNNING, Trigger.DEADLINE_PASSED): State.FREEZING,
        (State.RUNNING, Trigger.DISTRESSED): State.FREEZING,
        (State.RUNNING, Trigger.STALLED): State.FREEZING,
        (State.RUNNING, Trigger.CANCELLED): State.FREEZING,
        (State.RUNNING, Trigger.SUPERSEDED): State.FREEZING,
        (State.RUNNING, Trigger.HOST_RECOVERED): State.FREEZING,
        (State.RUNNING, Trigger.FAILED): State.FREEZING,
        (State.RUNNING, Trigger.YIELDED): State.ENDED,
        (State.RUNNING, Trigger.GUEST_GONE): State.ENDED,
        (State.FREEZING, Trigger.STILL): State.ENDED,
        (State.FREEZING, Trigger.GAVE_UP): State.ENDED,
        (State.FREEZING, Trigger.GUEST_GONE): State.ENDED,
    }
)


def advance(state: State, trigger: Trigger) -> State:
    """Look up the next state.

    :raises IllegalTransition: where the table has none
    """
    try:
        return TRANSITIONS[state, trigger]
    except KeyError as error:
        raise exception.IllegalTransition(
            state=state.value, trigger=trigger.value
        ) from error
