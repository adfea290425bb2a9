# SPDX-License-Identifier: Apache-2.0
"""An agent that is asked over a real message bus."""

import json
import pathlib
from typing import Any

from oslo_utils import uuidutils

from tests.functional import agent
from tests.functional import bus
from tests.functional import command


class RemoteTest(agent.AgentTest):
    """A test with an agent, of a host of its own, on the shared bus."""

    def setUp(self) -> None:
        super().setUp()
        self.bus = bus.shared()
        self.host_name = f'lab-{uuidutils.generate_uuid()[:8]}'

    def configure(self, **options: Any) -> pathlib.Path:
        """Write the configuration, with the host's name and the bus."""
        path = super().configure(**options)
        groups = bus.options(self.bus)
        groups['DEFAULT']['host'] = self.host_name
        path.write_text(bus.ini(groups) + path.read_text())
        return path

    def serve(self, **options: Any) -> agent.RunningAgent:
        """Start an agent, and wait until it can be asked."""
        running = self.launch(**options)
        running.wait_said('RPC is served')
        running.wait_ready()
        return running

    @property
    def option(self) -> str:
        """Name the configuration of the test."""
        return f'--config-file={self.folder / "agent.conf"}'

    def ask(self, *words: str) -> command.Result:
        """Run a command that asks the agent."""
        return command.run(self.option, *words)

    def begin_ask(self, *words: str) -> command.Running:
        """Start one."""
        return self.begin(self.option, *words)

    def ask_json(self, *words: str, code: int = 0) -> Any:
        """Run one, and read what it prints."""
        result = self.ask(*words, '--format=json')
        self.assertEqual(code, result.code, str(result))
        return json.loads(result.out)

    def create(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        """Have policies made, without a reserve."""
        rows: list[dict[str, Any]] = self.ask_json(
            'policy', 'create', '--reserve=0', *words, code=code
        )
        return rows
