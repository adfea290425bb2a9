# SPDX-License-Identifier: Apache-2.0
"""Make the certificates of a broker and of its clients."""

import pathlib

from tools.lab import command

_DAYS = '30'
_NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1'


def make(folder: pathlib.Path) -> None:
    """Make an authority that signs a server's certificate and a client's.

    They are ``ca.pem``, ``server.pem`` and ``client.pem``, with a ``.key``
    beside each. What is there already stays.
    """
    if (folder / 'client.pem').exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    _request(folder, 'ca', '-x509', '-days', _DAYS)
    for name in ('server', 'client'):
        _request(folder, name, '-addext', _NAMES)
        command.run(
            *('openssl', 'x509', '-req', '-copy_extensions', 'copy'),
            *('-CA', 'ca.pem', '-CAkey', 'ca.key', '-days', _DAYS),
            *('-in', f'{name}.pem', '-out', f'{name}.pem'),
            cwd=folder,
        )


def _request(folder: pathlib.Path, name: str, *words: str) -> None:
    """Make a key, and a certificate or the request for one."""
    command.run(
        *('openssl', 'req', '-newkey', 'ec', '-nodes'),
        *('-pkeyopt', 'ec_paramgen_curve:prime256v1'),
        *('-subj', f'/CN={name}', '-keyout', f'{name}.key'),
        *('-out', f'{name}.pem', *words),
        cwd=folder,
    )
