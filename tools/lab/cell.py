# SPDX-License-Identifier: Apache-2.0
"""Give a private libvirtd and its guests less memory than the machine has.

A cell is a memory cgroup with a limit. What does not fit goes to swap on
zram, so that the kernel is short of memory in earnest and nobody outside the
cell notices. On a machine with both cgroup hierarchies the memory controller
is in one and the pressure file in the other: the cell then is a folder of the
same name in both, and its processes are in both.
"""

from collections.abc import Iterator
import contextlib
import itertools
import os
import pathlib
import signal
import time

from tools.lab import command
from tools.lab import error

_TREE = pathlib.Path('/sys/fs/cgroup')
_ZRAM = pathlib.Path('/sys/class/zram-control')
_NAME = 'nbt-cell-'
_BYTES_PER_MIB = 1 << 20
_BYTES_PER_KIB = 1 << 10
_POLL_SECONDS = 0.02
_END_SECONDS = 10
# Where a swap area has its label, after boot bits, three numbers and a UUID.
_LABEL_OFFSET = 1024 + 3 * 4 + 16
_LABEL_BYTES = 16
# Above all that swapon gives by itself.
_PRIORITY = 32000


class MemoryCell(contextlib.ExitStack):
    """Own a memory cgroup and, if the machine has no swap, zram swap.

    Its memory and swap together must hold all that the guests touch, or the
    kernel kills one. Whatever is still in the cell at its end is killed.

    :ivar path: the cgroup, as a path below the root of its hierarchy.
    :ivar folders: its folder in each hierarchy.
    """

    def __init__(
        self,
        limit_mib: int,
        *,
        zram_mib: int = 2048,
        tree: pathlib.Path = _TREE,
    ) -> None:
        super().__init__()
        self._wanted_mib = limit_mib
        self._zram_mib = zram_mib
        self._roots = _roots(tree)
        self._is_v1 = len(self._roots) > 1
        self.path = pathlib.PurePosixPath()

    def __enter__(self) -> 'MemoryCell':
        if os.geteuid() != 0:
            raise error.LabError('a memory cell needs root')
        with contextlib.ExitStack() as stack:
            for root in self._roots:
                _remove_stale(root)
            _remove_stale_swap()
            # Swap goes last: what is left in the cell may be in it.
            if self._zram_mib and not _others_swap():
                stack.enter_context(_zram_swap(self._zram_mib))
            self.path = self._make(stack)
            self.limit_mib = self._wanted_mib
            self.callback(stack.pop_all().close)
        return self

    @property
    def folders(self) -> tuple[pathlib.Path, ...]:
        """Give the cgroup's folder in each hierarchy that it is in."""
        name = self.path.relative_to('/')
        return tuple(root / name for root in self._roots)

    @property
    def pressure_path(self) -> pathlib.Path:
        """Give the file on which the kernel tells the cell's pressure."""
        return self.folders[-1] / 'memory.pressure'

    @property
    def pids(self) -> list[int]:
        """Give the processes that are in the cell."""
        return _pids(self.folders[0])

    @property
    def limit_mib(self) -> int:
        """Give or set what the cell may have in memory, swap not counted.

        Less than it has is swapped out first. Where that is impossible,
        cgroup v1 refuses, and cgroup v2 kills a guest.
        """
        return self._read(self._limit_name) // _BYTES_PER_MIB

    @limit_mib.setter
    def limit_mib(self, mib: int) -> None:
        path = self.folders[0] / self._limit_name
        try:
            path.write_text(str(mib * _BYTES_PER_MIB))
        except OSError as exc:
            raise error.LabError(
                f'the cell cannot be limited to {mib} MiB: {exc.strerror}'
            ) from exc

    @property
    def usage_kib(self) -> int:
        """Read what the cell has in memory, page cache included."""
        name = 'memory.usage_in_bytes' if self._is_v1 else 'memory.current'
        return self._read(name) // _BYTES_PER_KIB

    @property
    def available_kib(self) -> int:
        """Estimate what the cell could still take without swapping.

        As the kernel's MemAvailable: what is free, and the page cache.
        """
        stat = self._counters('memory.stat')
        cache = stat['inactive_file'] + stat['active_file']
        free_kib = self.limit_mib * 1024 - self.usage_kib
        return free_kib + cache // _BYTES_PER_KIB

    @property
    def swap_kib(self) -> int:
        """Read what the cell has in swap."""
        if self._is_v1:
            swapped = self._counters('memory.stat').get('swap', 0)
        else:
            swapped = self._read('memory.swap.current')
        return swapped // _BYTES_PER_KIB

    @property
    def oom_kills(self) -> int:
        """Read how many of the cell's processes the kernel has killed."""
        name = 'memory.oom_control' if self._is_v1 else 'memory.events'
        return self._counters(name)['oom_kill']

    @property
    def _limit_name(self) -> str:
        return 'memory.limit_in_bytes' if self._is_v1 else 'memory.max'

    def _make(self, stack: contextlib.ExitStack) -> pathlib.PurePosixPath:
        taken = {path.name for root in self._roots for path in root.iterdir()}
        names = (f'{_NAME}{os.getpid()}-{n}' for n in itertools.count())
        name = next(name for name in names if name not in taken)
        for root in self._roots:
            (root / name).mkdir()
            stack.callback(_remove, root / name)
        if not (self._roots[0] / name / self._limit_name).exists():
            raise error.LabError(
                f'{self._roots[0]}/cgroup.subtree_control lacks +memory'
            )
        return pathlib.PurePosixPath('/', name)

    def _read(self, name: str) -> int:
        return int((self.folders[0] / name).read_text())

    def _counters(self, name: str) -> dict[str, int]:
        lines = (self.folders[0] / name).read_text().splitlines()
        return {key: int(value) for key, value in map(str.split, lines)}


