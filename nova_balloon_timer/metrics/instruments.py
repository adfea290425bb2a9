# SPDX-License-Identifier: Apache-2.0
"""Counters and histograms that are fed by what happens on the host."""

import collections
import itertools

import prometheus_client

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.metrics import meter

_LATENESS_SECONDS = (
    *(0.001, 0.002, 0.005),
    *(0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5, 1.0),
)
_DURATION_SECONDS = (
    *(0.1, 0.25, 0.5),
    *(1.0, 2.5, 5.0),
    *(10.0, 30.0, 60.0, 120.0, 300.0),
)
_PRESSURE_SECONDS = (
    *(1.0, 2.0, 5.0),
    *(10.0, 20.0, 30.0, 60.0),
    *(120.0, 300.0, 600.0, 1800.0, 3600.0),
)

_KEEPERS = (timekeeping.Mode.HOST, timekeeping.Mode.GUEST)

# Which way a policy of each origin can go.
_WAYS = (
    (model.Origin.PRESSURE, model.Direction.INFLATE),
    (model.Origin.RETURN, model.Direction.DEFLATE),
    (model.Origin.OPERATOR, model.Direction.INFLATE),
    (model.Origin.OPERATOR, model.Direction.DEFLATE),
)


class Instruments:
    """Listens to the crank, and counts."""

    def __init__(self, registry: prometheus_client.CollectorRegistry) -> None:
        self._policies = PolicyInstruments(registry)
        self._relief = ReliefInstruments(registry)

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Count a policy that begins to move its balloon."""
        self._policies.start(balloon_policy)

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Do nothing: looks are counted as calls of the applier."""

    def ended(self, report: model.EndReport) -> None:
        """Count a policy that ended, and what came of it."""
        self._policies.end(report)

    def noticed(self, notice: message.Notice) -> None:
        """Count what happened on the host."""
        match notice:
            case message.PressureStarted():
                self._relief.begin_pressure(notice.at)
            case message.PressureEnded():
                self._relief.end_pressure(notice.at)
            case message.ReliefPlanned():
                self._relief.plan(notice)
            case message.ForeignChange():
                self._policies.foreign_changes.inc()


class PolicyInstruments:
    """What policies did."""

    def __init__(self, registry: prometheus_client.CollectorRegistry) -> None:
        self._started = _counter(
            registry,
            'policies_started_total',
            'Policies that began to move their balloon.',
            'origin',
            'direction',
        )
        self._ended = _counter(
            registry,
            'policies_ended_total',
            'Policies that ended, by what ended them and who kept the clock.',
            'reason',
            'origin',
            'direction',
            'timed_by',
        )
        self._moved = _counter(
            registry,
            'memory_moved_bytes_total',
            'Memory that policies moved between guests and host.',
            'direction',
        )
        self._freed = _counter(
            registry,
            'memory_freed_bytes_total',
            'Memory that the host really gained by policies that took some.',
        )
        self.foreign_changes = _counter(
            registry,
            'foreign_changes_total',
            'How often somebody else was seen to have moved a balloon.',
        )
        self._lateness = prometheus_client.Histogram(
            'policy_lateness_seconds',
            'How long after a deadline the balloon moved: as it was seen or, '
            'where the guest kept the clock, as it says.',
            ('timed_by',),
            namespace=meter.NAMESPACE,
            registry=registry,
            buckets=_LATENESS_SECONDS,
        )
        self._duration = prometheus_client.Histogram(
            'policy_duration_seconds',
            'How long policies were in force.',
            ('direction',),
            namespace=meter.NAMESPACE,
            registry=registry,
            buckets=_DURATION_SECONDS,
        )
        self._begin_at_zero()

    def start(self, balloon_policy: model.BalloonPolicy) -> None:
        """Count the start of a policy."""
        self._started.labels(
            balloon_policy.origin.value, balloon_policy.direction.value
        ).inc()

    def end(self, report: model.EndReport) -> None:
        """Count the end of a policy."""
        direction = report.policy.direction
        keeper = report.timing.keeper.value
        self._ended.labels(
            report.reason.value,
            report.policy.origin.value,
            direction.value,
            keeper,
        ).inc()
        self._duration.labels(direction.value).observe(report.duration_seconds)
        if report.lateness_seconds is not None:
            self._lateness.labels(keeper).observe(report.lateness_seconds)
        self._moved.labels(direction.value).inc(_gain(report.moved_kib))
        if direction is model.Direction.INFLATE:
            self._freed.inc(_gain(report.freed_kib))

    def _begin_at_zero(self) -> None:
        """Have everything there, so that the first one is an increase."""
        for direction in model.Direction:
            self._moved.labels(direction.value)
            self._duration.labels(direction.value)
        for origin, direction in _WAYS:
            self._started.labels(origin.value, direction.value)
        for keeper in _KEEPERS:
            self._lateness.labels(keeper.value)
        for reason, way, keeper in itertools.product(
            model.EndReason, _WAYS, _KEEPERS
        ):
            origin, direction = way
            self._ended.labels(
                reason.value, origin.value, direction.value, keeper.value
            )


