# SPDX-License-Identifier: Apache-2.0
"""The hypervisors that one contract suite runs against."""

import abc
from typing import Any

import fixtures
import libvirt

from tests.functional import lab
from tools.lab import guest as lab_guest

_DOMAIN = """
<domain type='test'>
  <name>{name}</name>
  <memory unit='KiB'>524288</memory>
  <os><type>hvm</type></os>
  <devices><memballoon model='virtio'/></devices>
</domain>
"""


class World(fixtures.Fixture, abc.ABC):
    """A libvirt with two guests that can be ballooned.

    :ivar takes_time: a balloon moves bit by bit, and can be caught at it
    :ivar tells_statistics: a guest says how it is when it is asked to; those
        of test:/// are a constant of the year 1989
    """

    uri: str
    takes_time: bool
    tells_statistics: bool
    connection: libvirt.virConnect
    names: tuple[str, str] = ('east', 'west')

    def domain(self, name: str) -> libvirt.virDomain:
        """Give a guest's handle."""
        return self.connection.lookupByName(name)

    def uuid(self, name: str) -> str:
        """Give a guest's UUID."""
        uuid: str = self.domain(name).UUIDString()
        return uuid

    def actual_kib(self, name: str) -> int:
        """Read a balloon without the applier."""
        actual: int = self.domain(name).memoryStats()['actual']
        return actual

    def order(self, name: str, kib: int) -> None:
        """Give a balloon a target without the applier."""
        self.domain(name).setMemoryFlags(kib, libvirt.VIR_DOMAIN_AFFECT_LIVE)

    @abc.abstractmethod
    def start_doomed(self) -> libvirt.virDomain:
        """Start a guest that the test destroys."""


class TestWorld(World):
    """libvirt's own fake, in this process."""

    uri = 'test:///default'
    takes_time = False
    tells_statistics = False

    def _setUp(self) -> None:
        libvirt.registerErrorHandler(lambda *_: None, None)
        # NOTE: the guests live for as long as somebody is connected, and so
        # would those of a test before, whose threads are not all gone yet.
        self.connection = libvirt.open(self.uri)
        self.addCleanup(self.connection.close)
        for name in self.names:
            self._start(name)

    def start_doomed(self) -> libvirt.virDomain:
        """Start a guest that the test destroys."""
        return self._start('doomed')

    def _start(self, name: str) -> libvirt.virDomain:
        domain = self.connection.createXML(_DOMAIN.format(name=name))
        self.addCleanup(lab_guest.remove, domain)
        return domain


class QemuWorld(World):
    """Real guests under a real libvirtd."""

    takes_time = True
    tells_statistics = True

    def _setUp(self) -> None:
        shared = lab.shared()
        self.uri = shared.uri
        shared.guests(*self.names)
        self.connection = shared.connection

    def start_doomed(self) -> libvirt.virDomain:
        """Start a guest that the test destroys, before it has booted."""
        spec = lab_guest.GuestSpec(name='doomed', memory_mib=128)
        (guest,) = lab.shared().start(spec, ready=False)
        self.addCleanup(guest.stop)
        return guest.domain


SCENARIOS: list[tuple[str, dict[str, Any]]] = [
    ('test', {'make_world': TestWorld}),
    ('qemu', {'make_world': QemuWorld}),
]