def _roots(tree: pathlib.Path) -> tuple[pathlib.Path, ...]:
    """Find the roots of the memory controller and of the pressure files.

    :returns: one if they are the same.
    :raises LabError: there is no memory controller, or no pressure.
    """
    for unified in (tree, tree / 'unified'):
        with contextlib.suppress(FileNotFoundError):
            text = (unified / 'cgroup.controllers').read_text()
            if 'memory' in text.split():
                return (unified,)
            if (tree / 'memory' / 'memory.limit_in_bytes').exists():
                return tree / 'memory', unified
    raise error.LabError(f'no memory controller beside a cgroup2 in {tree}')


def _pids(folder: pathlib.Path) -> list[int]:
    # A process of a foreign PID namespace shows as 0: to kill, our own group.
    text = (folder / 'cgroup.procs').read_text()
    return [int(word) for word in text.split() if word != '0']


def _remove(folder: pathlib.Path) -> None:
    """Kill what a cell still holds, and remove it."""

    def gone() -> bool:
        with contextlib.suppress(FileNotFoundError):
            for pid in _pids(folder):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):  # the dead take a while to leave
            folder.rmdir()
        return not folder.exists()

    end_at = time.monotonic() + _END_SECONDS
    while not gone():
        if time.monotonic() > end_at:
            raise error.LabError(f'{folder} cannot be removed')
        time.sleep(_POLL_SECONDS)


def _owner_lives(name: str) -> bool:
    pid = name.removeprefix(_NAME).partition('-')[0]
    return pathlib.Path('/proc', pid).exists()


def _remove_stale(root: pathlib.Path) -> None:
    for folder in root.glob(f'{_NAME}*'):
        if not _owner_lives(folder.name):
            _remove(folder)


def swaps() -> dict[pathlib.Path, str]:
    """Give the active swap areas and their labels."""
    found = {}
    for line in pathlib.Path('/proc/swaps').read_text().splitlines()[1:]:
        path = pathlib.Path(line.split()[0])
        with contextlib.suppress(OSError), path.open('rb') as file:
            file.seek(_LABEL_OFFSET)
            label = file.read(_LABEL_BYTES).rstrip(b'\0')
            found[path] = label.decode(errors='replace')
    return found


def _others_swap() -> bool:
    """Tell whether there is swap that is not a cell's and so stays."""
    return any(not label.startswith(_NAME) for label in swaps().values())


def _remove_stale_swap() -> None:
    for device, label in swaps().items():
        if label.startswith(_NAME) and not _owner_lives(label):
            with contextlib.suppress(error.LabError):  # another was faster
                _swap_off(device)


@contextlib.contextmanager
def _zram_swap(mib: int) -> Iterator[None]:
    if not _ZRAM.exists():
        try:
            command.run('modprobe', 'zram')
        except error.LabError as exc:
            raise error.LabError(f'no swap: no zram here: {exc}') from exc
    number = (_ZRAM / 'hot_add').read_text().strip()
    device = pathlib.Path(f'/dev/zram{number}')
    size = pathlib.Path(f'/sys/block/zram{number}/disksize')
    try:
        size.write_text(f'{mib}M')
        # The label tells a later cell whose swap this was.
        command.run('mkswap', '-L', f'{_NAME}{os.getpid()}', device)
        command.run('swapon', '-p', str(_PRIORITY), device)
        yield
    finally:
        _swap_off(device)


def _swap_off(device: pathlib.Path) -> None:
    if device in swaps():
        command.run('swapoff', device)
    number = device.name.removeprefix('zram')
    try:
        (_ZRAM / 'hot_remove').write_text(number)
    except OSError as exc:
        raise error.LabError(f'{device} stays: {exc.strerror}') from exc
