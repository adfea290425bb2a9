# SPDX-License-Identifier: Apache-2.0
"""The journal as the rest of the agent knows it; no deadline waits for it.

The rule of the whole is *journal, act, notify*: a request comes back by its
``done`` once it is on the disk, and only then is a balloon moved.
"""

from collections.abc import Callable, Mapping, Sequence
import dataclasses
import pathlib
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.journal import backlog
from nova_balloon_timer.journal import health as journal_health
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import outbox
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import retention as journal_retention
from nova_balloon_timer.journal import scribe as journal_scribe
from nova_balloon_timer.journal import store as journal_store
from nova_balloon_timer.journal import thinning
from nova_balloon_timer.journal import worker as journal_worker
from nova_balloon_timer.notifier import letter

LOG = logging.getLogger(__name__)

Announcements = Sequence[announcement.Announcement]

# Beyond so many transitions that wait, ends are kept without their curves.
_MOST_CURVES = 64


class Journal:
    """What must outlive this process; methods return at once, from any thread.

    A ``done`` is called once, with None or with what went wrong: from the
    journal's thread, or at once if the journal is closed or has no room. It
    must return at once too. None means: it is on the disk. While a disk hangs
    nothing is called, so whoever cannot wait needs a timer of their own, and
    must expect that the entry is made later.

    What is to be announced is kept in the same transaction as what it tells;
    where the disk fails it goes to the carrier instead.

    :param retention: how much of the past is kept
    :param encode: writes out what is announced; None: nothing is kept of it
    :param most_letters: notifications that wait to be sent, at the most
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
        encode: letter.Encode | None = None,
        most_letters: int = 10_000,
        patience_seconds: float = 5.0,
        jobs: backlog.Backlog | None = None,
    ) -> None:
        clock = clock or instant.HostClock()
        self._path = path
        self._reader = reader.Reader(path, clock=clock)
        self._health = journal_health.Health(path)
        self._scribe = journal_scribe.Scribe(
            journal_store.Store(
                path, clock=clock, encode=encode, most_letters=most_letters
            ),
            self._health,
            retention or journal_retention.Retention(),
            patience_seconds=patience_seconds,
        )
        self._thinner = thinning.Thinner()
        self._lock = threading.Lock()
        # By this process, until what ran before it is known.
        self._requested: set[str] | None = set()
        self._worker = journal_worker.Worker(
            path,
            self._scribe,
            self._health,
            backlog.Backlog() if jobs is None else jobs,
        )

    @property
    def failure(self) -> str:
        """Why nothing can be written at present; empty if it can."""
        return self._health.words

    @property
    def dropped_letters(self) -> int:
        """How many notifications there was no room for."""
        return self._scribe.dropped_letters

    @property
    def waiting_letters(self) -> int | None:
        """How many notifications wait on the disk; None: not known yet.

        It does not ask the disk, which may hang.
        """
        return self._scribe.waiting_letters

    @property
    def waiting(self) -> int:
        """How many jobs wait to be written."""
        return len(self._worker)

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        done: backlog.Done,
        guest_names: Mapping[str, str] | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Enter policies that shall start: all of them, or none.

        Those that are there already, as their ends came first, stay so.

        :param guest_names: by UUID
        """
        policies = tuple(policies)
        with self._lock:
            if self._requested is not None:
                self._requested.update(it.uuid for it in policies)
        self._add(
            backlog.Kind.REQUEST,
            lambda store: store.request(policies, requested_at, guest_names),
            done,
            announcements,
        )

    def start(
        self,
        policy_uuid: str,
        at: float,
        timing: timekeeping.Timing,
        announcements: Announcements = (),
    ) -> None:
        """Enter that a policy began to move its balloon."""
        self._add(
            backlog.Kind.START,
            lambda store: store.start(policy_uuid, at, timing),
            announcements=announcements,
        )

    def end(
        self,
        report: model.EndReport,
        done: backlog.Done,
        guest_name: str | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Enter how a policy ended; the first end of each stands.

        It is tried again for as long as the disk fails, also when ``done``
        was told so.

        :param guest_name: None: the one that it was requested with
        """
        if self._worker.transitions > _MOST_CURVES:
            report = dataclasses.replace(report, curve=())
        self._add(
            backlog.Kind.END,
            lambda store: store.end(report, guest_name),
            done,
            announcements,
        )

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        """Keep what was learned of a guest."""
        self._add(
            backlog.Kind.TRAITS,
            lambda store: store.remember(guest_uuid, traits),
        )

    def note(
        self,
        notice: message.Notice,
        guest_name: str | None = None,
        announcements: Announcements = (),
    ) -> None:
        """Keep that something happened.

        :param guest_name: of the guest that it is about, if known
        """
        self._add(
            backlog.Kind.NOTICE,
            lambda store: store.note(notice, guest_name),
            announcements=announcements,
        )

    def announce(self, announcements: Announcements) -> None:
        """Keep what is told of nothing that is entered: how far it is."""
        self._add(
            backlog.Kind.NEWS,
            lambda store: None,
            announcements=announcements,
        )

    def forget_sent(self, numbers: Sequence[int]) -> None:
        """Forget notifications that were sent."""
        self._add(backlog.Kind.SENT, lambda store: store.forget_sent(numbers))

    def sample_host(
        self,
        memory: situation.HostMemory,
        watermarks: situation.Watermarks,
        *,
        is_pressing: bool,
    ) -> None:
        """Keep how the host stands, every now and then."""
        with self._lock:
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
        self._worker.wait_for_first_try()
        return self._reader.in_flight()

    def left_behind(self) -> list[reader.InFlight]:
        """Return what is in flight and was not requested here.

        To be asked until it is answered, and not again then.

        :raises JournalNotReadable: what is in it is not known
        """
        flights = self.in_flight()
        with self._lock:
            requested, self._requested = self._requested or set(), None
        return [it for it in flights if it.policy.uuid not in requested]

    def traits(self) -> dict[str, situation.GuestTraits]:
        """Return what was learned of guests, by UUID. Waits for the file.

        :raises JournalNotReadable: what is in it is not known
        """
        self._worker.wait_for_first_try()
        return self._reader.traits()

    def host_subjects(self) -> list[outbox.Told]:
        """Return the times of pressure whose end was not told; waits likewise.

        :raises JournalNotReadable: what is in it is not known
        """
        self._worker.wait_for_first_try()
        return self._reader.host_subjects()

    def connect(self, carrier: letter.Carrier) -> None:
        """Have somebody send what is to be announced."""
        self._worker.carrier = carrier

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until all is on the disk; tell whether it is."""
        return self._worker.flush(timeout_seconds)

    def close(self, timeout_seconds: float) -> bool:
        """Write what waits, and take nothing more.

        :returns: all of it is on the disk
        """
        return self._worker.close(timeout_seconds)

    def _add(
        self,
        kind: backlog.Kind,
        write: Callable[[journal_store.Store], None],
        done: backlog.Done | None = None,
        announcements: Announcements = (),
    ) -> None:
        self._worker.add(
            backlog.Job(
                kind=kind,
                write=write,
                done=done,
                announcements=tuple(announcements),
                queued_at=time.monotonic(),
            )
        )
