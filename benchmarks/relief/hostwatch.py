# SPDX-License-Identifier: Apache-2.0
"""Watches a cell's memory every two milliseconds, apart from the agent.

It reads the usage files only: reading the pressure file keeps the kernel from
telling those who wait for pressure.
"""

import itertools
import os
import re
import threading
import time
import types

from tools.lab import cell as lab_cell

_FINE_SECONDS = 0.002
_COARSE_SECONDS = 0.05
_RECOVERY_SECONDS = 0.25
# Version 1 tells of the group itself, and then, as total, of all in it.
_CACHE_V1 = re.compile(rb'^total_(?:in)?active_file (\d+)$', re.MULTILINE)
_CACHE_V2 = re.compile(rb'^(?:in)?active_file (\d+)$', re.MULTILINE)
_HITS = re.compile(rb'^(?:max )?(\d+)$', re.MULTILINE)

# When, KiB available, how often the limit was hit.
Look = tuple[float, int, int]


class HostWatch:
    """Looks until it is closed.

    :ivar looks: all that was seen, by the wall clock
    """

    def __init__(self, cell: lab_cell.MemoryCell) -> None:
        folder = cell.folders[0]
        is_v1 = (folder / 'memory.usage_in_bytes').exists()
        names = (
            ('memory.usage_in_bytes', 'memory.stat', 'memory.failcnt')
            if is_v1
            else ('memory.current', 'memory.stat', 'memory.events')
        )
        self._limit_kib = cell.limit_mib * 1024
        self._cache = _CACHE_V1 if is_v1 else _CACHE_V2
        self._files = [
            os.open(folder / name, os.O_RDONLY | os.O_CLOEXEC)
            for name in names
        ]
        self._pause_seconds = _FINE_SECONDS
        self._closed = threading.Event()
        self.looks: list[Look] = [self._look()]
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> 'HostWatch':
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._closed.set()
        self._thread.join()
        for file in self._files:
            os.close(file)

    def relax(self) -> None:
        """Look rarely from now on."""
        self._pause_seconds = _COARSE_SECONDS

    def is_above(self, kib: int, seconds: float) -> bool:
        """Tell whether more than this was available for so long."""
        since = time.time() - seconds
        recent = self.looks[-int(seconds / _FINE_SECONDS) :]
        return all(has >= kib for at, has, _ in recent if at >= since)

    def below_at(self, kib: int, since: float) -> float | None:
        """Say when less than this was first available since then."""
        return next(
            (at for at, has, _ in self.looks if at >= since and has < kib),
            None,
        )

    def hit_at(self, since: float) -> float | None:
        """Say when the limit was first hit since then."""
        before = [hits for at, _, hits in self.looks if at < since]
        first = before[-1] if before else 0
        return next(
            (at for at, _, hits in self.looks if at >= since and hits > first),
            None,
        )

    def spells(
        self, kib: int, since: float, until: float
    ) -> list[tuple[float, float]]:
        """Say from when to when less than this was available.

        Short recoveries in between count as none.
        """
        found: list[tuple[float, float]] = []
        begin: float | None = None
        for at, has, _ in self.looks:
            if not since <= at <= until:
                continue
            if begin is None and has < kib:
                begin = at
                if found and at - found[-1][1] < _RECOVERY_SECONDS:
                    begin = found.pop()[0]
            elif begin is not None and has >= kib:
                found.append((begin, at))
                begin = None
        return found if begin is None else [*found, (begin, until)]

    def least_kib(self, since: float) -> int:
        """Say how little was available at the least."""
        return min((has for at, has, _ in self.looks if at >= since))

    def at(self, instant: float) -> int | None:
        """Say what was available at an instant."""
        return next((has for at, has, _ in self.looks if at >= instant), None)

    def longest_gap_ms(self, since: float, until: float) -> float:
        """Say how long it did not look at the longest: the resolution."""
        instants = [at for at, _, _ in self.looks if since <= at <= until]
        gaps = (after - at for at, after in itertools.pairwise(instants))
        return max(gaps, default=0.0) * 1000

    def _run(self) -> None:
        while not self._closed.wait(self._pause_seconds):
            self.looks.append(self._look())

    def _look(self) -> Look:
        before = time.time()
        usage, stat, hits = (os.pread(it, 8192, 0) for it in self._files)
        cache = sum(int(it) for it in self._cache.findall(stat))
        free_kib = self._limit_kib - int(usage) // 1024
        counted = _HITS.search(hits)
        return (
            (before + time.time()) / 2,
            free_kib + cache // 1024,
            int(counted[1]) if counted else 0,
        )
