# SPDX-License-Identifier: Apache-2.0

import subprocess
import sys
from typing import Any

import fixtures
import testscenarios

from tests.unit import base
from tests.unit.cmd import command_line


class MainTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())

    def test_help_lists_the_commands(self) -> None:
        result = self.shell.run('--help')
        self.assertEqual(0, result.exit_code)
        for name in ('apply', 'guest list', 'report', 'simulate'):
            self.assertIn(f'\n  {name} ', result.stdout)

    def test_help_of_a_command_tells_its_exit_codes(self) -> None:
        result = self.shell.run('apply', '--help')
        self.assertEqual(0, result.exit_code)
        self.assertIn('Exit code: 0 if all ended', result.stdout)
        self.assertIn('50% of its full memory', result.stdout)

    def test_version(self) -> None:
        result = self.shell.run('--version')
        self.assertEqual(0, result.exit_code)
        self.assertRegex(result.stdout, r'\d+\.\d+')

    def test_reads_the_configuration_that_it_is_given(self) -> None:
        self.shell.configuration = (
            '[balloon_timer]\nconnection_uri = test:///x\napplier = other\n'
        )
        self.assertEqual(
            0, self.shell.run('guest', 'list', '--local').exit_code
        )
        self.assertEqual([('other', 'test:///x')], self.shell.loaded)


class StartTestCase(base.TestCase):
    def test_no_command_waits_for_what_only_others_need(self) -> None:
        script = (
            'import sys; from nova_balloon_timer.cmd import main; '
            'main.BalloonTimerApp(); print(*sys.modules)'
        )
        loaded = subprocess.run(
            [sys.executable, '-c', script],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        self.assertIn('nova_balloon_timer.cmd.watch.command', loaded)
        for name in (
            'nova_balloon_timer.agent.agent',
            'nova_balloon_timer.rpc.api',
            'oslo_messaging',
            'prometheus_client',
            'sqlite3',
        ):
            self.assertNotIn(name, loaded)

    def test_ctrl_c_is_told_by_the_exit_code_alone(self) -> None:
        def interrupt(*words: Any) -> None:
            raise KeyboardInterrupt

        shell = self.useFixture(command_line.CommandLine())
        self.useFixture(
            fixtures.MonkeyPatch('stevedore.ExtensionManager', interrupt)
        )
        result = shell.run('guest', 'list')
        self.assertEqual((130, ''), (result.exit_code, result.stderr))


class ConfigurationTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('out of bounds', {'text': 'workers = 0', 'words': 'workers'}),
        ('no number', {'text': 'floor_percent = x', 'words': 'floor_percent'}),
        ('no option', {'text': 'nonsense', 'words': 'nonsense'}),
        ('not a number', {'text': 'leash_seconds = nan', 'words': 'leash'}),
        ('nothing', {'text': 'workers =', 'words': 'workers'}),
    ]
    text: str
    words: str

    def test_an_error_is_told_in_words(self) -> None:
        shell = self.useFixture(command_line.CommandLine())
        shell.host.add('web-01')
        shell.configuration = f'[balloon_timer]\n{self.text}\n'
        result = shell.run(
            'apply', 'web-01', '--target', '50%', '--duration', '1s'
        )
        self.assertIn(result.exit_code, (1, 2))
        self.assertIn(self.words, result.stderr)
        self.assertNotIn('Traceback', result.stderr)


class UsageTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('unknown command', {'arguments': ['fly'], 'words': 'fly'}),
        ('no target', {'arguments': ['apply', 'a'], 'words': '--target'}),
        (
            'unknown option',
            {
                'arguments': ['guest', 'list', '--nonsense'],
                'words': '--nonsense',
            },
        ),
    ]
    arguments: list[str]
    words: str

    def test_is_wrong(self) -> None:
        shell = self.useFixture(command_line.CommandLine())
        result = shell.run(*self.arguments)
        self.assertEqual(2, result.exit_code)
        self.assertIn(self.words, result.stdout + result.stderr)
        self.assertEqual([], shell.loaded)


class MissingConfigurationTestCase(base.TestCase):
    def test_is_an_error(self) -> None:
        shell = self.useFixture(command_line.CommandLine())
        arguments = (
            '--config-file',
            '/nonexistent',
            'guest',
            'list',
            '--local',
        )
        result = shell.run(*arguments)
        self.assertEqual(1, result.exit_code)
        self.assertIn('/nonexistent', result.stderr)
        self.assertNotIn('Traceback', result.stderr)
        result = shell.run('--debug', *arguments)
        self.assertEqual(1, result.exit_code)
        self.assertIn('Traceback', result.stderr)
        self.assertIn('nova-balloon-timer: the conf', result.stderr)
