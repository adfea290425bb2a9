# SPDX-License-Identifier: Apache-2.0
"""A thread that writes the journal, because no deadline may wait for a disk.

The rule of the whole is *journal, act, notify*: a request comes back by its
``done`` once it is on the disk, and only then is a balloon moved. All that
waits is written in one transaction, so that ten policies cost one flush.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import pathlib
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.journal import backlog
from nova_balloon_timer.journal import health as journal_health
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import retention as journal_retention
from nova_balloon_timer.journal import scribe as journal_scribe
from nova_balloon_timer.journal import store as journal_store
from nova_balloon_timer.journal import thinning

LOG = logging.getLogger(__name__)

_MOST_IN_A_BATCH = 256
# Beyond so many transitions that wait, ends are kept without their curves.
_MOST_CURVES = 64
# NOTE: who starts waits for so long, and must see SIGTERM soon after.
_FIRST_LOOK_SECONDS = 1.0
_LAST_PAUSE_SECONDS = 0.1
_CLOSED = 'the journal is closed'
_FULL = 'the journal has no room for more: its disk is too slow, or failing'


class Journal:
    """What must outlive this process; methods return at once, from any thread.

    A ``done`` is called once, with None or with what went wrong: from the
    journal's thread, or at once if the journal is closed or has no room. It
    must return at once too. None means: it is on the disk. While a disk hangs
    nothing is called, so whoever cannot wait needs a timer of their own, and
    must expect that the entry is made later.

    :param retention: how much of the past is kept
    :param patience_seconds: how long to wait for another process that holds
        the file, before that counts as a failure
    :param jobs: what waits; a smaller one is for tests
    """

    def __init__(
        self,
        path: pathlib.Path,
        *,
        retention: journal_retention.Retention | None = None,
        clock: instant.HostClock | None = None,
        patience_seconds: float = 5.0,
        jobs: backlog.Backlog | None = None,
    ) -> None:
        clock = clock or instant.HostClock()
        self._path = path
        self._reader = reader.Reader(path, clock=clock)
        self._health = journal_health.Health(path)
        self._scribe = journal_scribe.Scribe(
            journal_store.Store(path, clock=clock),
            self._health,
            retention or journal_retention.Retention(),
            patience_seconds=patience_seconds,
        )
        self._backlog = backlog.Backlog() if jobs is None else jobs
        self._thinner = thinning.Thinner()
        self._changed = threading.Condition()
        self._is_writing = False
        self._has_tried = False
        self._is_complete = True
        self._look_by = time.monotonic() + _FIRST_LOOK_SECONDS
        # By this process, until what ran before it is known.
        self._requested: set[str] | None = set()
        self._close_by: float | None = None
        self._thread = threading.Thread(
            target=self._work, name='balloon-journal', daemon=True
        )
        self._thread.start()

    @property
    def failure(self) -> str:
        """Why nothing can be written at present; empty if it can."""
        return self._health.words

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        done: backlog.Done,
        guest_names: Mapping[str, str] | None = None,
    ) -> None:
        """Enter policies that shall start: all of them, or none.

        Those that are there already, as their ends came first, stay so.

        :param guest_names: by UUID
        """
        policies = tuple(policies)
        with self._changed:
            if self._requested is not None:
                self._requested.update(it.uuid for it in policies)
        self._add(
            backlog.Kind.REQUEST,
            lambda store: store.request(policies, requested_at, guest_names),
            done,
        )

    def start(self, policy_uuid: str, at: float) -> None:
        """Enter that a policy began to move its balloon."""
        self._add(
            backlog.Kind.START, lambda store: store.start(policy_uuid, at)
        )

    def end(
        self,
        report: model.EndReport,
        done: backlog.Done,
        guest_name: str | None = None,
    ) -> None:
        """Enter how a policy ended; the first end of each stands.

        It is tried again for as long as the disk fails, also when ``done``
        was told so.

        :param guest_name: None: the one that it was requested with
        """
        if self._backlog.transitions > _MOST_CURVES:
            report = dataclasses.replace(report, curve=())
        self._add(
            backlog.Kind.END,
            lambda store: store.end(report, guest_name),
            done,
        )

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        """Keep what was learned of a guest."""
        self._add(
            backlog.Kind.TRAITS,
            lambda store: store.remember(guest_uuid, traits),
        )

    def note(
        self, notice: message.Notice, guest_name: str | None = None
    ) -> None:
        """Keep that something happened.

        :param guest_name: of the guest that it is about, if known
        """
        self._add(
            backlog.Kind.NOTICE, lambda store: store.note(notice, guest_name)
        )

    def sample_host(
        self,
        memory: situation.HostMemory,
        watermarks: situation.Watermarks,
        *,
        is_pressing: bool,
    ) -> None:
        """Keep how the host stands, every now and then."""
        with self._changed:
            is_taken = self._thinner.takes(memory.at, is_pressing=is_pressing)
        if is_taken:
            self._add(
                backlog.Kind.READING,
                lambda store: store.sample_host(memory, watermarks),
            )

    def in_flight(self) -> list[reader.InFlight]:
        """Return what ran or was about to when this service ended.

        To be asked before anything is requested. Waits for the file, but not
        long.

        :raises JournalNotReadable: what is in it is not known
        """
        self._wait_for_first_try()
        return self._reader.in_flight()

    def left_behind(self) -> list[reader.InFlight]:
        """Return what is in flight and was not requested here.

        To be asked until it is answered, and not again then.

        :raises JournalNotReadable: what is in it is not known
        """
        flights = self.in_flight()
        with self._changed:
            requested, self._requested = self._requested or set(), None
        return [it for it in flights if it.policy.uuid not in requested]

    def traits(self) -> dict[str, situation.GuestTraits]:
        """Return what was learned of guests, by UUID. Waits for the file.

        :raises JournalNotReadable: what is in it is not known
        """
        self._wait_for_first_try()
        return self._reader.traits()

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

    def _wait_for_first_try(self) -> None:
        with self._changed:
            left_seconds = max(0.0, self._look_by - time.monotonic())
            if not self._changed.wait_for(
                lambda: self._has_tried, left_seconds
            ):
                raise exception.JournalNotReadable(
                    path=self._path, why='its disk does not answer'
                )

    def _add(
        self,
        kind: backlog.Kind,
        write: Callable[[journal_store.Store], None],
        done: backlog.Done | None = None,
    ) -> None:
        job = backlog.Job(
            kind=kind, write=write, done=done, queued_at=time.monotonic()
        )
        words = _CLOSED
        with self._changed:
            if self._close_by is None:
                if self._backlog.add(job):
                    self._changed.notify_all()
                    return
                words = _FULL
                self._health.lose(kind)
        if done is not None:
            done(words)

    def _work(self) -> None:
        while self._turn():
            pass
        with self._changed:
            jobs = self._backlog.take(len(self._backlog))
            self._is_complete = not jobs
        self._health.end(job.kind for job in jobs)
        self._tell(journal_scribe.refuse(jobs, _CLOSED))
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
                words = self._health.words
                waiting = self._backlog.dismiss_waiting()
                outcome = journal_scribe.Outcome(
                    told=tuple((done, words) for done in waiting)
                )
            else:
                jobs = self._backlog.take(_MOST_IN_A_BATCH)
            self._is_writing = True
        if outcome is None:
            outcome = self._write(jobs, now)
        with self._changed:
            self._backlog.put_back(outcome.kept)
        self._tell(outcome)
        with self._changed:
            self._has_tried = True
            self._is_writing = False
            self._changed.notify_all()
        return True

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
        for done, words in outcome.told:
            try:
                done(words)
            except Exception:
                LOG.exception('Who waited for the journal failed')
