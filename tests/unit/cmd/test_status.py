# SPDX-License-Identifier: Apache-2.0

import io
import json
import pathlib
from typing import Any

import fixtures
from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import status
from tests.unit import base
from tests.unit.cmd.remote import fake_agent

_NAMES = [
    'Configuration',
    'Sources of pressure',
    'libvirt and QEMU',
    'Statistics period',
    'Balloons of the guests',
    'Journal',
    'Message bus',
]


def _refuse(uri: str) -> None:
    raise exception.HypervisorUnavailable(uri=uri, why='no socket')


class StatusTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fake_agent.FakeAgents())
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.appliers.libvirt.inspection.inspect',
                _refuse,
            )
        )

    def run_with(self, text: str, *arguments: str) -> tuple[int, str, str]:
        path = self.folder / 'x.conf'
        path.write_text(
            '[DEFAULT]\nhost = compute-01\n'
            f'[balloon_timer]\nstate_path = {self.folder}\n'
            'connection_uri = x:///\n' + text
        )
        return self.run_bare(f'--config-file={path}', *arguments)

    def run_bare(self, *arguments: str) -> tuple[int, str, str]:
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            fixtures.MonkeyPatch('sys.stdout', stdout),
            fixtures.MonkeyPatch('sys.stderr', stderr),
        ):
            code = status.main(arguments, cfg.ConfigOpts())
        return code, stdout.getvalue(), stderr.getvalue()

    def results(self, text: str = '') -> tuple[int, dict[str, Any]]:
        code, out, err = self.run_with(text, 'upgrade', 'check', '--json')
        self.assertEqual('', err)
        checks = json.loads(out)['checks']
        return code, {check['check']: check for check in checks}

    def test_runs_every_check(self) -> None:
        code, checks = self.results()
        self.assertEqual(_NAMES, list(checks))
        self.assertEqual(2, code)
        self.assertEqual(2, checks['libvirt and QEMU']['result'])
        self.assertEqual(0, checks['Journal']['result'])
        for check in checks.values():
            self.assertTrue(check['details'])

    def test_the_exit_code_is_the_worst(self) -> None:
        code, checks = self.results()
        results = [check['result'] for check in checks.values()]
        self.assertEqual(max(results), code)

    def test_tells_people_in_a_table(self) -> None:
        _, out, _ = self.run_with('', 'upgrade', 'check')
        for name in _NAMES:
            self.assertIn(f'| Check: {name} ', out)

    def test_wrong_usage_is_no_result(self) -> None:
        for arguments in (
            (),
            ('upgrade',),
            ('upgrade', 'fly'),
            ('fly',),
            ('--nonsense', 'upgrade', 'check'),
        ):
            code, out, err = self.run_with('', *arguments)
            self.assertEqual(255, code, str(arguments))
            self.assertEqual('', out)
            self.assertTrue(err.strip())
            self.assertNotIn('Traceback', err)

    def test_help_is_no_error(self) -> None:
        code, out, _ = self.run_with('', '--help')
        self.assertEqual(0, code)
        self.assertIn('upgrade', out)

    def test_a_configuration_that_cannot_be_read_is_one_line(self) -> None:
        for text, words in (
            ('nonsense', 'nonsense'),
            ('workers = many', 'workers'),
            ('workers =', 'workers has no value'),
            ('[libvirt]\nmem_stats_period_seconds = x', 'mem_stats_period'),
        ):
            code, out, err = self.run_with(text, 'upgrade', 'check')
            self.assertEqual(255, code)
            self.assertEqual('', out)
            self.assertIn(words, err)
            self.assertEqual(1, err.count('\n'))


class FoundTestCase(StatusTestCase):
    """What is read where nobody names anything."""

    def setUp(self) -> None:
        super().setUp()
        home = str(self.folder)
        self.useFixture(fixtures.EnvironmentVariable('HOME', home))

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def details(self, check: str) -> str:
        _, out, _ = self.run_bare('upgrade', 'check', '--json')
        checks = json.loads(out)['checks']
        (found,) = [it['details'] for it in checks if it['check'] == check]
        return str(found)

    def test_is_ours_and_of_nova_only_its_own_options(self) -> None:
        self.write(
            '.nova/nova.conf',
            '[balloon_timer]\nconnection_uri = test:///nova\n'
            '[libvirt]\nmem_stats_period_seconds = 7\n',
        )
        self.assertIn('test:///nova', self.details('libvirt and QEMU'))
        self.assertIn('says 7 s', self.details('Statistics period'))
        self.write(
            '.nova-balloon-timer/nova-balloon-timer.conf',
            '[balloon_timer]\nconnection_uri = test:///ours\n',
        )
        self.assertIn('test:///ours', self.details('libvirt and QEMU'))
        self.assertIn('says 7 s', self.details('Statistics period'))
        self.assertNotIn('nova.conf', self.details('Configuration'))

    def test_a_nova_conf_that_makes_no_sense_is_not_ours(self) -> None:
        self.write('.nova/nova.conf', 'nonsense')
        self.write(
            '.nova-balloon-timer/nova-balloon-timer.conf',
            '[balloon_timer]\nconnection_uri = test:///ours\n',
        )
        self.assertIn("Nova's default", self.details('Statistics period'))
