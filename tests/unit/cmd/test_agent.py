# SPDX-License-Identifier: Apache-2.0

import pathlib

import fixtures
from oslo_config import cfg

from tests.unit import base
from tests.unit.cmd import command_line


class AgentCommandTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.agent.service.run', self._serve
            )
        )

    def _serve(self, conf: cfg.ConfigOpts) -> int:
        self.conf = conf
        # NOTE: the group is one for all configurations of this process.
        for name in ('state_path', 'connection_uri'):
            self.addCleanup(conf.clear_override, name, 'balloon_timer')
        return 0

    def run_it(self, *arguments: str) -> cfg.ConfigOpts:
        result = self.shell.run(*arguments)
        self.assertEqual(0, result.exit_code, result.stderr)
        return self.conf

    def test_a_log_file_is_one_of_the_service_as_well(self) -> None:
        path = self.folder / 'agent.log'
        conf = self.run_it('--log-file', str(path), 'agent')
        self.assertEqual(str(path), conf.log_file)
        self.assertFalse(conf.debug)
        self.assertIsNone(self.run_it('agent').log_file)

    def test_to_be_verbose_is_to_debug(self) -> None:
        for argument in ('-v', '--debug'):
            self.assertTrue(self.run_it(argument, 'agent').debug)

    def test_to_be_quiet_is_to_warn(self) -> None:
        level = 'nova_balloon_timer=WARNING'
        self.assertNotIn(level, self.run_it('agent').default_log_levels)
        levels = self.run_it('-q', 'agent').default_log_levels
        self.assertIn(level, levels)
        self.assertIn('stevedore=WARN', levels)

    def test_what_is_empty_is_not_given(self) -> None:
        self.shell.configuration = (
            f'[balloon_timer]\nstate_path = {self.folder}\n'
            'connection_uri = test:///x\n'
        )
        conf = self.run_it('agent', '--state-path', '', '--connect', '')
        self.assertEqual(str(self.folder), conf.balloon_timer.state_path)
        self.assertEqual('test:///x', conf.balloon_timer.connection_uri)

    def test_what_is_given_is_used(self) -> None:
        conf = self.run_it(
            'agent', '--state-path', '/x', '--connect', 'test:///y'
        )
        self.assertEqual('/x', conf.balloon_timer.state_path)
        self.assertEqual('test:///y', conf.balloon_timer.connection_uri)
