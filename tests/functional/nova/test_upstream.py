# SPDX-License-Identifier: Apache-2.0
"""Nova's own tests of the life of servers, with the balloon timer enabled."""

import json
import pathlib
import subprocess
import sys
from typing import Any

import fixtures
import testtools

_PROGRAM = pathlib.Path(__file__).with_name('upstream.py')
_LIBVIRT = 'nova.tests.functional.libvirt'
_TESTS = tuple(
    f'{_LIBVIRT}.{name}'
    for name in (
        'test_live_migration.ManagerCleanupHostCancelsQueuedMigration.'
        'test_cleanup_host_cancels_queued_live_migration',
        'test_machine_type.LibvirtMachineTypeTest.'
        'test_machine_type_after_server_hard_reboot',
        'test_machine_type.LibvirtMachineTypeTest.'
        'test_machine_type_after_server_rebuild',
        'test_power_manage.PowerManagementTests.test_delete_server',
        'test_power_manage.PowerManagementTests.test_resize',
        'test_power_manage.PowerManagementTests.test_stop_start_server',
        'test_rescue_deleted_base.RescueServerTestWithDeletedBaseImage.'
        'test_stable_rescue_server_local_disk',
        'test_vtpm.VTPMServersTest.test_live_migrate_server',
        'test_vtpm.VTPMServersTest.test_migrate_server',
        'test_vtpm.VTPMServersTest.test_shelve_server',
        'test_vtpm.VTPMServersTest.test_suspend_resume_server',
    )
)
_MONITORS = ('', 'cpu.balloon_timer')
_SECONDS = 900


class UpstreamTest(testtools.TestCase):
    def test_what_nova_can_it_can_with_us_too(self) -> None:
        runs = {monitors: self._start(monitors) for monitors in _MONITORS}
        without, with_us = (self._await(*runs[it]) for it in _MONITORS)
        self.assertEqual(set(_TESTS), set(without['outcomes']))
        self.assertEqual({'ok'}, set(without['outcomes'].values()))
        self.assertEqual(without['outcomes'], with_us['outcomes'])
        # Not enabled, it is not there; enabled, it runs in each test.
        self.assertEqual(0, without['started'])
        self.assertEqual([], without['complaints'])
        self.assertGreaterEqual(with_us['started'], len(_TESTS))
        self.assertEqual(with_us['started'], with_us['stopped'])
        # Where a test has two hosts in one process, one of them has the lock.
        for complaint in with_us['complaints']:
            self.assertIn('another agent', complaint)

    def _start(
        self, monitors: str
    ) -> tuple[subprocess.Popen[bytes], pathlib.Path]:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        results = folder / 'results.json'
        with (folder / 'log').open('wb') as log:
            process = subprocess.Popen(
                [sys.executable, _PROGRAM, results, monitors, *_TESTS],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
            )
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process, results

    def _await(
        self, process: subprocess.Popen[bytes], results: pathlib.Path
    ) -> dict[str, Any]:
        process.wait(_SECONDS)
        log = results.with_name('log').read_text(errors='replace')
        self.assertTrue(results.exists(), log[-4000:])
        found: dict[str, Any] = json.loads(results.read_text())
        failed = {k for k, v in found['outcomes'].items() if v != 'ok'}
        self.assertEqual(set(), failed, log[-20000:])
        return found
