# SPDX-License-Identifier: Apache-2.0

import pathlib
from typing import Any
import uuid

import fixtures
import testtools

from tests.functional import base
from tests.functional import command
from tools.lab import domain as lab_domain
from tools.lab import guest as lab_guest
from tools.lab import image as lab_image

_NODE = """
<node xmlns:test='http://libvirt.org/schemas/domain/test/1.0'>
{domains}
</node>
"""
_DOMAIN = """
<domain type='test'>
  <name>{name}</name>
  <uuid>{uuid}</uuid>
  <memory unit='KiB'>524288</memory>
  {outside}
  <os><type>hvm</type></os>
  <devices>
    {inside}
    <memballoon model='{balloon}'/>
  </devices>
  <test:runstate>{state}</test:runstate>
</domain>
"""
_PCI = "<address type='pci' domain='0' bus='1' slot='2' function='3'/>"
_RUNNING, _PAUSED, _OFF, _CRASHED = 1, 3, 5, 6

# What libvirt 9 accepts of everything that stands in a balloon's way.
_DEFINITIONS: dict[str, tuple[str, dict[str, Any]]] = {
    'no-balloon': ('no balloon device', {'balloon': 'none'}),
    'locked': (
        'its memory is locked',
        {'outside': '<memoryBacking><locked/></memoryBacking>'},
    ),
    'huge-pages': (
        'on huge pages',
        {'outside': '<memoryBacking><hugepages/></memoryBacking>'},
    ),
    'pci': (
        'passed through (VFIO, vDPA)',
        {
            'inside': "<hostdev mode='subsystem' type='pci' managed='yes'>"
            "<source><address domain='0' bus='1' slot='2' function='3'/>"
            '</source></hostdev>'
        },
    ),
    'mdev': (
        'passed through (VFIO, vDPA)',
        {
            'inside': "<hostdev mode='subsystem' type='mdev' "
            "model='vfio-pci'><source>"
            "<address uuid='c2177883-f1bb-47f0-914d-32a22e3a8804'/>"
            '</source></hostdev>'
        },
    ),
    'hostdev-interface': (
        'passed through (VFIO, vDPA)',
        {
            'inside': "<interface type='hostdev'>"
            f'<source>{_PCI}</source></interface>'
        },
    ),
    'vdpa-interface': (
        'passed through (VFIO, vDPA)',
        {
            'inside': "<interface type='vdpa'>"
            "<source dev='/dev/vhost-vdpa-0'/></interface>"
        },
    ),
    'nvme-disk': (
        'passed through (VFIO, vDPA)',
        {
            'inside': "<disk type='nvme' device='disk'>"
            "<driver name='qemu' type='raw'/>"
            "<source type='pci' managed='yes' namespace='1'>"
            "<address domain='0' bus='1' slot='0' function='0'/></source>"
            "<target dev='vda' bus='virtio'/></disk>"
        },
    ),
    'sev': (
        'encrypted (AMD SEV)',
        {
            'outside': "<launchSecurity type='sev'>"
            '<cbitpos>47</cbitpos><reducedPhysBits>1</reducedPhysBits>'
            '<policy>0x0001</policy></launchSecurity>'
        },
    ),
    's390-pv': (
        'encrypted (IBM Secure Execution)',
        {'outside': "<launchSecurity type='s390-pv'/>"},
    ),
    'paused': ('it is paused', {'state': _PAUSED}),
    'off': ('it is not running', {'state': _OFF}),
    'crashed': ('it is not running', {'state': _CRASHED}),
}
_CURRENT = "<currentMemory unit='KiB'>131072</currentMemory>"
_USB = (
    "<hostdev mode='subsystem' type='usb'><source>"
    "<vendor id='0x1234'/><product id='0xbeef'/></source></hostdev>"
)


def _define(name: str, **details: Any) -> str:
    filled = {
        'name': name,
        'uuid': uuid.uuid4(),
        'outside': '',
        'inside': '',
        'balloon': 'virtio',
        'state': _RUNNING,
    } | details
    return _DOMAIN.format(**filled)


