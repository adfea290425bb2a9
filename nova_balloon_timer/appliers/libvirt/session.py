# SPDX-License-Identifier: Apache-2.0
"""A thread's own connection to libvirt.

Each thread has one, because libvirtd answers only a few calls of a connection
at once (max_client_requests, 5): a handful of guests whose QEMU hangs would
silence a shared one.
"""

from collections.abc import Iterator
import contextlib
import dataclasses
import threading

import libvirt

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import error as libvirt_error

# More than the guests of any host; what is beyond are guests that are gone.
_MOST_DOMAINS = 2048


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """A guest's handle, valid for one connection."""

    handle: libvirt.virDomain
    maximum_kib: int


class _Session:
    """A thread's connection, and the handles that are valid for it."""

    def __init__(self) -> None:
        self.connection: libvirt.virConnect | None = None
        self.domains: dict[str, Domain] = {}


class Sessions:
    """The calling thread's connection, reopened when it broke.

    It does not wait or retry: a call fails at once while libvirt is away,
    and whoever asked decides when to ask again.

    NOTE: not a threading.local. What those hold of other threads goes in a
    child that this process forks, and there a connection's end tells libvirtd
    to close ours: it is the same socket. Nova forks with each command.
    """

    def __init__(self, uri: str) -> None:
        self._uri = uri
        self._sessions: dict[int, _Session] = {}

    @property
    def _mine(self) -> _Session:
        # NOTE: a thread of the same number finds the one of its predecessor.
        return self._sessions.setdefault(threading.get_ident(), _Session())

    def open(self) -> libvirt.virConnect:
        """Return the connection.

        :raises HypervisorUnavailable: nobody answers at the URI
        :raises HypervisorDenied: we may not use it
        """
        mine = self._mine
        if mine.connection is None:
            with libvirt_error.translated(self._uri):
                mine.connection = libvirt.open(self._uri)
            # NOTE: or a dead host is waited for as long as TCP waits; a
            # driver within our process has none and needs none.
            with contextlib.suppress(libvirt.libvirtError):
                mine.connection.setKeepAlive(5, 3)
        return mine.connection

    def close(self) -> None:
        """Close the thread's connection, if it has one."""
        mine = self._sessions.pop(threading.get_ident(), None)
        if mine is not None and mine.connection is not None:
            mine.domains.clear()
            with contextlib.suppress(libvirt.libvirtError):
                mine.connection.close()

    @contextlib.contextmanager
    def connection(
        self, guest: str | None = None
    ) -> Iterator[libvirt.virConnect]:
        """Lend the connection, and translate what goes wrong with it.

        :param guest: whose call it is; None for one that is no guest's
        :raises ApplierError: the body's libvirtError
        """
        try:
            with libvirt_error.translated(self._uri, guest):
                yield self.open()
        except exception.HypervisorUnavailable:
            self.close()
            raise

    @contextlib.contextmanager
    def domain(self, guest_uuid: str) -> Iterator[Domain]:
        """Lend a guest's handle, and translate what goes wrong with it.

        :raises ApplierError: the lookup's or the body's libvirtError
        """
        try:
            with self.connection(guest_uuid):
                yield self._look_up(guest_uuid)
        except exception.GuestNotFound:
            self._mine.domains.pop(guest_uuid, None)
            raise
        except exception.GuestNotRunning as error:
            if not self._is_active(guest_uuid):
                raise
            # An operation may be refused for other reasons than that.
            raise exception.HypervisorError(**error.details) from error

    def _is_active(self, guest_uuid: str) -> bool:
        domain = self._mine.domains.get(guest_uuid)
        if domain is None:
            return False
        with contextlib.suppress(libvirt.libvirtError):
            return bool(domain.handle.isActive())
        return False

    def _look_up(self, guest_uuid: str) -> Domain:
        domains = self._mine.domains
        domain = domains.get(guest_uuid)
        if domain is None:
            handle = self.open().lookupByUUIDString(guest_uuid)
            domain = Domain(handle=handle, maximum_kib=int(handle.maxMemory()))
            if len(domains) >= _MOST_DOMAINS:
                domains.clear()
            domains[guest_uuid] = domain
        return domain