class ReliefInstruments:
    """How the host was short, and what was planned against it."""

    def __init__(self, registry: prometheus_client.CollectorRegistry) -> None:
        self._began_at: float | None = None
        self._pressures = _counter(
            registry,
            'pressures_total',
            'How often the host began to be short of memory.',
        )
        self._pressure_seconds = prometheus_client.Histogram(
            'pressure_duration_seconds',
            'How long the host was short of memory, each time.',
            namespace=meter.NAMESPACE,
            registry=registry,
            buckets=_PRESSURE_SECONDS,
        )
        self._plans = _counter(
            registry,
            'plans_total',
            'Plans to take memory; a correction makes up for a guest that '
            'did not deliver.',
            'kind',
        )
        self._need = _gauge(
            registry, 'plan_need_bytes', 'What the last plan was to free.'
        )
        self._shortfall = _gauge(
            registry,
            'plan_shortfall_bytes',
            'What the last plan could not cover; 0 since pressure ended.',
        )
        self._asked = _gauge(
            registry, 'plan_asked_guests', 'Guests that the last plan asked.'
        )
        self._left_out = _gauge(
            registry,
            'plan_left_out_guests',
            'Guests that the last plan did not ask, by the reason.',
            'reason',
        )
        self._planned_at = _gauge(
            registry,
            'plan_timestamp_seconds',
            'When the last plan was made, since the epoch; 0: none was.',
        )
        for kind in ('relief', 'correction'):
            self._plans.labels(kind)
        self._count_left_out(())

    def begin_pressure(self, at: float) -> None:
        """Count that the host is short from now on."""
        self._pressures.inc()
        self._began_at = at

    def end_pressure(self, at: float) -> None:
        """Count that it is not any more."""
        self._shortfall.set(0)
        if self._began_at is not None:
            self._pressure_seconds.observe(at - self._began_at)
        self._began_at = None

    def plan(self, notice: message.ReliefPlanned) -> None:
        """Keep what was planned."""
        plan = notice.plan
        kind = 'correction' if notice.corrects else 'relief'
        self._plans.labels(kind).inc()
        self._need.set(notice.need_kib * units.BYTES_PER_KIB)
        self._shortfall.set(plan.shortfall_kib * units.BYTES_PER_KIB)
        self._asked.set(len(plan.proposals))
        self._count_left_out(plan.left_out)
        self._planned_at.set_to_current_time()

    def _count_left_out(self, left_out: tuple[situation.LeftOut, ...]) -> None:
        counts = collections.Counter(it.obstacle for it in left_out)
        for obstacle in model.Obstacle:
            self._left_out.labels(obstacle.value).set(counts[obstacle])


def _gain(size_kib: int | None) -> int:
    """Return a size in bytes; what is unknown, or a loss, counts nothing."""
    return max(0, size_kib or 0) * units.BYTES_PER_KIB


def _counter(
    registry: prometheus_client.CollectorRegistry,
    name: str,
    words: str,
    *labels: str,
) -> prometheus_client.Counter:
    return prometheus_client.Counter(
        name, words, labels, namespace=meter.NAMESPACE, registry=registry
    )


def _gauge(
    registry: prometheus_client.CollectorRegistry,
    name: str,
    words: str,
    *labels: str,
) -> prometheus_client.Gauge:
    return prometheus_client.Gauge(
        name, words, labels, namespace=meter.NAMESPACE, registry=registry
    )
