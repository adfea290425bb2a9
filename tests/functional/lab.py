# SPDX-License-Identifier: Apache-2.0
"""The real guests that all functional tests of one process share.

The libvirtd starts with the first test that asks for a guest and ends with
the process. A guest boots once; between tests it is only brought back to its
full memory. A lab whose process was killed is cleared away by the next one.
"""

import atexit
from collections.abc import Callable, Iterator
import contextlib
import os
import pathlib
import signal
import time

import libvirt

from tests.functional import owned_folder
from tools.lab import domain
from tools.lab import guest as lab_guest
from tools.lab import libvirtd
from tools.lab import qmp

_PREFIX = 'nbt-functional-'
_POLL_SECONDS = 0.005

# West is as east; small has less, so that one target can be too high for it
# alone. Keeper keeps the clock by itself; novice has an agent, but not the
# driver that could.
_MEMORY_MIB = {
    'east': 512,
    'west': 512,
    'small': 384,
    'keeper': 512,
    'novice': 512,
}
_AGENTS = ('keeper', 'novice')


def wait_until(
    condition: Callable[[], bool], what: str, timeout_seconds: float = 60
) -> None:
    """Wait for a condition; how long is only for when it never comes."""
    end_at = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end_at:
            raise AssertionError(f'{what}: not within {timeout_seconds:g} s')
        time.sleep(_POLL_SECONDS)


class SharedLab:
    """A libvirtd of our own with guests of our own."""

    def __init__(self) -> None:
        self._folder = owned_folder.OwnedFolder(
            _PREFIX, lambda root: libvirtd.PrivateLibvirtd(root).stop()
        )
        self.root = self._folder.path
        self._libvirtd = libvirtd.PrivateLibvirtd(self.root)
        self._connection: libvirt.virConnect | None = None
        self._guests: dict[str, lab_guest.Guest] = {}
        atexit.register(self._close)
        libvirt.registerErrorHandler(lambda *_: None, None)
        self._libvirtd.start()

    @property
    def uri(self) -> str:
        """Give what the command connects to."""
        return self._libvirtd.uri

    @property
    def libvirt_socket(self) -> pathlib.Path:
        """Give the path that libvirtd listens on."""
        return self._libvirtd.socket_path

    @property
    def connection(self) -> libvirt.virConnect:
        """Give a connection that is alive, to a libvirtd that runs."""
        if self._connection is None or not self._connection.isAlive():
            self._libvirtd.start()
            self._connection = self._libvirtd.open()
        return self._connection

    def guests(self, *names: str) -> list[lab_guest.Guest]:
        """Give running guests with their full memory, statistics off."""
        missing = [name for name in names if name not in self._guests]
        for name, started in zip(
            missing, self.start(*map(self._spec, missing)), strict=True
        ):
            self._guests[name] = started
        found = [self._guests[name] for name in names]
        for wanted in found:
            wanted.reopen(self.connection)
            wake(wanted)
        for wanted in found:
            restore(wanted)
        return found

    def start(
        self, *specs: lab_guest.GuestSpec, ready: bool = True
    ) -> list[lab_guest.Guest]:
        """Start further guests; whoever does must stop them."""
        folder = self.root / 'console'
        started = lab_guest.start_all(self.connection, specs, folder)
        if ready:
            for one in started:
                one.wait_ready()
        return started

    def kill_libvirtd(self) -> None:
        """End libvirtd as a crash does, and wait until it is gone."""
        pid = self._libvirtd.pid
        assert pid is not None, 'libvirtd is gone already'
        os.kill(pid, signal.SIGKILL)
        self._connection = None  # it may take a while to know that it broke
        wait_until(lambda: self._libvirtd.pid is None, 'end of libvirtd')

    @contextlib.contextmanager
    def frozen_libvirtd(self) -> Iterator[None]:
        """Have libvirtd hang for a while."""
        pid = self._libvirtd.pid
        assert pid is not None, 'libvirtd is gone'
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def start_libvirtd(self) -> None:
        """Start libvirtd again, among the guests that it left."""
        self._libvirtd.start()

    def qmp_socket(self, name: str) -> pathlib.Path:
        """Say where a guest's second monitor is."""
        return self.root / f'{name}.qmp'

    def qemu_log(self, name: str) -> pathlib.Path:
        """Say where libvirt keeps what a guest's QEMU prints."""
        return self.root / 'log' / 'qemu' / f'{name}.log'

    def _spec(self, name: str) -> lab_guest.GuestSpec:
        return lab_guest.GuestSpec(
            name=name,
            memory_mib=_MEMORY_MIB[name],
            qmp_socket=self.qmp_socket(name),
            agent=name in _AGENTS,
            driver=domain.Driver.TIMED
            if name == 'keeper'
            else domain.Driver.STOCK,
        )

    def _close(self) -> None:
        self._libvirtd.stop()
        self._folder.close()


_shared: SharedLab | None = None


def shared() -> SharedLab:
    """Give this process's lab; it starts when first asked for.

    :raises LabError: QEMU or libvirtd is not there; nothing is skipped
    """
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = SharedLab()
    return _shared


def wake(guest: lab_guest.Guest) -> None:
    """Have a guest run, whatever a test did to it."""
    state, _ = guest.domain.state()
    if state == libvirt.VIR_DOMAIN_PAUSED:
        guest.domain.resume()
    elif state != libvirt.VIR_DOMAIN_RUNNING:
        guest.console.unlink(missing_ok=True)
        guest.domain.create()
        guest.wait_ready()


def restore(guest: lab_guest.Guest) -> None:
    """Give a guest all its memory, and forget its statistics' period."""
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE
    maximum_kib = guest.domain.maxMemory()
    guest.domain.setMemoryStatsPeriod(0, live)
    guest.domain.setMemoryFlags(maximum_kib, live)
    guest.wait_actual(maximum_kib)


def refresh_statistics(guest: lab_guest.Guest) -> None:
    """Have a guest tell statistics that are younger than this call."""
    live = libvirt.VIR_DOMAIN_AFFECT_LIVE
    begin = int(time.time())
    guest.domain.setMemoryStatsPeriod(1, live)
    guest.wait(
        lambda: guest.domain.memoryStats().get('last_update', 0) > begin,
        'fresh statistics',
    )
    guest.domain.setMemoryStatsPeriod(0, live)


@contextlib.contextmanager
def monitor(guest: lab_guest.Guest) -> Iterator[qmp.Monitor]:
    """Open a monitor that knows nothing of libvirt."""
    assert guest.spec.qmp_socket is not None
    with qmp.Monitor(guest.spec.qmp_socket, timeout_seconds=60) as opened:
        yield opened
