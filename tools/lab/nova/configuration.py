# SPDX-License-Identifier: Apache-2.0
"""Write the configuration of the lab's services.

What is not said here is left as the services have it by default.
"""

from collections.abc import Mapping
import pathlib
from typing import Any

from tools.lab.nova import layout as lab_layout

# The options of a file, by group.
Groups = Mapping[str, Mapping[str, Any]]

USER = 'admin'
REGION = 'RegionOne'
HOST_NAME = 'compute1'

_NO_SUDO = (
    'nova_sys_admin',
    'privsep_osbrick',
    'vif_plug_linux_bridge_privileged',
    'vif_plug_ovs_privileged',
)


def ini(groups: Groups) -> str:
    """Write options as a configuration file has them."""
    lines: list[str] = []
    for group, values in groups.items():
        lines.append(f'[{group}]')
        lines += [f'{name} = {value}' for name, value in values.items()]
    return '\n'.join([*lines, ''])


def merged(groups: Groups, more: Groups) -> Groups:
    """Add options, or put them in the place of those that are there."""
    return {
        name: {**groups.get(name, {}), **more.get(name, {})}
        for name in {**groups, **more}
    }


class Configuration:
    """Write what the services read, each below ``layout.etc``.

    :param rabbit_url: the message bus
    :param libvirt_uri: what nova-compute, and our own command, connect to
    """

    def __init__(
        self, layout: lab_layout.Layout, rabbit_url: str, libvirt_uri: str
    ) -> None:
        self._layout = layout
        self._rabbit_url = rabbit_url
        self._libvirt_uri = libvirt_uri
        self.keystone = layout.etc / 'keystone.conf'
        self.placement = layout.etc / 'placement.conf'
        self.glance = layout.etc / 'glance-api.conf'
        self.nova = layout.etc / 'nova.conf'
        self.nova_database = layout.etc / 'nova-database.conf'
        self.nova_compute = layout.etc / 'nova-compute.conf'
        self.api_paste = layout.prefix / 'etc' / 'nova' / 'api-paste.ini'

    @property
    def compute_files(self) -> tuple[pathlib.Path, ...]:
        """Give what nova-compute reads, and our own command may read."""
        return self.nova, self.nova_compute

    def write(self, compute_options: Groups) -> bool:
        """Write all files.

        :param compute_options: what nova-compute is told beside the rest
        :returns: whether nova-compute is told something else than before
        """
        self._write(self.keystone, self._keystone())
        self._write(self.placement, self._placement())
        self._write(self.glance, self._glance())
        self._write(self.nova, self._nova())
        self._write(
            self.nova_database,
            {
                'api_database': self._database('nova_api'),
                'database': self._database('nova_cell1'),
            },
        )
        path = self.nova_compute
        before = path.read_text() if path.exists() else ''
        self._write(path, merged(self._compute(), compute_options))
        return before != path.read_text()

    def _write(self, path: pathlib.Path, groups: Groups) -> None:
        path.write_text(ini(groups))

    def _database(self, name: str) -> dict[str, Any]:
        socket = self._layout.run / 'mariadb.sock'
        return {
            'connection': f'mysql+pymysql://root@localhost/{name}'
            f'?charset=utf8mb4&unix_socket={socket}',
            'max_pool_size': 5,
            'max_overflow': 20,
        }

    def _client(self) -> dict[str, Any]:
        """Give by what a service is a client of another."""
        return {
            'auth_url': self._layout.url('identity'),
            'auth_type': 'password',
            'username': USER,
            'password': self._layout.password,
            'project_name': USER,
            'user_domain_id': 'default',
            'project_domain_id': 'default',
            'region_name': REGION,
        }

    def _authtoken(self) -> dict[str, Any]:
        url = self._layout.url('identity')
        return {
            'www_authenticate_uri': url,
            **self._client(),
            'service_token_roles_required': True,
        }

    def _keystone(self) -> Groups:
        state = self._layout.state / 'keystone'
        keys = {'key_repository': state / 'fernet-keys'}
        return {
            'database': self._database('keystone'),
            'token': {'provider': 'fernet', 'expiration': 7 * 86400},
            'fernet_receipts': keys,
            'fernet_tokens': keys,
            'credential': {'key_repository': state / 'credential-keys'},
            'cache': {'enabled': True, 'backend': 'dogpile.cache.memory'},
            # Nobody is to be kept from guessing here.
            'identity': {'password_hash_rounds': 4},
        }

    def _placement(self) -> Groups:
        return {
            'placement_database': self._database('placement'),
            'keystone_authtoken': self._authtoken(),
        }

    def _glance(self) -> Groups:
        state = self._layout.state / 'glance'
        paste = self._layout.prefix / 'etc' / 'glance'
        return {
            'DEFAULT': {
                'enabled_backends': 'file:file',
                'enabled_import_methods': '[]',
                'worker_self_reference_url': self._layout.url('image'),
            },
            'database': self._database('glance'),
            'glance_store': {'default_backend': 'file'},
            'file': {'filesystem_store_datadir': state / 'images'},
            'os_glance_staging_store': {
                'filesystem_store_datadir': state / 'staging'
            },
            'os_glance_tasks_store': {
                'filesystem_store_datadir': state / 'tasks'
            },
            'paste_deploy': {
                'flavor': 'keystone',
                'config_file': paste / 'glance-api-paste.ini',
            },
            'keystone_authtoken': self._authtoken(),
        }

    def _nova(self) -> Groups:
        state = self._layout.state / 'nova'
        return {
            'DEFAULT': {
                'concurrency_backend': 'threading',
                'host': HOST_NAME,
                'my_ip': '127.0.0.1',
                'state_path': state,
                'transport_url': self._rabbit_url,
                'allow_resize_to_same_host': True,
                # NOTE: so long do threads keep nova-compute from ending.
                'graceful_shutdown_timeout': 12,
                'manager_shutdown_timeout': 3,
                'periodic_fuzzy_delay': 0,
            },
            'wsgi': {'api_paste_config': self.api_paste},
            'oslo_concurrency': {'lock_path': state / 'locks'},
            'notifications': {
                'notification_format': 'both',
                'notify_on_state_change': 'vm_and_task_state',
            },
            'oslo_messaging_notifications': {'driver': 'messagingv2'},
            # What was sent outlives the broker.
            'oslo_messaging_rabbit': {'amqp_durable_queues': True},
            'vnc': {'enabled': False},
            'scheduler': {
                'workers': 1,
                'discover_hosts_in_cells_interval': 2,
            },
            'conductor': {'workers': 1},
            'filter_scheduler': {'track_instance_changes': False},
            'glance': {'endpoint_override': self._layout.url('image')},
            'keystone_authtoken': self._authtoken(),
            'placement': self._client(),
            'neutron': self._client(),
            'service_user': {
                **self._client(),
                'send_service_user_token': True,
            },
        }

    def _compute(self) -> Groups:
        files = ' '.join(f'--config-file {it}' for it in self.compute_files)
        helper = f'{self._layout.bin}/privsep-helper {files}'
        return {
            'DEFAULT': {
                'compute_driver': 'libvirt.LibvirtDriver',
                'compute_monitors': 'cpu.balloon_timer',
                'heal_instance_info_cache_interval': -1,
                'cpu_allocation_ratio': 16,
                'ram_allocation_ratio': 4,
                # The lab's guests do not listen to the button.
                'shutdown_timeout': 2,
            },
            'libvirt': {
                'virt_type': 'qemu',
                'cpu_mode': 'none',
                'connection_uri': self._libvirt_uri,
                'images_type': 'raw',
            },
            # We are root: no sudo, no rootwrap.
            'workarounds': {'disable_rootwrap': True},
            **{name: {'helper_command': helper} for name in _NO_SUDO},
            'balloon_timer': {
                'connection_uri': self._libvirt_uri,
                'state_path': self._layout.state / 'balloon-timer',
            },
        }
