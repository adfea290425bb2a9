# SPDX-License-Identifier: Apache-2.0
"""From how things stand to metrics; knows their names, types and help."""

from collections.abc import Collection, Iterator, Mapping
from typing import Protocol

from prometheus_client import metrics_core

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.engine import states
from nova_balloon_timer.metrics import meter
from nova_balloon_timer.metrics import snapshot as metrics_snapshot

Families = Iterator[metrics_core.Metric]

# Reasons that hold for so much memory, within such a time, and not as such;
# the first is one only where an operator's policy must be the guest's to end.
_OF_A_PLAN = (
    model.Obstacle.NO_GUEST_CLOCK,
    model.Obstacle.NO_ROOM,
    model.Obstacle.USE_UNKNOWN,
    model.Obstacle.NEVER_TOUCHED,
    model.Obstacle.NO_TIME,
    model.Obstacle.NOT_NEEDED,
    model.Obstacle.PLANNER_DEFECT,
    model.Obstacle.OTHER,
)

_LIVE = tuple(it for it in states.State if it is not states.State.ENDED)


class Journal(Protocol):
    """What the metrics need of a journal."""

    @property
    def waiting(self) -> int:
        """How many jobs wait to be written."""

    @property
    def failure(self) -> str:
        """Why nothing can be written at present; empty if it can."""


class NotificationCounts(Protocol):
    """What a notifier has done since it started, and still has to do."""

    @property
    def waiting(self) -> int | None:
        """How many are kept, as they could not be sent yet; if known."""

    @property
    def sent(self) -> int:
        """How many the message bus has taken."""

    @property
    def failed(self) -> int:
        """How many attempts to send one failed."""

    @property
    def dropped(self) -> int:
        """How many were given up, as there was no room for more."""


def of_host(
    shot: metrics_snapshot.Snapshot, now: float, sources: Collection[str]
) -> Families:
    """Tell how the host stands.

    :param now: of the clock that readings are stamped with
    :param sources: those that are in use; others told something once
    """
    yield _gauge(
        'host_short', 'Whether the host is short of memory.', shot.is_short
    )
    memory, watermarks = shot.memory, shot.watermarks
    yield _bytes(
        'host_memory_total_bytes',
        'Memory of the host, or of the cgroup that its guests live in.',
        None if memory is None else memory.total_kib,
    )
    yield _bytes(
        'host_memory_available_bytes',
        'Memory that can still be used without swapping.',
        None if memory is None else memory.available_kib,
    )
    yield _gauge(
        'host_memory_age_seconds',
        'Time since available memory was read.',
        None if memory is None else max(0.0, now - memory.at),
    )
    levels = {}
    if watermarks is not None:
        levels = {'low': watermarks.low_kib, 'high': watermarks.high_kib}
    yield _gauges(
        'host_watermark_bytes',
        'Available memory: below the low one the host is short, above the '
        'high one it is well.',
        'watermark',
        {name: kib * units.BYTES_PER_KIB for name, kib in levels.items()},
    )
    yield _bytes(
        'host_memory_fall_bytes_per_second',
        'How quickly available memory shrinks; 0 if it does not.',
        None if memory is None else shot.fall_kib_per_second,
    )
    yield _gauge(
        'host_stalled_ratio',
        'Share of the time in which some task waited for memory.',
        shot.stalled_share,
    )
    yield _gauges(
        'source_reading_age_seconds',
        'Time since each source of pressure told something.',
        'source',
        {
            name: max(0.0, now - at)
            for name, at in shot.read_at.items()
            if name in sources
        },
    )


