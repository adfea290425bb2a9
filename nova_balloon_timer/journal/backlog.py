# SPDX-License-Identifier: Apache-2.0
"""What waits to be written, in bounded memory."""

import collections
from collections.abc import Callable, Iterable
import dataclasses
import enum

from nova_balloon_timer import announcement
from nova_balloon_timer.journal import store as journal_store

Done = Callable[[str | None], None]


class Kind(enum.Enum):
    """What a job writes."""

    REQUEST = 'request'
    START = 'start'
    END = 'end'
    TRAITS = 'traits'
    NOTICE = 'notice'
    READING = 'host reading'
    NEWS = 'notification'
    SENT = 'receipt of notifications'

    @property
    def is_transition(self) -> bool:
        """Tell whether it must outlive a power cut."""
        return self in (Kind.REQUEST, Kind.START, Kind.END)

    @property
    def is_kept(self) -> bool:
        """Tell whether it is still worth writing once the disk is back.

        A request is not: whoever asked was told that it failed, and will not
        act on it. News goes another way then.
        """
        return self not in (Kind.REQUEST, Kind.NEWS)


@dataclasses.dataclass(slots=True, kw_only=True)
class Job:
    """Something to write, and whom to tell.

    :param done: called once, with what went wrong or None
    :param announcements: to be kept, in the same transaction, until they are
        sent; taken out where nothing can be kept
    """

    kind: Kind
    write: Callable[[journal_store.Store], None]
    queued_at: float
    done: Done | None = None
    announcements: tuple[announcement.Announcement, ...] = ()
    attempts: int = 0

    def take_announcements(self) -> tuple[announcement.Announcement, ...]:
        """Take out what is to be announced some other way."""
        taken, self.announcements = self.announcements, ()
        return taken


class Backlog:
    """Jobs in their order; transitions have room of their own.

    :param most_transitions: that wait at once
    :param most_others: likewise
    """

    def __init__(
        self, *, most_transitions: int = 1000, most_others: int = 1000
    ) -> None:
        self._most = {True: most_transitions, False: most_others}
        self._count = {True: 0, False: 0}
        self._jobs: collections.deque[Job] = collections.deque()

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def transitions(self) -> int:
        """Return how many of the jobs are transitions."""
        return self._count[True]

    @property
    def has_waiting(self) -> bool:
        """Tell whether somebody waits to be told what became of a job."""
        return any(job.done is not None for job in self._jobs)

    def add(self, job: Job) -> bool:
        """Put a job at the end; False: there is no room for it."""
        is_transition = job.kind.is_transition
        if self._count[is_transition] >= self._most[is_transition]:
            return False
        self._count[is_transition] += 1
        self._jobs.append(job)
        return True

    def take(self, most: int) -> list[Job]:
        """Remove the first jobs."""
        jobs = [self._jobs.popleft() for _ in range(min(most, len(self)))]
        self._forget(jobs)
        return jobs

    def take_announcements(self) -> tuple[announcement.Announcement, ...]:
        """Take out what is to be announced some other way."""
        return tuple(
            said for job in self._jobs for said in job.take_announcements()
        )

    def dismiss_waiting(self) -> list[Done]:
        """Give up what is not worth keeping, and return whom to tell so.

        Whoever waits for what is kept is told too, and not again later.
        """
        waiting = [job.done for job in self._jobs if job.done is not None]
        jobs = self.take(len(self))
        for job in jobs:
            job.done = None
        self.put_back(job for job in jobs if job.kind.is_kept)
        return waiting

    def put_back(self, jobs: Iterable[Job]) -> None:
        """Put jobs that were taken before all others again, in their order."""
        for job in reversed(list(jobs)):
            self._count[job.kind.is_transition] += 1
            self._jobs.appendleft(job)

    def _forget(self, jobs: list[Job]) -> None:
        for job in jobs:
            self._count[job.kind.is_transition] -= 1
