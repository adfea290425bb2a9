# SPDX-License-Identifier: Apache-2.0
"""A stage on which devstack's plugin plays: real bash, recorded functions."""

import configparser
import getpass
import os
import pathlib
import shutil
import subprocess
import sys

import fixtures

from tests.unit import base

TOP = pathlib.Path(__file__).resolve().parents[3]
RECORDER = pathlib.Path(__file__).parent / 'recorder.sh'

STACK = (
    'stack pre-install',
    'stack install',
    'stack post-config',
    'start_nova_compute',
    'stack extra',
    'stack test-config',
)
SERVICES = 'n-api,n-cpu,rabbit,tempest'

Calls = list[tuple[str, ...]]
Options = dict[str, dict[str, str]]


class Stage(fixtures.Fixture):
    """A host with devstack, below a folder of its own."""

    def _setUp(self) -> None:
        self.top = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.nova = self.top / 'dest/nova'
        self.source = self.top / 'dest/nova-balloon-timer'
        self.site = self.top / 'site'
        self.state_path = self.top / 'data/nova-balloon-timer'
        self.nova_conf = self.top / 'etc/nova/nova.conf'
        self.nova_cpu_conf = self.top / 'etc/nova/nova-cpu.conf'
        self.tempest_conf = self.top / 'etc/tempest.conf'
        self.conf_dir = self.top / 'etc/nova-balloon-timer'
        self.conf = self.conf_dir / 'nova-balloon-timer.conf'
        self._calls = self.top / 'calls'
        (self.nova / 'nova/compute/monitors/cpu').mkdir(parents=True)
        # NOTE: a copy, since the plugin also removes files.
        for folder in 'devstack', 'nova':
            shutil.copytree(TOP / folder, self.source / folder)
        self.nova_conf.parent.mkdir(parents=True)
        self.nova_conf.write_text('[DEFAULT]\ncompute_monitors = of-before\n')
        self.tempest_conf.write_text(
            '[compute]\nflavor_ref = 42\nflavor_ref_alt = 84\n'
        )

    def play(
        self, *phases: str, **settings: str
    ) -> 'subprocess.CompletedProcess[str]':
        """Run phases in one shell, as devstack does."""
        script = [
            f'source {RECORDER}',
            f'source {self.source}/devstack/settings',
            *(
                phase
                if phase == 'start_nova_compute'
                else f'source {self.source}/devstack/plugin.sh {phase}'
                for phase in phases
            ),
        ]
        return subprocess.run(
            ['bash', '-e', '-u', '-c', '\n'.join(script)],
            env=self._environment() | settings,
            capture_output=True,
            text=True,
            check=False,
        )

    def calls(self, *names: str) -> Calls:
        """Return what was called, or what of it has one of some names."""
        if not self._calls.exists():
            return []
        lines = self._calls.read_text().splitlines()
        calls = [tuple(it.split('\t')) for it in lines]
        return [it for it in calls if not names or it[0] in names]

    def forget_calls(self) -> None:
        """Go on with none."""
        self._calls.unlink(missing_ok=True)

    def options(self, path: pathlib.Path) -> Options:
        """Return what a file of options says."""
        parser = configparser.RawConfigParser(default_section='')
        parser.read_string(path.read_text())
        return {it: dict(parser[it]) for it in parser.sections()}

    def _environment(self) -> dict[str, str]:
        return {
            'CALLS': str(self._calls),
            'CELLSV2_SETUP': 'superconductor',
            'DATA_DIR': str(self.top / 'data'),
            'DEST': str(self.top / 'dest'),
            'DEVSTACK_VENV': str(self.top / 'data/venv'),
            'DISABLED_SERVICES': '',
            'ENABLED_SERVICES': SERVICES,
            'ENABLE_DEBUG_LOG_LEVEL': 'True',
            'LIBVIRT_GROUP': 'libvirt',
            'LOCAL_CONF_HOST': '',
            'LOCAL_CONF_URI': '',
            'NOVA_BALLOON_TIMER_CONF_DIR': str(self.conf_dir),
            'NOVA_CONF': str(self.nova_conf),
            'NOVA_CPU_CELL': '1',
            'NOVA_CPU_CONF': str(self.nova_cpu_conf),
            'NOVA_DIR': str(self.nova),
            'NOVA_NOTIFICATION_FORMAT': 'unversioned',
            'PATH': os.environ['PATH'],
            'PYTHON': sys.executable,
            'PYTHONPATH': str(self.site),
            'SERVICE_TIMEOUT': '60',
            'SITE': str(self.site),
            'STACK_USER': getpass.getuser(),
            'TEMPEST_CONFIG': str(self.tempest_conf),
            'VIRT_DRIVER': 'libvirt',
        }


class PluginTestCase(base.TestCase):
    """Has a stage, on which all must go well."""

    def setUp(self) -> None:
        super().setUp()
        self.stage = self.useFixture(Stage())

    def play(self, *phases: str, **settings: str) -> None:
        """Play, and see that nothing is complained of."""
        result = self.stage.play(*phases, **settings)
        self.assertEqual((0, ''), (result.returncode, result.stderr))
