# SPDX-License-Identifier: Apache-2.0

from xml.etree import ElementTree

import libvirt
import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer.appliers.libvirt import eligibility
from tests.unit import base

_Obstacle = model.Obstacle

# As Nova 34 describes a guest.
_PLAIN = """
<domain type='kvm'>
  <memory unit='KiB'>1048576</memory>
  <memoryBacking>{backing}</memoryBacking>
  <devices>
    <interface type='bridge'/>
    <disk type='network'/>
    <memballoon model='virtio' autodeflate='on' freePageReporting='on'>
      <stats period='10'/>
    </memballoon>
    {devices}
  </devices>
  {security}
</domain>
"""


def _describe(
    *, backing: str = '', devices: str = '', security: str = ''
) -> str:
    return _PLAIN.format(backing=backing, devices=devices, security=security)


def _without_balloon(balloon: str) -> str:
    return f'<domain><devices>{balloon}</devices></domain>'


def _parse(text: str) -> ElementTree.Element:
    return ElementTree.fromstring(text)  # noqa: S314


def _refusals(
    text: str, state: int = libvirt.VIR_DOMAIN_RUNNING
) -> tuple[model.Refusal, ...]:
    return eligibility.refusals(_parse(text), state)


class StateTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('running', {'state': libvirt.VIR_DOMAIN_RUNNING, 'obstacle': None}),
        ('blocked', {'state': libvirt.VIR_DOMAIN_BLOCKED, 'obstacle': None}),
        ('no state', {'state': libvirt.VIR_DOMAIN_NOSTATE, 'obstacle': None}),
        (
            'paused',
            {'state': libvirt.VIR_DOMAIN_PAUSED, 'obstacle': _Obstacle.PAUSED},
        ),
        (
            'asleep',
            {
                'state': libvirt.VIR_DOMAIN_PMSUSPENDED,
                'obstacle': _Obstacle.PAUSED,
            },
        ),
        (
            'shutting down',
            {
                'state': libvirt.VIR_DOMAIN_SHUTDOWN,
                'obstacle': _Obstacle.NOT_RUNNING,
            },
        ),
        (
            'shut off',
            {
                'state': libvirt.VIR_DOMAIN_SHUTOFF,
                'obstacle': _Obstacle.NOT_RUNNING,
            },
        ),
        (
            'crashed',
            {
                'state': libvirt.VIR_DOMAIN_CRASHED,
                'obstacle': _Obstacle.NOT_RUNNING,
            },
        ),
        ('unheard of', {'state': 99, 'obstacle': _Obstacle.NOT_RUNNING}),
    ]
    state: int
    obstacle: model.Obstacle | None

    def test_decides(self) -> None:
        found = [one.obstacle for one in _refusals(_describe(), self.state)]
        self.assertEqual([self.obstacle] if self.obstacle else [], found)


class ObstacleTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (
            'balloon of model none',
            {
                'text': _without_balloon("<memballoon model='none'/>"),
                'obstacle': _Obstacle.NO_BALLOON,
                'words': "no balloon device (memballoon model 'none')",
            },
        ),
        (
            'no balloon at all',
            {
                'text': _without_balloon(''),
                'obstacle': _Obstacle.NO_BALLOON,
                'words': 'no balloon device',
            },
        ),
        (
            'locked memory',
            {
                'text': _describe(backing='<locked/>'),
                'obstacle': _Obstacle.LOCKED_MEMORY,
                'words': 'its memory is locked',
            },
        ),
        (
            'huge pages',
            {
                'text': _describe(
                    backing="<hugepages><page size='2048'/></hugepages>"
                ),
                'obstacle': _Obstacle.HUGE_PAGES,
                'words': 'huge pages',
            },
        ),
        (
            'PCI device',
            {
                'text': _describe(
                    devices="<hostdev mode='subsystem' type='pci'/>"
                ),
                'obstacle': _Obstacle.PASSTHROUGH,
                'words': 'VFIO',
            },
        ),
        (
            'mediated device',
            {
                'text': _describe(
                    devices="<hostdev mode='subsystem' type='mdev'/>"
                ),
                'obstacle': _Obstacle.PASSTHROUGH,
                'words': 'VFIO',
            },
        ),
        (
            'SR-IOV interface',
            {
                'text': _describe(devices="<interface type='hostdev'/>"),
                'obstacle': _Obstacle.PASSTHROUGH,
                'words': 'VFIO',
            },
        ),
        (
            'NVMe disk, which QEMU drives by VFIO',
            {
                'text': _describe(devices="<disk type='nvme'/>"),
                'obstacle': _Obstacle.PASSTHROUGH,
                'words': 'pins its memory',
            },
        ),
        (
            'vDPA interface, whose memory vhost pins',
            {
                'text': _describe(devices="<interface type='vdpa'/>"),
                'obstacle': _Obstacle.PASSTHROUGH,
                'words': 'pins its memory',
            },
        ),
    ] + [
        (
            kind,
            {
                'text': _describe(security=f"<launchSecurity type='{kind}'/>"),
                'obstacle': _Obstacle.ENCRYPTED,
                'words': f'encrypted ({name})',
            },
        )
        for kind, name in (
            ('sev', 'AMD SEV'),
            ('sev-snp', 'AMD SEV-SNP'),
            ('tdx', 'Intel TDX'),
            ('s390-pv', 'IBM Secure Execution'),
            ('of-tomorrow', 'of-tomorrow'),
        )
    ]
    text: str
    obstacle: model.Obstacle
    words: str

    def test_is_found_and_said(self) -> None:
        (refusal,) = _refusals(self.text)
        self.assertIs(self.obstacle, refusal.obstacle)
        self.assertIn(self.words, refusal.words)


class EligibleTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('plain', {'text': _describe()}),
        (
            'transitional balloon',
            {'text': _without_balloon("<memballoon model='virtio'/>")},
        ),
        (
            'shared memory',
            {
                'text': _describe(
                    backing="<source type='memfd'/><access mode='shared'/>"
                )
            },
        ),
        (
            'USB device',
            {
                'text': _describe(
                    devices="<hostdev mode='subsystem' type='usb'/>"
                )
            },
        ),
        (
            'SCSI device',
            {
                'text': _describe(
                    devices="<hostdev mode='subsystem' type='scsi'/>"
                )
            },
        ),
    ]
    text: str

    def test_has_no_obstacle(self) -> None:
        self.assertEqual((), _refusals(self.text))


class SeveralTestCase(base.TestCase):
    def test_every_obstacle_is_told(self) -> None:
        text = _describe(
            backing='<hugepages/><locked/>',
            devices="<hostdev type='pci'/><hostdev type='pci'/>",
            security="<launchSecurity type='sev'/>",
        ).replace("model='virtio'", "model='none'")
        found = _refusals(text, libvirt.VIR_DOMAIN_PAUSED)
        self.assertEqual(
            [
                _Obstacle.PAUSED,
                _Obstacle.NO_BALLOON,
                _Obstacle.LOCKED_MEMORY,
                _Obstacle.HUGE_PAGES,
                _Obstacle.PASSTHROUGH,
                _Obstacle.ENCRYPTED,
            ],
            [one.obstacle for one in found],
        )
        self.assertEqual(6, len({one.words for one in found}))


class PeriodTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('set', {'stats': "<stats period='10'/>", 'seconds': 10}),
        ('off', {'stats': "<stats period='0'/>", 'seconds': 0}),
        ('not there', {'stats': '', 'seconds': 0}),
        ('empty', {'stats': '<stats/>', 'seconds': 0}),
        ('negative', {'stats': "<stats period='-1'/>", 'seconds': 0}),
        ('no number', {'stats': "<stats period='often'/>", 'seconds': 0}),
        ('odd digit', {'stats': "<stats period='\u00b2'/>", 'seconds': 0}),
    ]
    stats: str
    seconds: int

    def test_is_read(self) -> None:
        text = _without_balloon(
            f"<memballoon model='virtio'>{self.stats}</memballoon>"
        )
        seconds = eligibility.statistics_period_seconds(_parse(text))
        self.assertEqual(self.seconds, seconds)
