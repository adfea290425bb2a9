# SPDX-License-Identifier: Apache-2.0
"""Which guests can be ballooned, from what libvirt says of them."""

from collections.abc import Iterator, Set
import hashlib
from xml.etree import ElementTree

import libvirt

from nova_balloon_timer import model

_ENCRYPTED = {
    'sev': 'AMD SEV',
    'sev-snp': 'AMD SEV-SNP',
    'tdx': 'Intel TDX',
    's390-pv': 'IBM Secure Execution',
}


class Findings:
    """Refusals that were found; only what changed is looked through again.

    Parsing is nine tenths of what a listing costs, and few guests change from
    one to the next.
    """

    def __init__(self) -> None:
        self._found: dict[
            str, tuple[tuple[int, bytes], tuple[model.Refusal, ...]]
        ] = {}

    def refusals(
        self, guest_uuid: str, xml: str, state: int
    ) -> tuple[model.Refusal, ...]:
        """Do what the function of that name does."""
        digest = hashlib.blake2b(xml.encode(), digest_size=16).digest()
        seen = (state, digest)
        found = self._found.get(guest_uuid)
        if found is None or found[0] != seen:
            description = ElementTree.fromstring(xml)  # noqa: S314
            found = (seen, refusals(description, state))
            self._found[guest_uuid] = found
        return found[1]

    def known(self) -> Set[str]:
        """Return the guests of which anything is known."""
        return self._found.copy().keys()

    def forget(self, guest_uuid: str) -> None:
        """Drop what was found of a guest."""
        self._found.pop(guest_uuid, None)


def refusals(
    description: ElementTree.Element, state: int
) -> tuple[model.Refusal, ...]:
    """List what keeps a guest from being ballooned.

    :param description: the domain's XML
    :param state: its virDomainState
    """
    found = [*_state(state), *_balloon(description), *_memory(description)]
    found += [*_devices(description), *_security(description)]
    return tuple(
        model.Refusal(obstacle=obstacle, words=words)
        for obstacle, words in found
    )


_Finding = tuple[model.Obstacle, str]


def _state(state: int) -> Iterator[_Finding]:
    if state == libvirt.VIR_DOMAIN_PAUSED:
        yield model.Obstacle.PAUSED, 'it is paused: its balloon cannot move'
    elif state == libvirt.VIR_DOMAIN_PMSUSPENDED:
        yield model.Obstacle.PAUSED, 'it sleeps: its balloon cannot move'
    elif state not in (
        libvirt.VIR_DOMAIN_RUNNING,
        libvirt.VIR_DOMAIN_BLOCKED,
        libvirt.VIR_DOMAIN_NOSTATE,
    ):
        yield model.Obstacle.NOT_RUNNING, 'it is not running'


def _balloon(description: ElementTree.Element) -> Iterator[_Finding]:
    balloon = description.find('./devices/memballoon')
    if balloon is None or balloon.get('model') == 'none':
        yield (
            model.Obstacle.NO_BALLOON,
            "it has no balloon device (memballoon model 'none')",
        )


def _memory(description: ElementTree.Element) -> Iterator[_Finding]:
    backing = description.find('./memoryBacking')
    if backing is None:
        return
    if backing.find('locked') is not None:
        yield (
            model.Obstacle.LOCKED_MEMORY,
            'its memory is locked: a balloon would free nothing',
        )
    if backing.find('hugepages') is not None:
        yield (
            model.Obstacle.HUGE_PAGES,
            'its memory is on huge pages, which a balloon cannot free',
        )


def _devices(description: ElementTree.Element) -> Iterator[_Finding]:
    hostdevs = description.findall('./devices/hostdev')
    others = [
        *description.findall("./devices/interface[@type='hostdev']"),
        *description.findall("./devices/interface[@type='vdpa']"),
        *description.findall("./devices/disk[@type='nvme']"),
    ]
    if others or any(
        device.get('type') in ('pci', 'mdev') for device in hostdevs
    ):
        yield (
            model.Obstacle.PASSTHROUGH,
            'it has a host device passed through (VFIO, vDPA), which pins its '
            'memory',
        )


def _security(description: ElementTree.Element) -> Iterator[_Finding]:
    security = description.find('./launchSecurity')
    if security is not None:
        kind = security.get('type', '')
        yield (
            model.Obstacle.ENCRYPTED,
            f'its memory is encrypted ({_ENCRYPTED.get(kind, kind)})',
        )


def statistics_period_seconds(description: ElementTree.Element) -> int:
    """Return how often the guest tells its statistics; 0: never."""
    stats = description.find('./devices/memballoon/stats')
    period = '0' if stats is None else stats.get('period', '0')
    return int(period) if period.isdecimal() else 0