class FakeHost(fixtures.Fixture):
    """A file from which test:/// makes a host with these guests.

    Each connection to it has guests of its own, so it is good for looking
    only.
    """

    def __init__(self, *domains: str) -> None:
        self._domains = domains

    def _setUp(self) -> None:
        folder = self.useFixture(fixtures.TempDir()).path
        path = pathlib.Path(folder) / 'node.xml'
        path.write_text(_NODE.format(domains='\n'.join(self._domains)))
        self.uri = f'test://{path}'


class DefinitionTest(testtools.TestCase):
    """Guests as libvirt defines them, on its fake of a hypervisor."""

    def list(self, *domains: str) -> dict[str, dict[str, Any]]:
        uri = self.useFixture(FakeHost(*domains)).uri
        result = command.run('guest', 'list', '-fjson', f'--connect={uri}')
        self.assertEqual(0, result.code, str(result))
        return result.rows

    def test_each_is_listed_with_its_reason(self) -> None:
        domains = [
            _define(name, **details)
            for name, (_, details) in _DEFINITIONS.items()
        ]

        rows = self.list(*domains)

        wrong = {
            name: rows[name]['Why not']
            for name, (words, _) in _DEFINITIONS.items()
            if words not in rows[name]['Why not']
        }
        self.assertEqual({}, wrong)
        self.assertEqual({0}, {row['Could take MiB'] for row in rows.values()})
        self.assertEqual({512}, {row['Maximum MiB'] for row in rows.values()})

    def test_each_is_refused_with_its_reason(self) -> None:
        domains = [
            _define(name, **details)
            for name, (_, details) in _DEFINITIONS.items()
        ]
        uri = self.useFixture(FakeHost(*domains)).uri

        result = command.run(
            *command.apply_words(
                uri,
                list(_DEFINITIONS),
                target='300M',
                duration='1s',
                reserve='0',
            )
        )

        self.assertEqual(3, result.code, str(result))
        self.assertEqual(
            dict.fromkeys(_DEFINITIONS, 'refused'),
            {name: row['Ended by'] for name, row in result.rows.items()},
        )
        wrong = {
            name: result.rows[name]['Detail']
            for name, (words, _) in _DEFINITIONS.items()
            if words not in result.rows[name]['Detail']
        }
        self.assertEqual({}, wrong)

    def test_all_reasons_of_a_guest_are_listed(self) -> None:
        backing = '<memoryBacking><hugepages/><locked/></memoryBacking>'

        rows = self.list(
            _define('all', outside=backing, balloon='none', state=_PAUSED)
        )

        why_not = rows['all']['Why not']
        for words in ('paused', 'no balloon device', 'locked', 'huge pages'):
            self.assertIn(words, why_not)

    def test_a_usb_device_stands_in_no_balloons_way(self) -> None:
        uri = self.useFixture(FakeHost(_define('usb', inside=_USB))).uri

        result = command.run(
            *command.apply_words(
                uri,
                ['usb'],
                target='300M',
                duration='1s',
                reserve='0',
                dry_run=True,
            )
        )

        self.assertEqual(0, result.code, str(result))
        self.assertEqual('inflate', result.rows['usb']['Would'])


