# SPDX-License-Identifier: Apache-2.0
"""Hosts of any size: in memory, or as domains of libvirt's test driver.

Both have guests of 2 GiB that have touched all of it, and book in a ledger
what is asked of them.
"""

from collections.abc import Callable, Sequence
import dataclasses
import time
import uuid

import libvirt

from benchmarks import scale_ledger
from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier

GUEST_KIB = 2 * units.KIB_PER_GIB
_USED_KIB = 512 * units.KIB_PER_MIB
_RATE_KIB = 400 * units.KIB_PER_MIB
_ENTRY = scale_ledger.Entry

_PORT = "<controller type='pci' model='pcie-root-port'/>"

# As long as what libvirt tells of a guest of Nova's.
_DOMAIN = f"""
<domain type='test'>
  <name>instance-{{number:08x}}</name>
  <metadata>
    <nova:instance xmlns:nova='http://openstack.org/xmlns/libvirt/nova/1.1'>
      <nova:package version='30.0.0'/><nova:name>server</nova:name>
      <nova:flavor name='m1.small'><nova:memory>2048</nova:memory>
      </nova:flavor>
    </nova:instance>
  </metadata>
  <memory unit='KiB'>{GUEST_KIB}</memory>
  <vcpu>2</vcpu>
  <os><type arch='x86_64' machine='pc-q35-8.2'>hvm</type></os>
  <features><acpi/><apic/></features>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    <disk type='file' device='disk'>
      <driver name='qemu' type='qcow2' cache='none' discard='unmap'/>
      <source file='/var/lib/nova/instances/{{number}}/disk'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <controller type='pci' index='0' model='pcie-root'/>
    {_PORT * 16}
    <interface type='bridge'>
      <source bridge='br-int'/><target dev='tap{{number}}'/>
      <model type='virtio'/>
    </interface>
    <serial type='pty'/><console type='pty'/>
    <graphics type='vnc' port='-1' autoport='yes' listen='0.0.0.0'/>
    <video><model type='virtio'/></video>
    <memballoon model='virtio'><stats period='10'/></memballoon>
    <rng model='virtio'><backend model='random'>/dev/urandom</backend></rng>
  </devices>
</domain>
"""


@dataclasses.dataclass(slots=True, kw_only=True)
class MemoryGuest:
    """A guest whose balloon follows its target at a steady rate."""

    description: model.Guest
    actual_kib: int = GUEST_KIB
    target_kib: int = GUEST_KIB
    at: float = 0.0

    def advance(self, now: float) -> int:
        """Let its driver work until now; return the KiB that it took."""
        way_kib = self.target_kib - self.actual_kib
        if way_kib == 0:
            self.at = now
            return 0
        items = int((now - self.at) * _RATE_KIB) // units.KIB_PER_MIB
        if items == 0:
            return 0
        self.at = now
        items_kib = items * units.KIB_PER_MIB
        moved_kib = max(-items_kib, min(items_kib, way_kib))
        self.actual_kib += moved_kib
        return -moved_kib


