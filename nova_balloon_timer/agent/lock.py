# SPDX-License-Identifier: Apache-2.0
"""One agent per host: two would undo what the other does."""

from collections.abc import Sequence
import contextlib
import fcntl
import hashlib
import os
import pathlib
import tempfile

from oslo_log import log as logging

from nova_balloon_timer import exception

LOG = logging.getLogger(__name__)

_RUN_LOCK = pathlib.Path('/run/lock')
# NOTE: a link or a pipe of somebody else must lead us nowhere.
_FLAGS = os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class ConnectionInUse(exception.AgentRunning):
    """Another process looks after the connection's guests."""

    msg_fmt = 'another agent, process %(holder)s, looks after %(uri)s'


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
                why='state_path cannot be used: '
                f'{_words_of(error, self._path)}'
            ) from error
        try:
            holder = _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            raise exception.InvalidConfiguration(
                why='state_path cannot be locked: '
                f'{_words_of(error, self._path)}'
            ) from error
        if holder:
            os.close(descriptor)
            raise exception.AgentRunning(path=self._path, holder=holder)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


class ConnectionLock:
    """A lock by a connection's name, for agents with other state paths.

    :param uri: of libvirt; empty, and one of its test driver, whose guests
        are each process's own, are not locked
    :param folders: the first in which the file can be had has it
    """

    def __init__(
        self, uri: str, folders: Sequence[pathlib.Path] | None = None
    ) -> None:
        self._uri = uri
        self._folders = folders
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock.

        :raises ConnectionInUse: another process has it
        """
        if not self._uri or self._uri.startswith('test:'):
            return
        descriptor = self._open()
        if descriptor is None:
            LOG.warning(
                'Nothing keeps another agent from %s: no lock can be made',
                self._uri,
            )
            return
        try:
            holder = _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            LOG.warning(
                'Nothing keeps another agent from %s: %s',
                self._uri,
                error.strerror,
            )
            return
        if holder:
            os.close(descriptor)
            raise ConnectionInUse(uri=self._uri, holder=holder)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _open(self) -> int | None:
        name = self._uri
        if name.partition('?')[0].endswith('/session'):
            # Each user has one.
            name += f'#{os.getuid()}'
        digest = hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()
        folders = self._folders
        if folders is None:
            folders = (_RUN_LOCK, pathlib.Path(tempfile.gettempdir()))
        for folder in folders:
            path = folder / f'nova-balloon-timer-{digest[:16]}.lock'
            # NOTE: another user's file can be locked without being written.
            for flags in (os.O_RDWR | os.O_CREAT, os.O_RDONLY):
                with contextlib.suppress(OSError):
                    descriptor = os.open(path, flags | _FLAGS, 0o644)
                    # Whatever the umask: agents of other users look too.
                    with contextlib.suppress(OSError):
                        os.fchmod(descriptor, 0o644)
                    return descriptor
        return None


def _lock(descriptor: int) -> str:
    """Lock an open file; return who holds it, or nothing.

    :raises OSError: it cannot be locked
    """
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode('ascii', 'replace').strip()
        # NOTE: anybody may have written it.
        return holder if holder.isdecimal() else 'unknown'
    # NOTE: it only helps people; a full disk is no reason not to start.
    with contextlib.suppress(OSError):
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f'{os.getpid()}\n'.encode())
    return ''


def _words_of(error: OSError, path: pathlib.Path) -> str:
    return f'{error.filename or path}: {error.strerror}'
