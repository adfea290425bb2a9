# SPDX-License-Identifier: Apache-2.0
"""The thread that writes the journal: jobs in, what became of them out.

All that waits is written in one transaction, so that ten policies cost one
flush.
"""

from collections.abc import Sequence
import pathlib
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer import exception
from nova_balloon_timer.journal import backlog
from nova_balloon_timer.journal import health as journal_health
from nova_balloon_timer.journal import scribe as journal_scribe
from nova_balloon_timer.notifier import letter

LOG = logging.getLogger(__name__)

_MOST_IN_A_BATCH = 256
# NOTE: who starts waits for so long, and must see SIGTERM soon after.
_FIRST_LOOK_SECONDS = 1.0
_LAST_PAUSE_SECONDS = 0.1
_CLOSED = 'the journal is closed'
_FULL = 'the journal has no room for more: its disk is too slow, or failing'


class Worker:
    """Owns the file, the thread, and what waits.

    :ivar carrier: gets what is to be announced and cannot be kept, and is
        woken when something was kept
    """

    def __init__(
        self,
        path: pathlib.Path,
        scribe: journal_scribe.Scribe,
        health: journal_health.Health,
        jobs: backlog.Backlog,
    ) -> None:
        self._path = path
        self._scribe = scribe
        self._health = health
        self._backlog = jobs
        self._changed = threading.Condition()
        self._is_writing = False
        # Of those that wait, by who writes.
        self._taken = 0
        self._has_tried = False
        self._is_complete = True
        self._look_by = time.monotonic() + _FIRST_LOOK_SECONDS
        self._close_by: float | None = None
        self.carrier: letter.Carrier | None = None
        self._thread = threading.Thread(
            target=self._work, name='balloon-journal', daemon=True
        )
        self._thread.start()

    def __len__(self) -> int:
        with self._changed:
            return len(self._backlog) + self._taken

    @property
    def transitions(self) -> int:
        """Return how many jobs wait that must outlive a power cut."""
        return self._backlog.transitions

    def add(self, job: backlog.Job) -> None:
        """Have a job done; returns at once."""
        words = _CLOSED
        with self._changed:
            if self._close_by is None:
                if self._backlog.add(job):
                    # NOTE: not while something is written: that came before.
                    if self._health.is_failing and not self._is_writing:
                        self._carry(job.take_announcements())
                    self._changed.notify_all()
                    return
                words = _FULL
                self._health.lose(job.kind)
        self._carry(job.take_announcements())
        if job.done is not None:
            job.done(words)

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all is on the disk; tell whether it is."""
        with self._changed:
            return self._changed.wait_for(
                lambda: not self._backlog and not self._is_writing,
                timeout_seconds,
            )

    def close(self, timeout_seconds: float) -> bool:
        """Write what waits, and take nothing more.

        :returns: all of it is on the disk
        """
        with self._changed:
            if self._close_by is None:
                # NOTE: the rest is for saying what became of it.
                self._close_by = time.monotonic() + 0.8 * timeout_seconds
            self._changed.notify_all()
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive() and self._is_complete

    def wait_for_first_try(self) -> None:
        """Wait until the file was opened, or could not be, but not long.

        :raises JournalNotReadable: nothing is known of it yet
        """
        with self._changed:
            left_seconds = max(0.0, self._look_by - time.monotonic())
            if not self._changed.wait_for(
                lambda: self._has_tried, left_seconds
            ):
                raise exception.JournalNotReadable(
                    path=self._path, why='its disk does not answer'
                )

    def _carry(
        self, announcements: Sequence[announcement.Announcement]
    ) -> None:
        """Have sent what the disk does not keep."""
        if announcements and self.carrier is not None:
            self.carrier.take(announcements)

    def _work(self) -> None:
        while self._turn():
            pass
        with self._changed:
            jobs = self._backlog.take(len(self._backlog))
            self._is_complete = not jobs
        self._health.end(job.kind for job in jobs)
        refused = journal_scribe.refuse(jobs, _CLOSED)
        self._carry(refused.unkept)
        self._tell(refused)
        self._scribe.close()

    def _turn(self) -> bool:
        """Wait for something to do, and do it; False: that was all."""
        with self._changed:
            self._wait()
            now = time.monotonic()
            if self._is_over(now):
                return False
            outcome = None
            if self._is_resting(now):
                outcome = self._dismiss()
            else:
                jobs = self._backlog.take(_MOST_IN_A_BATCH)
                self._taken = len(jobs)
            self._is_writing = True
        if outcome is None:
            outcome = self._write(jobs, now)
        with self._changed:
            self._backlog.put_back(outcome.kept)
            self._taken = 0
            self._carry(outcome.unkept)
        self._tell(outcome)
        with self._changed:
            if self._health.is_failing:
                # NOTE: what came meanwhile; from now on all goes that way.
                self._carry(self._backlog.take_announcements())
            self._has_tried = True
            self._is_writing = False
            self._changed.notify_all()
        return True

    def _dismiss(self) -> journal_scribe.Outcome:
        words = self._health.words
        unkept = self._backlog.take_announcements()
        waiting = self._backlog.dismiss_waiting()
        return journal_scribe.Outcome(
            told=tuple((done, words) for done in waiting),
            unkept=unkept,
        )

    def _wait(self) -> None:
        while (seconds := self._wait_seconds(time.monotonic())) > 0:
            if self._close_by is not None:
                self._changed.wait(min(seconds, _LAST_PAUSE_SECONDS))
                return
            self._changed.wait(seconds)

    def _wait_seconds(self, now: float) -> float:
        is_closing = self._close_by is not None
        if is_closing and self._is_over(now):
            return 0.0
        retry_at = self._health.retry_at
        if retry_at is not None:
            is_asked = self._health.is_failing and self._backlog.has_waiting
            return 0.0 if is_asked and not is_closing else retry_at - now
        if self._backlog or not self._scribe.is_open:
            return 0.0
        return self._scribe.prune_at - now

    def _is_over(self, now: float) -> bool:
        if self._close_by is None:
            return False
        return not self._backlog or now >= self._close_by

    def _is_resting(self, now: float) -> bool:
        """Tell whether the disk failed a moment ago: who asks is told so."""
        retry_at = self._health.retry_at
        is_early = retry_at is not None and now < retry_at
        return is_early and self._health.is_failing and self._close_by is None

    def _write(
        self, jobs: list[backlog.Job], now: float
    ) -> journal_scribe.Outcome:
        try:
            if not jobs and self._scribe.is_open:
                self._scribe.prune(now)
                return journal_scribe.Outcome()
            return self._scribe.write(jobs, now)
        except Exception as error:
            # NOTE: a defect; those who wait are told, and the rest goes on.
            LOG.exception('The journal failed')
            self._health.fail(f'a defect: {error}', now)
            return journal_scribe.refuse(jobs, f'a defect: {error}')

    def _tell(self, outcome: journal_scribe.Outcome) -> None:
        if outcome.has_letters and self.carrier is not None:
            self.carrier.wake()
        for done, words in outcome.told:
            try:
                done(words)
            except Exception:
                LOG.exception('Who waited for the journal failed')
