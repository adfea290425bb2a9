# SPDX-License-Identifier: Apache-2.0
"""The two ways in which a kernel lays out memory cgroups, and their mix."""

import abc
import dataclasses
import pathlib

from nova_balloon_timer import exception
from nova_balloon_timer.pressure import kernel_file

_BYTES_PER_KIB = 1024

# NOTE: without a limit v1 has the largest number of pages there is, in bytes,
# which depends on the page size. No host has an EiB.
_NO_LIMIT_BYTES = 2**60


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What a limited cgroup may have, and what it can still take of it.

    :param available_kib: below zero while it is above its limit
    """

    limit_kib: int
    available_kib: int


class Layout(abc.ABC):
    """Knows the names of a hierarchy's files."""

    _stat_prefix = ''

    def __init__(self, root: pathlib.Path) -> None:
        self._root = root

    def read_room(self, cgroup: pathlib.PurePosixPath) -> Room | None:
        """Read one cgroup; None if it has no limit of its own.

        :raises PressureUnavailable: its files are not there, or not whole
        """
        folder = self._root / cgroup
        limit_bytes = self._read_limit(folder)
        if limit_bytes is None or limit_bytes >= _NO_LIMIT_BYTES:
            return None
        used_bytes = self._read_used(folder)
        cache_bytes = _reclaimable_bytes(folder, self._stat_prefix)
        free_bytes = limit_bytes - used_bytes + min(cache_bytes, used_bytes)
        return Room(
            limit_kib=limit_bytes // _BYTES_PER_KIB,
            available_kib=free_bytes // _BYTES_PER_KIB,
        )

    @abc.abstractmethod
    def _read_limit(self, folder: pathlib.Path) -> int | None: ...

    @abc.abstractmethod
    def _read_used(self, folder: pathlib.Path) -> int: ...


class SeparateLayout(Layout):
    """Version 1: memory has a hierarchy of its own."""

    # Without the prefix they are of the cgroup without those below it.
    _stat_prefix = 'total_'

    def _read_limit(self, folder: pathlib.Path) -> int | None:
        return kernel_file.read_number(folder / 'memory.limit_in_bytes')

    def _read_used(self, folder: pathlib.Path) -> int:
        return _read_bytes(folder / 'memory.usage_in_bytes')


class UnifiedLayout(Layout):
    """Version 2: one hierarchy for all."""

    def _read_limit(self, folder: pathlib.Path) -> int | None:
        limits = [
            limit
            # NOTE: above ``high`` tasks are made to wait: that is a limit.
            for name in ('memory.max', 'memory.high')
            if (limit := kernel_file.read_number(folder / name)) is not None
        ]
        return min(limits, default=None)

    def _read_used(self, folder: pathlib.Path) -> int:
        return _read_bytes(folder / 'memory.current')


def find(root: pathlib.Path) -> tuple[Layout, pathlib.Path | None]:
    """Find how memory is laid out, and where stalls are told.

    :param root: where the cgroup file systems are mounted
    :returns: the layout, and the root of the pressure files; None without
    """
    if (root / 'cgroup.controllers').exists():
        return UnifiedLayout(root), root
    unified = root / 'unified'
    has_unified = (unified / 'cgroup.controllers').exists()
    return SeparateLayout(root / 'memory'), unified if has_unified else None


def _read_bytes(path: pathlib.Path) -> int:
    size_bytes = kernel_file.read_number(path)
    if size_bytes is None:
        raise exception.PressureUnavailable(why=f'{path} holds no number')
    return size_bytes


def _reclaimable_bytes(folder: pathlib.Path, prefix: str) -> int:
    """Read how much page cache can be dropped at once, and lost no data.

    Shared memory and what is locked are in other lists; pages that must be
    written first take a disk's time, so they do not count.
    """
    path = folder / 'memory.stat'
    counters = kernel_file.read_counters(path)
    try:
        cache_bytes = (
            counters[f'{prefix}inactive_file']
            + counters[f'{prefix}active_file']
        )
    except KeyError as error:
        raise exception.PressureUnavailable(
            why=f'{path} does not tell {error.args[0]}'
        ) from error
    kind = prefix or 'file_'
    busy_bytes = sum(
        counters.get(f'{kind}{name}', 0) for name in ('dirty', 'writeback')
    )
    return max(0, cache_bytes - busy_bytes)
