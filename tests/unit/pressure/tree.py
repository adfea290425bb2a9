# SPDX-License-Identifier: Apache-2.0
"""Fake /proc and /sys in a temporary folder, and a sink to look into."""

import pathlib
import threading
from typing import Any

import fixtures

from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from tests.unit import base as test_base

MIB = test_base.MIB
BYTES = 1024 * 1024

# What v1 says where there is no limit.
UNLIMITED = 9223372036854771712


class Tree(fixtures.Fixture):
    """A fake host; each method writes what a kernel would show."""

    def _setUp(self) -> None:
        self.root = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.proc = self.root / 'proc'
        self.cgroups = self.root / 'sys' / 'fs' / 'cgroup'

    def settings(self, **more: Any) -> base.PressureSettings:
        fields: dict[str, Any] = {
            'proc_root': self.proc,
            'sys_root': self.root / 'sys',
        }
        return base.PressureSettings(**(fields | more))

    def write(self, path: pathlib.Path, text: str) -> pathlib.Path:
        """Replace a file as a whole, as a careful fake does."""
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(f'{path.name}.new')
        fresh.write_text(text)
        fresh.replace(path)
        return path

    def meminfo(
        self, available_mib: int, total_mib: int = 10240
    ) -> pathlib.Path:
        return self.write(
            self.proc / 'meminfo',
            f'MemTotal:       {total_mib * MIB} kB\n'
            f'MemFree:        {available_mib * MIB // 2} kB\n'
            f'MemAvailable:   {available_mib * MIB} kB\n'
            'HugePages_Total:       0\n',
        )

    def stalls(
        self, total_us: int, path: pathlib.Path | None = None
    ) -> pathlib.Path:
        return self.write(
            path or self.proc / 'pressure' / 'memory',
            f'some avg10=0.00 avg60=1.20 avg300=0.31 total={total_us}\n'
            f'full avg10=0.00 avg60=0.00 avg300=0.00 total={total_us // 2}\n',
        )

    def separate(
        self, cgroup: str, used_mib: int, limit_mib: int | None, **stat: int
    ) -> pathlib.Path:
        """Write a cgroup of v1; statistics are in MiB."""
        folder = self.cgroups / 'memory' / cgroup
        limit = UNLIMITED if limit_mib is None else limit_mib * BYTES
        self.write(folder / 'memory.limit_in_bytes', f'{limit}\n')
        self.write(folder / 'memory.usage_in_bytes', f'{used_mib * BYTES}\n')
        fields = {'total_inactive_file': 0, 'total_active_file': 0} | stat
        self._stat(folder, fields)
        return folder

    def unified(
        self,
        cgroup: str,
        used_mib: int,
        limit_mib: int | None,
        high_mib: int | None = None,
        **stat: int,
    ) -> pathlib.Path:
        """Write a cgroup of v2; statistics are in MiB."""
        self.write(self.cgroups / 'cgroup.controllers', 'cpu io memory\n')
        folder = self.cgroups / cgroup
        for name, mib in (('max', limit_mib), ('high', high_mib)):
            text = 'max' if mib is None else str(mib * BYTES)
            self.write(folder / f'memory.{name}', f'{text}\n')
        self.write(folder / 'memory.current', f'{used_mib * BYTES}\n')
        self._stat(folder, {'inactive_file': 0, 'active_file': 0} | stat)
        return folder

    def _stat(self, folder: pathlib.Path, fields: dict[str, int]) -> None:
        lines = [f'{k} {v * BYTES}\n' for k, v in fields.items()]
        self.write(folder / 'memory.stat', 'anon 4096\n' + ''.join(lines))


class Sink:
    """Keeps what it is told; tests wait for what shall come."""

    def __init__(self) -> None:
        self.readings: list[situation.PressureReading] = []
        self._told = threading.Condition()

    def __call__(self, reading: situation.PressureReading) -> None:
        with self._told:
            self.readings.append(reading)
            self._told.notify_all()

    def wait(
        self, words: str = '', is_pressing: bool | None = None, after: int = 0
    ) -> situation.PressureReading:
        """Wait for a reading like that among those after so many."""

        def find() -> situation.PressureReading | None:
            for reading in self.readings[after:]:
                if words in reading.words and (
                    is_pressing in (None, reading.is_pressing)
                ):
                    return reading
            return None

        with self._told:
            found = self._told.wait_for(find, test_base.PATIENCE_SECONDS)
        if found is None:
            raise AssertionError(f'no {words!r} in {self.readings}')
        return found
