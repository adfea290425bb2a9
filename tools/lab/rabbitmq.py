# SPDX-License-Identifier: Apache-2.0
"""Run a RabbitMQ of our own beside the system's, which it cannot touch.

It listens on loopback only, at ports that nobody else has, with an epmd (the
name server of Erlang's nodes) of its own, so that any number of them run side
by side. All that it keeps is under ``root``.
"""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import types

from tools.lab import error
from tools.lab import loopback
from tools.lab import process
from tools.lab import rabbitmq_files

_BROKER = rabbitmq_files.PROGRAM.name
_START_SECONDS = 120
_END_SECONDS = 20
_ANSWER_SECONDS = 2
_GREETING = b'AMQP\x00\x00\x09\x01'
_METHOD_FRAME = b'\x01'


class PrivateRabbitMQ:
    """Own a RabbitMQ broker and its state, all under one folder.

    Objects made over the same root speak of the same broker, in whichever
    process they are. What is durable survives every end of the broker, and
    so do its ports and its password.

    :param tls: listen by TLS as well, for clients with a certificate
    :ivar ca_file: whom clients trust
    :ivar client_cert_file: what clients prove themselves by
    :ivar client_key_file: the key to that
    """

    def __init__(self, root: pathlib.Path, *, tls: bool = False) -> None:
        self.root = root.resolve()
        self._files = rabbitmq_files.RabbitMQFiles(self.root, tls=tls)
        self.ca_file = self._files.tls_folder / 'ca.pem'
        self.client_cert_file = self._files.tls_folder / 'client.pem'
        self.client_key_file = self._files.tls_folder / 'client.key'
        self._children: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> 'PrivateRabbitMQ':
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
    def pid(self) -> int | None:
        """Give the broker's process id, or None if it does not run."""
        child = self._children.get(_BROKER)
        if child is not None and child.poll() is None:
            return child.pid
        try:
            pid = int((self.root / 'broker.pid').read_text())
        except (OSError, ValueError):
            return None
        return pid if self._ours(pid) and process.is_alive(pid) else None

    @property
    def pids(self) -> list[int]:
        """Give all processes that belong to the broker, epmd among them."""
        found = (int(name) for name in os.listdir('/proc') if name.isdigit())
        return [it for it in found if self._ours(it) and process.is_alive(it)]

    @property
    def url(self) -> str:
        """Give what clients connect to."""
        return self._files.url('amqp_port')

    @property
    def tls_url(self) -> str:
        """Give what clients with a certificate connect to."""
        return self._files.url('tls_port')

    def start(self) -> None:
        """Start the broker unless it runs, and wait until it answers.

        :raises LabError: it is not installed, or does not come up
        """
        if self.pid is None:
            if not rabbitmq_files.PROGRAM.exists():
                raise error.LabError('rabbitmq-server is not installed')
            self.kill()
            self._files.lay_out()
            self._launch()
        self.thaw()
        process.wait_until(
            lambda: self.pid is None or self._answers(), _START_SECONDS
        )
        if self.pid is None or not self._answers():
            log = self._files.log(_BROKER)
            raise error.LabError(f'RabbitMQ does not answer, see {log}')

    def stop(self) -> None:
        """End the broker in order; its state and its logs are kept."""
        pid = self.pid
        if pid is not None:
            self.thaw()
            os.kill(pid, signal.SIGTERM)
            process.wait_until(lambda: self.pid is None, _END_SECONDS)
        self.kill()

    def kill(self) -> None:
        """End the broker as a crash of its host does."""

        def ended() -> bool:
            self._signal(signal.SIGKILL)
            return not self.pids

        if not process.wait_until(ended, _END_SECONDS):
            raise error.LabError(f'processes do not end: {self.pids}')
        for child in self._children.values():
            child.wait()
        self._children.clear()

    def restart(self) -> None:
        """End the broker in order and start it again."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Have the broker hang.

        The kernel still accepts connections for it, which nobody answers.
        """
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Have the broker go on after a freeze."""
        self._signal(signal.SIGCONT)

    def _launch(self) -> None:
        self._spawn('epmd', pathlib.Path('epmd'))
        self._spawn(_BROKER, rabbitmq_files.PROGRAM)
        pid = self._children[_BROKER].pid
        (self.root / 'broker.pid').write_text(str(pid))

    def _spawn(self, name: str, program: pathlib.Path) -> None:
        with self._files.log(name).open('ab') as log:
            self._children[name] = subprocess.Popen(
                [program],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.root,
                env=self._files.environment(),
                start_new_session=True,
            )

    def _answers(self) -> bool:
        """Tell whether it begins to speak AMQP with us."""
        port = int(self._files.settings['amqp_port'])
        address = (loopback.HOST, port)
        try:
            with socket.create_connection(address, _ANSWER_SECONDS) as client:
                client.sendall(_GREETING)
                return client.recv(1) == _METHOD_FRAME
        except OSError:
            return False

    def _ours(self, pid: int) -> bool:
        """Tell by the home that a process was given."""
        home = f'HOME={self._files.home}'.encode()
        try:
            given = pathlib.Path(f'/proc/{pid}/environ').read_bytes()
        except OSError:
            return False
        return home in given.split(b'\0')

    def _signal(self, number: int) -> None:
        # While a child becomes another program, /proc does not say whose it
        # is.
        children = self._children.values()
        started = {it.pid for it in children if it.poll() is None}
        for pid in started.union(self.pids):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
