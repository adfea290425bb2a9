# SPDX-License-Identifier: Apache-2.0
"""Give a fresh keystone its keys, its administrator and its catalog."""

import base64
import pathlib
import secrets

import openstack

from tools.lab import command
from tools.lab.nova import configuration
from tools.lab.nova import layout as lab_layout

# By type, as keystone's catalog and its clients know them.
_CATALOG = {
    'compute': 'v2.1',
    'image': '',
    'network': '',
    'placement': '',
}


def make_keys(layout: lab_layout.Layout) -> None:
    """Make the keys of tokens and credentials, unless they are there.

    It is what keystone-manage does, which takes 2 s for each kind.
    """
    for name in ('fernet-keys', 'credential-keys'):
        folder = layout.state / 'keystone' / name
        if not folder.exists():
            folder.mkdir(mode=0o700, parents=True)
            for number in ('0', '1'):
                _write_key(folder / number)


def bootstrap(
    layout: lab_layout.Layout, written: configuration.Configuration
) -> None:
    """Make the administrator, and say where keystone is."""
    command.run(
        layout.bin / 'keystone-manage',
        f'--config-file={written.keystone}',
        'bootstrap',
        *('--bootstrap-password', layout.password),
        *('--bootstrap-region-id', configuration.REGION),
        *('--bootstrap-public-url', layout.url('identity')),
        *('--bootstrap-internal-url', layout.url('identity')),
        cwd=layout.root,
    )


def fill_catalog(
    cloud: openstack.connection.Connection, layout: lab_layout.Layout
) -> None:
    """Say where all the other APIs are."""
    known = {it.type for it in cloud.identity.services()}
    for kind, path in _CATALOG.items():
        if kind in known:
            continue
        made = cloud.identity.create_service(type=kind, name=kind)
        for interface in ('internal', 'public'):
            cloud.identity.create_endpoint(
                service_id=made.id,
                interface=interface,
                region_id=configuration.REGION,
                url=f'{layout.url(kind)}/{path}',
            )


def _write_key(path: pathlib.Path) -> None:
    path.touch(0o600)
    path.write_bytes(base64.urlsafe_b64encode(secrets.token_bytes(32)))
