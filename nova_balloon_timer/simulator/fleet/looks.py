# SPDX-License-Identifier: Apache-2.0
"""Looks at guests in the rhythm of the real census, in batches."""

import collections
from collections.abc import Callable

from nova_balloon_timer.simulator.fleet import guest as fleet_guest

# While nobody uses the figures they may be older.
_QUIET_SECONDS = 180.0
_TENSE_SECONDS = 15.0

Look = Callable[[fleet_guest.FleetGuest], None]


class Looks:
    """Has every guest looked at once in a period, one after the other.

    NOTE: the controller's own census wants to be woken twenty times a second.
    Over days that costs more than all the rest, and looks at the same guests
    in the same order.
    """

    def __init__(
        self, looks_per_second: float, shortest_seconds: float, look: Look
    ) -> None:
        self._looks_per_second = looks_per_second
        self._shortest_seconds = shortest_seconds
        self._look = look
        self._round: collections.deque[fleet_guest.FleetGuest] = (
            collections.deque()
        )
        self._owed = 0.0
        self._at = 0.0
        self._was_short = False

    def add(self, guest: fleet_guest.FleetGuest) -> None:
        """Look at one more."""
        self._round.append(guest)

    def remove(self, guest: fleet_guest.FleetGuest) -> None:
        """Do not look at it any more."""
        self._round.remove(guest)

    def run(self, now: float, is_tense: bool, is_short: bool) -> None:
        """Look at those whose turn it is.

        :param is_tense: memory is nearly short; figures are about to be used
        :param is_short: they are used now
        """
        count = len(self._round)
        period_seconds = max(
            self._shortest_seconds, count / self._looks_per_second
        )
        if is_short and not self._was_short:
            for guest in self._round:
                if guest.looked_at < now - period_seconds:
                    self._look(guest)
        self._was_short = is_short
        if not is_short:
            relaxed_seconds = _TENSE_SECONDS if is_tense else _QUIET_SECONDS
            period_seconds = max(period_seconds, relaxed_seconds)
        self._owed += (now - self._at) * count / period_seconds
        self._at = now
        number = min(int(self._owed), count)
        self._owed = min(self._owed - number, 1.0)
        for _ in range(number):
            guest = self._round[0]
            self._round.rotate(-1)
            self._look(guest)
