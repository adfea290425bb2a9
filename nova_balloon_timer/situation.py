# SPDX-License-Identifier: Apache-2.0
"""How a host and its guests stand, and what is planned for them.

The words between those who sense, those who decide and those who plan.
Memory is an int in KiB; instants (``_at``) are seconds of one monotonic
clock; None means *unknown*, never zero.
"""

import dataclasses

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostMemory:
    """A host's memory, or that of the cgroup that its guests live in.

    :param available_kib: what can still be used without swapping
    """

    at: float
    total_kib: int
    available_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureReading:
    """What one source says of the host.

    :param source: the name under which the source is configured
    :param is_pressing: the host is short of memory, as this source sees it
    :param words: why, with the figures that decided it
    :param memory: read at the same instant
    :param stalled_share: of the time since the reading before, in which some
        task waited for memory; from 0 to 1
    :param fall_kib_per_second: how quickly available memory shrinks; negative
        where it grows
    """

    source: str
    at: float
    is_pressing: bool
    words: str
    memory: HostMemory | None = None
    stalled_share: float | None = None
    fall_kib_per_second: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Watermarks:
    """Available memory: short below the low one, recovered above the high."""

    low_kib: int
    high_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WatermarkRule:
    """Watermarks as an operator writes them: sizes, or shares of the total.

    Sizes are parsed when a total is known: ``2G`` and ``10%`` may be mixed.
    """

    low: str = '5%'
    high: str = '10%'

    def of(self, total_kib: int) -> Watermarks:
        """Return the watermarks of a host with so much memory.

        :raises InvalidSize: a text is neither size nor percentage
        :raises InvalidConfiguration: the low one is not below the high one
        """
        low_kib = units.parse_size_kib(self.low, total_kib)
        high_kib = units.parse_size_kib(self.high, total_kib)
        if not low_kib < high_kib:
            raise exception.InvalidConfiguration(
                why=f'low_watermark {self.low} is not below '
                f'high_watermark {self.high}'
            )
        return Watermarks(low_kib=low_kib, high_kib=high_kib)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestTraits:
    """What was learned of a guest from its runs; kept across restarts.

    :param rate_kib_per_second: how quickly its balloon inflates; None before
        the first run that told
    :param cooperation: the share of what it is asked for that it gives,
        above 0 and up to 1
    :param strikes: how often in a row it did not deliver; each doubles its
        cool-down
    :param struck_utc: when it did so last, seconds since the epoch
    """

    rate_kib_per_second: float | None = None
    cooperation: float = 1.0
    strikes: float = 0.0
    struck_utc: float | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A guest as a planner sees it.

    :param actual_kib: 0 for one that was never looked at; it is left alone
    :param usable_kib: what it could give without swapping, when last told
    :param rss_kib: what it costs the host
    :param peak_use_kib: the most that its kernel and programs needed lately;
        rises at once and falls slowly
    :param priority: above 0; twice as high gives twice as much
    :param left_alone: why nothing may be asked of it now; None if it may
    """

    guest: model.Guest
    guards: model.Guards
    actual_kib: int
    usable_kib: int | None
    rss_kib: int | None
    peak_use_kib: int | None
    traits: GuestTraits = dataclasses.field(default_factory=GuestTraits)
    priority: float = 1.0
    left_alone: model.Refusal | None = None

    @property
    def untouched_kib(self) -> int:
        """Return memory that it has and never used: taking it frees nothing.

        What QEMU itself needs, some 15 MiB, is taken for the guest's.
        Unknown RSS counts as full.
        """
        if self.rss_kib is None:
            return 0
        return max(0, self.actual_kib - self.rss_kib)

    @property
    def safe_kib(self) -> int:
        """Return what the balloon may take and leave the guest unharmed."""
        room_kib = self.actual_kib - self.guards.floor_kib
        if self.guest.terms.max_step_kib is not None:
            room_kib = min(room_kib, self.guest.terms.max_step_kib)
        if self.guards.reserve_kib > 0:
            if self.usable_kib is None or self.peak_use_kib is None:
                return 0
            used_kib = max(
                self.actual_kib - self.usable_kib, self.peak_use_kib
            )
            room_kib = min(
                room_kib,
                self.actual_kib - used_kib - self.guards.reserve_kib,
            )
        return max(0, room_kib)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestStanding:
    """A guest as an operator wants to see it.

    :param sample: the last look at it; None if there was none
    :param usable_kib: what it could give now, less what it gave since it told
    :param priority: None if it is excluded from relief
    :param left_alone: why nothing is asked of it now; None if it may be
    :param policy_uuid: the policy that is under way on it
    """

    guest: model.Guest
    guards: model.Guards
    sample: model.BalloonSample | None
    usable_kib: int | None
    traits: GuestTraits
    priority: float | None
    left_alone: model.Refusal | None
    policy_uuid: str | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """What a planner is asked.

    :param need_kib: host memory that shall become free, above 0
    :param shortest_seconds: no policy is shorter
    :param longest_seconds: nor longer; where a plan is corrected, what is
        left of its time
    :param exhaustion_seconds: when available memory will be used up if it
        goes on falling; None where it does not fall
    """

    need_kib: int
    shortest_seconds: float
    longest_seconds: float
    exhaustion_seconds: float | None
    candidates: tuple[Candidate, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A guest is to go down to a target.

    :param expected_freed_kib: what the host will gain by that, probably
    :param words: why this guest, and why so much
    """

    guest_uuid: str
    target_kib: int
    expected_freed_kib: int
    words: str
    segments: tuple[model.Segment, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A guest of which nothing is asked, and why, in words.

    :param obstacle: the kind of reason, to count them by
    """

    guest_uuid: str
    words: str
    obstacle: model.Obstacle = model.Obstacle.OTHER


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a planner answers; each candidate is in one of the two lists.

    :param duration_seconds: for all of its policies
    :param shortfall_kib: by how much the need is not covered; 0 if it is
    """

    duration_seconds: float
    proposals: tuple[Proposal, ...]
    left_out: tuple[LeftOut, ...]
    shortfall_kib: int
