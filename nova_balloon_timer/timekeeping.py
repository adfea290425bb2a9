# SPDX-License-Identifier: Apache-2.0
"""Who keeps a policy's clock, and what a guest that does says of its end."""

import dataclasses
import enum


class Mode(enum.Enum):
    """Who keeps the clock; ``AUTO``: the guest, if it can."""

    HOST = 'host'
    GUEST = 'guest'
    AUTO = 'auto'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """Who keeps a policy's clock, and why it is not the guest.

    :param keeper: ``HOST`` or ``GUEST``
    :param words: why the guest cannot or must not; empty if it does, or if
        nobody wanted it to
    """

    keeper: Mode = Mode.HOST
    words: str = ''

    def suits(self, mode: Mode) -> bool:
        """Tell whether that is what is wanted."""
        return self.keeper is Mode.GUEST or mode is not Mode.GUEST

    @property
    def phrase(self) -> str:
        """Return both in words, for an operator."""
        by = f'timed by the {self.keeper.value}'
        return f'{by}: {self.words}' if self.words else by


class GuestEnd(enum.Enum):
    """Why a policy ended, in the words of the guest's driver.

    ``HOST``: the host gave another target. ``RUNNING`` is no end: so says a
    guest whose clock stood still, or which did not do as it was told.
    """

    RUNNING = 'running'
    TARGET = 'target'
    DEADLINE = 'deadline'
    STALLED = 'stalled'
    CANCELLED = 'cancelled'
    SUPERSEDED = 'superseded'
    HOST = 'host'
    OOM = 'oom'
    SUSPENDED = 'suspended'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestReport:
    """What a guest's driver says of a policy; from an untrusted guest.

    Whoever makes one has checked that the sizes lie within the guest's
    memory. Times are of the guest's clock, counted from its receipt of the
    policy.

    :param target_kib: as in force at the end; the host may have shortened it
    :param reached_kib: what the guest had at the end
    :param moved_kib: in the policy's direction
    :param lateness_seconds: from the deadline to the last page that moved;
        0 if none moved after it
    :param allocation_failures: how often it found no memory to take
    """

    reason: GuestEnd
    start_kib: int
    target_kib: int
    reached_kib: int
    moved_kib: int
    elapsed_seconds: float
    lateness_seconds: float
    moved_after_deadline_kib: int
    allocation_failures: int
