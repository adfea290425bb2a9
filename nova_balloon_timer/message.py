# SPDX-License-Identifier: Apache-2.0
"""What flows in and out of the engine and the controller.

Events say what happened, in the past tense; actions say what to do; notices
say what somebody may want to know.
"""

import dataclasses
import enum

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping


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
class PolicyResumed:
    """A policy that ran when this service ended shall run on.

    :param started_at: on our monotonic clock; it may have been long ago
    :param timing: who kept its clock; None: that was not decided
    """

    policy: model.BalloonPolicy
    started_at: float
    timing: timekeeping.Timing | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyCancelled:
    """Somebody wants a policy to end.

    :param words: why, for its report
    """

    policy_uuid: str
    words: str = 'cancelled'


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyAccepted:
    """A guest keeps the clock of a policy from now on."""

    guest_uuid: str
    policy_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDeclined:
    """A guest cannot keep the clock of a policy, and has not begun to.

    :param words: why
    """

    guest_uuid: str
    policy_uuid: str
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestReported:
    """A guest that may have kept a policy's clock was asked how it ended.

    :param report: None if it could not be asked, or does not know it
    :param words: why there is none
    """

    guest_uuid: str
    policy_uuid: str
    report: timekeeping.GuestReport | None
    words: str = ''


Event = (
    PolicyRequested
    | PolicyResumed
    | PolicyCancelled
    | BalloonSampled
    | BalloonFrozen
    | BalloonChanged
    | ActionFailed
    | GuestGone
    | HostRecovered
    | PolicyAccepted
    | PolicyDeclined
    | GuestReported
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
class OfferPolicy:
    """Have the guest keep a policy's clock, if it can.

    :param deadline_at: on our monotonic clock; what is left until then when
        the order is carried out is the guest's to count
    :param may_be_known: the guest may have it already, from before this
        service was started; then it is left to go on
    """

    guest_uuid: str
    policy: model.BalloonPolicy
    deadline_at: float
    may_be_known: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConcludePolicy:
    """Ask a guest how a policy ended whose clock it may have kept.

    :param cancels: it shall end if it runs yet
    """

    guest_uuid: str
    policy: model.BalloonPolicy
    cancels: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportStart:
    """Tell that a policy begins to move its balloon.

    :param started_at: when its time began to run
    """

    policy: model.BalloonPolicy
    started_at: float
    timing: timekeeping.Timing = dataclasses.field(
        default_factory=timekeeping.Timing
    )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReportEnd:
    """Tell that a policy has ended; once for each."""

    report: model.EndReport


# What the controller learns, beside what the engine does.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureRead:
    """A source of pressure has told how the host stands."""

    reading: situation.PressureReading


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestsListed:
    """The host's guests were listed: these, and no others.

    :param guests: None if the hypervisor did not answer
    """

    guests: tuple[model.Guest, ...] | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestsChanged:
    """A guest was started, paused, resumed or the like: list them again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestWithdrawn:
    """Whoever owns a guest does not want it touched from now on."""

    guest_uuid: str
    refusal: model.Refusal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestLooked:
    """A guest without a policy was looked at.

    :param sample: None if it could not be read
    """

    guest_uuid: str
    sample: model.BalloonSample | None


HostEvent = (
    PressureRead | GuestsListed | GuestsChanged | GuestWithdrawn | GuestLooked
)


# What the controller wants done, beside policies.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ListGuests:
    """List the host's guests."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LookAtGuest:
    """Read the balloon of a guest that has no policy."""

    guest_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StartStatistics:
    """Have a guest tell its statistics from now on."""

    guest_uuid: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RememberTraits:
    """Keep what was learned of a guest."""

    guest_uuid: str
    traits: situation.GuestTraits


HostAction = ListGuests | LookAtGuest | StartStatistics | RememberTraits


# What somebody may want to know.


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureStarted:
    """The host runs short of memory."""

    at: float
    memory: situation.HostMemory | None
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureEnded:
    """The host is no longer short of memory."""

    at: float
    memory: situation.HostMemory | None
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ReliefPlanned:
    """Memory is asked for, or nobody is left to ask.

    :param corrects: it makes up for a guest that did not deliver, within the
        time of an earlier plan
    """

    at: float
    need_kib: int
    plan: situation.Plan
    corrects: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ForeignChange:
    """Somebody else moved a guest's balloon, or the guest did."""

    at: float
    guest_uuid: str
    before_kib: int
    after_kib: int


Notice = PressureStarted | PressureEnded | ReliefPlanned | ForeignChange


GuestAction = (
    ReadBalloon | SetTarget | FreezeBalloon | OfferPolicy | ConcludePolicy
)
Action = GuestAction | ReportStart | ReportEnd
