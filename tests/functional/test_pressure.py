# SPDX-License-Identifier: Apache-2.0
"""The sources on the real kernel, in a cgroup that runs short in earnest."""

import json
import os
import pathlib
import subprocess
import sys
import time
from typing import Any

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import loader
from nova_balloon_timer.pressure import meminfo
from nova_balloon_timer.pressure import psi
from tests.functional import lab
from tools.lab import cell

_LIMIT_MIB = 64
_RULE = situation.WatermarkRule(low='10%', high='20%')

# Writes to more than its cgroup may have in memory, for ever.
_EATER = f"""
import mmap, os, sys
memory = mmap.mmap(-1, {3 * _LIMIT_MIB} << 20)
sys.stdin.readline()
while True:
    for page in range(0, len(memory), 4096):
        memory[page:page + 64] = os.urandom(64)
"""

# Watches the whole host over a window that only the privileged may have.
_WATCHER = """
import json, logging, sys, threading
from nova_balloon_timer.pressure import base, psi
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
told = threading.Event()
source = psi.PsiSource(base.PressureSettings(window_seconds=1.0))
readings = []
source.start(lambda reading: (readings.append(reading), told.set()))
told.wait(20)
has_trigger = source._trigger is not None
source.close()
print(json.dumps([has_trigger, readings[0].words]))
"""


class Sink:
    """Keeps readings, and when they came."""

    def __init__(self) -> None:
        self.told: list[tuple[float, situation.PressureReading]] = []

    def __call__(self, reading: situation.PressureReading) -> None:
        self.told.append((time.monotonic(), reading))

    def wait(
        self, source: str, words: str = '', is_pressing: bool | None = None
    ) -> float:
        """Wait until the last that a source told is such; say when it came."""
        found: list[float] = []

        def has_come() -> bool:
            told = [(at, r) for at, r in self.told if r.source == source]
            if not told:
                return False
            at, reading = told[-1]
            if words in reading.words and (
                is_pressing in (None, reading.is_pressing)
            ):
                found.append(at)
            return bool(found)

        lab.wait_until(has_come, f'{source}: {words!r}, {is_pressing}', 30)
        return found[0]


class PressureTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(120, gentle=True))
        self.log = self.useFixture(fixtures.FakeLogger())
        self.sink = Sink()

    def make_cell(self) -> cell.MemoryCell:
        made = cell.MemoryCell(_LIMIT_MIB, zram_mib=512)
        made.__enter__()
        self.addCleanup(made.__exit__, None, None, None)
        return made

    def settings(
        self, made: cell.MemoryCell, **more: Any
    ) -> base.PressureSettings:
        fields: dict[str, Any] = {
            'cgroup': str(made.path).lstrip('/'),
            'watermarks': _RULE,
            'settle_seconds': 2.0,
        }
        return base.PressureSettings(**(fields | more))

    def start(self, source: base.PressureSource) -> base.PressureSource:
        self.addCleanup(source.close)
        source.start(self.sink)
        return source

    def eat(self, made: cell.MemoryCell) -> subprocess.Popen[bytes]:
        eater = subprocess.Popen(
            [sys.executable, '-c', _EATER], stdin=subprocess.PIPE
        )
        self.addCleanup(self.end, eater)
        for folder in made.folders:
            (folder / 'cgroup.procs').write_text(str(eater.pid))
        assert eater.stdin is not None
        eater.stdin.write(b'\n')
        eater.stdin.close()
        return eater

    def end(self, eater: subprocess.Popen[bytes]) -> None:
        eater.kill()
        eater.wait()


