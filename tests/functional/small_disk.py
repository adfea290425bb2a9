# SPDX-License-Identifier: Apache-2.0
"""A journal on a file system that is soon full."""

import os

from tests.functional import agent
from tools.lab import command

_DISK_KIB = 640


class SmallDiskTest(agent.AgentTest):
    """A test whose state is on a little disk of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.state_path.mkdir()
        command.run(
            'mount',
            '-t',
            'tmpfs',
            '-o',
            f'size={_DISK_KIB}k',
            'tmpfs',
            self.state_path,
        )
        self.addCleanup(command.run, 'umount', '--lazy', self.state_path)
        self.ballast = self.state_path / 'ballast'

    def fill(self) -> None:
        """Leave no page free."""
        with self.ballast.open('wb', buffering=0) as file:
            try:
                while True:
                    file.write(bytes(os.sysconf('SC_PAGE_SIZE')))
            except OSError:
                pass

    def free(self) -> None:
        """Have room again."""
        self.ballast.unlink()
