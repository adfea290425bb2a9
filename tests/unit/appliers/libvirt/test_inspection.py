# SPDX-License-Identifier: Apache-2.0

from typing import Any

import fixtures
import libvirt

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import inspection
from tests.unit import base
from tests.unit.appliers.libvirt import fake


class InspectTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.domains: dict[str, fake.FakeDomain] = {}
        self.connection = fake.FakeConnection(self.domains)
        self.useFixture(
            fixtures.MonkeyPatch(
                'libvirt.openReadOnly', lambda uri: self.connection
            )
        )

    def add(self, name: str, **fields: Any) -> fake.FakeDomain:
        domain = fake.FakeDomain(
            label=name, identity=base.uuid_of(name), **fields
        )
        self.domains[domain.identity] = domain
        return domain

    def inspect(self) -> inspection.Inspection:
        return inspection.inspect(fake.URI)

    def test_tells_the_versions(self) -> None:
        self.connection.versions = {
            'libvirt': 9_000_012,
            'hypervisor': 7_002_019,
        }
        found = self.inspect()
        self.assertEqual((9, 0, 12), found.libvirt_version)
        self.assertEqual((7, 2, 19), found.hypervisor_version)
        self.assertEqual('QEMU', found.hypervisor)

    def test_does_without_the_version_of_what_is_not_installed(self) -> None:
        for versions in ({'hypervisor': 0}, {}):
            self.connection.versions = {'libvirt': 9_000_000, **versions}
            self.assertIsNone(self.inspect().hypervisor_version)

    def test_tells_how_guests_that_run_were_set_up(self) -> None:
        self.add('a', period_seconds=10)
        self.add('b', balloon_model='none')
        self.add('c', run_state=libvirt.VIR_DOMAIN_SHUTOFF)
        self.assertEqual(
            (
                inspection.GuestSetup(
                    name='a', balloon_model='virtio', period_seconds=10
                ),
                inspection.GuestSetup(
                    name='b', balloon_model='none', period_seconds=0
                ),
            ),
            self.inspect().guests,
        )

    def test_leaves_out_a_guest_that_goes_meanwhile(self) -> None:
        self.add('a')
        self.add('b', errors=[fake.error(libvirt.VIR_ERR_NO_DOMAIN)])
        self.assertEqual(['a'], [it.name for it in self.inspect().guests])

    def test_changes_nothing_and_closes(self) -> None:
        domain = self.add('a')
        self.inspect()
        self.assertEqual([('XMLDesc',)], domain.calls)
        self.assertTrue(self.connection.is_closed)

    def test_says_who_cannot_be_reached(self) -> None:
        def refuse(uri: str) -> None:
            raise fake.error(libvirt.VIR_ERR_NO_CONNECT, 'no socket')

        self.useFixture(fixtures.MonkeyPatch('libvirt.openReadOnly', refuse))
        self.assertRaises(exception.HypervisorUnavailable, self.inspect)
