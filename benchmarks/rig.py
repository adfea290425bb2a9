# SPDX-License-Identifier: Apache-2.0
"""Real guests with observers, and a controller that can be killed."""

from collections.abc import Callable, Sequence
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
from typing import Any, cast, IO

import libvirt

from benchmarks import observer
from tools.lab import domain
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

MEMORY_MIB = 1024
FULL_KIB = MEMORY_MIB * 1024
_ROOT = pathlib.Path(__file__).resolve().parents[1]


class Controller:
    """The process under test.

    :param bus: the configuration of the agent that it is to be
    """

    def __init__(self, uri: str, bus: pathlib.Path | None = None) -> None:
        more = [] if bus is None else ['--bus', str(bus)]
        self._process = subprocess.Popen(
            [sys.executable, '-m', 'benchmarks.controller', uri, *more],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._input = cast('IO[str]', self._process.stdin)
        self._output = cast('IO[str]', self._process.stdout)
        self.read()

    def order(self, orders: Sequence[dict[str, Any]]) -> None:
        """Start a round of policies."""
        self._input.write(json.dumps(list(orders)) + '\n')
        self._input.flush()

    def read(self) -> dict[str, Any]:
        """Return the next thing that it says."""
        content: dict[str, Any] = json.loads(self._output.readline())
        return content

    def kill(self) -> None:
        """End it without any chance to clean up."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


def half_busy(number: int, folder: pathlib.Path) -> domain.GuestSpec:
    """Describe guests of which every second has a working set."""
    is_busy = number % 2 == 1
    return domain.GuestSpec(
        name=f'bench{number}',
        memory_mib=MEMORY_MIB,
        hog_mib=400 if is_busy else 0,
        zram_mib=512 if is_busy else 0,
        stats_period_seconds=1,
        qmp_socket=folder / f'{number}.qmp',
    )


class Rig(contextlib.ExitStack):
    """Guests of 1 GiB.

    :param guests: how many; one more, ``spare``, is there to be frozen
    :param make_spec: describes a guest by its number; a second monitor of it
        goes into the folder
    """

    def __init__(
        self,
        guests: int,
        make_spec: Callable[[int, pathlib.Path], domain.GuestSpec] = half_busy,
    ) -> None:
        super().__init__()
        self._root = pathlib.Path(
            self.enter_context(tempfile.TemporaryDirectory(prefix='nbt-'))
        )
        self.lab = self.enter_context(libvirtd.PrivateLibvirtd(self._root))
        connection = self.lab.open()
        specs = [make_spec(it, self._root) for it in range(guests + 1)]
        self.all_guests = lab_guest.start_all(
            connection, specs, self._root / 'console'
        )
        self.callback(lab_guest.stop_all, self.all_guests)
        for guest in self.all_guests:
            guest.wait_ready()
        self.guests = self.all_guests[:-1]
        self.spare = self.all_guests[-1]
        self.observers = {
            guest.uuid: observer.Observer(guest) for guest in self.guests
        }

    def controller(self) -> Controller:
        """Start a controller that is killed in the end."""
        controller = Controller(self.lab.uri)
        self.callback(controller.kill)
        return controller

    def refill(
        self,
        guests: Sequence[lab_guest.Guest],
        *,
        awaits_statistics: bool = True,
    ) -> None:
        """Give guests all their memory back, as an administrator would.

        :param awaits_statistics: the next policy's must not be from before
        """
        for guest in guests:
            guest.domain.setMemoryFlags(
                FULL_KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )
        for guest in guests:
            self.observers[guest.uuid].reached_at(FULL_KIB, 60)
        if not awaits_statistics:
            return
        until = time.time() + 1.2
        for guest in guests:
            guest.wait(_updated(guest, until), 'statistics', 30)

    @contextlib.contextmanager
    def frozen_spare(self) -> Any:
        """Stop the spare guest's QEMU for a while."""
        pid = cast('int', self.spare.pid)
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def oom_kills(self) -> int:
        """Count the guests whose working set was killed for want of memory."""
        return sum(
            bool(guest.lines('nbt: hog exit')) for guest in self.all_guests
        )


def _updated(guest: lab_guest.Guest, until: float) -> Callable[[], bool]:
    def is_updated() -> bool:
        updated_at: int = guest.domain.memoryStats().get('last_update', 0)
        return updated_at >= until

    return is_updated
