# SPDX-License-Identifier: Apache-2.0
"""Ask QEMU itself, past libvirt: an observer for the benchmarks."""

import json
import pathlib
import socket
import types
from typing import Any

_BYTES_PER_KIB = 1024


class QmpError(Exception):
    """Say what QEMU answered instead of a result."""


class Monitor:
    """Speak QMP on a unix socket, one command at a time."""

    def __init__(
        self, path: pathlib.Path, *, timeout_seconds: float = 10
    ) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(timeout_seconds)
        try:
            self._socket.connect(str(path))
            self._lines = self._socket.makefile('r', encoding='utf-8')
            self._lines.readline()  # the greeting
            self.execute('qmp_capabilities')
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> 'Monitor':
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Hang up."""
        self._lines.close()
        self._socket.close()

    def execute(self, command: str, **arguments: Any) -> Any:
        """Run a command, passing over the events that come in between.

        :raises QmpError: QEMU refused, or hung up.
        """
        request = {'execute': command, 'arguments': arguments}
        self._socket.sendall(json.dumps(request).encode())
        for line in self._lines:
            answer = json.loads(line)
            if 'error' in answer:
                raise QmpError(answer['error']['desc'])
            if 'return' in answer:
                return answer['return']
        raise QmpError('QEMU hung up')

    def balloon_actual_kib(self) -> int:
        """Read the memory that the balloon leaves to the guest."""
        actual: int = self.execute('query-balloon')['actual']
        return actual // _BYTES_PER_KIB
