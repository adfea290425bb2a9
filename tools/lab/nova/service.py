# SPDX-License-Identifier: Apache-2.0
"""Run a program of the lab, in whichever process it was started."""

from collections.abc import Sequence
import contextlib
import os
import pathlib
import signal
import subprocess

from tools.lab import error
from tools.lab import process
from tools.lab.nova import layout as lab_layout

_MARK = 'NOVA_LAB_SERVICE'
_END_SECONDS = 30
_KIB_PER_MIB = 1024


class Service:
    """Own a program, whose process is saved below the lab's folder.

    A process is ours by the mark in its environment, which its children
    have as well: one that took the number of another is not.

    :param words: what is run
    :param port: where it is served, if it is an API
    :param environment: what it gets beside the least that programs need
    """

    def __init__(
        self,
        layout: lab_layout.Layout,
        name: str,
        words: Sequence[str],
        *,
        port: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.name = name
        self.port = port
        self.log = layout.log / f'{name}.log'
        self._words = list(words)
        self._pid_file = layout.run / f'{name}.pid'
        self._cwd = layout.root
        self._mark = f'{_MARK}={self._pid_file}'.encode()
        self._environment = {
            'HOME': str(layout.root),
            'LC_ALL': 'C.UTF-8',
            'PATH': f'{layout.bin}:{os.environ["PATH"]}',
            _MARK: str(self._pid_file),
            **(environment or {}),
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Give the process that was started, or None if it does not run."""
        if self._child is not None:
            if self._child.poll() is None:
                return self._child.pid
            self._child = None
        try:
            pid = int(self._pid_file.read_text())
        except (OSError, ValueError):
            return None
        return pid if self._ours(pid) and process.is_alive(pid) else None

    @property
    def pids(self) -> list[int]:
        """Give all its processes: the one that was started, and others."""
        found = (int(name) for name in os.listdir('/proc') if name.isdigit())
        return [it for it in found if self._ours(it) and process.is_alive(it)]

    @property
    def rss_mib(self) -> int:
        """Read what its processes have in memory, what they share twice."""
        total_kib = 0
        for pid in self.pids:
            with contextlib.suppress(OSError):
                status = pathlib.Path(f'/proc/{pid}/status').read_text()
                for line in status.splitlines():
                    if line.startswith('VmRSS:'):
                        total_kib += int(line.split()[1])
        return total_kib // _KIB_PER_MIB

    def start(self) -> None:
        """Start it unless it runs; it may not be ready on return."""
        if self.pid is not None:
            return
        # NOTE: away from our tree, in which Python would find what has to be
        # installed.
        with self.log.open('ab') as log:
            self._child = subprocess.Popen(
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._cwd,
                env=self._environment,
                start_new_session=True,
            )
        self._pid_file.write_text(str(self._child.pid))

    def check(self) -> None:
        """See that it runs.

        :raises LabError: it has ended, and this is what it said last
        """
        if self.pid is None:
            said = self.log.read_text('utf-8', 'replace').strip() or 'nothing'
            last = said.splitlines()[-1]
            raise error.LabError(f'{self.name} ended ({self.log}): {last}')

    def terminate(self) -> None:
        """Ask it to end."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def stop(self, timeout_seconds: float = _END_SECONDS) -> bool:
        """End it in order, and whatever is left of it then.

        :returns: whether it ended by itself
        """
        self.terminate()
        in_order = process.wait_until(
            lambda: self.pid is None, timeout_seconds
        )
        self.kill()
        return in_order

    def kill(self) -> None:
        """End it, and all its processes, as a crash does."""

        def ended() -> bool:
            for pid in self.pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return self.pid is None and not self.pids

        # NOTE: while a child becomes another program, /proc does not say
        # whose it is.
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait()
        if not process.wait_until(ended, _END_SECONDS):
            raise error.LabError(f'processes do not end: {self.pids}')
        self._pid_file.unlink(missing_ok=True)

    def restart(self) -> None:
        """End it in order and start it again."""
        self.stop()
        self.start()

    def _ours(self, pid: int) -> bool:
        try:
            given = pathlib.Path(f'/proc/{pid}/environ').read_bytes()
        except OSError:
            return False
        return self._mark in given.split(b'\0')
