# SPDX-License-Identifier: Apache-2.0
"""Deadlines while the broker works, hangs, or is none at all.

The measure is that of ``benchmarks.deadline``; all kinds take turns in one
run, so that what else happens on the machine happens to all of them.
"""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import pathlib
import statistics
import tempfile
from typing import Any

from benchmarks import configuration
from benchmarks import deadline
from benchmarks import figure
from benchmarks import rig as bench_rig
from tools.lab import rabbitmq

Row = dict[str, Any]

_BLOCK = 20
_TAILS = (0.95, 0.99)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """What there is of a bus.

    :ivar hangs: None: it does not; else whether it already does when the
        agent starts
    """

    name: str
    has_bus: bool = True
    hangs: bool | None = None


KINDS = (
    Kind(name='no bus', has_bus=False),
    Kind(name='good bus'),
    Kind(name='hung meanwhile', hangs=False),
    Kind(name='hung from the start', hangs=True),
)


def measure(rig: bench_rig.Rig, options: Any) -> list[Row]:
    """Run blocks of policies of each kind in turn."""
    bench = deadline.Bench(rig, options.seed)
    blocks: dict[str, list[list[Row]]] = {it.name: [] for it in KINDS}
    with tempfile.TemporaryDirectory(prefix='nbt-bus-') as folder:
        root = pathlib.Path(folder)
        with rabbitmq.PrivateRabbitMQ(root / 'broker') as broker:
            scene = _Scene(rig, broker, root)
            while any(
                _count(blocks[it.name]) < options.hung_policies for it in KINDS
            ):
                for kind in KINDS:
                    with scene.controller(kind) as controller:
                        ends = bench.deadlines(
                            controller, rig.guests[:4], _BLOCK
                        )
                    blocks[kind.name].append(ends)
    return [_row(name, it) for name, it in blocks.items()]


class _Scene:
    """Makes agents of each kind."""

    def __init__(
        self,
        rig: bench_rig.Rig,
        broker: rabbitmq.PrivateRabbitMQ,
        root: pathlib.Path,
    ) -> None:
        self._uri = rig.lab.uri
        self._broker = broker
        self._root = root
        self._made = 0

    @contextlib.contextmanager
    def controller(self, kind: Kind) -> Iterator[bench_rig.Controller]:
        """Start an agent with a journal of its own."""
        config = self._configure(kind)
        if kind.hangs:
            self._broker.freeze()
        try:
            controller = bench_rig.Controller(self._uri, config)
            if kind.hangs is False:
                self._broker.freeze()
            try:
                yield controller
            finally:
                controller.kill()
        finally:
            self._broker.thaw()

    def _configure(self, kind: Kind) -> pathlib.Path:
        self._made += 1
        folder = self._root / str(self._made)
        folder.mkdir()
        groups = configuration.of_agent(self._uri, folder / 'state')
        if kind.has_bus:
            groups = configuration.on_bus(groups, self._broker.url)
        return configuration.write(folder / 'agent.conf', groups)


def _count(blocks: Sequence[Sequence[Row]]) -> int:
    return sum(map(len, blocks))


def _row(name: str, blocks: Sequence[Sequence[Row]]) -> Row:
    """Sum up a kind; lateness is of those that were moving."""
    ends = [end for block in blocks for end in block]
    late = [end for end in ends if end.get('was_moving')]
    reasons = sorted({end['reason'] for end in ends})
    medians = [
        statistics.median(moving)
        for block in blocks
        if (moving := [it['late_ms'] for it in block if it.get('was_moving')])
    ]
    return {
        'bus': name,
        'policies': len(ends),
        'ends': ', '.join(
            f'{sum(end["reason"] == reason for end in ends)} {reason}'
            for reason in reasons
        ),
        'late ms: n/median/p95/p99/max': figure.spread(
            [end['late_ms'] for end in late], *_TAILS
        ),
        "blocks' medians: n/median/p95/max": figure.spread(medians, 0.95),
        'MiB after: n/median/p95/p99/max': figure.spread(
            [end['after_mib'] for end in late], *_TAILS
        ),
        'most MiB away: n/median/p95/p99/max': figure.spread(
            [end['most_mib'] for end in late], *_TAILS
        ),
        'CPU s a policy-second': round(
            sum(end['cpu_share'] for end in ends) / len(ends), 4
        ),
    }
