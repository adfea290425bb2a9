# SPDX-License-Identifier: Apache-2.0
"""A group of guests in a cell: what every trial begins with."""

import contextlib
import pathlib
import tempfile

from benchmarks.relief import agent as bench_agent
from benchmarks.relief import balloons as bench_balloons
from tools.lab import cell as lab_cell
from tools.lab import domain
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

LOW_MIB = 160
HIGH_MIB = 320
# What is available before anybody eats.
_REST_MIB = 400
_MEMORY_MIB = 640
_EATER_MIB = 768
_TOUCH_MIB = 480
_HOG_MIB = 160
_ZRAM_MIB = 3072

EATER = 'eater'
BUSY = 'busy'
DRIVERLESS = 'driverless'
VICTIM = 'victim'

# Short, so that a trial is; the rest is as delivered.
QUICK_TIMES = {
    'pressure_settle_seconds': 2,
    'return_settle_seconds': 4,
    'return_round_seconds': 2,
    'return_seconds': 3,
    'longest_relief_seconds': 10,
}


def _spec(root: pathlib.Path, name: str) -> domain.GuestSpec:
    """Describe a guest by its part; all but the eater have touched much."""
    is_eater = name == EATER
    none, stock = domain.Driver.NONE, domain.Driver.STOCK
    return domain.GuestSpec(
        name=name,
        memory_mib=_EATER_MIB if is_eater else _MEMORY_MIB,
        touch_mib=0 if is_eater else _TOUCH_MIB,
        hog_mib=_HOG_MIB if name == BUSY else 0,
        driver=none if name == DRIVERLESS else stock,
        agent=is_eater,
        free_page_reporting=is_eater,
        qmp_socket=root / f'{name}.qmp',
    )


class Group(contextlib.ExitStack):
    """A cell, its guests with their observers, and an agent for it.

    :param count: how many guests: an eater, a busy one, one without balloon
        driver, one to whom something happens, and idle ones
    :param folder: gets what the agent leaves
    :param times: options of the agent that differ from their defaults
    """

    def __init__(
        self, count: int, folder: pathlib.Path, times: dict[str, int]
    ) -> None:
        super().__init__()
        self._names = [EATER, BUSY, DRIVERLESS, VICTIM]
        self._names += [f'idle{number}' for number in range(count - 4)]
        self._folder = folder
        self._times = times

    def __enter__(self) -> 'Group':
        with contextlib.ExitStack() as stack:
            self._set_up(stack)
            self.callback(stack.pop_all().close)
        return self

    def _set_up(self, stack: contextlib.ExitStack) -> None:
        root = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix='nbt-'))
        )
        room_mib = len(self._names) * _EATER_MIB + 1024
        self.cell = stack.enter_context(
            lab_cell.MemoryCell(room_mib, zram_mib=_ZRAM_MIB)
        )
        lab = stack.enter_context(
            libvirtd.PrivateLibvirtd(root, cell=self.cell)
        )
        guests = lab_guest.start_all(
            lab.open(),
            [_spec(root, name) for name in self._names],
            root / 'console',
        )
        stack.callback(lab_guest.stop_all, guests)
        self.guests = {guest.spec.name: guest for guest in guests}
        for guest in guests:
            guest.wait_ready()
        self.balloons = {}
        for name, guest in self.guests.items():
            log = root / 'log' / 'qemu' / f'{name}.log'
            self.balloons[name] = bench_balloons.Balloon(guest, log)
            stack.callback(self.balloons[name].close)
        self.agent = bench_agent.Agent(
            self._folder, self._options(lab.uri) | self._times
        )
        stack.callback(self.agent.stop)

    def _options(self, uri: str) -> dict[str, object]:
        return {
            'connection_uri': uri,
            'cgroup': self.cell.path,
            'low_watermark': f'{LOW_MIB}M',
            'high_watermark': f'{HIGH_MIB}M',
        }

    def limit(self) -> None:
        """Leave the cell so much that all is well, and no more."""
        available_mib = self.cell.available_kib // 1024
        self.cell.limit_mib += _REST_MIB - available_mib

    def poll(self) -> None:
        """Take in what the balloons did."""
        bench_balloons.poll_all(self.balloons)

    @property
    def is_full(self) -> bool:
        """Tell whether all guests with a driver have all their memory."""
        return all(
            balloon.is_full
            for name, balloon in self.balloons.items()
            if name != DRIVERLESS
        )

    @property
    def oom_lines(self) -> list[str]:
        """Give what guests say of programs that they had to kill."""
        return [
            f'{name}: {line}'
            for name, guest in self.guests.items()
            for line in guest.lines('')
            if 'Out of memory' in line or 'hog exit' in line
        ]
