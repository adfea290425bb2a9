# SPDX-License-Identifier: Apache-2.0
"""What was under way when the agent before ended, goes on."""

from collections.abc import Sequence
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.journal import writer as journal_writer

LOG = logging.getLogger(__name__)

# Between attempts to learn what was under way, each twice the one before.
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 10.0


class Resumption:
    """Has the engine go on with, or end, what the journal knows.

    :param stopping: set when nobody needs that any more
    """

    def __init__(
        self,
        journal: journal_writer.Journal,
        crank: agent_crank.HostCrank,
        stopping: threading.Event,
    ) -> None:
        self._journal = journal
        self._crank = crank
        self._stopping = stopping
        self._is_known = False

    def begin(self) -> None:
        """Ask the journal once."""
        try:
            flights = self._journal.left_behind()
        except exception.JournalError as error:
            LOG.error('What was under way is not known yet: %s', error)
            return
        self._is_known = True
        self._post(flights)

    def go_on(self) -> None:
        """Ask again, in a thread, until the journal answers, if need be."""
        if self._is_known:
            return
        threading.Thread(
            target=self._ask_again, name='balloon-resume', daemon=True
        ).start()

    def _ask_again(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._stopping.wait(pause_seconds):
            try:
                flights = self._journal.left_behind()
            except exception.JournalError as error:
                LOG.debug('What was under way is not known yet: %s', error)
            else:
                LOG.info(
                    'What was under way is known: %d policies', len(flights)
                )
                self._post(flights)
                return
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _post(self, flights: Sequence[journal_reader.InFlight]) -> None:
        now = time.monotonic()
        for flight in flights:
            LOG.warning(
                'Policy %s of guest %s was under way when the service ended',
                flight.policy.uuid,
                flight.guest_name,
            )
            self._crank.resume(
                flight.policy,
                _started_at(flight, now),
                flight.timing,
                flight.sequence,
            )


def _started_at(flight: journal_reader.InFlight, now: float) -> float:
    if flight.started_at is not None:
        return min(flight.started_at, now)
    # It was not even begun, or before the host was booted again: the wall
    # clock tells how long ago.
    since_utc = flight.started_utc or flight.requested_utc
    waited_seconds = max(0.0, time.time() - since_utc.timestamp())
    if not flight.is_of_this_boot:
        # NOTE: the guest that it knew is gone: it ends, whatever time is left.
        waited_seconds = max(waited_seconds, flight.policy.duration_seconds)
    return now - waited_seconds
