# SPDX-License-Identifier: Apache-2.0
"""Run a program of the lab, in whichever process it was started."""

from collections.abc import Sequence
import contextlib
import os
import signal
import subprocess

from tools.lab import error
from tools.lab import process
from tools.lab.nova import layout as lab_layout

_END_SECONDS = 30


class Service:
    """Own a program, whose process is saved below the lab's folder.

    It is the first of a session, to which its children belong as well.

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
        self._environment = {
            'HOME': str(layout.root),
            'LC_ALL': 'C.UTF-8',
            'PATH': f'{layout.bin}:{os.environ["PATH"]}',
            **(environment or {}),
        }
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int | None:
        """Give the process that was started, or None if it does not run."""
        if self._child is not None and self._child.poll() is not None:
            self._child = None
        saved = self._saved()
        return saved if saved and process.is_alive(saved) else None

    @property
    def pids(self) -> list[int]:
        """Give all its processes: the one that was started, and others."""
        saved = self._saved()
        return process.session(saved) if saved else []

    @property
    def started_at(self) -> float:
        """Give when it was started last, in seconds of the epoch."""
        return self._pid_file.stat().st_mtime

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
        pid = self._child.pid
        self._pid_file.write_text(f'{pid} {process.started(pid)}')

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
            return not self.pids

        if not process.wait_until(ended, _END_SECONDS):
            raise error.LabError(f'processes do not end: {self.pids}')
        if self._child is not None:
            self._child.wait()
            self._child = None
        self._pid_file.unlink(missing_ok=True)

    def restart(self) -> None:
        """End it in order and start it again."""
        self.stop()
        self.start()

    def _saved(self) -> int | None:
        """Give the number that is saved, unless another process has it."""
        try:
            pid, started = self._pid_file.read_text().split()
        except (OSError, ValueError):
            return None
        return int(pid) if process.started(int(pid)) in ('', started) else None
