# SPDX-License-Identifier: Apache-2.0
"""Writes jobs, and decides what becomes of them when that fails."""

from collections.abc import Sequence
import dataclasses
import sqlite3

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer import exception
from nova_balloon_timer.journal import backlog
from nova_balloon_timer.journal import health as journal_health
from nova_balloon_timer.journal import place
from nova_balloon_timer.journal import retention as journal_retention
from nova_balloon_timer.journal import store as journal_store

LOG = logging.getLogger(__name__)

_DAY_SECONDS = 86_400.0
_PRUNE_BATCH = 100
_UNWRITABLE = (exception.JournalNotWritable, sqlite3.Error, OSError)
# What is wrong with an entry, and not with the disk.
_REFUSED = (
    exception.BalloonTimerError,
    ValueError,
    OverflowError,
    sqlite3.DataError,
    sqlite3.IntegrityError,
    sqlite3.InterfaceError,
    sqlite3.ProgrammingError,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of jobs.

    :param told: whom to tell what, with what went wrong or None
    :param kept: to be tried again
    :param unkept: to be announced, but not on the disk
    :param has_letters: notifications are on the disk that wait to be sent
    """

    told: tuple[tuple[backlog.Done, str | None], ...] = ()
    kept: tuple[backlog.Job, ...] = ()
    unkept: tuple[announcement.Announcement, ...] = ()
    has_letters: bool = False


def refuse(jobs: Sequence[backlog.Job], words: str) -> Outcome:
    """Give up jobs."""
    told = ((job.done, words) for job in jobs if job.done is not None)
    unkept = (said for job in jobs for said in job.take_announcements())
    return Outcome(told=tuple(told), unkept=tuple(unkept))


class Scribe:
    """The journal's own thread's part; knows of no thread.

    :param patience_seconds: how long a job may wait for another process that
        holds the file, before that counts as a failure
    """

    def __init__(
        self,
        store: journal_store.Store,
        health: journal_health.Health,
        retention: journal_retention.Retention,
        *,
        patience_seconds: float = 5.0,
    ) -> None:
        self._store = store
        self._health = health
        self._retention = retention
        self._patience_seconds = patience_seconds
        self.prune_at = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether there is a file to write to."""
        return self._store.is_open

    @property
    def dropped_letters(self) -> int:
        """Return how many notifications there was no room for."""
        return self._store.dropped

    @property
    def waiting_letters(self) -> int | None:
        """Return how many wait to be sent; None: not known yet."""
        return self._store.waiting

    def close(self) -> None:
        """Close the file."""
        self._store.close()

    def write(self, jobs: Sequence[backlog.Job], now: float) -> Outcome:
        """Write jobs in one transaction; open the file first if need be."""
        try:
            self._store.open()
            answers = self._commit(jobs)
        except _UNWRITABLE as error:
            return self._handle_failure(jobs, error, now)
        self._health.work()
        refused = (
            job
            for job, words in zip(jobs, answers, strict=True)
            if words is not None
        )
        unkept = [said for job in refused for said in job.take_announcements()]
        return Outcome(
            told=tuple(
                (job.done, words)
                for job, words in zip(jobs, answers, strict=True)
                if job.done is not None
            ),
            unkept=tuple(unkept),
            has_letters=any(job.announcements for job in jobs),
        )

    def prune(self, now: float) -> None:
        """Forget a little; sets when to go on."""
        try:
            with self._store.transaction(is_durable=False):
                deleted = self._store.prune(self._retention, _PRUNE_BATCH)
        except _UNWRITABLE as error:
            self._handle_failure((), error, now)
            return
        self._health.work()
        self.prune_at = now if deleted else now + _DAY_SECONDS

    def _commit(self, jobs: Sequence[backlog.Job]) -> list[str | None]:
        if not jobs:
            return []
        is_durable = any(job.kind.is_transition for job in jobs)
        with self._store.transaction(is_durable=is_durable):
            return [self._enter(job) for job in jobs]

    def _enter(self, job: backlog.Job) -> str | None:
        """Write a job; return why it cannot be written, ever."""
        try:
            with self._store.entry():
                job.write(self._store)
        except exception.PolicyAlreadyEnded as error:
            job.take_announcements()
            # NOTE: a commit that fails may have reached the disk all the same.
            if job.attempts:
                return None
            LOG.error('The journal refuses an end: %s', error)
            return str(error)
        except _REFUSED as error:
            LOG.error('The journal refuses a %s: %s', job.kind.value, error)
            return place.words_of(error)
        except _UNWRITABLE:
            raise
        except Exception as error:
            # NOTE: a defect; the others of the transaction are written.
            LOG.exception('The journal cannot enter a %s', job.kind.value)
            return f'a defect: {place.words_of(error)}'
        for said in job.announcements:
            self._announce(said)
        return None

    def _announce(self, said: announcement.Announcement) -> None:
        """Keep a notification; what is wrong with it harms nothing else."""
        try:
            with self._store.entry():
                self._store.announce(said)
        except (*_REFUSED, TypeError) as error:
            LOG.error(
                'The notification %s of %s cannot be written: %s',
                said.event_type.value,
                said.subject_uuid,
                error,
            )
        except _UNWRITABLE:
            raise
        except Exception:
            LOG.exception(
                'A notification cannot be written: %s of %s',
                said.event_type.value,
                said.subject_uuid,
            )

    def _handle_failure(
        self, jobs: Sequence[backlog.Job], error: Exception, now: float
    ) -> Outcome:
        words = place.words_of(error)
        if isinstance(error, exception.JournalNotWritable):
            words = str(error.details['why'])
        for job in jobs:
            job.attempts += 1
        is_mended = self._mend(error, words)
        if is_mended or ('locked' in words and self._is_patient(jobs, now)):
            self._health.postpone(now)
            return Outcome(kept=tuple(jobs))
        self._health.fail(words, now)
        outcome = refuse(jobs, words)
        kept = tuple(job for job in jobs if job.kind.is_kept)
        for job in kept:
            job.done = None
        return dataclasses.replace(outcome, kept=kept)

    def _is_patient(self, jobs: Sequence[backlog.Job], now: float) -> bool:
        oldest_at = min((job.queued_at for job in jobs), default=now)
        return now - oldest_at <= self._patience_seconds

    def _mend(self, error: Exception, words: str) -> bool:
        """Do what helps, and tell whether trying again at once makes sense."""
        if not place.is_damage(error):
            # NOTE: whatever SQLite has cached may be wrong after an I/O
            # error, and the file itself may have been replaced.
            if 'locked' not in words and 'full' not in words:
                self._store.close()
            return False
        try:
            self._store.abandon(words)
        except OSError as failure:
            LOG.error('The damaged journal stays: %s', failure)
            self._store.close()
            return False
        return True
