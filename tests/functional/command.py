# SPDX-License-Identifier: Apache-2.0
"""The installed command, run as an operator runs it."""

import atexit
from collections.abc import Callable, Sequence
import dataclasses
import functools
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from typing import Any, IO

from tests.functional import lab

PROGRAM = pathlib.Path(sys.executable).with_name('nova-balloon-timer')

_LONGEST_SECONDS = 120


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left behind.

    :ivar seconds: from the start of the program to its end
    """

    code: int
    out: str
    err: str
    seconds: float

    @property
    def rows(self) -> dict[str, dict[str, Any]]:
        """Read the table that ``-f json`` prints, by guest."""
        return {row['Guest']: row for row in json.loads(self.out)}

    @property
    def error_lines(self) -> list[str]:
        """Give what stands on stderr, line by line."""
        return self.err.splitlines()


class Running:
    """A command under way, whose stderr can be watched."""

    def __init__(self, *words: str, powerless: bool = False) -> None:
        before = _powerless() if powerless else []
        self._began_at = time.monotonic()
        self._process = subprocess.Popen(
            [*before, PROGRAM, *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
            cwd='/',
            text=True,
        )
        self._texts: dict[str, list[str]] = {'out': [], 'err': []}
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._readers = [
            _start(self._read, 'out', self._process.stdout),
            _start(self._read, 'err', self._process.stderr),
        ]

    def send(self, number: int) -> None:
        """Send the command a signal."""
        self._process.send_signal(number)

    @property
    def is_over(self) -> bool:
        """Tell whether the command has ended."""
        return self._process.poll() is not None

    def wait_for(self, part: str) -> None:
        """Wait until stderr says something; fail if it ends without."""

        def said() -> bool:
            if any(part in line for line in list(self._texts['err'])):
                return True
            if self.is_over and not any(r.is_alive() for r in self._readers):
                raise AssertionError(
                    f'ended without {part!r}: {self.finish()}'
                )
            return False

        lab.wait_until(said, f'{part!r} on stderr')

    def finish(self, timeout_seconds: float = _LONGEST_SECONDS) -> Result:
        """Wait for the end."""
        code = self._process.wait(timeout_seconds)
        ended_at = time.monotonic()
        for reader in self._readers:
            reader.join(timeout_seconds)
        return Result(
            code=code,
            out=''.join(self._texts['out']),
            err=''.join(self._texts['err']),
            seconds=ended_at - self._began_at,
        )

    def end(self) -> None:
        """Kill the command if a test left it running."""
        if not self.is_over:
            self._process.kill()
        self.finish()
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _read(self, name: str, stream: IO[str]) -> None:
        for line in stream:
            self._texts[name].append(line)


def environment() -> dict[str, str]:
    """Keep the operator's home and locale out of the tests."""
    return {
        'HOME': _home(),
        'LC_ALL': 'C.UTF-8',
        'PATH': os.environ['PATH'],
        'TERM': 'xterm',
        'COLUMNS': '200',
    }


def run(*words: str, powerless: bool = False) -> Result:
    """Run a command to its end.

    :param powerless: bound by the permissions of files, as root is not
    """
    running = Running(*words, powerless=powerless)
    try:
        return running.finish()
    finally:
        running.end()


@functools.cache
def _home() -> str:
    home = tempfile.mkdtemp(prefix='nbt-home-')
    atexit.register(shutil.rmtree, home, ignore_errors=True)
    return home


def _powerless() -> list[str]:
    """Become whoever may read the program, but nothing beyond that."""
    owner = PROGRAM.stat()
    powers = '-dac_override,-dac_read_search'
    return [
        'setpriv',
        f'--reuid={owner.st_uid}',
        f'--regid={owner.st_gid}',
        '--clear-groups',
        f'--inh-caps={powers}',
        f'--bounding-set={powers}',
    ]


def apply_words(uri: str, guests: Sequence[str], **options: Any) -> list[str]:
    """Write an ``apply`` with JSON output.

    Options are written as in Python; a list repeats its option, True stands
    for an option without a value, and None leaves it out.
    """
    words = ['apply', f'--connect={uri}', '--format=json']
    for name, value in options.items():
        flag = '--' + name.replace('_', '-')
        if value is True:
            words.append(flag)
        elif isinstance(value, list):
            words += [f'{flag}={item}' for item in value]
        elif value is not None:
            words.append(f'{flag}={value}')
    return [*words, '--', *guests]


def _start(
    target: Callable[..., None], *arguments: object
) -> threading.Thread:
    thread = threading.Thread(target=target, args=arguments, daemon=True)
    thread.start()
    return thread