def of_guests(shot: metrics_snapshot.Snapshot) -> Families:
    """Tell how the guests and their policies stand."""
    yield _gauges(
        'guests',
        'Guests by what is with their balloon.',
        'state',
        {it.value: shot.guests.get(it, 0) for it in _State},
    )
    yield _gauges(
        'guests_left_alone',
        'Guests of which nothing may be asked now, by the reason.',
        'reason',
        {
            it.value: shot.left_alone.get(it, 0)
            for it in model.Obstacle
            if it not in _OF_A_PLAN or it in shot.left_alone
        },
    )
    yield _bytes(
        'guest_memory_full_bytes',
        'What all guests together would have with empty balloons.',
        shot.full_kib,
    )
    yield _bytes(
        'guest_memory_missing_bytes',
        'What all guests together have less than that.',
        shot.missing_kib,
    )
    policies = metrics_core.GaugeMetricFamily(
        f'{meter.NAMESPACE}_policies',
        'Policies that are under way, or whose balloon is being stopped.',
        labels=('state', 'direction'),
    )
    for state in _LIVE:
        for direction in model.Direction:
            count = shot.policies.get((state, direction), 0)
            policies.add_metric((state.value, direction.value), count)
    yield policies


def of_agent(
    applier: str, planner: str, version: str, *, is_answering: bool
) -> Families:
    """Tell what this agent is, and whether it does its work."""
    yield _gauge(
        'up',
        'Whether the thread that looks after the host answers; if not, what '
        'only it knows is missing.',
        is_answering,
    )
    yield metrics_core.InfoMetricFamily(
        f'{meter.NAMESPACE}_build',
        'What this agent is.',
        {'version': version, 'applier': applier, 'planner': planner},
    )


def of_pool(load: applier_pool.Load) -> Families:
    """Tell what the workers do."""
    yield _gauges(
        'workers',
        'Threads that carry out orders on guests; stuck ones wait for a '
        'hypervisor.',
        'state',
        {
            'idle': max(0, load.workers - load.busy),
            'busy': load.busy - load.stuck,
            'stuck': load.stuck,
        },
    )
    yield _gauge(
        'worker_guests_waiting',
        'Guests for whom an order waits for a worker.',
        load.waiting,
    )


def of_journal(journal: Journal) -> Families:
    """Tell whether the journal is written."""
    yield _gauge(
        'journal_jobs_waiting',
        'Entries that wait to be written to the journal.',
        journal.waiting,
    )
    yield _gauge(
        'journal_failing',
        'Whether the journal cannot be written.',
        bool(journal.failure),
    )


def of_notifications(counts: NotificationCounts | None) -> Families:
    """Tell how notifications fare; None: there is no message bus."""
    yield _gauge(
        'notifications_waiting',
        'Notifications that are kept until the message bus takes them.',
        None if counts is None else counts.waiting,
    )
    for name, words, value in (
        (
            'notifications_sent',
            'Notifications that the message bus has taken.',
            None if counts is None else counts.sent,
        ),
        (
            'notification_failures',
            'Attempts to send a notification that failed.',
            None if counts is None else counts.failed,
        ),
        (
            'notifications_dropped',
            'Notifications that were given up, as too many waited.',
            None if counts is None else counts.dropped,
        ),
    ):
        yield metrics_core.CounterMetricFamily(
            f'{meter.NAMESPACE}_{name}', words, value
        )


_State = metrics_snapshot.GuestState


def _gauge(
    name: str, words: str, value: float | None
) -> metrics_core.GaugeMetricFamily:
    """Make a metric without labels; None: there is no figure."""
    return metrics_core.GaugeMetricFamily(
        f'{meter.NAMESPACE}_{name}',
        words,
        None if value is None else float(value),
    )


def _bytes(
    name: str, words: str, size_kib: float | None
) -> metrics_core.GaugeMetricFamily:
    size = None if size_kib is None else size_kib * units.BYTES_PER_KIB
    return _gauge(name, words, size)


def _gauges(
    name: str, words: str, label: str, values: Mapping[str, float]
) -> metrics_core.GaugeMetricFamily:
    family = metrics_core.GaugeMetricFamily(
        f'{meter.NAMESPACE}_{name}', words, labels=(label,)
    )
    for value, figure in values.items():
        family.add_metric((value,), figure)
    return family
