# SPDX-License-Identifier: Apache-2.0
"""Run a Nova of our own: an unmodified one, with all that it needs.

Everything listens on loopback only, at ports that nobody else has, or on
sockets below ``root``, and keeps its state below ``root``.
"""

from collections.abc import Callable
import concurrent.futures
import os
import pathlib
import time
import types

from tools.lab import cell as lab_cell
from tools.lab import error
from tools.lab import libvirtd
from tools.lab import loopback
from tools.lab import process
from tools.lab import rabbitmq
from tools.lab.nova import catalog
from tools.lab.nova import cloud as lab_cloud
from tools.lab.nova import configuration
from tools.lab.nova import database
from tools.lab.nova import identity
from tools.lab.nova import layout as lab_layout
from tools.lab.nova import message_queue
from tools.lab.nova import seed

_READY_SECONDS = 120
_COMPUTE_END_SECONDS = 20
_END_SECONDS = 5


class NovaLab:
    """Own a Nova with one compute host, and its servers.

    Objects made over the same root speak of the same lab, in whichever
    process they are.

    :param compute_options: what nova-compute is told beside the rest
    :param cell: holds libvirtd and all servers; it must be open while they
        run
    :param tell: is told what was done, and in how many seconds
    """

    def __init__(
        self,
        root: pathlib.Path,
        compute_options: configuration.Groups | None = None,
        *,
        cell: lab_cell.MemoryCell | None = None,
        tell: Callable[[str, float], None] | None = None,
    ) -> None:
        self.layout = lab_layout.Layout(root)
        self._compute_options = compute_options or {}
        self._tell = tell
        self.libvirtd = libvirtd.PrivateLibvirtd(
            self.layout.root / 'libvirt', cell
        )
        self.rabbitmq = rabbitmq.PrivateRabbitMQ(self.layout.root / 'rabbitmq')
        self.mariadb = database.PrivateMariaDB(self.layout)
        self.configuration = configuration.Configuration(
            self.layout, self.rabbitmq.url, self.libvirtd.uri
        )
        self.services = catalog.Catalog(self.layout, self.configuration)
        self.cloud = lab_cloud.Cloud(self.layout)

    def __enter__(self) -> 'NovaLab':
        self.up()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        self.down()

    def up(self) -> None:
        """Start what does not run, and wait until servers can be booted.

        :raises LabError: something is not installed, or does not come up
        """
        if os.geteuid() != 0:
            raise error.LabError('this lab needs root')
        self.layout.lay_out()
        self._configure()
        identity.make_keys(self.layout)
        fresh = not self.mariadb.data.exists()
        if fresh:
            self._step('tables', self._restore)
        self._step('mariadb', self.mariadb.start)
        for api in self.services.apis:
            api.start()
        with concurrent.futures.ThreadPoolExecutor() as pool:
            buses = [
                pool.submit(self._step, 'rabbitmq', self.rabbitmq.start),
                pool.submit(self._step, 'libvirt', self.libvirtd.start),
            ]
            if fresh:
                self._step('identity', self._bootstrap)
            for bus in buses:
                bus.result()
        self.services.conductor.start()
        self.services.scheduler.start()
        self._step('catalog', self._fill_catalog)
        self._step('conductor', self._wait_conductor)
        self.start_compute()

    @property
    def is_up(self) -> bool:
        """Tell whether every process runs."""
        services = (self.mariadb.service, *self.services.all)
        pids = [it.pid for it in services]
        return None not in (self.rabbitmq.pid, self.libvirtd.pid, *pids)

    def restart_compute(
        self, options: configuration.Groups | None = None
    ) -> None:
        """End nova-compute in order and start it again.

        :param options: what it is told from now on beside the rest
        """
        if options is not None:
            self._compute_options = options
        self.services.compute.stop()
        self.configuration.write(self._compute_options)
        self.start_compute()

    def start_compute(self) -> None:
        """Start nova-compute unless it runs, and wait until it can boot."""
        self.services.compute.start()
        self._step('compute', self._wait_compute)

    def down(self) -> None:
        """End everything, the servers among it, and keep its state."""
        self._step('compute', self._stop_compute)
        others = [
            it for it in self.services.all if it is not self.services.compute
        ]
        for other in others:
            other.terminate()
        self.libvirtd.stop()
        self.rabbitmq.stop()
        for other in others:
            other.stop(_END_SECONDS)
        self._step('mariadb', self.mariadb.service.stop)

    def _configure(self) -> None:
        """Write the configuration, and end what does not run by it."""
        is_other = self.configuration.write(self._compute_options)
        installed_at = self.layout.installed_at
        compute = self.services.compute
        for one in (compute, self.services.nova_api):
            if one.pid is not None and (
                one.started_at < installed_at or (is_other and one is compute)
            ):
                one.stop()

    def _stop_compute(self) -> None:
        self.services.compute.stop(_COMPUTE_END_SECONDS)

    def _restore(self) -> None:
        self.mariadb.restore(seed.ensure())

    def _bootstrap(self) -> None:
        identity.bootstrap(self.layout, self.configuration)

    def _fill_catalog(self) -> None:
        self._await('an API', self._apis_listen)
        identity.fill_catalog(lab_cloud.connect(self.layout), self.layout)

    def _apis_listen(self) -> bool:
        ports = [it.port for it in self.services.apis if it.port is not None]
        return all(map(loopback.listens, ports))

    def _wait_conductor(self) -> None:
        # NOTE: a nova-compute that comes before it waits for 10 s.
        self._await(
            'nova-conductor',
            lambda: self._is_consumed('conductor'),
        )

    def _wait_compute(self) -> None:
        queue = f'compute.{configuration.HOST_NAME}'
        self._await(
            'nova-compute',
            lambda: self._is_consumed(queue) and self.cloud.can_boot(),
        )

    def _is_consumed(self, queue: str) -> bool:
        return message_queue.is_consumed(self.rabbitmq.url, queue)

    def _await(self, what: str, condition: Callable[[], bool]) -> None:
        """Wait for a condition as long as all that was started runs."""
        started = [it for it in self.services.all if it.pid is not None]

        def is_over() -> bool:
            for one in started:
                one.check()
            return condition()

        if not process.wait_until(is_over, _READY_SECONDS):
            raise error.LabError(f'{what} is not ready: see {self.layout.log}')

    def _step(self, what: str, do: Callable[[], object]) -> None:
        begun_at = time.monotonic()
        do()
        if self._tell is not None:
            self._tell(what, time.monotonic() - begun_at)
