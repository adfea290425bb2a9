# SPDX-License-Identifier: Apache-2.0
"""What a hypervisor is and how its guests are set up, without touching any."""

from collections.abc import Iterator
import contextlib
import dataclasses
from xml.etree import ElementTree

import libvirt

from nova_balloon_timer.appliers.libvirt import eligibility
from nova_balloon_timer.appliers.libvirt import error as libvirt_error

Version = tuple[int, int, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestSetup:
    """How a running guest was set up.

    :param balloon_model: 'none' if it has no balloon
    :param period_seconds: how often it tells its statistics; 0: never
    """

    name: str
    balloon_model: str
    period_seconds: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found behind a connection.

    :param hypervisor: its kind, as QEMU
    :param hypervisor_version: None if libvirt does not know it
    :param guests: those that run
    """

    libvirt_version: Version
    hypervisor: str
    hypervisor_version: Version | None
    guests: tuple[GuestSetup, ...]


def inspect(uri: str) -> Inspection:
    """Look at a hypervisor and its guests, over a read-only connection.

    It may block for as long as a hypervisor hangs.

    :raises ApplierError: it cannot be reached, or refuses us
    """
    libvirt.registerErrorHandler(lambda *_: None, None)
    with libvirt_error.translated(uri):
        connection = libvirt.openReadOnly(uri)
    try:
        with libvirt_error.translated(uri):
            return Inspection(
                libvirt_version=_version(connection.getLibVersion()),
                hypervisor=connection.getType(),
                hypervisor_version=_hypervisor_version(connection),
                guests=tuple(_guests(connection)),
            )
    finally:
        with contextlib.suppress(libvirt.libvirtError):
            connection.close()


def _version(number: int) -> Version:
    return number // 1_000_000, number // 1000 % 1000, number % 1000


def _hypervisor_version(connection: libvirt.virConnect) -> Version | None:
    # NOTE: it fails where no emulator is installed.
    with contextlib.suppress(libvirt.libvirtError):
        number: int = connection.getVersion()
        return _version(number) if number else None
    return None


def _guests(connection: libvirt.virConnect) -> Iterator[GuestSetup]:
    flags = libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE
    for domain in connection.listAllDomains(flags):
        # NOTE: one that goes meanwhile is of no interest.
        with contextlib.suppress(libvirt.libvirtError):
            description = ElementTree.fromstring(  # noqa: S314
                domain.XMLDesc()
            )
            yield GuestSetup(
                name=domain.name(),
                balloon_model=_balloon_model(description),
                period_seconds=eligibility.statistics_period_seconds(
                    description
                ),
            )


def _balloon_model(description: ElementTree.Element) -> str:
    balloon = description.find('./devices/memballoon')
    return 'none' if balloon is None else balloon.get('model', 'none')
