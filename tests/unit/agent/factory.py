# SPDX-License-Identifier: Apache-2.0
"""What the tests of the agent share."""

from collections.abc import Mapping
import pathlib
from typing import Any

import fixtures
from oslo_config import cfg

from nova_balloon_timer.conf import opts


class Configuration(fixtures.Fixture):
    """A configuration file, and what was read from it.

    NOTE: not overrides, which all configurations of a process share.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__()
        self._options = options

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = folder / 'nova.conf'
        self.conf = cfg.ConfigOpts()
        opts.register_opts(self.conf)
        opts.register_nova_opts(self.conf)
        self.write()
        self.conf(
            ['--config-file', str(self.path)],
            project='none',
            default_config_dirs=[],
        )

    def write(self, **options: Any) -> None:
        """Write the file anew, with these options changed."""
        self._options |= options
        lines = [f'{k} = {_text(v)}\n' for k, v in self._options.items()]
        self.path.write_text('[balloon_timer]\n' + ''.join(lines))


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ','.join(f'{key}:{item}' for key, item in value.items())
    return ','.join(value) if isinstance(value, list) else str(value)
