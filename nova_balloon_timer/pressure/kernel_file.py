# SPDX-License-Identifier: Apache-2.0
"""Reads the small files in which a kernel tells figures.

A comparison may put plain files in their places, which can vanish or be half
written: what is not whole is refused, and the next look may succeed.
"""

import errno
import pathlib
import re

from nova_balloon_timer import exception

# What is longer is no file of figures.
_LONGEST_BYTES = 64 * 1024

_MEMINFO = re.compile(r'^(\w+): +(\d{1,15}) kB$', re.ASCII | re.MULTILINE)
_COUNTER = re.compile(r'^(\w+) (\d{1,20})\n', re.ASCII | re.MULTILINE)
_NUMBER = re.compile(r'(\d{1,20}|max)\n', re.ASCII)
_STALLS = re.compile(
    r'^some avg10=[\d.]+ avg60=[\d.]+ avg300=[\d.]+ total=(\d{1,20})\n',
    re.ASCII | re.MULTILINE,
)
_GONE = frozenset({errno.ENOENT, errno.ENODEV, errno.ENOTDIR})


def read_text(path: pathlib.Path) -> str:
    """Read a file whole.

    :raises PressureUnavailable: saying what the system says
    """
    try:
        with path.open('rb', buffering=0) as file:
            content = file.read(_LONGEST_BYTES)
    except OSError as error:
        raise unavailable(path, error) from error
    return (content or b'').decode('ascii', errors='replace')


def unavailable(
    path: pathlib.Path, error: OSError
) -> exception.PressureUnavailable:
    """Say in one line that a file cannot be used."""
    if error.errno in _GONE:
        return exception.PressureUnavailable(why=f'there is no {path}')
    if error.errno == errno.EOPNOTSUPP:
        return exception.PressureUnavailable(
            why=f'{path}: this kernel does not count stalls (psi=0?)'
        )
    return exception.PressureUnavailable(why=f'{path}: {error.strerror}')


def is_of_kernel(path: pathlib.Path) -> bool:
    """Tell a file that a kernel makes up from one on a disk.

    Only the former has content and no size. It is looked at twice: a plain
    file may be caught while somebody writes it.
    """
    try:
        before = path.stat().st_size
        content = read_text(path)
        return before == 0 == path.stat().st_size and content != ''
    except (OSError, exception.PressureUnavailable):
        return False


def read_meminfo(path: pathlib.Path) -> dict[str, int]:
    """Read a file like /proc/meminfo: KiB by name.

    :raises PressureUnavailable: it cannot be read
    """
    return {k: int(v) for k, v in _MEMINFO.findall(read_text(path))}


def read_counters(path: pathlib.Path) -> dict[str, int]:
    """Read a file of names and numbers, as memory.stat.

    :raises PressureUnavailable: it cannot be read
    """
    return {k: int(v) for k, v in _COUNTER.findall(read_text(path))}


def read_number(path: pathlib.Path) -> int | None:
    """Read a file of one number, or None if that is ``max``.

    :raises PressureUnavailable: it cannot be read, or holds anything else
    """
    match = _NUMBER.fullmatch(read_text(path))
    if match is None:
        raise exception.PressureUnavailable(why=f'{path} holds no number')
    return None if match[1] == 'max' else int(match[1])


def read_stalled_microseconds(path: pathlib.Path) -> int:
    """Read for how long some task has waited, since the counting began.

    :param path: of a file like /proc/pressure/memory
    :raises PressureUnavailable: it cannot be read, or does not tell that
    """
    match = _STALLS.search(read_text(path))
    if match is None:
        raise exception.PressureUnavailable(
            why=f"{path} has no line 'some ... total='"
        )
    return int(match[1])
