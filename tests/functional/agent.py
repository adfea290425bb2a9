# SPDX-License-Identifier: Apache-2.0
"""The agent as an operator runs it: a process with a configuration file."""

from collections.abc import Iterable
import contextlib
import datetime
import os
import pathlib
import re
import signal
import threading
import time
from typing import Any, IO, Protocol

import testtools
from testtools import content

from nova_balloon_timer import exception
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.report import saved_run
from tests.functional import base
from tests.functional import command
from tests.functional import lab
from tools.lab import guest as lab_guest

READY = 'The agent looks after this host'
# All that a stop may take, and what a machine that is busy adds to it.
STOP_SECONDS = 2.0
SLACK_SECONDS = 1.0

_TOTAL_MIB = 8192
PLENTY_MIB = 4096
SHORT_MIB = 512
_TOUCH_MIB = 330
_LEVELS = re.compile(r' (INFO|WARNING|ERROR|CRITICAL) \S+ \[[^]]*\] ')

# So that a test is over soon: a policy lasts 5 s, its first stage waits at
# 60 % of its way, and what was taken is returned at once.
QUICK: dict[str, Any] = {
    'pressure_sources': 'meminfo',
    'low_watermark': '1G',
    'high_watermark': '2G',
    'pressure_settle_seconds': 0.3,
    'return_settle_seconds': 0.5,
    'return_round_seconds': 0.5,
    'return_seconds': 3,
    'shortest_relief_seconds': 5,
    'longest_relief_seconds': 5,
    'leash_mib': 4,
    'leash_seconds': 0,
}


class Giver(Protocol):
    """A guest whose memory can be seen to go."""

    full_kib: int

    @property
    def actual_kib(self) -> int:
        """What it has now."""


class FakeHost:
    """A proc file system whose memory is what a test says."""

    def __init__(self, proc_root: pathlib.Path) -> None:
        self.proc_root = proc_root
        proc_root.mkdir()
        self.available_mib = PLENTY_MIB

    @property
    def available_mib(self) -> int:
        """What the host has left."""
        return self._available_mib

    @available_mib.setter
    def available_mib(self, mib: int) -> None:
        self._available_mib = mib
        fresh = self.proc_root / 'meminfo.fresh'
        fresh.write_text(
            f'MemTotal: {_TOTAL_MIB * base.KIB_PER_MIB} kB\n'
            f'MemAvailable: {mib * base.KIB_PER_MIB} kB\n'
        )
        fresh.rename(self.proc_root / 'meminfo')

    @contextlib.contextmanager
    def gaining(self, balloons: Iterable[Giver], mib: int) -> Any:
        """Be short by so much until balloons have given it."""
        watched = list(balloons)
        over = threading.Event()

        def follow() -> None:
            while not over.wait(0.02):
                given_kib = sum(it.full_kib - it.actual_kib for it in watched)
                self.available_mib = 1024 - mib + given_kib // base.KIB_PER_MIB

        self.available_mib = 1024 - mib
        thread = threading.Thread(target=follow)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


