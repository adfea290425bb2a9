# SPDX-License-Identifier: Apache-2.0
"""All metrics of an agent that has seen everything, without a port."""

from collections.abc import Callable, Iterator
import contextlib
import dataclasses
from typing import Any

from oslo_config import cfg
import prometheus_client
from prometheus_client import metrics_core

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.engine import machine as engine_machine
from nova_balloon_timer.metrics import metrics as agent_metrics
from nova_balloon_timer.planners import default
from tests.unit import base
from tests.unit.agent import factory as agent_factory
from tests.unit.appliers import memory
from tests.unit.controller import factory

MIB = base.MIB


class Crank:
    """Calls at once whatever it shall call; nothing has deadlines here."""

    def __init__(self) -> None:
        self.controller = controller_machine.Controller(
            factory.make_settings(
                rank=lambda it: 'excluded' if it.name == 'db' else 1.0
            ),
            default.DefaultPlanner(),
            make_uuid=lambda: base.make_policy().uuid,
            now=0.0,
            utc_offset=factory.UTC_OFFSET,
        )
        self.engine = engine_machine.Engine()

    def call(self, function: Callable[[], None]) -> None:
        function()

    def handle(self, event: message.Event | message.HostEvent) -> None:
        """Have both take in what happened, at the instant 100."""
        self.controller.handle(event, 100.0)
        if not isinstance(event, message.HostEvent):
            self.engine.handle(event, 100.0)


@dataclasses.dataclass(frozen=True)
class Journal:
    waiting: int = 0
    failure: str = ''


@dataclasses.dataclass(frozen=True)
class Notifications:
    waiting: int = 1
    sent: int = 2
    failed: int = 3
    dropped: int = 4


def make_options(**options: Any) -> cfg.ConfigOpts.GroupAttr:
    """Return the group of a configuration with these options."""
    with agent_factory.Configuration(**options) as configuration:
        group: cfg.ConfigOpts.GroupAttr = configuration.conf.balloon_timer
        return group


def make_plan(
    *left_out: model.Obstacle, need_mib: int = 300, shortfall_mib: int = 0
) -> message.ReliefPlanned:
    """Return the plan to ask one guest, and not these."""
    return message.ReliefPlanned(
        at=101.0,
        need_kib=need_mib * MIB,
        corrects=False,
        plan=situation.Plan(
            duration_seconds=5.0,
            proposals=(
                situation.Proposal(
                    guest_uuid=base.uuid_of('web'),
                    target_kib=512 * MIB,
                    expected_freed_kib=200 * MIB,
                    words='it can',
                ),
            ),
            left_out=tuple(
                situation.LeftOut(
                    guest_uuid=base.uuid_of(str(number)),
                    words='so it is',
                    obstacle=obstacle,
                )
                for number, obstacle in enumerate(left_out)
            ),
            shortfall_kib=shortfall_mib * MIB,
        ),
    )


def make_registry(
    pool: applier_pool.WorkerPool,
) -> prometheus_client.CollectorRegistry:
    """Return a registry in which each metric has each of its labels."""
    made = agent_metrics.Metrics(make_options())
    crank = Crank()
    crank.handle(
        message.PressureRead(
            reading=factory.make_reading(100.0, 512, stalled_share=0.1)
        )
    )
    made.servers(crank, pool, Journal(), Notifications)
    made.rpc.observe('list_policies', 0.1, 'InvalidArgument')
    (observer,) = made.observers
    observer.noticed(make_plan())
    with contextlib.suppress(exception.GuestNotFound):
        made.metered(memory.MemoryApplier()).read('nobody')
    return made.registry


def families_of(
    registry: prometheus_client.CollectorRegistry,
) -> Iterator[metrics_core.Metric]:
    """Return our own metrics."""
    for family in registry.collect():
        if family.name.startswith('balloon_timer_'):
            yield family
