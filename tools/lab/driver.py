# SPDX-License-Identifier: Apache-2.0
"""Build the guests' timed balloon driver against a kernel's headers."""

import hashlib
import os
import pathlib
import shutil
import subprocess

from tools.lab import error

NAME = 'timed_balloon'

_SOURCE = pathlib.Path(__file__).resolve().parents[2] / 'guest' / NAME
_PATTERNS = ('*.[ch]', 'Kbuild', 'Makefile')


def sources() -> list[pathlib.Path]:
    """Give the driver's source files."""
    return sorted(it for each in _PATTERNS for it in _SOURCE.glob(each))


def digest() -> str:
    """Tell one state of the driver's sources from another."""
    inputs = hashlib.sha256()
    for source in sources():
        data = source.read_bytes()
        inputs.update(f'{source.name} {len(data)}\n'.encode())
        inputs.update(data)
    return inputs.hexdigest()[:16]


def build(
    headers: pathlib.Path, directory: pathlib.Path, *words: str
) -> pathlib.Path:
    """Build a copy of the sources, and give the module's path.

    :raises LabError: it does not compile.
    """
    done = make(headers, directory, *words)
    module = directory / f'{NAME}.ko'
    if done.returncode or not module.exists():
        raise error.LabError(f'{NAME} does not build: {_reason(done.stdout)}')
    return module


def make(
    headers: pathlib.Path, directory: pathlib.Path, *words: str
) -> subprocess.CompletedProcess[str]:
    """Run the kernel's build system on a copy, whatever comes of it.

    :param headers: the folder of a kernel's headers.
    :param directory: gets the copy; it must not exist.
    :param words: further ones for ``make``, such as ``W=1``.
    :returns: in ``stdout`` all that it printed.
    """
    return make_in(pathlib.Path('/'), headers, directory, *words)


def make_in(
    root: pathlib.Path,
    headers: pathlib.Path,
    directory: pathlib.Path,
    *words: str,
) -> subprocess.CompletedProcess[str]:
    """Do the same with the compiler and the headers of another root.

    :param headers: seen from within, as is the directory.
    """
    copy = root / directory.relative_to('/')
    copy.mkdir(parents=True)
    for source in sources():
        shutil.copy(source, copy)
    make = ('make', f'-j{os.cpu_count()}', '-C', headers, f'M={directory}')
    enter = () if root == pathlib.Path('/') else _enter(root)
    return subprocess.run(
        (*enter, *make, *words, 'modules'),
        env=os.environ | {'LANG': 'C', 'LC_ALL': 'C'},
        check=False,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def _enter(root: pathlib.Path) -> tuple[str | pathlib.Path, ...]:
    """Say what goes before a command that runs in another root.

    The newer kernels' objtool reads /proc.
    """
    proc = root / 'proc'
    proc.mkdir(exist_ok=True)
    own = ('--mount', '--pid', '--fork', f'--mount-proc={proc}')
    return 'unshare', *own, 'chroot', root


def _reason(printed: str) -> str:
    """Find the line that says most."""
    lines = printed.splitlines() or ['no message']
    return next((it for it in lines if 'error' in it.lower()), lines[-1])
