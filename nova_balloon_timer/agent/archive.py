# SPDX-License-Identifier: Apache-2.0
"""The journal, for somebody who waits, but not for a disk that hangs."""

from collections.abc import Callable
from concurrent import futures
import threading
from typing import TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.journal import reader as journal_reader

_Found = TypeVar('_Found')

# So many threads may wait for a disk that hangs, and no more.
_MOST_READS = 4

_BUSY = "the journal's disk does not answer"


class Archive:
    """Reads the journal in threads, on which it gives up."""

    def __init__(self, reader: journal_reader.Reader) -> None:
        self.path = reader.path
        self._reader = reader
        self._slots = threading.Semaphore(_MOST_READS)

    def read(
        self,
        function: Callable[[journal_reader.Reader], _Found],
        seconds: float,
    ) -> _Found:
        """Have the reader read something.

        :raises AgentBusy: it does not come in time
        :raises JournalError: it cannot be read
        """
        patience = question.Patience(seconds)
        if not self._slots.acquire(timeout=seconds):
            raise exception.AgentBusy(why=_BUSY)

        def read() -> _Found:
            try:
                return function(self._reader)
            finally:
                self._slots.release()

        outcome = question.ask(_start_thread, read)
        futures.wait([outcome], patience.share(seconds))
        if not outcome.done():
            raise exception.AgentBusy(why=_BUSY)
        return outcome.result()


def _start_thread(function: Callable[[], None]) -> None:
    threading.Thread(
        target=function, name='balloon-archive', daemon=True
    ).start()