class CellTestCase(PressureTestCase):
    def test_both_see_it_run_short_and_recover(self) -> None:
        made = self.make_cell()
        sources = loader.start_all(
            [
                psi.PsiSource(self.settings(made)),
                meminfo.MeminfoSource(self.settings(made)),
            ],
            self.sink,
        )
        for source in sources:
            self.addCleanup(source.close)
        self.assertEqual(2, len(sources))
        self.sink.wait('psi', is_pressing=False)
        self.sink.wait('meminfo', 'above the high', is_pressing=False)
        began_at = time.monotonic()
        eater = self.eat(made)
        for name, words in (
            ('meminfo', 'is below the low watermark of 6.4 MiB'),
            ('psi', 'tasks waited for memory'),
        ):
            at = self.sink.wait(name, words, is_pressing=True)
            self.assertLess(at - began_at, 3.0, name)
        self.end(eater)
        ended_at = time.monotonic()
        for name in ('meminfo', 'psi'):
            at = self.sink.wait(name, is_pressing=False)
            # It must settle; when memory is given back takes a while.
            self.assertLess(at - ended_at, 6.0, name)
        begin = time.monotonic()
        for source in sources:
            source.close()
        self.assertLess(time.monotonic() - begin, 1.0)

    def test_what_is_available_is_what_can_be_taken(self) -> None:
        made = self.make_cell()
        self.start(meminfo.MeminfoSource(self.settings(made)))
        self.sink.wait('meminfo')
        memory = self.sink.told[0][1].memory
        assert memory is not None
        self.assertEqual(_LIMIT_MIB * 1024, memory.total_kib)
        self.assertLess(abs(memory.available_kib - made.available_kib), 1024)

    def test_a_cgroup_that_is_removed_is_told(self) -> None:
        made = self.make_cell()
        folder = made.folders[-1] / 'guests'
        folder.mkdir()
        cgroup = f'{made.path}/guests'.lstrip('/')
        self.start(psi.PsiSource(self.settings(made, cgroup=cgroup)))
        self.sink.wait('psi', 'tasks waited')
        begin = time.monotonic()
        folder.rmdir()
        at = self.sink.wait('psi', 'nothing is seen: there is no')
        # The kernel tells; nobody had to look.
        self.assertLess(at - begin, 0.4)
        folder.mkdir()
        self.sink.wait('psi', 'tasks waited')
        begin_cpu, begin = time.process_time(), time.monotonic()
        folder.rmdir()
        lab.wait_until(lambda: time.monotonic() - begin > 1, 'a second')
        self.assertLess(time.process_time() - begin_cpu, 0.5)

    def test_without_a_limit_there_are_no_watermarks(self) -> None:
        made = self.make_cell()
        made.limit_mib = 2**41
        error = self.assertRaises(
            exception.PressureUnavailable,
            self.start,
            meminfo.MeminfoSource(self.settings(made)),
        )
        self.assertIn('has a limit of memory', str(error))


class HostTestCase(PressureTestCase):
    def test_both_read_the_whole_host(self) -> None:
        settings = base.PressureSettings()
        running = loader.start_all(
            [psi.PsiSource(settings), meminfo.MeminfoSource(settings)],
            self.sink,
        )
        for source in running:
            self.addCleanup(source.close)
        self.sink.wait('psi')
        self.sink.wait('meminfo')
        kib_per_page = os.sysconf('SC_PAGE_SIZE') // 1024
        total_kib = os.sysconf('SC_PHYS_PAGES') * kib_per_page
        for _, reading in self.sink.told:
            assert reading.memory is not None
            self.assertEqual(total_kib, reading.memory.total_kib)

    def test_the_unprivileged_get_a_window_that_they_may_have(self) -> None:
        root = pathlib.Path(__file__).parents[2]
        done = subprocess.run(
            [
                # NOTE: not another user, who may not read our packages.
                'setpriv',
                '--bounding-set=-sys_resource',
                '--inh-caps=-sys_resource',
                sys.executable,
                '-c',
                _WATCHER,
            ],
            capture_output=True,
            check=False,
            cwd=root,
            text=True,
        )
        self.assertEqual(0, done.returncode, done.stderr)
        has_trigger, words = json.loads(done.stdout)
        self.assertTrue(has_trigger, done.stderr)
        self.assertIn('of the last 1 s', words)
        told = done.stderr.count('is watched over 2 s instead of 1 s')
        self.assertEqual(1, told, done.stderr)
