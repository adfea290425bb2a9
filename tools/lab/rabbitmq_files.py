# SPDX-License-Identifier: Apache-2.0
"""What a RabbitMQ of our own is given: its folder, ports and environment."""

from collections.abc import Mapping
import contextlib
import functools
import json
import os
import pathlib
import secrets
import string

from tools.lab import certificate
from tools.lab import loopback

# Debian's rabbitmq-server, past the wrapper that becomes another user.
PROGRAM = pathlib.Path('/usr/lib/rabbitmq/bin/rabbitmq-server')

_USER = 'lab'
_PORT_NAMES = ('amqp_port', 'tls_port', 'erlang_port', 'epmd_port')

_CONFIG = string.Template("""\
[{rabbit, [
  {tcp_listeners, [{"127.0.0.1", $amqp_port}]},
  $tls
  {default_user, <<"$user">>},
  {default_pass, <<"$password">>},
  {vm_memory_high_watermark, {absolute, "512MiB"}},
  {disk_free_limit, "50MB"}
 ]},
 {kernel, [{inet_dist_use_interface, {127,0,0,1}}]}].
""")
_TLS_CONFIG = string.Template("""\
{ssl_listeners, [{"127.0.0.1", $tls_port}]},
  {ssl_options, [
    {cacertfile, "$folder/ca.pem"},
    {certfile, "$folder/server.pem"},
    {keyfile, "$folder/server.key"},
    {verify, verify_peer},
    {fail_if_no_peer_cert, true}
  ]},""")


class RabbitMQFiles:
    """Lay out the folder of a broker, which stays through all its starts."""

    def __init__(self, root: pathlib.Path, *, tls: bool) -> None:
        self.root = root
        self.tls_folder = root / 'tls'
        self._tls = tls

    @functools.cached_property
    def settings(self) -> Mapping[str, str]:
        """Give the broker's ports and its password."""
        path = self.root / 'settings.json'
        if not path.exists():
            self.root.mkdir(parents=True, exist_ok=True)
            ports = loopback.free_ports(len(_PORT_NAMES))
            made = dict(zip(_PORT_NAMES, map(str, ports), strict=True))
            made['password'] = secrets.token_hex(8)
            path.write_text(json.dumps(made))
        settings: dict[str, str] = json.loads(path.read_text())
        return settings

    def url(self, port_name: str) -> str:
        """Give what clients connect to."""
        password, port = self.settings['password'], self.settings[port_name]
        return f'rabbit://{_USER}:{password}@{loopback.HOST}:{port}/'

    def log(self, name: str) -> pathlib.Path:
        """Say where a program's output goes."""
        return self.root / 'log' / f'{name}.log'

    def lay_out(self) -> None:
        """Make what the broker reads; what it has written stays."""
        for name in ('home', 'log', 'plugins', 'state'):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        tls = ''
        if self._tls:
            certificate.make(self.tls_folder)
            tls = _TLS_CONFIG.substitute(self.settings, folder=self.tls_folder)
        config = _CONFIG.substitute(self.settings, user=_USER, tls=tls)
        (self.root / 'rabbitmq.config').write_text(config)
        self._link_server()

    def environment(self) -> dict[str, str]:
        """Give what keeps the broker's programs inside the folder."""
        return {
            'PATH': os.environ['PATH'],
            'HOME': str(self.home),
            'LC_ALL': 'C.UTF-8',
            'ERL_EPMD_ADDRESS': loopback.HOST,
            'ERL_EPMD_PORT': self.settings['epmd_port'],
            'RABBITMQ_ADVANCED_CONFIG_FILE': f'{self.root}/none',
            'RABBITMQ_CONFIG_FILE': f'{self.root}/rabbitmq.config',
            'RABBITMQ_CONF_ENV_FILE': f'{self.root}/none',
            'RABBITMQ_DIST_PORT': self.settings['erlang_port'],
            'RABBITMQ_ENABLED_PLUGINS_FILE': f'{self.root}/none',
            'RABBITMQ_LOGS': '-',
            'RABBITMQ_LOG_BASE': f'{self.root}/log',
            'RABBITMQ_MNESIA_BASE': f'{self.root}/state',
            'RABBITMQ_NODENAME': 'rabbit@localhost',
            'RABBITMQ_PLUGINS_DIR': f'{self.root}/plugins',
            'RABBITMQ_SCRIPTS_DIR': f'{self.root}/bin',
            'RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS': '+S 2:2',
            # The script becomes the broker, rather than its parent.
            'RUNNING_UNDER_SYSTEMD': 'true',
        }

    @property
    def home(self) -> pathlib.Path:
        """Give where Erlang keeps its cookie; no other program lives there."""
        return self.root / 'home'

    def _link_server(self) -> None:
        """Show the server no plugins: it starts in half the time.

        For each module that it loads, Erlang looks into every folder there.
        """
        links = {'bin': PROGRAM.parent}
        for source in PROGRAM.resolve().parents[1].glob('plugins/*-*'):
            name, _, _ = source.name.partition('-')
            if name == 'rabbitmq_prelaunch' or 'rabbitmq_' not in name:
                links[f'plugins/{source.name}'] = source
        for name, source in links.items():
            with contextlib.suppress(FileExistsError):
                (self.root / name).symlink_to(source)
