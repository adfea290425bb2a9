# SPDX-License-Identifier: Apache-2.0
"""A notification that is written out, and waits to be sent."""

from collections.abc import Callable, Sequence
import dataclasses
from typing import Any, Protocol

from nova_balloon_timer import announcement

Payload = dict[str, Any]
# How an announcement is written; it may fail, but for that one only.
Encode = Callable[[announcement.Announcement], Payload]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """A notification on its way.

    :param number: its place among those on the disk; below zero where it is
        on none
    :param at_us: when it happened, in microseconds since the epoch
    :param priority: the name of the notifier's method, and of the queue
    :param payload: the versioned form; the other follows from it. Empty if
        it could not be written, or read
    """

    number: int
    at_us: int
    event_type: str
    priority: str
    payload: Payload


class Carrier(Protocol):
    """Whoever sends letters; both methods return at once."""

    def wake(self) -> None:
        """Learn that letters are on the disk that wait to be sent."""

    def take(self, said: Sequence[announcement.Announcement]) -> None:
        """Send what the disk does not keep."""
