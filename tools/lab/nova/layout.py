# SPDX-License-Identifier: Apache-2.0
"""Say where everything of a lab is: its folders, ports and password."""

from collections.abc import Mapping
import functools
import json
import pathlib
import secrets
import sys
import sysconfig
from typing import Any

from tools.lab import error
from tools.lab import loopback

APIS = ('identity', 'placement', 'image', 'network', 'compute')


class Layout:
    """Hold the folder of a lab, which stays through all its starts.

    The services are those of the environment that we run in ourselves.
    """

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root.resolve()
        self.etc = self.root / 'etc'
        self.log = self.root / 'log'
        self.run = self.root / 'run'
        self.state = self.root / 'state'
        self.prefix = pathlib.Path(sys.prefix)
        self.bin = pathlib.Path(sys.executable).parent

    @functools.cached_property
    def settings(self) -> Mapping[str, Any]:
        """Give the ports and the password, chosen when first asked for."""
        path = self.root / 'settings.json'
        if not path.exists():
            ports = loopback.free_ports(len(APIS))
            made = {
                'password': secrets.token_hex(8),
                'ports': dict(zip(APIS, ports, strict=True)),
            }
            self.root.mkdir(parents=True, exist_ok=True)
            # Whoever reads it commands a nova-compute that is root.
            path.touch(0o600)
            path.write_text(json.dumps(made))
        settings: dict[str, Any] = json.loads(path.read_text())
        return settings

    @property
    def password(self) -> str:
        """Give the password of the cloud's administrator."""
        password: str = self.settings['password']
        return password

    def port(self, api: str) -> int:
        """Give the port that an API is served at."""
        port: int = self.settings['ports'][api]
        return port

    def url(self, api: str) -> str:
        """Give what the clients of an API connect to."""
        return f'http://{loopback.HOST}:{self.port(api)}'

    @property
    def installed_at(self) -> float:
        """Give when the extension was installed, in seconds of the epoch.

        :raises LabError: it is not
        """
        folder = pathlib.Path(sysconfig.get_path('purelib'))
        for record in folder.glob('nova_balloon_timer-*.dist-info/RECORD'):
            return record.stat().st_mtime
        raise error.LabError(f'nova-balloon-timer is not in {folder}')

    def lay_out(self) -> None:
        """Make the folders; what is there already stays."""
        self.root.mkdir(parents=True, exist_ok=True)
        self.root.chmod(0o755)
        instances = self.state / 'nova' / 'instances'
        for folder in (self.etc, self.log, self.run, instances):
            folder.mkdir(parents=True, exist_ok=True)
        self.etc.chmod(0o700)
