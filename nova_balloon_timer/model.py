# SPDX-License-Identifier: Apache-2.0
"""The vocabulary that every other module speaks.

Memory is an int in KiB; instants (``_at``) are seconds of one monotonic
clock; None means *unknown*, never zero.
"""

from collections.abc import Sequence
import dataclasses
import enum
import math

from nova_balloon_timer import exception
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units


class Direction(enum.Enum):
    """Which way the balloon goes: inflating takes memory from the guest."""

    INFLATE = 'inflate'
    DEFLATE = 'deflate'


class Origin(enum.Enum):
    """Why a policy was made."""

    PRESSURE = 'pressure'
    OPERATOR = 'operator'
    RETURN = 'return'


class EndReason(enum.Enum):
    """The one condition that ended a policy."""

    TARGET = 'target'
    DEADLINE = 'deadline'
    DISTRESS = 'distress'
    STALLED = 'stalled'
    CANCELLED = 'cancelled'
    SUPERSEDED = 'superseded'
    GUEST_GONE = 'guest-gone'
    HOST_RECOVERED = 'host-recovered'
    FAILED = 'failed'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Segment:
    """A stage of the curve: go to the target and no further before its end.

    :param until_seconds: end of the stage, counted from the policy's start
    """

    until_seconds: float
    target_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Leash:
    """How far a target may run ahead of what the balloon has reached.

    It is what the guest moves in ``lead_seconds`` at its measured rate, and
    at least ``minimum_kib``. When the controller dies the guest stops by
    itself after at most one leash.
    """

    minimum_kib: int = 16 * units.KIB_PER_MIB
    lead_seconds: float = 0.1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guards:
    """What a policy must not do to its guest.

    :param floor_kib: no target below it
    :param reserve_kib: usable memory (the guest's MemAvailable) that stays
        untouched; 0 does without the guest's statistics
    :param swap_in_kib_per_second: more than this is distress
    :param major_faults_per_second: more than this is distress
    """

    floor_kib: int
    reserve_kib: int
    swap_in_kib_per_second: int = 8 * units.KIB_PER_MIB
    major_faults_per_second: int = 500


def check_segment_times(
    untils_seconds: Sequence[float], duration_seconds: float
) -> None:
    """Check that segments follow one another and end before the duration.

    :raises InvalidPolicy: naming the first that does not
    """
    begin_seconds = 0.0
    for until_seconds in untils_seconds:
        at = units.format_seconds(until_seconds)
        if not until_seconds > begin_seconds:
            raise exception.InvalidPolicy(
                why=f'the segment at {at} is not later than the one before'
            )
        if until_seconds >= duration_seconds:
            whole = units.format_seconds(duration_seconds)
            raise exception.InvalidPolicy(
                why=f'the segment at {at} does not end before the duration '
                f'of {whole}'
            )
        begin_seconds = until_seconds


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonPolicy:
    """A guest's memory to a target within a duration.

    :param start_actual_kib: what the balloon had when the policy was made
    :param maximum_kib: the guest's full memory
    :param mode: who shall keep the clock
    :param mode_words: why that must not be the guest; empty if it may be, or
        if nobody wants it to
    :param explanation: why it was made, in words for the operator
    :raises InvalidPolicy: with one line that says what is wrong
    """

    uuid: str
    guest_uuid: str
    direction: Direction
    start_actual_kib: int
    target_kib: int
    maximum_kib: int
    duration_seconds: float
    guards: Guards
    segments: tuple[Segment, ...] = ()
    leash: Leash = dataclasses.field(default_factory=Leash)
    mode: timekeeping.Mode = timekeeping.Mode.HOST
    mode_words: str = ''
    origin: Origin = Origin.OPERATOR
    explanation: str = ''

    def __post_init__(self) -> None:
        for is_wrong, why in self._complaints():
            if is_wrong:
                raise exception.InvalidPolicy(why=why)
        self._check_segments()

    @property
    def _is_backwards(self) -> bool:
        if self.direction is Direction.INFLATE:
            return self.target_kib > self.start_actual_kib
        return self.target_kib < self.start_actual_kib

    def _complaints(self) -> list[tuple[bool, str]]:
        target = units.format_kib(self.target_kib)
        maximum = units.format_kib(self.maximum_kib)
        floor = units.format_kib(self.guards.floor_kib)
        direction = self.direction.value
        return [
            (
                not 0 < self.duration_seconds < math.inf,
                'the duration must be above zero and finite',
            ),
            (self.target_kib <= 0, 'the target must be above zero'),
            (
                not 0 <= self.start_actual_kib <= self.maximum_kib,
                f"the guest's memory is not within its maximum {maximum}",
            ),
            (self.guards.floor_kib < 0, 'the floor must not be negative'),
            (
                self._is_backwards,
                f'the target {target} is not the way to {direction}',
            ),
            (
                self.target_kib > self.maximum_kib,
                f"the target {target} is above the guest's maximum {maximum}",
            ),
            (
                self.guards.floor_kib > self.maximum_kib,
                f"the floor {floor} is above the guest's maximum {maximum}",
            ),
            (self.guards.reserve_kib < 0, 'the reserve must not be negative'),
            (
                self.leash.minimum_kib < units.KIB_PER_MIB,
                'the leash must be 1 MiB or more',
            ),
            (
                not 0 <= self.leash.lead_seconds < math.inf,
                "the leash's time must be finite and not negative",
            ),
            (
                self.direction is Direction.INFLATE
                and self.target_kib < self.guards.floor_kib,
                f'the target {target} is below the floor {floor}',
            ),
        ]

    def _check_segments(self) -> None:
        check_segment_times(
            [segment.until_seconds for segment in self.segments],
            self.duration_seconds,
        )
        # NOTE: a guest may be past a segment already; it then waits there.
        inflate = self.direction is Direction.INFLATE
        reached_kib = self.maximum_kib if inflate else 0
        for segment in self.segments:
            sizes = (reached_kib, segment.target_kib, self.target_kib)
            if list(sizes) != sorted(sizes, reverse=inflate):
                at = units.format_seconds(segment.until_seconds)
                size = units.format_kib(segment.target_kib)
                raise exception.InvalidPolicy(
                    why=f'the segment at {at} goes to {size}, which is not on '
                    f'the way from {units.format_kib(reached_kib)} to '
                    f'{units.format_kib(self.target_kib)}'
                )
            reached_kib = segment.target_kib


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestStatistics:
    """What the guest's own balloon driver says; counters since its boot.

    It comes from an untrusted guest: whoever makes one has checked that the
    sizes lie within the guest's memory.

    :param updated_at: when the guest said it, seconds since the epoch, whole
    """

    updated_at: int
    usable_kib: int | None = None
    unused_kib: int | None = None
    available_kib: int | None = None
    swap_in_kib: int | None = None
    swap_out_kib: int | None = None
    major_faults: int | None = None
    minor_faults: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonSample:
    """One look at a guest's balloon.

    :param at: when it was read, on our monotonic clock
    :param actual_kib: what the guest has now
    :param rss_kib: what the guest costs the host
    :param statistics: None when the guest gives none or only stale ones
    """

    at: float
    actual_kib: int
    rss_kib: int | None = None
    statistics: GuestStatistics | None = None

    @property
    def usable_kib(self) -> int | None:
        """Memory that the guest could give without swapping."""
        return None if self.statistics is None else self.statistics.usable_kib


