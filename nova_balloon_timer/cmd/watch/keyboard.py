# SPDX-License-Identifier: Apache-2.0
"""Keys of a terminal, each as it is pressed."""

import os
import re
import select
import termios
import tty
import types
from typing import Any

# How terminals tell of keys that have no character.
_SEQUENCE = re.compile(r'\x1b(?:\[[0-9;?]*[ -/]*[@-~]|O.)|.', re.DOTALL)
_NAMES = {
    '\x1b': 'escape',
    '\x1b[A': 'up',
    '\x1b[B': 'down',
    '\x1bOA': 'up',
    '\x1bOB': 'down',
    'k': 'up',
    'j': 'down',
}

GONE = 'gone'

_MOST_BYTES = 256
_SUSPEND = 'VSUSP'


def decode(content: bytes) -> list[str]:
    """Name the keys that a terminal tells of.

    A key with a character is called by it; nobody needs the others.
    """
    found = _SEQUENCE.findall(content.decode('utf-8', 'replace'))
    return [_NAMES.get(it, it) for it in found if it in _NAMES or len(it) == 1]


class Keyboard:
    """Reads keys for as long as it is entered; then all is as before."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._before: Any = None

    def __enter__(self) -> 'Keyboard':
        self._before = termios.tcgetattr(self._descriptor)
        try:
            tty.setcbreak(self._descriptor)
            # NOTE: a screen of ours must not stay behind while we are
            # suspended.
            mode = termios.tcgetattr(self._descriptor)
            mode[6][getattr(termios, _SUSPEND)] = b'\x00'
            termios.tcsetattr(self._descriptor, termios.TCSANOW, mode)
        except BaseException:
            # A signal may come at any time.
            self._restore()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self._restore()

    def read(self, timeout_seconds: float) -> list[str]:
        """Wait for keys; none may have come.

        :returns: their names; GONE where there is no keyboard any more
        """
        ready, _, _ = select.select(
            [self._descriptor], [], [], timeout_seconds
        )
        if not ready:
            return []
        content = os.read(self._descriptor, _MOST_BYTES)
        return decode(content) if content else [GONE]

    def _restore(self) -> None:
        # NOTE: without what was typed ahead, which was meant for us.
        termios.tcsetattr(self._descriptor, termios.TCSAFLUSH, self._before)
