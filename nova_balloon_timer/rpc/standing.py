# SPDX-License-Identifier: Apache-2.0
"""What an agent knows at one instant, before it is written as JSON.

Instants (``_at``) are seconds of the agent's monotonic clock; None means
*unknown*, never zero.
"""

import dataclasses
import datetime

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.engine import states


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PolicyStanding:
    """A policy under way.

    :param requested_at: None if that was before this agent began
    :param started_at: when its time began to run; None if it does not yet
    :param ended_at: when it ended, while it is being frozen
    :param seen: the last look at its guest
    :param held_by: what keeps it where it is, in words
    :param timing: who keeps its clock, or would; None if that is open yet
    """

    policy: model.BalloonPolicy
    guest_name: str
    state: states.State = states.State.PENDING
    requested_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    seen: model.CurvePoint | None = None
    held_by: str = ''
    timing: timekeeping.Timing | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Which agent it is, and how it was set up.

    :param host: its name on the message bus
    :param started_utc: when it began to look after the host
    """

    host: str
    version: str
    started_utc: datetime.datetime
    connection_uri: str
    applier: str
    planner: str
    pressure_sources: tuple[str, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JournalStanding:
    """What becomes of what the journal is given.

    :param failure: why it cannot be written, in words; empty if it can
    :param waiting: entries that are not on the disk yet
    """

    path: str
    failure: str = ''
    waiting: int = 0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NotificationStanding:
    """What becomes of notifications.

    :param waiting: that are not sent yet
    :param dropped: since the agent began
    :param failure: why none can be sent, in words; empty if they can
    """

    is_enabled: bool = False
    waiting: int | None = None
    dropped: int = 0
    failure: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostStanding:
    """How the host stands, as the controller has it.

    :param words: what the sources of pressure say
    :param guests: how many there are
    :param policies: how many are under way
    :param relief_kib: what they will still free
    """

    is_short: bool
    words: str
    memory: situation.HostMemory | None
    watermarks: situation.Watermarks | None
    stalled_share: float | None
    fall_kib_per_second: float | None
    exhaustion_seconds: float | None
    guests: int
    policies: int
    relief_kib: int
