# SPDX-License-Identifier: Apache-2.0
"""Who is looked at when, so that a plan finds figures that are fresh."""

import collections

from nova_balloon_timer import message
from nova_balloon_timer.controller import flight
from nova_balloon_timer.controller import roster as controller_roster
from nova_balloon_timer.controller import settings as controller_settings

# Guests that start at the same time cost one listing.
_HURRY_SECONDS = 1.0

# After one that failed.
_RETRY_SECONDS = 5.0

# How much more often guests are looked at while the host is short, where the
# pace allows it; they tell no more than once a second.
_TENSER = 2.0

# Nothing is asked of guests that told but once what they use: newcomers are
# looked at so long after the first time, whatever the pace.
_AGAIN_SECONDS = (1.5, 3.0)


class Census:
    """Looks at guest after guest, at a pace that bounds the cost.

    A thousand guests cost as many looks a second as fifty; each is only
    looked at more rarely. A policy reads its guest anew before it moves
    anything, so that old figures make a plan worse, never a guest.
    """

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        roster: controller_roster.Roster,
        flights: flight.Flights,
        now: float,
    ) -> None:
        self._settings = settings
        self._roster = roster
        self._flights = flights
        self._round: collections.deque[str] = collections.deque()
        self._look_at = now
        self._list_at = now
        self._is_listing = False
        self._again: collections.deque[tuple[float, list[str]]]
        self._again = collections.deque()
        self._now = now
        self.is_tense = False

    @property
    def next_at(self) -> float:
        """Return when :meth:`due` is due."""
        next_at = self._list_at
        if self._round:
            next_at = min(next_at, self._look_at)
        if self._again:
            next_at = min(next_at, self._again[0][0])
        return next_at

    def reload(self, settings: controller_settings.ControllerSettings) -> None:
        """Take another pace."""
        self._settings = settings

    def hurry(self, now: float) -> None:
        """List the guests soon: something changed."""
        self._list_at = min(self._list_at, now + _HURRY_SECONDS)

    def retry(self, now: float) -> None:
        """List the guests again: that failed."""
        self._list_at = min(self._list_at, now + _RETRY_SECONDS)

    def note_listed(self) -> list[message.HostAction]:
        """Start a new round when a listing came, newcomers first."""
        self._is_listing = False
        known = set(self._round)
        newcomers = [
            record.guest.uuid
            for record in self._roster
            if not record.guest.refusals and record.guest.uuid not in known
        ]
        self._round.extendleft(newcomers)
        actions: list[message.HostAction] = []
        for _ in newcomers:
            actions += self._look()
        if newcomers:
            self._again += [
                (self._now + seconds, newcomers) for seconds in _AGAIN_SECONDS
            ]
        return actions

    def due(self, now: float) -> list[message.HostAction]:
        """Return what is to be done by now."""
        self._now = now
        actions: list[message.HostAction] = []
        while self._again and now >= self._again[0][0]:
            for guest_uuid in self._again.popleft()[1]:
                actions += self._look_at_guest(guest_uuid)
        if now >= self._list_at:
            # NOTE: one that hangs is not followed by another before it ends;
            # it may have missed what changed meanwhile.
            self._list_at = now + _HURRY_SECONDS
            if not self._is_listing:
                self._list_at = now + self._settings.list_seconds
                self._is_listing = True
                actions.append(message.ListGuests())
        pause_seconds = self._pause_seconds()
        # What is overdue after a standstill is caught up with at most twice
        # the pace.
        self._look_at = max(self._look_at, now - 2 * pause_seconds)
        while self._round and now >= self._look_at:
            self._look_at += pause_seconds
            actions += self._look()
        return actions

    def _pause_seconds(self) -> float:
        settings = self._settings
        shortest_seconds = settings.look_shortest_seconds
        if self.is_tense:
            shortest_seconds /= _TENSER
        return max(
            1.0 / settings.looks_per_second,
            shortest_seconds / max(1, len(self._round)),
        )

    def _look(self) -> list[message.HostAction]:
        guest_uuid = self._round.popleft()
        record = self._roster.find(guest_uuid)
        if record is None or record.guest.refusals:
            return []
        self._round.append(guest_uuid)
        return self._look_at_guest(guest_uuid)

    def _look_at_guest(self, guest_uuid: str) -> list[message.HostAction]:
        record = self._roster.find(guest_uuid)
        if record is None or record.guest.refusals:
            return []
        if record.is_awaited or guest_uuid in self._flights:
            return []
        record.is_awaited = True
        return [message.LookAtGuest(guest_uuid=guest_uuid)]
