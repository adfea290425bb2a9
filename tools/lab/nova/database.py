# SPDX-License-Identifier: Apache-2.0
"""Run a MariaDB of our own, which nobody reaches but by its socket.

It lets the user in who runs it, and needs no password. Nothing in it has to
survive a crash of the machine.
"""

import pathlib
import shutil
import string
import tarfile
import tempfile

from tools.lab import command
from tools.lab import error
from tools.lab import process
from tools.lab.nova import layout as lab_layout
from tools.lab.nova import service

_START_SECONDS = 30
_CONFIG = string.Template("""\
[mariadbd]
user = root
datadir = $data
socket = $socket
skip-networking
skip-log-bin
performance_schema = OFF
character-set-server = utf8mb4
max_connections = 300
innodb_buffer_pool_size = 96M
innodb_log_file_size = 16M
innodb_flush_log_at_trx_commit = 0
innodb_flush_method = nosync
innodb_doublewrite = 0
""")


class PrivateMariaDB:
    """Own a MariaDB and its data, all below one folder."""

    def __init__(self, layout: lab_layout.Layout) -> None:
        self.data = layout.state / 'mariadb'
        self._socket = layout.run / 'mariadb.sock'
        self._config = layout.etc / 'mariadb.cnf'
        daemon = shutil.which('mariadbd', path='/usr/sbin:/usr/local/sbin')
        self._installed = daemon is not None
        self.service = service.Service(
            layout,
            'mariadb',
            [daemon or 'mariadbd', f'--defaults-file={self._config}'],
        )

    def start(self) -> None:
        """Start it unless it runs, and wait until it answers.

        :raises LabError: it is not installed, or does not come up
        """
        if not self._installed:
            raise error.LabError('mariadb-server is not installed')
        self._config.write_text(
            _CONFIG.substitute(data=self.data, socket=self._socket)
        )
        if not self.data.exists():
            command.run(
                'mariadb-install-db',
                f'--defaults-file={self._config}',
                '--skip-test-db',
            )
        self.service.start()
        process.wait_until(
            lambda: self.service.pid is None or self._answers(),
            _START_SECONDS,
        )
        self.service.check()

    def create(self, *names: str) -> None:
        """Create empty databases."""
        self.execute(';'.join(f'create database {name}' for name in names))

    def save(self, path: pathlib.Path) -> None:
        """Put all data, while nobody changes it, into a file."""
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            fresh = pathlib.Path(folder) / 'fresh'
            with tarfile.open(fresh, 'w') as archive:
                archive.add(self.data, arcname=self.data.name)
            fresh.rename(path)

    def restore(self, path: pathlib.Path) -> None:
        """Begin with the data of such a file."""
        command.run('tar', '-C', self.data.parent, '-xf', path)

    def execute(self, statements: str) -> None:
        """Have it run statements, with semicolons between them."""
        command.run(
            *('mariadb', '--no-defaults', f'--socket={self._socket}'),
            *('--execute', statements),
        )

    def _answers(self) -> bool:
        try:
            self.execute('select 1')
        except error.LabError:
            return False
        return True
