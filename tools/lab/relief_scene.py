# SPDX-License-Identifier: Apache-2.0
"""A host that runs short and is relieved by the agent: the demo's second half.

Nobody tells the agent anything: a program in one guest takes memory, the
kernel notices that tasks wait for it, and the rest follows.
"""

from collections.abc import Callable, Sequence
import contextlib
import datetime
import os
import pathlib
import subprocess
import sys
import time

from nova_balloon_timer.journal import reader
from nova_balloon_timer.report import saved_run
from tools.lab import cell as lab_cell
from tools.lab import domain
from tools.lab import error
from tools.lab import guest as lab_guest
from tools.lab import image
from tools.lab import libvirtd

_COMMAND = str(pathlib.Path(sys.executable).with_name('nova-balloon-timer'))

# The eater has touched nothing yet; the others have used most of what they
# have, and are done with it. What they cost shows once they have booted, so
# the limit is set then: a little above that.
_MEMORY_MIB = 640
_GUESTS = (
    domain.GuestSpec(
        name='eater',
        memory_mib=_MEMORY_MIB,
        agent=True,
        free_page_reporting=True,
    ),
    domain.GuestSpec(name='idle-1', memory_mib=_MEMORY_MIB, touch_mib=420),
    domain.GuestSpec(name='idle-2', memory_mib=_MEMORY_MIB, touch_mib=420),
    domain.GuestSpec(name='busy', memory_mib=_MEMORY_MIB, hog_mib=250),
)
_BOOT_MIB = 3200
_HEADROOM_MIB = 150
_EATEN_MIB = 450
_EATEN_MIB_PER_SECOND = 80

_LONGEST_SECONDS = 90
_LONGEST_END_SECONDS = 10
_POLL_SECONDS = 0.5
_ENDS_IN_TIME = ('target', 'deadline', 'host-recovered')

_CONFIGURATION = """\
[balloon_timer]
connection_uri = {uri}
state_path = {state}
cgroup = {cgroup}
pressure_sources = psi
low_watermark = 8%
high_watermark = 12%
pressure_settle_seconds = 2
return_settle_seconds = 3
return_round_seconds = 2
return_seconds = 5
"""


