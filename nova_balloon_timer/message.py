# SPDX-License-Identifier: Apache-2.0
"""What flows in and out of the engine.

Events say what happened, in the past tense; actions say what to do.
"""

import dataclasses
import enum

from nova_balloon_timer import model


class FailureKind(enum.Enum):
    """Whether trying again makes sense."""

    TRANSIENT = 'transient'
    PERMANENT = 'permanent'


# Events: what happened.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyRequested:
    """A policy was made and shall run."""

    policy: model.BalloonPolicy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCancelled:
    """Somebody wants a policy to end."""

    policy_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonSampled:
    """A balloon was read."""

    guest_uuid: str
    sample: model.BalloonSample


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonFrozen:
    """The freeze was carried out.

    :param before: read just before the target was set
    :param after: read just after
    """

    guest_uuid: str
    target_kib: int
    before: model.BalloonSample
    after: model.BalloonSample


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonChanged:
    """The hypervisor says that the balloon moved; a hint, at most 1/s."""

    guest_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ActionFailed:
    """An action could not be carried out; its guest may not know of it.

    :param words: what went wrong, for the operator
    """

    guest_uuid: str
    kind: FailureKind
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestGone:
    """A guest was shut off, destroyed or migrated away."""

    guest_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostRecovered:
    """The host is no longer short of memory."""


Event = (
    PolicyRequested
    | PolicyCancelled
    | BalloonSampled
    | BalloonFrozen
    | BalloonChanged
    | ActionFailed
    | GuestGone
    | HostRecovered
)


# Actions: what to do.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReadBalloon:
    """Read a balloon."""

    guest_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SetTarget:
    """Set a balloon's target."""

    guest_uuid: str
    target_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FreezeBalloon:
    """Read the balloon, make that its target, and read it again.

    Orders for this guest that were not carried out yet are void.

    :param at_kib: the target; None: where the balloon stands
    :param lowest_kib: no target below it, wherever the balloon stands
    :param highest_kib: no target above it
    """

    guest_uuid: str
    at_kib: int | None
    lowest_kib: int
    highest_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportStart:
    """Tell that a policy begins to move its balloon."""

    policy: model.BalloonPolicy


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportEnd:
    """Tell that a policy has ended; once for each."""

    report: model.EndReport


GuestAction = ReadBalloon | SetTarget | FreezeBalloon
Action = GuestAction | ReportStart | ReportEnd