class RunningAgent(command.Running):
    """An agent under way."""

    def __init__(self, state_path: pathlib.Path, *words: str) -> None:
        self._log: list[str] = []
        super().__init__(*words)
        self.state_path = state_path
        self.journal = journal_reader.Reader(state_path / 'journal.sqlite')

    @property
    def pid(self) -> int:
        """The process that was started."""
        return self._process.pid

    @property
    def worker_pid(self) -> int:
        """The process that holds the lock, and looks after the host."""
        return int((self.state_path / 'agent.lock').read_text())

    @property
    def lines(self) -> list[str]:
        """What it has said until now."""
        return [line.rstrip('\n') for line in list(self._log)]

    def said(self, *parts: str) -> list[str]:
        """The lines in which all of this stands."""
        return [it for it in self.lines if all(part in it for part in parts)]

    def complaints(self) -> list[str]:
        """The warnings and errors, without their times and places."""
        found = []
        for line in self.lines:
            level = _LEVELS.search(line)
            if level is not None and level[1] != 'INFO':
                found.append(line[level.end() :])
        return found

    def wait_ready(self) -> None:
        """Wait until it works."""
        self.wait_said(READY)

    def wait_said(
        self, *parts: str, times: int = 1, timeout_seconds: float = 60
    ) -> list[str]:
        """Wait until it has said something so often."""
        lab.wait_until(
            lambda: self.is_over or len(self.said(*parts)) >= times,
            f'the agent says {parts}',
            timeout_seconds,
        )
        found = self.said(*parts)
        if len(found) < times:
            raise AssertionError(f'ended without {parts}: {self.finish()}')
        return found

    def kill(self) -> None:
        """End all of its processes as kill -9 does."""
        worker_pid = self.worker_pid
        self._process.send_signal(signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            os.kill(worker_pid, signal.SIGKILL)
        self.finish()

    def stop(self, number: int = signal.SIGTERM) -> command.Result:
        """End it as systemd does."""
        if not self.is_over:
            self.send(number)
        return self.finish()

    def end(self) -> None:
        """Leave nothing of it behind."""
        with contextlib.suppress(OSError, ValueError):
            worker_pid = self.worker_pid
            if not self.is_over and worker_pid != self.pid:
                os.kill(worker_pid, signal.SIGKILL)
        super().end()

    def _read(self, name: str, stream: IO[str]) -> None:
        # NOTE: what is logged comes on stdout, what cannot be on stderr.
        for line in stream:
            self._texts[name].append(line)
            self._log.append(line)

    def history(self) -> list[journal_reader.PastPolicy]:
        """What has ended, the oldest first."""
        return self.journal.history(1000)[::-1]

    def in_flight(self) -> list[journal_reader.InFlight]:
        """What has begun and not ended, by the journal."""
        try:
            return self.journal.in_flight()
        except exception.JournalNotReadable:
            return []  # it is being made

    def course(self) -> saved_run.HostCourse:
        """How the host went, by the journal."""
        since = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)
        run = self.journal.saved_run(since, host='lab')
        assert run.course is not None
        return run.course


