# SPDX-License-Identifier: Apache-2.0
"""What an OpenStack cloud is told: one announcement for each notification.

It holds what happened as the other modules know it; how it is written on the
wire is the notifier's business.
"""

import dataclasses
import enum

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping


class EventType(enum.Enum):
    """What a notification is about, in the words of the message bus."""

    POLICY_CREATE = 'balloon_policy.create'
    POLICY_START = 'balloon_policy.start'
    POLICY_PROGRESS = 'balloon_policy.progress'
    POLICY_TARGET_REACHED = 'balloon_policy.target_reached'
    POLICY_DEADLINE_REACHED = 'balloon_policy.deadline_reached'
    POLICY_STOPPED = 'balloon_policy.stopped'
    PRESSURE_START = 'host_memory.pressure.start'
    PRESSURE_END = 'host_memory.pressure.end'


class Priority(enum.Enum):
    """How much a notification matters; also the name of its queue."""

    INFO = 'info'
    WARNING = 'warn'
    ERROR = 'error'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCreated:
    """A policy was made and is about to run."""

    policy: model.BalloonPolicy
    guest_name: str
    instance: ownership.Instance | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStarted:
    """A policy begins to move its balloon.

    :param started_at: when its time began to run
    """

    policy: model.BalloonPolicy
    guest_name: str
    started_at: float
    timing: timekeeping.Timing
    instance: ownership.Instance | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyProgressed:
    """A policy is under way, and this is how far it is.

    :param timing: None if it ran before this process did, and that was open
    """

    policy: model.BalloonPolicy
    guest_name: str
    started_at: float
    timing: timekeeping.Timing | None
    sample: model.BalloonSample
    instance: ownership.Instance | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyEnded:
    """A policy has ended."""

    guest_name: str
    report: model.EndReport
    instance: ownership.Instance | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureStarted:
    """The host runs short of memory."""

    memory: situation.HostMemory | None
    watermarks: situation.Watermarks | None
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureEnded:
    """The host is no longer short of memory.

    :param started_at: None if that was before this process began
    """

    memory: situation.HostMemory | None
    watermarks: situation.Watermarks | None
    words: str
    started_at: float | None


PolicyFact = PolicyCreated | PolicyStarted | PolicyProgressed | PolicyEnded
Fact = PolicyFact | PressureStarted | PressureEnded

_END_TYPES = {
    model.EndReason.TARGET: EventType.POLICY_TARGET_REACHED,
    model.EndReason.DEADLINE: EventType.POLICY_DEADLINE_REACHED,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One notification.

    It is sent at least once: who hears it twice knows it by its subject and
    sequence.

    :param subject_uuid: the policy's, or that of the time that the host is
        short of memory
    :param sequence: counts the announcements of one subject, from 0
    :param at: when it happened, on our monotonic clock
    """

    subject_uuid: str
    sequence: int
    at: float
    fact: Fact

    @property
    def event_type(self) -> EventType:
        """Return what it is about."""
        match self.fact:
            case PolicyCreated():
                return EventType.POLICY_CREATE
            case PolicyStarted():
                return EventType.POLICY_START
            case PolicyProgressed():
                return EventType.POLICY_PROGRESS
            case PolicyEnded():
                reason = self.fact.report.reason
                return _END_TYPES.get(reason, EventType.POLICY_STOPPED)
            case PressureStarted():
                return EventType.PRESSURE_START
            case PressureEnded():
                return EventType.PRESSURE_END

    @property
    def priority(self) -> Priority:
        """Return how much it matters."""
        if not isinstance(self.fact, PolicyEnded):
            return Priority.INFO
        reason = self.fact.report.reason
        if reason is model.EndReason.TARGET:
            return Priority.INFO
        if reason is model.EndReason.FAILED:
            return Priority.ERROR
        return Priority.WARNING

    @property
    def is_last(self) -> bool:
        """Tell whether its subject has nothing to say after it."""
        return isinstance(self.fact, PolicyEnded | PressureEnded)
