# SPDX-License-Identifier: Apache-2.0
"""Where memory is looked at: a whole host, or the guests' cgroup."""

import abc
import pathlib

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import hierarchy
from nova_balloon_timer.pressure import kernel_file


class Scope(abc.ABC):
    """Reads one memory from its files.

    :ivar words: what it is, for messages
    :ivar pressure_path: where the kernel tells its stalls; None: nowhere
    """

    words: str
    pressure_path: pathlib.Path | None

    @abc.abstractmethod
    def read(self, at: float) -> situation.HostMemory:
        """Read how much there is, and how much is available.

        :param at: the instant that it will bear
        :raises PressureUnavailable: the files are not there, or not whole
        """


class HostScope(Scope):
    """The whole host: what its kernel says itself."""

    def __init__(self, proc_root: pathlib.Path) -> None:
        self.words = 'the host'
        self.pressure_path = proc_root / 'pressure' / 'memory'
        self._path = proc_root / 'meminfo'

    def read(self, at: float) -> situation.HostMemory:
        """Read MemTotal and MemAvailable."""
        figures = kernel_file.read_meminfo(self._path)
        total_kib = figures.get('MemTotal', 0)
        available_kib = figures.get('MemAvailable', -1)
        if not 0 <= available_kib <= total_kib or total_kib == 0:
            raise exception.PressureUnavailable(
                why=f'{self._path} does not tell MemTotal and MemAvailable'
            )
        return situation.HostMemory(
            at=at, total_kib=total_kib, available_kib=available_kib
        )


class CgroupScope(Scope):
    """A memory cgroup, within the limits of all that it lies in.

    Whatever its siblings use of a common limit is not available to it.
    """

    def __init__(
        self,
        cgroup: str,
        layout: hierarchy.Layout,
        pressure_root: pathlib.Path | None,
    ) -> None:
        self.words = f'cgroup {cgroup}'
        self._layout = layout
        self._cgroup = pathlib.PurePosixPath(cgroup)
        self.pressure_path = None
        if pressure_root is not None:
            self.pressure_path = pressure_root / cgroup / 'memory.pressure'

    def read(self, at: float) -> situation.HostMemory:
        """Read the smallest limit, and the tightest room below any."""
        # All but the last of the parents, which is the root: it has no limit.
        parts = (self._cgroup, *self._cgroup.parents)[:-1]
        rooms = [
            room
            for part in parts
            if (room := self._layout.read_room(part)) is not None
        ]
        if not rooms:
            raise exception.PressureUnavailable(
                why=f'neither {self.words} nor any around it has a limit of '
                'memory'
            )
        total_kib = min(room.limit_kib for room in rooms)
        available_kib = min(room.available_kib for room in rooms)
        return situation.HostMemory(
            at=at,
            total_kib=total_kib,
            available_kib=max(0, min(available_kib, total_kib)),
        )


def find(settings: base.PressureSettings) -> Scope:
    """Make the scope that the settings name.

    Nothing is read yet.

    :raises InvalidConfiguration: the name of the cgroup is none
    """
    if settings.cgroup is None:
        return HostScope(settings.proc_root)
    _check(settings.cgroup)
    layout, pressure_root = hierarchy.find(settings.sys_root / 'fs' / 'cgroup')
    return CgroupScope(settings.cgroup, layout, pressure_root)


def _check(cgroup: str) -> None:
    parts = cgroup.split('/')
    # NOTE: an empty part is a slash at an end, or two in a row.
    if not cgroup.isprintable() or {'', '.', '..'} & set(parts):
        raise exception.InvalidConfiguration(
            why=f'cgroup {cgroup!r} is not a path below the cgroup file '
            "system, as 'machine.slice'"
        )
