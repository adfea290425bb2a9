# SPDX-License-Identifier: Apache-2.0
"""Make a kernel's header packages usable where they were unpacked."""

import pathlib

from tools.lab import archive
from tools.lab import error

_IMAGE = 'linux-image-'
_HEADERS = 'linux-headers-'
_SOURCES = pathlib.Path('usr', 'src')
_PARENT = '$(dir $(lastword $(MAKEFILE_LIST)))..'  # of the folder


def packages(kernel: str, debian: archive.Archive) -> list[str]:
    """Name what has the headers of a kernel, and what they need.

    The compiler is not among it: the one of this machine has to do.

    :param kernel: the package with its image, and ``=VERSION``.
    :raises LabError: there are none.
    """
    name, _, version = kernel.removeprefix(_IMAGE).partition('=')
    headers = _HEADERS + name
    needs = [it for it in debian.needs(headers) if 'compiler' not in it]
    return [f'{headers}={version}', *needs]


def relocate(unpacked: pathlib.Path) -> pathlib.Path:
    """Have unpacked headers find each other wherever they are.

    :returns: the folder that a module is built against.
    :raises LabError: there are no headers, or those of several kernels.
    """
    configured = list((unpacked / _SOURCES).glob(f'{_HEADERS}*/.config'))
    if len(configured) != 1:
        raise error.LabError(f'no headers of one kernel in {unpacked}')
    build = configured[0].parent
    makefile = build / 'Makefile'
    text = makefile.read_text()
    makefile.write_text(text.replace(f' /{_SOURCES}/', f' {_PARENT}/'))
    return build


def find(unpacked: pathlib.Path) -> pathlib.Path:
    """Find again what ``relocate`` returned."""
    (configured,) = (unpacked / _SOURCES).glob(f'{_HEADERS}*/.config')
    return configured.parent


def release(build: pathlib.Path) -> str:
    """Say which kernel the headers are of, as its ``uname -r`` does."""
    header = (build / 'include/generated/utsrelease.h').read_text()
    return header.split('"')[1]
