# SPDX-License-Identifier: Apache-2.0
"""Asks how things stand when somebody scrapes, and not before."""

from collections.abc import Callable, Sequence
from importlib import metadata
import threading
import time
from typing import Protocol

from oslo_config import cfg
from prometheus_client import metrics_core
from prometheus_client import registry as prometheus_registry

from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.engine import machine as engine_machine
from nova_balloon_timer.metrics import families
from nova_balloon_timer.metrics import inquiry
from nova_balloon_timer.metrics import snapshot as metrics_snapshot

# How long a scrape waits for the crank's thread.
_LIMIT_SECONDS = 0.5

# Whoever scrapes more often is told the same again: each question keeps the
# crank's thread from its deadlines for a few milliseconds.
_FRESH_SECONDS = 0.2

_PROJECT = 'nova-balloon-timer'

CountNotifications = Callable[[], families.NotificationCounts | None]


class Crank(Protocol):
    """The thread that owns engine and controller."""

    controller: controller_machine.Controller

    @property
    def engine(self) -> engine_machine.Engine:
        """The engine; only that thread may ask it."""

    def call(self, function: Callable[[], None]) -> None:
        """Have that thread call a function."""


def no_notifications() -> None:
    """Say that there is no message bus."""


class StateCollector(prometheus_registry.Collector):
    """Collects what is not counted as it happens.

    :param options: of the group ``[balloon_timer]``
    :param count_notifications: returns what the notifier did; None: no bus
    """

    def __init__(
        self,
        crank: Crank,
        pool: applier_pool.WorkerPool,
        journal: families.Journal,
        options: cfg.ConfigOpts.GroupAttr,
        count_notifications: CountNotifications = no_notifications,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._journal = journal
        self._options = options
        self._count_notifications = count_notifications
        self._clock = clock
        self._version = metadata.version(_PROJECT)
        self._inquiry = inquiry.Inquiry(
            crank.call,
            lambda: metrics_snapshot.take(
                crank.controller, crank.engine, clock
            ),
            _LIMIT_SECONDS,
        )
        self._lock = threading.Lock()
        self._asked_at: float | None = None
        self._shot: metrics_snapshot.Snapshot | None = None

    def collect(self) -> Sequence[metrics_core.Metric]:
        """Return how everything stands; what is not known is left out."""
        return self._families(self._ask())

    def describe(self) -> Sequence[metrics_core.Metric]:
        """Return what can be asked for; the crank has no part in it."""
        return self._families(metrics_snapshot.NOTHING)

    def _families(
        self, shot: metrics_snapshot.Snapshot | None
    ) -> Sequence[metrics_core.Metric]:
        options = self._options
        found = [
            *families.of_agent(
                options.applier,
                options.planner,
                self._version,
                is_answering=shot is not None,
            ),
            *families.of_pool(self._pool.load),
            *families.of_journal(self._journal),
            *families.of_notifications(self._count_notifications()),
        ]
        if shot is not None:
            now = self._clock()
            found += families.of_host(shot, now, options.pressure_sources)
            found += families.of_guests(shot)
        return found

    def _ask(self) -> metrics_snapshot.Snapshot | None:
        """Ask the crank, one scrape at a time."""
        with self._lock:
            now = self._clock()
            if self._asked_at is None or now - self._asked_at > _FRESH_SECONDS:
                self._shot = self._inquiry.ask()
                self._asked_at = self._clock()
            return self._shot