class MemoryApplier(base.Applier):
    """Reads and sets guests in memory."""

    def __init__(self, ledger: scale_ledger.Ledger, guests: int) -> None:
        super().__init__('memory:///')
        self._ledger = ledger
        self._guests: dict[str, MemoryGuest] = {}
        self._made = 0
        self._sink: base.Sink | None = None
        self.grow(guests)

    def grow(self, guests: int) -> None:
        """Start so many guests more."""
        for _ in range(guests):
            self._made += 1
            guest = MemoryGuest(
                description=model.Guest(
                    uuid=str(uuid.uuid4()),
                    name=f'instance-{self._made:08x}',
                    maximum_kib=GUEST_KIB,
                )
            )
            self._guests[guest.description.uuid] = guest

    def churn(self, guests: int) -> None:
        """End the oldest guests, and start as many others."""
        for guest_uuid in list(self._guests)[:guests]:
            guest = self._guests.pop(guest_uuid)
            self._ledger.add(_ENTRY.TAKEN_KIB, guest.actual_kib - GUEST_KIB)
        self.grow(guests)

    def list_guests(self) -> Sequence[model.Guest]:
        """Return all."""
        self._ledger.add(_ENTRY.LISTINGS, 1)
        return [guest.description for guest in list(self._guests.values())]

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Find by UUID only."""
        return self._reach(name_or_uuid).description

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Look at a guest."""
        self._ledger.add(_ENTRY.LOOKS, 1)
        guest = self._reach(guest_uuid)
        return model.BalloonSample(
            at=time.monotonic(),
            actual_kib=guest.actual_kib,
            rss_kib=guest.actual_kib,
            statistics=model.GuestStatistics(
                updated_at=int(time.time()),
                usable_kib=max(0, guest.actual_kib - _USED_KIB),
                swap_in_kib=0,
                major_faults=0,
            ),
        )

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Give a guest a target."""
        self._ledger.add(_ENTRY.ORDERS, 1)
        guest = self._reach(guest_uuid)
        guest.target_kib = target_kib
        if target_kib < guest.actual_kib:
            self._ledger.stamp(_ENTRY.FIRST_ORDER_US, time.monotonic())

    def _reach(self, guest_uuid: str) -> MemoryGuest:
        guest = self._guests.get(guest_uuid)
        if guest is None:
            raise exception.GuestNotFound(guest=guest_uuid)
        self._ledger.add(_ENTRY.TAKEN_KIB, guest.advance(time.monotonic()))
        return guest


class TestApplier(libvirt_applier.LibvirtApplier):
    """The real applier on ``test:///default``, with a number of guests.

    What this driver tells of a guest's memory is a constant; so RSS is put in
    the place of it, and policies need do without statistics.
    """

    def __init__(self, ledger: scale_ledger.Ledger, guests: int) -> None:
        super().__init__('test:///default')
        self._ledger = ledger
        self._made = 0
        self._targets_kib: dict[str, int] = {}
        # NOTE: the domains live for as long as somebody is connected.
        self._keeper = libvirt.open(self.uri)
        for domain in self._keeper.listAllDomains():
            domain.destroy()
        self.grow(guests)

    def grow(self, guests: int) -> None:
        """Start so many guests more."""
        for _ in range(guests):
            self._made += 1
            self._keeper.createXML(_DOMAIN.format(number=self._made))

    def churn(self, guests: int) -> None:
        """End the oldest guests, and start as many others."""
        by_name = libvirt.virDomain.name
        found = sorted(self._keeper.listAllDomains(), key=by_name)
        for domain in found[:guests]:
            self._book(domain.UUIDString(), GUEST_KIB)
            domain.destroy()
        self.grow(guests)

    def list_guests(self) -> Sequence[model.Guest]:
        """Return all, and note what that cost."""
        begin = time.thread_time()
        guests = super().list_guests()
        self._ledger.add(_ENTRY.LISTINGS, 1)
        microseconds = int((time.thread_time() - begin) * 1e6)
        self._ledger.add(_ENTRY.LISTING_US, microseconds)
        return guests

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Look at a guest."""
        self._ledger.add(_ENTRY.LOOKS, 1)
        sample = super().read(guest_uuid)
        return dataclasses.replace(sample, rss_kib=sample.actual_kib)

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Give a guest a target; it is there at once."""
        self._ledger.add(_ENTRY.ORDERS, 1)
        super().set_target(guest_uuid, target_kib)
        self._book(guest_uuid, target_kib)

    def _book(self, guest_uuid: str, target_kib: int) -> None:
        before_kib = self._targets_kib.get(guest_uuid, GUEST_KIB)
        self._targets_kib[guest_uuid] = target_kib
        if target_kib < before_kib:
            self._ledger.stamp(_ENTRY.FIRST_ORDER_US, time.monotonic())
        self._ledger.add(_ENTRY.TAKEN_KIB, before_kib - target_kib)


Host = MemoryApplier | TestApplier
WORLDS: dict[str, Callable[[scale_ledger.Ledger, int], Host]] = {
    'memory': MemoryApplier,
    'libvirt': TestApplier,
}
