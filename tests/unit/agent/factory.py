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

    :param groups: options of other groups, by the groups' names
    """

    def __init__(
        self,
        groups: Mapping[str, Mapping[str, Any]] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._groups = groups or {}
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
        groups = {**self._groups, 'balloon_timer': self._options}
        self.path.write_text(
            ''.join(
                f'[{group}]\n'
                + ''.join(f'{k} = {_text(v)}\n' for k, v in values.items())
                for group, values in groups.items()
            )
        )


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return ','.join(f'{key}:{item}' for key, item in value.items())
    return ','.join(value) if isinstance(value, list) else str(value)
