# SPDX-License-Identifier: Apache-2.0
"""All metrics of one agent, from what is counted to who may read it."""

from oslo_config import cfg
import prometheus_client

from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.metrics import applier as metered_applier
from nova_balloon_timer.metrics import collector
from nova_balloon_timer.metrics import exporter
from nova_balloon_timer.metrics import families
from nova_balloon_timer.metrics import instruments
from nova_balloon_timer.metrics import meter


class Metrics:
    """Puts the parts together.

    :param options: of the group ``[balloon_timer]``
    :ivar observers: to be told by the crank what happens
    :ivar rpc: to be told of each call that the agent answers
    """

    def __init__(self, options: cfg.ConfigOpts.GroupAttr) -> None:
        self._options = options
        self.registry = make_registry()
        self.observers = (instruments.Instruments(self.registry),)
        self.rpc = meter.CallMeter(
            self.registry, 'rpc', 'RPC calls that the agent answered'
        )
        self._calls = meter.CallMeter(
            self.registry,
            'applier_call',
            'calls to the hypervisor',
            metered_applier.METHODS,
        )
        self._exporter = exporter.Exporter(
            self.registry, options.metrics_address, options.metrics_port
        )

    def open(self) -> None:
        """Take the port, before anything else begins that needs it.

        :raises MetricsNotServable: the address or port cannot be had
        """
        self._exporter.open()

    def metered(self, applier: base.Applier) -> base.Applier:
        """Return an applier that does the same, and is measured."""
        return metered_applier.MeteredApplier(applier, self._calls)

    def servers(
        self,
        crank: collector.Crank,
        pool: applier_pool.WorkerPool,
        journal: families.Journal,
        count_notifications: collector.CountNotifications = (
            collector.no_notifications
        ),
    ) -> tuple[exporter.Exporter, ...]:
        """Return what serves the metrics; it asks these how things stand."""
        self.registry.register(
            collector.StateCollector(
                crank, pool, journal, self._options, count_notifications
            )
        )
        return (self._exporter,)

    def close(self) -> None:
        """Free the port."""
        self._exporter.close()


class NoMetrics:
    """What there is instead if nobody asked for metrics."""

    def __init__(self) -> None:
        self.observers: tuple[instruments.Instruments, ...] = ()
        self.rpc = meter.NoMeter()

    def open(self) -> None:
        """Do nothing."""

    def metered(self, applier: base.Applier) -> base.Applier:
        """Return the applier as it is."""
        return applier

    def servers(
        self,
        crank: collector.Crank,
        pool: applier_pool.WorkerPool,
        journal: families.Journal,
        count_notifications: collector.CountNotifications = (
            collector.no_notifications
        ),
    ) -> tuple[exporter.Exporter, ...]:
        """Serve nothing."""
        return ()

    def close(self) -> None:
        """Do nothing."""


def make(options: cfg.ConfigOpts.GroupAttr) -> Metrics | NoMetrics:
    """Return the metrics that are asked for."""
    return Metrics(options) if options.metrics else NoMetrics()


def make_registry() -> prometheus_client.CollectorRegistry:
    """Return one of our own, with what can be told of any process."""
    # NOTE: one series more for each, that tells nothing which the start of the
    # process does not.
    leave_out_creation = prometheus_client.disable_created_metrics
    leave_out_creation()  # type: ignore[no-untyped-call]
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.ProcessCollector(registry=registry)
    prometheus_client.PlatformCollector(registry=registry)
    prometheus_client.GCCollector(registry=registry)
    return registry
