# SPDX-License-Identifier: Apache-2.0
"""The command as a shell would run it, on a host in memory."""

from collections.abc import Sequence
import dataclasses
import io
import json
import logging
import pathlib
from typing import Any

import fixtures
from oslo_config import cfg

from nova_balloon_timer.cmd import main
from tests.unit.appliers import memory


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command left behind."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of ``-f json``."""
        rows: list[dict[str, Any]] = json.loads(self.stdout)
        return rows


class CommandLine(fixtures.Fixture):
    """Runs commands with a configuration, an applier and streams of its own.

    :ivar loaded: (name, uri) of each applier that was asked for
    :ivar conf: what the last command was configured with
    """

    def __init__(self) -> None:
        super().__init__()
        self.host = memory.MemoryHost()
        self.loaded: list[tuple[str, str]] = []
        self.configuration = ''
        self.conf = cfg.ConfigOpts()

    def _setUp(self) -> None:
        self.useFixture(self.host)
        self._directory = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path
        )
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.appliers.loader.load', self._load
            )
        )

    def run(self, *arguments: str) -> Result:
        """Run one command to its end."""
        path = self._directory / 'nova-balloon-timer.conf'
        path.write_text(self.configuration)
        return self.run_bare('--config-file', str(path), *arguments)

    def run_bare(self, *arguments: str) -> Result:
        """Run one with the configuration that it finds."""
        self.conf = cfg.ConfigOpts()
        stdout, stderr = io.StringIO(), io.StringIO()
        with (
            RootLogger(),
            fixtures.MonkeyPatch('sys.stdout', stdout),
            fixtures.MonkeyPatch('sys.stderr', stderr),
        ):
            exit_code = _exit_code(arguments, self.conf)
        return Result(
            exit_code=exit_code,
            stdout=stdout.getvalue(),
            stderr=stderr.getvalue(),
        )

    def _load(self, name: str, uri: str) -> memory.MemoryApplier:
        self.loaded.append((name, uri))
        return self.host.applier


def _exit_code(arguments: Sequence[str], conf: cfg.ConfigOpts) -> int:
    try:
        return main.main(arguments, conf)
    except SystemExit as end:
        return int(end.code or 0)


class RootLogger(fixtures.Fixture):
    """Puts the root logger back, to which cliff adds its handlers."""

    def _setUp(self) -> None:
        root = logging.getLogger()
        self.addCleanup(setattr, root, 'handlers', list(root.handlers))
        self.addCleanup(root.setLevel, root.level)
