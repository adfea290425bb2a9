# SPDX-License-Identifier: Apache-2.0
"""Stands for libvirt at the boundary: what we call of it, and no more."""

from collections.abc import Callable
import dataclasses
import threading
from typing import Any

import fixtures
import libvirt

from tests.unit import base

URI = 'fake:///system'
_EVENTS = (
    libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE,
    libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
)

XML = """
<domain type='kvm'>
  <name>web-01</name>
  <devices>
    <memballoon model='{model}'>
      <stats period='{period}'/>
    </memballoon>
  </devices>
</domain>
"""


def error(
    code: int | None, message: str = 'so it is', domain: int = 0
) -> libvirt.libvirtError:
    """Make an error as libvirt's calls raise it."""
    made = libvirt.libvirtError(message)
    made.err = None
    if code is not None:
        made.err = (code, domain, message, 2, '', None, None, -1, -1)
    return made


@dataclasses.dataclass(slots=True, kw_only=True)
class FakeDomain:
    """A guest's handle.

    :param errors: raised by the next calls, one each
    """

    identity: str = base.uuid_of('web-01')
    label: str = 'web-01'
    maximum_kib: int = base.GIB
    statistics: dict[str, int] = dataclasses.field(default_factory=dict)
    period_seconds: int = 0
    balloon_model: str = 'virtio'
    run_state: int = libvirt.VIR_DOMAIN_RUNNING
    errors: list[Exception] = dataclasses.field(default_factory=list)
    calls: list[tuple[Any, ...]] = dataclasses.field(default_factory=list)

    def _call(self, *call: Any) -> None:
        self.calls.append(call)
        if self.errors:
            raise self.errors.pop(0)

    def UUIDString(self) -> str:
        return self.identity

    def name(self) -> str:
        return self.label

    def maxMemory(self) -> int:
        self._call('maxMemory')
        return self.maximum_kib

    def isActive(self) -> int:
        return self.run_state not in (0, libvirt.VIR_DOMAIN_SHUTOFF)

    def state(self) -> list[int]:
        self._call('state')
        return [self.run_state, 0]

    def XMLDesc(self) -> str:
        self._call('XMLDesc')
        return XML.format(period=self.period_seconds, model=self.balloon_model)

    def memoryStats(self) -> dict[str, int]:
        self._call('memoryStats')
        return dict(self.statistics)

    def setMemoryFlags(self, target_kib: int, flags: int) -> int:
        self._call('setMemoryFlags', target_kib, flags)
        return 0

    def setMemoryStatsPeriod(self, seconds: int, flags: int) -> int:
        self._call('setMemoryStatsPeriod', seconds, flags)
        self.period_seconds = seconds
        return 0


class FakeConnection:
    """What libvirt.open returns."""

    def __init__(self, domains: dict[str, FakeDomain]) -> None:
        self._domains = domains
        self.is_closed = False
        self.closed = threading.Semaphore(0)
        self.registered = threading.Semaphore(0)
        self.lookups: list[str] = []
        self.on_closed: Callable[..., None] | None = None
        self.callbacks: dict[int, Callable[..., None]] = {}
        self.kind = 'QEMU'
        self.versions = {'libvirt': 10_000_000, 'hypervisor': 8_002_002}

    def getType(self) -> str:
        return self.kind

    def getLibVersion(self) -> int:
        return self.versions['libvirt']

    def getVersion(self) -> int:
        if 'hypervisor' not in self.versions:
            raise error(libvirt.VIR_ERR_INTERNAL_ERROR, 'no emulator')
        return self.versions['hypervisor']

    def lookupByUUIDString(self, identity: str) -> FakeDomain:
        self.lookups.append(identity)
        if identity not in self._domains:
            raise error(libvirt.VIR_ERR_NO_DOMAIN, 'Domain not found')
        return self._domains[identity]

    def lookupByName(self, name: str) -> FakeDomain:
        for domain in self._domains.values():
            if domain.label == name:
                return domain
        raise error(libvirt.VIR_ERR_NO_DOMAIN, 'Domain not found')

    def listAllDomains(self, flags: int = 0) -> list[FakeDomain]:
        found = list(self._domains.values())
        if flags & libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE:
            return [domain for domain in found if domain.isActive()]
        return found

    def registerCloseCallback(
        self, callback: Callable[..., None], opaque: object
    ) -> None:
        self.on_closed = callback

    def unregisterCloseCallback(self) -> None:
        self.on_closed = None

    def setKeepAlive(self, interval: int, count: int) -> None:
        pass

    def domainEventRegisterAny(
        self,
        domain: None,
        event: int,
        callback: Callable[..., None],
        opaque: object,
    ) -> int:
        self.callbacks[event] = callback
        if len(self.callbacks) == len(_EVENTS):
            self.registered.release()
        return event

    def domainEventDeregisterAny(self, event: int) -> None:
        del self.callbacks[event]

    def close(self) -> int:
        self.is_closed = True
        self.closed.release()
        return 0


class FakeLibvirt(fixtures.Fixture):
    """Gives out connections instead of libvirt; refuses some if told to.

    :ivar errors: raised by the next opens, one each
    """

    def __init__(self) -> None:
        super().__init__()
        self.domains: dict[str, FakeDomain] = {}
        self.connections: list[FakeConnection] = []
        self.errors: list[Exception] = []
        self.opened = threading.Semaphore(0)
        self.refused = threading.Semaphore(0)

    def _setUp(self) -> None:
        self.useFixture(fixtures.MonkeyPatch('libvirt.open', self._open))

    def add(self, **fields: Any) -> FakeDomain:
        """Define a guest."""
        domain = FakeDomain(**fields)
        self.domains[domain.identity] = domain
        return domain

    def _open(self, uri: str) -> FakeConnection:
        if uri != URI:
            raise AssertionError(f'{uri} is somebody else')
        if self.errors:
            self.refused.release()
            raise self.errors.pop(0)
        connection = FakeConnection(self.domains)
        self.connections.append(connection)
        self.opened.release()
        return connection
