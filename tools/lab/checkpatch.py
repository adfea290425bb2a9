# SPDX-License-Identifier: Apache-2.0
"""Get the kernel's checkpatch, which Debian has in the kernel's source."""

import pathlib

from tools.lab import archive
from tools.lab import cache
from tools.lab import command

_SOURCE = 'linux-source'
_SCRIPTS = ('checkpatch.pl', 'const_structs.checkpatch', 'spelling.txt')


def ensure() -> pathlib.Path:
    """Give the script's path; the first time takes a download of 140 MB.

    :raises LabError: the source cannot be had.
    """
    debian = archive.Archive()
    directory = cache.folder('checkpatch')
    if not directory.exists():
        debian.attempt(lambda: _fill(debian, directory))
    return directory / _SCRIPTS[0]


def _fill(debian: archive.Archive, directory: pathlib.Path) -> None:
    package = debian.needs(_SOURCE)[0]
    with cache.made(directory) as made:
        unpacked = made.with_name('unpacked')
        debian.unpack([package], unpacked)
        (source,) = (unpacked / 'usr' / 'src').glob('*.tar.xz')
        wanted = (f'{package}/scripts/{name}' for name in _SCRIPTS)
        command.run(
            'tar',
            '--extract',
            '--strip-components=2',
            f'--directory={made}',
            f'--file={source}',
            *wanted,
        )
