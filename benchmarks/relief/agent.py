# SPDX-License-Identifier: Apache-2.0
"""The installed agent, as an operator would start it; it may be killed."""

from collections.abc import Mapping
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

from benchmarks import configuration

_PROGRAM = pathlib.Path(sys.executable).with_name('nova-balloon-timer')
_READY = 'The agent looks after this host'
# What follows such a line, as a traceback, lacks the bracket.
_TROUBLE = re.compile(r' (?:ERROR|CRITICAL) \S+ \[|^Traceback')
_READY_SECONDS = 60
_STOP_SECONDS = 10
_POLL_SECONDS = 0.005


class AgentError(Exception):
    """Say what the agent did not do."""


class Agent:
    """The service's processes, in a group of their own.

    :param folder: gets its configuration, log and journal
    :param options: of ``[balloon_timer]``
    :param groups: of other groups, by their names
    """

    def __init__(
        self,
        folder: pathlib.Path,
        options: Mapping[str, object],
        groups: Mapping[str, Mapping[str, object]] | None = None,
    ) -> None:
        self.folder = folder
        self.journal = folder / 'state' / 'journal.sqlite'
        self._log = folder / 'agent.log'
        self.conf = folder / 'agent.conf'
        self._process: subprocess.Popen[bytes] | None = None
        state = {'state_path': folder / 'state'}
        configuration.write(
            self.conf,
            {
                'DEFAULT': {},
                **(groups or {}),
                'balloon_timer': state | dict(options),
            },
        )

    def start(self) -> None:
        """Start it, and wait until it says that it works.

        :raises AgentError: it does not
        """
        before = self._ready_count
        with self._log.open('ab') as log:
            self._process = subprocess.Popen(
                [_PROGRAM, '--config-file', self.conf, 'agent'],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_ready(before)

    def _wait_ready(self, before: int) -> None:
        until = time.monotonic() + _READY_SECONDS
        while self._ready_count <= before:
            if self._process is None or self._process.poll() is not None:
                raise AgentError(f'the agent ended; see {self._log}')
            if time.monotonic() > until:
                raise AgentError(f'the agent does not start; see {self._log}')
            time.sleep(_POLL_SECONDS)

    @property
    def is_running(self) -> bool:
        """Tell whether it was started, and has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def _ready_count(self) -> int:
        return self._text().count(_READY)

    @property
    def trouble(self) -> list[str]:
        """Give the lines of its log that tell of errors."""
        return [
            line for line in self._text().splitlines() if _TROUBLE.search(line)
        ]

    def kill(self) -> float:
        """Kill all of it, and say when."""
        process = self._alive()
        at = time.time()
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self._process = None
        return at

    def stop(self) -> float | None:
        """End it as systemd would, and say in how many seconds it did."""
        process, self._process = self._process, None
        if process is None:
            return None
        begin = time.monotonic()
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        return time.monotonic() - begin

    def _alive(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            raise AgentError(f'the agent has ended; see {self._log}')
        return self._process

    def _text(self) -> str:
        try:
            return self._log.read_text(errors='replace')
        except FileNotFoundError:
            return ''
