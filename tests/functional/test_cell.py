# SPDX-License-Identifier: Apache-2.0

import os
import pathlib
import select
import signal
import subprocess
import sys
import time
from typing import Any
from unittest import mock

import fixtures
import libvirt
import testtools

from tests.functional import lab
from tools.lab import cell as lab_cell
from tools.lab import error
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

_KIB_PER_MIB = 1024
_TRIGGER = b'some 100000 2000000\0'
_FIRE_SECONDS = 15

# The idle ones hold 560 MiB each, the eater 240: together less than the
# limit, until it eats.
_LIMIT_MIB = 1500
_IDLE = ('east', 'west')
_TOUCH_MIB = 350
_EAT_MIB = 500

_OPEN_AND_DIE = """
import os, signal, subprocess
from tools.lab import cell
opened = cell.MemoryCell(64, zram_mib=64).__enter__()
child = subprocess.Popen(['sleep', '1000'], stdout=subprocess.DEVNULL)
for folder in opened.folders:
    (folder / 'cgroup.procs').write_text(str(child.pid))
print(child.pid, opened.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""

_VERSION_2 = {
    'memory.max': '104857600\n',
    'memory.current': '62914560\n',
    'memory.swap.current': '2097152\n',
    'memory.stat': 'anon 1048576\ninactive_file 1048576\nactive_file 4096\n',
    'memory.events': 'low 0\nhigh 0\nmax 7\noom 1\noom_kill 3\n',
    'cgroup.procs': '5\n0\n6\n',
}


class PressureTest(testtools.TestCase):
    """A cell in which the kernel is short of memory in earnest."""

    def setUp(self) -> None:
        super().setUp()
        libvirt.registerErrorHandler(lambda *_: None, None)
        root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.cell = self.enter(lab_cell.MemoryCell(_LIMIT_MIB))
        private = self.enter(libvirtd.PrivateLibvirtd(root, self.cell))
        specs = [
            lab_guest.GuestSpec(name=name, touch_mib=_TOUCH_MIB)
            for name in _IDLE
        ]
        specs.append(
            lab_guest.GuestSpec(name='eater', memory_mib=768, agent=True)
        )
        self.guests = lab_guest.start_all(
            private.open(), specs, root / 'console'
        )
        self.addCleanup(lab_guest.stop_all, self.guests)
        for guest in self.guests:
            guest.wait_ready()

    def enter(self, context: Any) -> Any:
        """Hold something until the test ends."""
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def test_kernel_tells_and_guests_live(self) -> None:
        *idle, eater = self.guests
        pids = [guest.pid for guest in self.guests]
        self.assert_within(*pids)
        self.assertGreater(idle[0].rss_kib, 500 * _KIB_PER_MIB)
        self.assertEqual(0, self.cell.swap_kib)
        file = os.open(self.cell.pressure_path, os.O_RDWR | os.O_NONBLOCK)
        self.addCleanup(os.close, file)
        os.write(file, _TRIGGER)
        poll = select.poll()
        poll.register(file, select.POLLPRI)

        eater.eat(_EAT_MIB)
        most_kib = 0
        end_at = time.monotonic() + _FIRE_SECONDS
        while not (fired := poll.poll(20)) and time.monotonic() < end_at:
            most_kib = max(most_kib, self.cell.usage_kib)

        self.assertEqual([(file, select.POLLPRI)], fired)
        self.assertLessEqual(most_kib, _LIMIT_MIB * _KIB_PER_MIB)
        lab.wait_until(lambda: self.cell.swap_kib > 100 * _KIB_PER_MIB, 'swap')
        eater.wait(lambda: bool(eater.hog_reports('eater')), 'a report')
        self.assertEqual(_EAT_MIB, eater.hog_reports('eater')[-1].size_mib)

        for guest in idle:
            guest.domain.setMemoryFlags(
                256 * _KIB_PER_MIB, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )
        lab.wait_until(
            lambda: self.cell.available_kib > 300 * _KIB_PER_MIB, 'relief'
        )
        eater.stop_eating()

        self.assertEqual(0, self.cell.oom_kills)
        self.assertEqual(pids, [guest.pid for guest in self.guests])
        self.assert_within(*pids)

    def assert_within(self, *pids: int | None) -> None:
        """See processes in the cell, in every hierarchy."""
        for folder in self.cell.folders:
            held = (folder / 'cgroup.procs').read_text().split()
            self.assertEqual([], [p for p in pids if str(p) not in held])


class LifeTest(testtools.TestCase):
    """What a cell leaves behind, and what it finds."""

    def test_leaves_nothing_after_an_exception(self) -> None:
        def fail() -> None:
            with lab_cell.MemoryCell(64, zram_mib=64) as cell:
                self.folders = cell.folders
                self.assertIn(f'nbt-cell-{os.getpid()}', _labels())
                self.assertEqual(64, cell.limit_mib)
                cell.limit_mib = 96
                self.assertEqual(96, cell.limit_mib)
                raise ValueError

        self.assertRaises(ValueError, fail)
        self.assertEqual([], [f for f in self.folders if f.exists()])
        self.assertNotIn(f'nbt-cell-{os.getpid()}', _labels())

    def test_clears_away_after_the_dead(self) -> None:
        died = subprocess.run(
            [sys.executable, '-c', _OPEN_AND_DIE],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        self.assertEqual(-signal.SIGKILL, died.returncode)
        pid, path = died.stdout.split()

        with lab_cell.MemoryCell(64, zram_mib=0) as cell:
            stale = [folder.parent / path[1:] for folder in cell.folders]
            self.assertEqual([], [f for f in stale if f.exists()])

        self.assertFalse(_runs(pid))
        self.assertNotIn(path[1:].rpartition('-')[0], _labels())

    def test_a_guest_without_agent_does_not_eat(self) -> None:
        spec = lab_guest.GuestSpec(name='mute')
        guest = lab_guest.Guest(spec, mock.Mock(), pathlib.Path('/none'))
        self.assertRaises(error.LabError, guest.eat, 100)


class VersionTwoTest(testtools.TestCase):
    """A machine with one hierarchy, in a tree that only looks like it."""

    def setUp(self) -> None:
        super().setUp()
        self.tree = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        (self.tree / 'cgroup.controllers').write_text('cpu memory pids\n')

    def test_reads_and_writes(self) -> None:
        cell = lab_cell.MemoryCell(100, tree=self.tree)
        cell.path = pathlib.PurePosixPath('/nbt-cell-1-0')
        folder = self.tree / 'nbt-cell-1-0'
        folder.mkdir()
        for name, text in _VERSION_2.items():
            (folder / name).write_text(text)

        self.assertEqual((folder,), cell.folders)
        self.assertEqual(folder / 'memory.pressure', cell.pressure_path)
        self.assertEqual(100, cell.limit_mib)
        self.assertEqual(60 * _KIB_PER_MIB, cell.usage_kib)
        self.assertEqual(41 * _KIB_PER_MIB + 4, cell.available_kib)
        self.assertEqual(2 * _KIB_PER_MIB, cell.swap_kib)
        self.assertEqual(3, cell.oom_kills)
        self.assertEqual([5, 6], cell.pids)
        cell.limit_mib = 50
        self.assertEqual(str(50 << 20), (folder / 'memory.max').read_text())

    def test_says_what_is_missing(self) -> None:
        cell = lab_cell.MemoryCell(100, zram_mib=0, tree=self.tree)
        self.assertRaisesRegex(error.LabError, 'subtree', cell.__enter__)
        self.assertEqual(
            ['cgroup.controllers'], [p.name for p in self.tree.iterdir()]
        )

    def test_refuses_a_tree_without_memory(self) -> None:
        (self.tree / 'cgroup.controllers').write_text('cpu pids\n')
        self.assertRaises(
            error.LabError, lab_cell.MemoryCell, 100, tree=self.tree
        )


def _runs(pid: str) -> bool:
    """Tell whether a process is there and not a zombie."""
    try:
        return bool(pathlib.Path('/proc', pid, 'cmdline').read_bytes())
    except OSError:
        return False


def _labels() -> list[str]:
    return list(lab_cell.swaps().values())
