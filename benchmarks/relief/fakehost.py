# SPDX-License-Identifier: Apache-2.0
"""A host's memory in a file, which shrinks by demand and grows by balloons."""

from collections.abc import Mapping
import os
import pathlib
import threading
import types

from benchmarks.relief import balloons as bench_balloons

LOW_MIB = 400
HIGH_MIB = 600
_TOTAL_MIB = 4096
_REST_MIB = 800
_LEAST_MIB = 8
_PAUSE_SECONDS = 0.01
_KIB = 1024


class FakeHost:
    """Writes a meminfo file until it is closed.

    :param root: what the agent gets as ``proc_root``
    :ivar demand_mib: what somebody wants of what is there; set it
    """

    def __init__(
        self,
        root: pathlib.Path,
        balloons: Mapping[str, bench_balloons.Balloon],
    ) -> None:
        root.mkdir()
        self._path = root / 'meminfo'
        self._balloons = balloons
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.demand_mib = 0
        self._write()

    def __enter__(self) -> 'FakeHost':
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

    @property
    def taken_kib(self) -> int:
        """Say what the balloons hold."""
        return sum(
            it.full_kib - it.actual_kib for it in self._balloons.values()
        )

    @property
    def is_relieved(self) -> bool:
        """Tell whether the low watermark is reached."""
        return self._available_kib() >= LOW_MIB * _KIB

    def _available_kib(self) -> int:
        free_kib = (_REST_MIB - self.demand_mib) * _KIB + self.taken_kib
        return min(_TOTAL_MIB * _KIB, max(_LEAST_MIB * _KIB, free_kib))

    def _run(self) -> None:
        while not self._closed.wait(_PAUSE_SECONDS):
            bench_balloons.poll_all(self._balloons)
            self._write()

    def _write(self) -> None:
        fresh = self._path.with_suffix('.new')
        fresh.write_text(
            f'MemTotal: {_TOTAL_MIB * _KIB} kB\n'
            f'MemAvailable: {self._available_kib()} kB\n'
        )
        os.replace(fresh, self._path)
