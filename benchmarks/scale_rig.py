# SPDX-License-Identifier: Apache-2.0
"""An agent in a process of its own, on a host whose memory we make up."""

from collections.abc import Callable
import contextlib
import dataclasses
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import time
from typing import Any, cast, IO

from benchmarks import scale_host
from benchmarks import scale_ledger
from nova_balloon_timer import units

_ROOT = pathlib.Path(__file__).resolve().parents[1]
_ENTRY = scale_ledger.Entry
_PATIENCE_SECONDS = 120.0

# Of the host's memory: well, between the watermarks, and short.
WELL = 0.2
BAND = 0.07
SHORT = 0.04

# How quickly what others use grows under pressure, of the memory a second.
FALL = 0.002

# Rounds of returning follow quickly, to get many of them into a minute.
HURRIED: dict[str, Any] = {
    'pressure_settle_seconds': 0.2,
    'return_settle_seconds': 0.0,
    'return_seconds': 0.3,
    'return_round_seconds': 0.1,
}
# The guests of test:/// tell no statistics that are fresh.
_BLIND = {'reserve_percent': 0, 'reserve_minimum_mib': 0}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What a process has used and holds."""

    at: float
    cpu_seconds: float
    rss_kib: int
    threads: int
    descriptors: int


class Subject(contextlib.ExitStack):
    """The process under test, and its host."""

    def __init__(
        self, world: str, guests: int, options: dict[str, Any] | None = None
    ) -> None:
        super().__init__()
        self.world = world
        self.guests = guests
        self._root = pathlib.Path(
            self.enter_context(tempfile.TemporaryDirectory(prefix='nbt-'))
        )
        self.total_kib = max(1, guests) * scale_host.GUEST_KIB
        self.available(WELL)
        self.ledger = scale_ledger.Ledger(self._root / 'ledger')
        blind = _BLIND if world == 'libvirt' else {}
        changes = blind | (options or {})
        self._process = subprocess.Popen(
            [
                *(sys.executable, '-m', 'benchmarks.scale_subject'),
                *(world, str(guests), str(self._root), json.dumps(changes)),
            ],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.callback(self._end)
        self._input = cast('IO[str]', self._process.stdin)
        self._output = cast('IO[str]', self._process.stdout)
        self._output.readline()
        self.before = self.cost()
        self.tell('start')

    def tell(self, words: str) -> Any:
        """Have the process do something; return its answer."""
        self._input.write(words + '\n')
        self._input.flush()
        return json.loads(self._output.readline())

    def available(self, share: float) -> None:
        """Say how much is available, were no balloon inflated."""
        taken_kib = 0
        if hasattr(self, 'ledger'):
            taken_kib = self.ledger[_ENTRY.TAKEN_KIB]
        available_kib = max(0, int(share * self.total_kib) + taken_kib)
        path = self._root / 'meminfo.new'
        path.write_text(
            f'MemTotal: {self.total_kib} kB\n'
            f'MemAvailable: {min(available_kib, self.total_kib)} kB\n',
            encoding='ascii',
        )
        path.rename(self._root / 'meminfo')

    def press(self, seconds: float) -> None:
        """Let the host be short, and what others use go on growing."""
        begin = time.monotonic()
        short = self._short()
        while (passed := time.monotonic() - begin) < seconds:
            self.available(short - FALL * passed)
            time.sleep(0.05)

    def relax(self, until: Callable[[], bool], seconds: float) -> None:
        """Let the host be well until something is so, or time is up."""
        end_at = time.monotonic() + seconds
        while time.monotonic() < end_at and not until():
            self.available(WELL)
            time.sleep(0.05)

    def wait_known(self) -> None:
        """Wait until every guest was looked at, and all is quiet."""
        end_at = time.monotonic() + _PATIENCE_SECONDS
        while self.ledger[_ENTRY.LOOKS] < self.guests:
            if time.monotonic() > end_at:
                raise TimeoutError('the guests are not looked at')
            time.sleep(0.1)
        time.sleep(2.0)

    def first_order_seconds(self) -> float | None:
        """Make the host short; return the time from reading to order."""
        self.ledger[_ENTRY.PRESSING_US] = 0
        self.ledger[_ENTRY.FIRST_ORDER_US] = 0
        end_at = time.monotonic() + 10.0
        short = self._short()
        while not self.ledger[_ENTRY.FIRST_ORDER_US]:
            if time.monotonic() > end_at:
                return None
            self.available(short)
            time.sleep(0.02)
        begin_us = self.ledger[_ENTRY.PRESSING_US]
        return (self.ledger[_ENTRY.FIRST_ORDER_US] - begin_us) / 1e6

    def _short(self) -> float:
        """Return what to say for the host to be short at this moment."""
        return SHORT - self.ledger[_ENTRY.TAKEN_KIB] / self.total_kib

    def has_all_back(self) -> bool:
        """Tell whether no balloon is inflated to speak of."""
        spare_kib = units.KIB_PER_MIB * max(1, self.guests)
        return self.ledger[_ENTRY.TAKEN_KIB] <= spare_kib

    def cost(self) -> Cost:
        """Read what the process has used and holds."""
        pid = self._process.pid
        status = pathlib.Path(f'/proc/{pid}/status').read_text('ascii')
        fields = dict(line.split(':', 1) for line in status.splitlines())
        return Cost(
            at=time.monotonic(),
            # NOTE: the kernel's name for the CPU clock of a process.
            cpu_seconds=time.clock_gettime((~pid << 3) | 2),
            rss_kib=int(fields['VmRSS'].split()[0]),
            threads=int(fields['Threads']),
            descriptors=len(os.listdir(f'/proc/{pid}/fd')),
        )

    def ends(self) -> list[tuple[str, float | None]]:
        """Return reason and lateness of every policy that ended."""
        path = self._root / 'state' / 'journal.sqlite'
        with contextlib.closing(
            sqlite3.connect(f'file:{path}?mode=ro', uri=True)
        ) as journal:
            return journal.execute(
                'SELECT reason, lateness_seconds FROM policy '
                'WHERE ended_us IS NOT NULL'
            ).fetchall()

    def log_bytes(self) -> int:
        """Return how much was logged."""
        return (self._root / 'log').stat().st_size

    def _end(self) -> None:
        self._input.close()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
