# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import loader
from nova_balloon_timer.appliers import noop
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from tests.unit import base

# NOTE: an applier that was made has not connected to anything yet.
_URI = 'qemu+unix:///system?socket=/nonexistent'


class LoaderTestCase(base.TestCase):
    def test_finds_ours_by_name(self) -> None:
        for name, kind in (
            ('libvirt', libvirt_applier.LibvirtApplier),
            ('noop', noop.NoopApplier),
        ):
            applier = loader.load(name, _URI)
            self.assertIs(kind, type(applier))
            self.assertEqual(_URI, applier.uri)

    def test_an_unknown_name_is_told_with_those_there_are(self) -> None:
        error = self.assertRaises(
            exception.ApplierNotFound, loader.load, 'xen', _URI
        )
        self.assertIn("no applier 'xen'", str(error))
        self.assertIn('libvirt, noop', str(error))