class Obstacle(enum.Enum):
    """Why a guest is left alone.

    First what is the guest's own, as its hypervisor describes it; then what
    it is to Nova, where that owns it; then what it is now, for a while, or in
    a plan.
    """

    NOT_RUNNING = 'not-running'
    PAUSED = 'paused'
    NO_BALLOON = 'no-balloon'
    NO_DRIVER = 'no-driver'
    LOCKED_MEMORY = 'locked-memory'
    HUGE_PAGES = 'huge-pages'
    PASSTHROUGH = 'passthrough'
    ENCRYPTED = 'encrypted'
    NO_GUEST_CLOCK = 'no-guest-clock'
    NO_ROOM = 'no-room'
    UNREADABLE = 'unreadable'
    NOT_AN_INSTANCE = 'not-an-instance'
    NOT_ENABLED = 'not-enabled'
    INSTANCE_STATE = 'instance-state'
    INVALID_TERMS = 'invalid-terms'
    EXCLUDED = 'excluded'
    UNDER_WAY = 'under-way'
    NOT_LOOKED_AT = 'not-looked-at'
    USE_UNKNOWN = 'use-unknown'
    AIDED = 'aided'
    RESPECTED = 'respected'
    COOL_DOWN = 'cool-down'
    NEVER_TOUCHED = 'never-touched'
    NO_TIME = 'no-time'
    NOT_NEEDED = 'not-needed'
    PLANNER_DEFECT = 'planner-defect'
    OTHER = 'other'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A guest that is left alone, and why, in words."""

    obstacle: Obstacle
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Guest:
    """A guest as its hypervisor describes it, and who owns it.

    :param refusals: what keeps it from being ballooned; empty if nothing
    :param instance: None if no cloud owns it, as far as is known
    """

    uuid: str
    name: str
    maximum_kib: int
    refusals: tuple[Refusal, ...] = ()
    terms: ownership.Terms = dataclasses.field(default_factory=ownership.Terms)
    instance: ownership.Instance | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurvePoint:
    """A guest at one instant of a policy.

    :param target_kib: handed out to the hypervisor; None before the first
    """

    at: float
    actual_kib: int
    target_kib: int | None = None
    usable_kib: int | None = None
    rss_kib: int | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SegmentOutcome:
    """Where the balloon stood at the end of a segment."""

    segment: Segment
    actual_kib: int
    reached: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EndReport:
    """How a policy ended; made exactly once for each.

    :param detail: the reason in words, with the figures that decided it
    :param actual_end_kib: None when the guest could not be read any more
    :param moved_kib: in the policy's direction
    :param freed_kib: fall of the guest's RSS; what the host really gained
    :param lateness_seconds: from the deadline to the last movement that was
        seen; None where no deadline passed
    :param moved_after_deadline_kib: likewise
    :param confirmed: the balloon was seen standing still at the end
    :param guest_report: what the guest says, if it kept the clock and could
        be asked; lateness and what moved after the deadline are then its own
    """

    policy: BalloonPolicy
    reason: EndReason
    detail: str
    started_at: float
    deadline_at: float
    ended_at: float
    actual_start_kib: int
    actual_end_kib: int | None
    moved_kib: int | None
    freed_kib: int | None
    lateness_seconds: float | None
    moved_after_deadline_kib: int | None
    confirmed: bool
    segments: tuple[SegmentOutcome, ...] = ()
    curve: tuple[CurvePoint, ...] = ()
    timing: timekeeping.Timing = dataclasses.field(
        default_factory=timekeeping.Timing
    )
    guest_report: timekeeping.GuestReport | None = None

    @property
    def duration_seconds(self) -> float:
        """How long the policy was in force."""
        return self.ended_at - self.started_at
