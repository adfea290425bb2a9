# SPDX-License-Identifier: Apache-2.0
"""Run a libvirtd of our own beside the system's, which it cannot touch.

It lives in its own mount namespace, where every folder that libvirt keeps
state in is one under ``root``. /dev/kvm is hidden there too: a device that
libvirt may open and QEMU cannot use makes libvirt probe QEMU anew at every
start of a domain.
"""

from collections.abc import Iterator
import contextlib
import fcntl
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import types

import libvirt

from tools.lab import cell as lab_cell
from tools.lab import error
from tools.lab import process

_ENTER = pathlib.Path(__file__).with_name('enter.sh')
_NANNY = pathlib.Path(__file__).with_name('nanny.py')
_FOLDERS = ('cache', 'console', 'empty', 'etc', 'lib', 'log', 'run')
_SOCKET_PATH_LIMIT = 107

_LIBVIRTD_CONF = """
auth_unix_rw = "none"
unix_sock_rw_perms = "0700"
max_clients = 100
log_outputs = "3:file:/var/log/libvirt/libvirtd.log"
"""
_QEMU_CONF = """
user = "root"
group = "root"
dynamic_ownership = 0
remember_owner = 0
security_driver = "none"
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"""


class PrivateLibvirtd:
    """Own a libvirtd, its state and its guests, all under one folder.

    Objects made over the same root speak of the same libvirtd, in whichever
    process they are.

    :param cell: holds libvirtd and all its guests; it must be open while
        they run. One that runs already is not moved there.
    """

    def __init__(
        self,
        root: pathlib.Path,
        cell: lab_cell.MemoryCell | None = None,
    ) -> None:
        self.root = root.resolve()
        self._cell = cell
        self._nanny: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> 'PrivateLibvirtd':
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def socket_path(self) -> pathlib.Path:
        """Give the path that libvirtd listens on."""
        return self.root / 'run' / 'libvirt-sock'

    @property
    def uri(self) -> str:
        """Give what libvirt's clients connect to."""
        return f'qemu+unix:///system?socket={self.socket_path}'

    @property
    def pid(self) -> int | None:
        """Give libvirtd's process id, or None if it does not run."""
        return self._running('run/libvirtd.pid')

    def start(self) -> None:
        """Start libvirtd unless it runs, and wait until it answers.

        :raises LabError: we are not root, or it does not come up.
        """
        if os.geteuid() != 0:
            raise error.LabError('a private libvirtd needs root')
        if len(str(self.socket_path)) > _SOCKET_PATH_LIMIT:
            raise error.LabError(f'{self.root} is too long for a socket path')
        self.root.mkdir(parents=True, exist_ok=True)
        with self._lock():
            nanny = self._running('nanny.pid')
            if nanny is None:
                self._end_all()
                self._lay_out()
                self._launch()
            elif self.pid is None:
                os.kill(nanny, signal.SIGUSR1)
        self._wait_answer()

    def stop(self) -> None:
        """End the guests, libvirtd and the namespace; keep the logs."""
        if not self.root.exists():
            return
        with self._lock():
            pid = self.pid
            if pid is not None:
                os.kill(pid, signal.SIGTERM)
                process.wait_until(lambda: self.pid is None, 5)
            self._end_all()
            if self._nanny is not None:
                self._nanny.wait()
                self._nanny = None

    def restart(self, number: int = signal.SIGTERM) -> None:
        """End libvirtd alone and start it again; the guests live on.

        :param number: how libvirtd is ended: SIGKILL for a crash.
        """
        pid = self.pid
        if pid is not None:
            os.kill(pid, number)
            if not process.wait_until(lambda: not process.is_alive(pid), 10):
                raise error.LabError(f'libvirtd {pid} does not end')
        self.start()

    def open(self) -> libvirt.virConnect:
        """Connect to it."""
        return libvirt.open(self.uri)

    def _lay_out(self) -> None:
        """Begin afresh: guests that were here before are forgotten."""
        for name in ('etc', 'lib', 'run'):
            shutil.rmtree(self.root / name, ignore_errors=True)
        for name in _FOLDERS:
            (self.root / name).mkdir(parents=True, exist_ok=True)
        (self.root / 'no-kvm').touch()
        (self.root / 'etc' / 'libvirtd.conf').write_text(_LIBVIRTD_CONF)
        (self.root / 'etc' / 'qemu.conf').write_text(_QEMU_CONF)

    @contextlib.contextmanager
    def _lock(self) -> Iterator[None]:
        with (self.root / 'lock').open('w') as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _launch(self) -> None:
        daemon = shutil.which('libvirtd', path='/usr/sbin:/usr/local/sbin')
        if daemon is None:
            raise error.LabError('libvirtd is not installed')
        enter = ['unshare', '--mount', '--propagation', 'private', 'sh']
        folders = () if self._cell is None else self._cell.folders
        enter += [str(_ENTER), str(self.root), ':'.join(map(str, folders))]
        serve = [daemon, '--pid-file', '/run/libvirt/libvirtd.pid']
        with (self.root / 'log' / 'start.log').open('wb') as log:
            self._nanny = subprocess.Popen(
                [*enter, sys.executable, '-I', str(_NANNY), *serve],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd='/',
                start_new_session=True,
            )
        (self.root / 'nanny.pid').write_text(str(self._nanny.pid))

    def _wait_answer(self) -> None:
        if process.wait_until(self._listens, 20):
            with contextlib.suppress(libvirt.libvirtError):
                self.open().close()
                return
        log = (self.root / 'log' / 'start.log').read_text().strip()
        said = log.splitlines()[-1] if log else f'see {self.root}/log'
        raise error.LabError(f'the private libvirtd does not answer: {said}')

    def _listens(self) -> bool:
        if self.pid is None:
            return False
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.socket_path)) == 0

    def _running(self, name: str) -> int | None:
        try:
            pid = int((self.root / name).read_text())
        except (OSError, ValueError):
            return None
        return pid if self._ours(pid) else None

    def _ours(self, pid: int) -> bool:
        """Tell by what the process sees as libvirt's folder."""
        inside = f'/proc/{pid}/root/var/lib/libvirt'
        try:
            return os.path.samefile(inside, self.root / 'lib')
        except OSError:
            return False

    def _end_all(self) -> None:
        """Kill what is left in the namespace, and the nanny after it."""
        nanny = self._running('nanny.pid')

        def left() -> list[int]:
            pids = (int(p) for p in os.listdir('/proc') if p.isdigit())
            return [p for p in pids if p != nanny and self._ours(p)]

        def ended() -> bool:
            pids = left()
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            return not pids

        if not process.wait_until(ended, 10):
            raise error.LabError(f'processes do not end: {left()}')
        if nanny is not None:
            os.kill(nanny, signal.SIGTERM)
            process.wait_until(lambda: not process.is_alive(nanny), 5)
