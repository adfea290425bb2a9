# SPDX-License-Identifier: Apache-2.0
"""What the tests of commands that ask an agent share."""

from typing import Any

from tests.unit import base
from tests.unit.cmd import command_line
from tests.unit.cmd.remote import fake_agent


class RemoteTestCase(base.TestCase):
    """Runs commands on the host of one agent."""

    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.shell.configuration = f'[DEFAULT]\nhost = {fake_agent.HOST}\n'
        self.agents = self.useFixture(fake_agent.FakeAgents())
        self.agent = self.agents.agent

    def run_json(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        """Run a command that prints rows, and return them."""
        result = self.shell.run(*arguments, '-f', 'json')
        self.assertEqual(code, result.exit_code, result.stderr)
        return result.rows

    def run_show(self, *arguments: str) -> dict[str, Any]:
        """Run a command that prints one thing, and return it."""
        result = self.shell.run(*arguments, '-f', 'json')
        self.assertEqual(0, result.exit_code, result.stderr)
        fields: Any = result.rows
        assert isinstance(fields, dict)
        return fields

    def assert_one_line(self, words: str, code: int, *arguments: str) -> None:
        """See a command end with one line on stderr, and nothing else."""
        result = self.shell.run(*arguments)
        self.assertEqual(code, result.exit_code, result.stderr)
        self.assertIn(words, result.stderr)
        self.assertEqual(1, result.stderr.count('\n'), result.stderr)
        self.assertEqual('', result.stdout)

    @property
    def called(self) -> list[str]:
        """The names of what the agent was asked."""
        return [name for name, _ in self.agent.calls]
