# SPDX-License-Identifier: Apache-2.0
"""One agent per host: two would undo what the other does."""

import contextlib
import fcntl
import os
import pathlib

from nova_balloon_timer import exception


class HostLock:
    """A file that only one process can hold; the kernel releases it."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        :raises AgentRunning: another process has it
        :raises InvalidConfiguration: the file cannot be written
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(
                self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
        except OSError as error:
            raise exception.InvalidConfiguration(
                why=f'state_path cannot be used: {error}'
            ) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(descriptor, 32).decode('ascii', 'replace').strip()
            os.close(descriptor)
            raise exception.AgentRunning(
                path=self._path, holder=holder or 'unknown'
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise exception.InvalidConfiguration(
                why=f'state_path cannot be locked: {error}'
            ) from error
        self._descriptor = descriptor
        # NOTE: it only helps people; a full disk is no reason not to start.
        with contextlib.suppress(OSError):
            os.ftruncate(descriptor, 0)
            os.write(descriptor, f'{os.getpid()}\n'.encode())

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