class RealGuestTest(base.FunctionalTest):
    """Guests that libvirt really runs, each with its obstacle."""

    def setUp(self) -> None:
        super().setUp()
        self.guests: dict[str, lab_guest.Guest] = {}

    def start(self, *specs: lab_guest.GuestSpec, ready: bool) -> None:
        for guest in self.lab.start(*specs, ready=ready):
            self.addCleanup(guest.stop)
            self.guests[guest.spec.name] = guest

    def list(self) -> dict[str, dict[str, Any]]:
        result = command.run(
            'guest', 'list', '-fjson', f'--connect={self.lab.uri}'
        )
        self.assertEqual(0, result.code, str(result))
        return result.rows

    def assert_refused(self, words: dict[str, str], **options: Any) -> None:
        listed = self.list()
        options = {'target': '100M', 'duration': '5s'} | options
        result = command.run(
            *command.apply_words(self.lab.uri, sorted(words), **options)
        )
        self.assertEqual(3, result.code, str(result))
        for name, why in words.items():
            self.assertIn(why, listed[name]['Why not'])
            self.assertEqual('refused', result.rows[name]['Ended by'])
            self.assertIn(why, result.rows[name]['Detail'])

    def test_what_a_definition_forbids(self) -> None:
        self.start(
            lab_guest.GuestSpec(name='bare', memory_mib=128, balloon=False),
            lab_guest.GuestSpec(name='off', memory_mib=128),
            lab_guest.GuestSpec(
                name='paused',
                memory_mib=128,
                qmp_socket=self.lab.qmp_socket('paused'),
            ),
            ready=False,
        )
        paused = self.observe(self.guests['paused'])
        self.guests['off'].domain.destroy()
        self.guests['paused'].domain.suspend()

        self.assert_refused(
            {
                'bare': 'no balloon device',
                'off': 'it is not running',
                'paused': 'it is paused',
            }
        )

        # Nothing waits for it: neither for it to go on, ...
        self.assertEqual([], paused.targets_kib)
        # ... nor for its next boot.
        self.assertIn(_CURRENT, self.guests['off'].domain.XMLDesc())

    def test_what_a_definition_forbids_at_its_next_start(self) -> None:
        # Such guests run only on a host that is set up for them.
        for spec in (
            lab_guest.GuestSpec(name='locked', locked=True),
            lab_guest.GuestSpec(name='huge', hugepages=True),
        ):
            xml = lab_domain.domain_xml(
                spec, lab_image.ensure(), self.folder / spec.name
            )
            domain = self.lab.connection.defineXML(xml)
            self.addCleanup(domain.undefine)

        listed = self.list()

        for name, words in (
            ('locked', 'its memory is locked'),
            ('huge', 'its memory is on huge pages'),
        ):
            self.assertIn(words, listed[name]['Why not'])
            self.assertIn('it is not running', listed[name]['Why not'])

    def test_a_guest_without_the_driver(self) -> None:
        self.start(
            lab_guest.GuestSpec(
                name='deaf',
                memory_mib=128,
                driver=lab_guest.Driver.NONE,
                qmp_socket=self.lab.qmp_socket('deaf'),
            ),
            ready=True,
        )
        deaf = self.observe(self.guests['deaf'])

        self.assert_refused({'deaf': 'its balloon driver is not loaded'})

        # NOTE: libvirt takes a target for it, and the driver would follow
        # it whenever it is loaded. There must be none.
        self.assertEqual([], deaf.targets_kib)

    def test_guests_that_can_be_ballooned(self) -> None:
        self.balloons('east', 'small')

        listed = self.list()

        for name, maximum_mib in (('east', 512), ('small', 384)):
            row = listed[name]
            self.assertEqual('', row['Why not'])
            self.assertEqual(maximum_mib, row['Actual MiB'])
            self.assertEqual(maximum_mib, row['Maximum MiB'])
            self.assertTrue(0 < row['Usable MiB'] < maximum_mib, row)
            self.assertTrue(row['RSS MiB'] > 0, row)
            # The floor is a quarter, the reserve 64 MiB.
            most_mib = min(0.75 * maximum_mib, row['Usable MiB'] - 64)
            self.assertAlmostEqual(most_mib, row['Could take MiB'], delta=0.1)
            self.assertLessEqual(row['Could free MiB'], row['RSS MiB'])

    def test_a_guest_without_room(self) -> None:
        self.balloons('small')

        for words, options in (
            ('is below its floor', {'target': '90M'}),
            ('within its reserve', {'target': '200M', 'reserve': '99%'}),
            ('a floor of 384 MiB', {'target': '384M', 'floor': '100%'}),
        ):
            result = command.run(
                *command.apply_words(
                    self.lab.uri, ['small'], duration='5s', **options
                )
            )
            if options['target'] == '384M':
                # Already there: nothing has to be taken.
                self.assertEqual(0, result.code, str(result))
                self.assertEqual('target', result.rows['small']['Ended by'])
                continue
            self.assertEqual(3, result.code, str(result))
            self.assertIn(words, result.rows['small']['Detail'])