class AgentTest(base.FunctionalTest):
    """A test with an agent, a host that it makes short, and warm guests."""

    def setUp(self) -> None:
        super().setUp()
        self.host = FakeHost(self.folder / 'proc')
        self.state_path = self.folder / 'state'
        # Options of other groups than ours, by the groups' names.
        self.groups: dict[str, dict[str, Any]] = {}

    def warm(self, *names: str) -> list[base.Balloon]:
        """Give guests with their full memory, all of it in the host's."""
        guests = _guests(self.lab, *names)
        for guest in guests:
            guest.reopen(self.lab.connection)
            lab.wake(guest)
        for guest in guests:
            lab.restore(guest)
        _touch_all(guests)
        return [self.observe(guest) for guest in guests]

    def configure(self, **options: Any) -> pathlib.Path:
        """Write the configuration; a restart finds it as it is then."""
        values = {
            'connection_uri': self.lab.uri,
            'state_path': self.state_path,
            'proc_root': self.host.proc_root,
            **QUICK,
            **options,
        }
        path = self.folder / 'agent.conf'
        fresh = path.with_suffix('.fresh')
        with fresh.open('w') as file:
            for group, options_of_it in {
                **self.groups,
                'balloon_timer': values,
            }.items():
                file.write(f'[{group}]\n')
                for name, value in options_of_it.items():
                    if value is not None:
                        file.write(f'{name} = {value}\n')
        fresh.rename(path)
        return path

    def launch(self, *words: str, **options: Any) -> RunningAgent:
        """Start an agent, which may be about to refuse."""
        path = self.configure(**options)
        return self.relaunch(path, *words)

    def relaunch(
        self, path: pathlib.Path | None = None, *words: str
    ) -> RunningAgent:
        """Start an agent with the configuration that is there."""
        path = path or self.folder / 'agent.conf'
        state_path = self.state_path
        if '--dry-run' in words:
            state_path /= 'dry-run'
        running = RunningAgent(
            state_path, f'--config-file={path}', 'agent', *words
        )
        self.addCleanup(running.end)
        attach_log(self, running)
        return running

    def begin_agent(
        self, *balloons: base.Balloon, **options: Any
    ) -> RunningAgent:
        """Start an agent, and wait until it knows the guests.

        All others are excluded: those of tests before.
        """
        if 'excluded_guests' not in options:
            options['excluded_guests'] = self.others(*balloons)
        running = self.launch(**options)
        running.wait_ready()
        return running

    def others(self, *balloons: base.Balloon) -> str:
        """Name all guests but some, as the configuration has it."""
        wanted = {balloon.name for balloon in balloons}
        found = self.lab.connection.listAllDomains()
        names = sorted({domain.name() for domain in found} - wanted)
        return ','.join(names)

    def press(self, agent: RunningAgent, *balloons: base.Balloon) -> None:
        """Be short until policies have moved all these guests a bit."""
        self.host.available_mib = SHORT_MIB
        for balloon in balloons:
            balloon.wait_below(balloon.full_kib // base.KIB_PER_MIB - 8)
        lab.wait_until(
            lambda: len(agent.in_flight()) >= len(balloons), 'policies'
        )

    def freeze_qemu(self, balloon: base.Balloon) -> int:
        """Have a guest's QEMU hang, as one does whose storage is gone.

        :returns: the process, to be woken by SIGCONT
        """
        pid = balloon.guest.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        return pid

    def wait_known(self, balloon: base.Balloon) -> None:
        """Wait until the agent has looked at a guest once or twice."""
        begun = time.time()
        lab.wait_until(
            lambda: (
                self.period(balloon) == '1'
                and balloon.guest.domain.memoryStats()['last_update']
                > begun + 3
            ),
            'looks',
        )

    def assert_ended_once(self, agent: RunningAgent) -> None:
        """See that the journal has one end of each policy, none open."""
        self.assertEqual([], agent.in_flight())
        uuids = [it.uuid for it in agent.history()]
        self.assertEqual(sorted(set(uuids)), sorted(uuids))

    def assert_sane(self, *agents: RunningAgent) -> None:
        """See that nothing failed that must not fail."""
        for agent in agents:
            self.assertEqual([], agent.said('Traceback'))
            self.assertEqual([], agent.said('failed', 'ERROR'))


def attach_log(test: testtools.TestCase, running: RunningAgent) -> None:
    """Show what an agent said where a test fails."""
    test.addOnException(
        lambda _: test.addDetail(
            f'agent-{running.pid}',
            content.text_content('\n'.join(running.lines)),
        )
    )


_started: dict[str, lab_guest.Guest] = {}


def _guests(shared: lab.SharedLab, *names: str) -> list[lab_guest.Guest]:
    """Give guests in which programs can be started; they boot once."""
    missing = [name for name in names if name not in _started]
    specs = [spec(shared, name) for name in missing]
    for name, guest in zip(missing, shared.start(*specs), strict=True):
        _started[name] = guest
    return [_started[name] for name in names]


def spec(
    shared: lab.SharedLab, name: str, **differences: Any
) -> lab_guest.GuestSpec:
    """Describe a guest of these tests."""
    return lab_guest.GuestSpec(
        name=name,
        memory_mib=512,
        agent=True,
        qmp_socket=shared.qmp_socket(name),
        **differences,
    )


def _touch_all(guests: list[lab_guest.Guest]) -> None:
    """Have the host's memory hold what guests gave away before."""
    cold = [it for it in guests if it.rss_kib < 440 * base.KIB_PER_MIB]
    for guest in cold:
        guest.eat(_TOUCH_MIB)
    for guest in cold:
        guest.wait(
            lambda guest=guest: guest.rss_kib > 440 * base.KIB_PER_MIB,
            'memory in the host',
        )
    for guest in cold:
        guest.stop_eating()
