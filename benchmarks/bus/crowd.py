# SPDX-License-Identifier: Apache-2.0
"""How long it takes to hear of many policies that end at once."""

import collections
from collections.abc import Callable, Iterator, Sequence
import contextlib
import json
import pathlib
import subprocess
import sys
import tempfile
from typing import Any, cast, IO

from benchmarks import configuration
from benchmarks import figure
from benchmarks.bus import listener as bench_listener
from benchmarks.bus import tally as bench_tally
from tools.lab import rabbitmq

Row = dict[str, Any]

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_SECONDS = 3.0
_HEAR_SECONDS = 120.0


def measure(options: Any) -> list[Row]:
    """Have all guests' policies end by their deadlines, as they run or not."""
    return [
        _measure(options.crowd, name, overdue)
        for name, overdue in (('as they run', False), ('after a start', True))
    ]


def _measure(guests: int, name: str, overdue: bool) -> Row:
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix='nbt-bus-'))
        )
        broker = stack.enter_context(rabbitmq.PrivateRabbitMQ(root / 'broker'))
        config = configuration.write(
            root / 'agent.conf',
            configuration.on_bus(
                configuration.of_agent('memory:///', root / 'state'),
                broker.url,
            ),
        )
        journal = root / 'state' / 'journal.sqlite'
        listener = bench_listener.Listener(broker.url, {})
        stack.callback(listener.close)
        with _agent(config, guests) as run:
            run(seconds=_SECONDS, overdue=overdue)
            ended = bench_tally.read_ended(journal)
            listener.wait_ends(ended, _HEAR_SECONDS)
        return {
            'policies end': name,
            **_row(ended, listener.heard),
        }


@contextlib.contextmanager
def _agent(config: pathlib.Path, guests: int) -> Iterator[Callable[..., None]]:
    """Start an agent; give what runs a policy a guest until all have ended."""
    with subprocess.Popen(
        [
            *(sys.executable, '-m', 'benchmarks.bus.crowd_subject'),
            *(str(config), str(guests)),
        ],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        words = cast('IO[str]', process.stdin)
        answers = cast('IO[str]', process.stdout)
        answers.readline()

        def run(**order: Any) -> None:
            words.write(json.dumps(order) + '\n')
            words.flush()
            json.loads(answers.readline())

        try:
            yield run
        finally:
            process.kill()


def _row(
    ended: dict[str, bench_tally.Ended],
    heard: Sequence[bench_listener.Heard],
) -> Row:
    tally = bench_tally.count(ended, heard)
    first_at = min(it.ended_at for it in ended.values())
    last_at = max(it.ended_at for it in ended.values())
    ends = [it for it in heard if it.is_end]
    reasons = collections.Counter(it.reason for it in ended.values())
    heard_at = max(it.at for it in ends)
    late_ms = [
        it.lateness_seconds * 1000
        for it in ended.values()
        if it.lateness_seconds is not None
    ]
    return {
        'policies': tally.policies,
        'ended by': ', '.join(f'{n} {it}' for it, n in reasons.items()),
        'ends heard': tally.ends,
        'others lost': tally.lost_others,
        'out of order': tally.misplaced,
        'heard twice': tally.doubles,
        's from first to last end': round(last_at - first_at, 3),
        's from last end to last heard': round(heard_at - last_at, 3),
        's from an end until heard: n/median/p95/max': figure.spread(
            [it.at - (it.ended_at or it.at) for it in ends], 0.95
        ),
        'ends heard a second': round(len(ends) / (heard_at - first_at)),
        'late ms: n/median/p95/max': figure.spread(late_ms, 0.95),
    }
