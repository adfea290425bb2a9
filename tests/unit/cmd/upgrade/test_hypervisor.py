# SPDX-License-Identifier: Apache-2.0

import threading
from typing import Any

import fixtures
from oslo_config import cfg
from oslo_upgradecheck import upgradecheck
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import inspection
from nova_balloon_timer.cmd.upgrade import hypervisor
from nova_balloon_timer.conf import libvirt
from nova_balloon_timer.conf import opts
from tests.unit import base

_SUCCESS = upgradecheck.Code.SUCCESS
_WARNING = upgradecheck.Code.WARNING
_FAILURE = upgradecheck.Code.FAILURE


def _guest(name: str, **more: Any) -> inspection.GuestSetup:
    fields: dict[str, Any] = {
        'name': name,
        'balloon_model': 'virtio',
        'period_seconds': 10,
    }
    return inspection.GuestSetup(**(fields | more))


def _inspection(**more: Any) -> inspection.Inspection:
    fields: dict[str, Any] = {
        'libvirt_version': (10, 0, 0),
        'hypervisor': 'QEMU',
        'hypervisor_version': (8, 2, 2),
        'guests': (),
    }
    return inspection.Inspection(**(fields | more))


class HypervisorTestCase(base.TestCase):
    found: inspection.Inspection | Exception = _inspection()

    def setUp(self) -> None:
        super().setUp()
        self.conf = cfg.ConfigOpts()
        opts.register_opts(self.conf)
        libvirt.register_opts(self.conf)
        self.conf([], default_config_files=[], default_config_dirs=[])
        self.uris: list[str] = []
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.appliers.libvirt.inspection.inspect',
                self.inspect,
            )
        )

    def inspect(self, uri: str) -> inspection.Inspection:
        self.uris.append(uri)
        if isinstance(self.found, Exception):
            raise self.found
        return self.found

    def checks(
        self, longest_seconds: float = base.PATIENCE_SECONDS
    ) -> hypervisor.HypervisorChecks:
        return hypervisor.HypervisorChecks(
            self.conf, self.conf, longest_seconds
        )

    def set_period(self, seconds: int) -> None:
        self.conf.set_override('mem_stats_period_seconds', seconds, 'libvirt')


class VersionTestCase(testscenarios.WithScenarios, HypervisorTestCase):
    scenarios = [
        (
            f'{kind} {libvirt_version} {version}',
            {
                'found': _inspection(
                    hypervisor=kind,
                    libvirt_version=libvirt_version,
                    hypervisor_version=version,
                ),
                'code': code,
                'words': words,
            },
        )
        for kind, libvirt_version, version, code, words in (
            ('QEMU', (10, 0, 0), (8, 2, 2), _SUCCESS, 'QEMU 8.2.2'),
            ('QEMU', (11, 1, 0), (10, 0, 2), _SUCCESS, 'libvirt 11.1.0'),
            ('QEMU', (9, 0, 0), (8, 2, 2), _WARNING, 'before 10.0.0'),
            ('QEMU', (10, 0, 0), (8, 2, 1), _WARNING, 'before 8.2.2'),
            ('QEMU', (9, 0, 0), (7, 2, 0), _WARNING, ' and QEMU 7.2.0'),
            ('QEMU', (9, 0, 0), (6, 2, 0), _WARNING, 'comes after 34'),
            ('QEMU', (8, 10, 9), (8, 2, 2), _FAILURE, 'than 9.0.0'),
            ('QEMU', (10, 0, 0), (6, 1, 9), _FAILURE, 'than 6.2.0'),
            ('QEMU', (10, 0, 0), None, _SUCCESS, 'libvirt 10.0.0'),
            ('TEST', (10, 0, 0), (0, 0, 2), _SUCCESS, 'libvirt 10.0.0'),
        )
    ]
    code: upgradecheck.Code
    words: str

    def test_is_judged(self) -> None:
        result = self.checks().check_versions()
        self.assertEqual(self.code, result.code, str(result.details))
        self.assertIn(self.words, str(result.details))


class SilentTestCase(HypervisorTestCase):
    def test_one_that_refuses(self) -> None:
        self.found = exception.HypervisorDenied(uri='x:///', why='no right')
        checks = self.checks()
        result = checks.check_versions()
        self.assertEqual(_FAILURE, result.code)
        self.assertIn('x:/// refuses us: no right', str(result.details))
        self.assertEqual(_WARNING, checks.check_balloons().code)
        result = checks.check_statistics_period()
        self.assertEqual(_SUCCESS, result.code)
        self.assertIn('is not known', str(result.details))
        self.assertEqual(['qemu:///system'], self.uris)

    def test_one_that_hangs(self) -> None:
        going_on = threading.Event()
        self.addCleanup(going_on.set)
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.appliers.libvirt.inspection.inspect',
                lambda uri: going_on.wait(),
            )
        )
        checks = self.checks(0.01)
        result = checks.check_versions()
        self.assertEqual(_FAILURE, result.code)
        self.assertIn('does not answer within 0.01 s', str(result.details))
        self.assertEqual(_WARNING, checks.check_balloons().code)
        self.assertEqual(_SUCCESS, checks.check_statistics_period().code)


class PeriodTestCase(HypervisorTestCase):
    def test_zero_leaves_guests_without_a_balloon(self) -> None:
        for seconds in (0, -1):
            self.set_period(seconds)
            result = self.checks().check_statistics_period()
            self.assertEqual(_FAILURE, result.code)
            self.assertIn('no balloon at all', str(result.details))

    def test_tells_what_is_set_and_what_guests_have(self) -> None:
        self.set_period(5)
        self.found = _inspection(
            guests=(
                _guest('a'),
                _guest('b'),
                _guest('c', period_seconds=0),
            )
        )
        result = self.checks().check_statistics_period()
        self.assertEqual(_SUCCESS, result.code)
        self.assertIn('nova.conf says 5 s', str(result.details))
        self.assertIn('1 never, 2 every 10 s', str(result.details))

    def test_tells_that_it_is_not_set(self) -> None:
        result = self.checks().check_statistics_period()
        self.assertEqual(_SUCCESS, result.code)
        self.assertIn("Nova's default is 10 s", str(result.details))
        self.assertIn('there are none', str(result.details))


class BalloonTestCase(HypervisorTestCase):
    def test_all_have_one(self) -> None:
        self.found = _inspection(
            guests=(
                _guest('a'),
                _guest('b'),
                _guest('c', balloon_model='virtio-non-transitional'),
            )
        )
        result = self.checks().check_balloons()
        self.assertEqual(_SUCCESS, result.code)
        self.assertIn(
            '2 virtio, 1 virtio-non-transitional', str(result.details)
        )

    def test_names_those_that_have_none(self) -> None:
        self.found = _inspection(
            guests=(
                _guest('z'),
                *(_guest(it, balloon_model='none') for it in 'gfedcba'),
            )
        )
        result = self.checks().check_balloons()
        self.assertEqual(_WARNING, result.code)
        self.assertIn('7 of 8 guests', str(result.details))
        self.assertIn('a, b, c, d, e and 2 more', str(result.details))

    def test_no_guests(self) -> None:
        result = self.checks().check_balloons()
        self.assertEqual(_SUCCESS, result.code)
        self.assertIn('there are none', str(result.details))