class ReliefScene:
    """Runs the agent beside guests that share too little memory."""

    def __init__(
        self,
        uri: str,
        folder: pathlib.Path,
        cell: lab_cell.MemoryCell,
        guests: Sequence[lab_guest.Guest],
    ) -> None:
        self._cell = cell
        self._guests = guests
        self._log = folder / 'agent.log'
        self._told_bytes = 0
        self._began_at = time.monotonic()
        self._began_utc = datetime.datetime.now(datetime.timezone.utc)
        self.journal = folder / 'state' / 'journal.sqlite'
        self._configuration = folder / 'agent.conf'
        self._configuration.write_text(
            _CONFIGURATION.format(
                uri=uri, state=folder / 'state', cgroup=cell.path
            )
        )

    def run(self) -> list[str]:
        """Let it happen, and return what went otherwise than it should."""
        eater = self._guests[0]
        words = [_COMMAND, '--config-file', str(self._configuration), 'agent']
        print(f'$ {" ".join(words)}', flush=True)
        with self._log.open('wb') as log:
            agent = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            self._await('agent', lambda: 'looks after' in self._read_log())
            self._say(f'a program in eater takes {_EATEN_MIB} MiB')
            eater.eat(_EATEN_MIB, _EATEN_MIB_PER_SECOND)
            self._await('pressure', lambda: self._marks('STARTED') > 0)
            self._await('relief', self._is_relieved)
            self._say('the program ends')
            eater.stop_eating()
            self._await('return of all memory', self._is_returned)
        finally:
            code = _end(agent)
            self._show_log()
        complaints = self._complaints()
        if code != 0:
            complaints.append(f'the agent ended with code {code}')
        return complaints

    def _await(self, what: str, condition: Callable[[], bool]) -> None:
        until = time.monotonic() + _LONGEST_SECONDS
        while not condition():
            if time.monotonic() > until:
                raise error.LabError(f'no {what} in {_LONGEST_SECONDS} s')
            self._show_log()
            self._show_memory()
            time.sleep(_POLL_SECONDS)
        self._show_log()

    def _is_relieved(self) -> bool:
        return self._marks('ENDED') > 0 and not self._in_flight()

    def _is_returned(self) -> bool:
        full_kib = _MEMORY_MIB * 1024
        return not self._in_flight() and all(
            guest.actual_kib == full_kib for guest in self._guests
        )

    def _in_flight(self) -> bool:
        return bool(reader.Reader(self.journal).in_flight())

    def _saved(self) -> saved_run.SavedRun:
        journal = reader.Reader(self.journal)
        return journal.saved_run(self._began_utc, host='demo')

    def _marks(self, name: str) -> int:
        course = self._saved().course
        kind = saved_run.MarkKind[f'PRESSURE_{name}']
        marks = () if course is None else course.marks
        return sum(mark.kind is kind for mark in marks)

    def _complaints(self) -> list[str]:
        ends = [
            (saved.guest_name, saved.report.reason.value)
            for saved in self._saved().policies
        ]
        complaints = [
            f'a policy of {name} ended by {reason}'
            for name, reason in ends
            if reason not in _ENDS_IN_TIME
        ]
        if not ends:
            complaints.append('no policy ran')
        if self._cell.oom_kills:
            complaints.append('the kernel killed somebody')
        return complaints

    def _say(self, words: str) -> None:
        seconds = time.monotonic() - self._began_at
        print(f'{seconds:6.1f} s  {words}', flush=True)

    def _show_memory(self) -> None:
        guests = '  '.join(
            f'{guest.spec.name} {guest.actual_kib // 1024}'
            for guest in self._guests
        )
        available_mib = self._cell.available_kib // 1024
        self._say(f'available {available_mib:4} MiB | {guests}')

    def _read_log(self) -> str:
        with contextlib.suppress(FileNotFoundError):
            return self._log.read_text('utf-8', 'replace')
        return ''

    def _show_log(self) -> None:
        text = self._read_log()
        whole = text.rfind('\n') + 1
        for line in text[self._told_bytes : whole].splitlines():
            # Its time, process and module say nothing here.
            _, found, words = line.partition(' [-] ')
            if found and '.agent.' in line:
                self._say(f'agent: {words}')
        self._told_bytes = max(self._told_bytes, whole)


def _end(agent: 'subprocess.Popen[bytes]') -> int:
    """Have it end, in whatever way; return its code."""
    agent.terminate()
    try:
        return agent.wait(_LONGEST_END_SECONDS)
    except subprocess.TimeoutExpired:
        agent.kill()
        return agent.wait()


def show(folder: pathlib.Path, report: pathlib.Path) -> list[str]:
    """Boot the guests, let the agent relieve them, and draw what happened."""
    with (
        lab_cell.MemoryCell(_BOOT_MIB) as cell,
        libvirtd.PrivateLibvirtd(folder, cell) as lab,
    ):
        print('==> booting four guests in a memory cgroup', flush=True)
        guests = lab_guest.start_all(
            lab.open(), _GUESTS, lab.root / 'console', image.ensure()
        )
        try:
            for started in guests:
                started.wait_ready()
            cell.limit_mib = cell.usage_kib // 1024 + _HEADROOM_MIB
            print(f'### {cell.limit_mib} MiB for all of them, and no more')
            scene = ReliefScene(lab.uri, folder, cell, guests)
            complaints = scene.run()
        finally:
            lab_guest.stop_all(guests)
    words = [_COMMAND, 'report', '--journal', str(scene.journal)]
    words += ['--since', '1h', '-o', str(report)]
    print(f'\n### What happened, as a page\n$ {" ".join(words)}', flush=True)
    if subprocess.run(words, check=False, env=os.environ).returncode:
        complaints.append('the report could not be made')
    return complaints
