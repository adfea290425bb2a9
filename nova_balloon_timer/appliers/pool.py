# SPDX-License-Identifier: Apache-2.0
"""Worker threads: one job at a time per guest, and no guest waits for another.

A libvirt call blocks for as long as its guest's QEMU hangs. Such a worker is
*stuck*: it no longer counts towards the pool's size, and another one takes its
place, up to a hard limit. As a guest has at most one job at work, there are
never more stuck workers than stuck guests.
"""

import collections
from collections.abc import Callable
import dataclasses
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import exception

LOG = logging.getLogger(__name__)

Job = Callable[[], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What a pool's workers do at one moment.

    :param workers: all of them
    :param busy: those with a job, the stuck ones included
    :param waiting: guests for whom a job waits
    """

    workers: int
    busy: int
    stuck: int
    waiting: int


def agent_line(guest_uuid: str) -> str:
    """Return the line for what is asked of a guest's agent.

    An agent may be silent for seconds while its hypervisor is well: nothing
    that is ordered of the hypervisor waits for it.
    """
    return f'{guest_uuid}/agent'


def _nothing() -> None:
    pass


class WorkerPool:
    """Runs jobs by guest, in the order of each guest's line.

    :param size: workers that are kept
    :param most: workers at the most, when others are stuck
    :param stuck_seconds: a worker whose job takes longer is stuck
    :param on_start: called in each worker before its first job
    :param on_stop: called in each worker after its last
    """

    def __init__(
        self,
        *,
        size: int,
        most: int = 64,
        stuck_seconds: float = 0.05,
        on_start: Job = _nothing,
        on_stop: Job = _nothing,
    ) -> None:
        self._size = size
        self._most = max(size, most)
        self._stuck_seconds = stuck_seconds
        self._on_start = on_start
        self._on_stop = on_stop
        self._lines: dict[str, collections.deque[Job]] = {}
        self._urgent: collections.deque[str] = collections.deque()
        self._ready: collections.deque[str] = collections.deque()
        self._busy_since: dict[str, float] = {}
        self._preempted: set[str] = set()
        self._workers = 0
        self._idle = 0
        self._closed = False
        self._complaint = ''
        lock = threading.Lock()
        self._work = threading.Condition(lock)
        self._backlog = threading.Condition(lock)
        self._start_workers()

    def submit(self, guest_uuid: str, job: Job) -> None:
        """Put a job at the end of its guest's line."""
        with self._work:
            line = self._lines.setdefault(guest_uuid, collections.deque())
            line.append(job)
            if guest_uuid not in self._busy_since and len(line) == 1:
                self._offer(guest_uuid, self._ready)

    def preempt(self, guest_uuid: str, job: Job) -> None:
        """Run a job instead of all that waits in its guest's line.

        It goes before other guests' ordinary jobs. A job that is already at
        work is waited for.
        """
        with self._work:
            self._lines[guest_uuid] = collections.deque([job])
            if guest_uuid in self._busy_since:
                self._preempted.add(guest_uuid)
            else:
                self._offer(guest_uuid, self._urgent)

    def discard(self, line: str) -> None:
        """Forget what waits in a line; a job at work goes on."""
        with self._work:
            self._lines.pop(line, None)

    @property
    def load(self) -> Load:
        """Say what the workers do; from any thread."""
        with self._work:
            return Load(
                workers=self._workers,
                busy=len(self._busy_since),
                stuck=self._count_stuck(time.monotonic()),
                waiting=sum(bool(line) for line in self._lines.values()),
            )

    def close(self) -> None:
        """Take no more jobs; workers end when their present one does.

        Does not wait: a stuck worker would hold it up for half a minute.
        """
        with self._work:
            self._closed = True
            self._lines.clear()
            self._urgent.clear()
            self._ready.clear()
            self._work.notify_all()
            self._backlog.notify_all()

    def _start_workers(self) -> None:
        threading.Thread(
            target=self._supervise, name='balloon-supervisor', daemon=True
        ).start()
        with self._work:
            for _ in range(self._size):
                self._add_worker()

    def _add_worker(self) -> None:
        self._workers += 1
        threading.Thread(
            target=self._work_on,
            name=f'balloon-worker-{self._workers}',
            daemon=True,
        ).start()

    def _offer(self, guest_uuid: str, queue: collections.deque[str]) -> None:
        queue.append(guest_uuid)
        # NOTE: who wakes a worker counts it out; until it runs, a second job
        # would take it for idle, and nobody would look after that job.
        if self._idle:
            self._idle -= 1
            self._work.notify()
        else:
            self._backlog.notify()

    def _work_on(self) -> None:
        if self._run(self._on_start):
            self._complain('')
        while (taken := self._take()) is not None:
            guest_uuid, job = taken
            self._run(job)
            self._give_back(guest_uuid)
        self._run(self._on_stop)

    def _take(self) -> tuple[str, Job] | None:
        """Wait for a job; None: this worker is not needed any more."""
        with self._work:
            while True:
                spare = self._workers - len(self._busy_since) > self._size
                if self._closed or spare:
                    self._workers -= 1
                    return None
                for queue in (self._urgent, self._ready):
                    while queue:
                        guest_uuid = queue.popleft()
                        line = self._lines.get(guest_uuid)
                        if line and guest_uuid not in self._busy_since:
                            self._busy_since[guest_uuid] = time.monotonic()
                            return guest_uuid, line.popleft()
                self._idle += 1
                self._work.wait()

    def _give_back(self, guest_uuid: str) -> None:
        with self._work:
            del self._busy_since[guest_uuid]
            if not self._lines.get(guest_uuid):
                self._lines.pop(guest_uuid, None)
                return
            is_urgent = guest_uuid in self._preempted
            self._preempted.discard(guest_uuid)
            self._offer(guest_uuid, self._urgent if is_urgent else self._ready)

    def _run(self, job: Job) -> bool:
        """Do a job; return whether it went well."""
        words = ''
        try:
            job()
        except exception.ApplierError as error:
            words = str(error)
        except Exception:
            LOG.exception('A job of a worker failed')
            return False
        if words:
            self._complain(words)
        return not words

    def _complain(self, words: str) -> None:
        """Say it, unless it was the last that any worker said."""
        with self._work:
            is_news = words != self._complaint
            self._complaint = words
        if is_news and words:
            LOG.warning('%s', words)

    def _supervise(self) -> None:
        """Replace stuck workers while jobs wait for one."""
        with self._backlog:
            while not self._closed:
                if self._idle or not (self._urgent or self._ready):
                    self._backlog.wait()
                    continue
                self._backlog.wait(self._replace_stuck())

    def _replace_stuck(self) -> float:
        """Add a worker if one is stuck; return when to look again."""
        now = time.monotonic()
        ages = [now - since for since in self._busy_since.values()]
        stuck = self._count_stuck(now)
        if self._workers >= self._most:
            if stuck >= self._most:
                LOG.warning('All %d workers are held up by guests', stuck)
            return 1.0
        if self._workers < self._size + stuck:
            self._add_worker()
        left = [self._stuck_seconds - age for age in ages]
        soonest = min((wait for wait in left if wait > 0), default=0.0)
        return max(0.001, soonest)

    def _count_stuck(self, now: float) -> int:
        return sum(
            now - since >= self._stuck_seconds
            for since in self._busy_since.values()
        )
