# SPDX-License-Identifier: Apache-2.0
"""What the crank needs of those that it tells what happens."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from nova_balloon_timer import announcement
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping

Announcements = Sequence[announcement.Announcement]
Done = Callable[[str | None], None]


class Journal(Protocol):
    """What the crank needs of a journal; no call of it may wait.

    What is announced is kept with what it tells, until it is sent.
    """

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        done: Done,
        guest_names: Mapping[str, str] | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Keep policies before they begin; ``done`` gets an error's words."""

    def start(
        self,
        policy_uuid: str,
        at: float,
        timing: timekeeping.Timing,
        announcements: Announcements = (),
    ) -> None:
        """Keep that a policy begins to move its balloon."""

    def end(
        self,
        report: model.EndReport,
        done: Done,
        guest_name: str | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Keep how a policy ended."""

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        """Keep what was learned of a guest."""

    def note(
        self,
        notice: message.Notice,
        guest_name: str | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Keep what happened on the host."""

    def announce(self, announcements: Announcements) -> None:
        """Keep what is told of nothing that is entered."""

    def sample_host(
        self,
        memory: situation.HostMemory,
        watermarks: situation.Watermarks,
        *,
        is_pressing: bool,
    ) -> None:
        """Keep how the host stands, every now and then."""


class HostObserver(manager.Observer, Protocol):
    """Whoever wants to know what happens on the host; must return at once."""

    def noticed(self, notice: message.Notice) -> None:
        """Learn what happened on the host."""
