# SPDX-License-Identifier: Apache-2.0
"""Measure what agents tell and answer on a message bus.

Real guests, the installed agent, and a RabbitMQ of our own that is ended and
stopped. Run as root, on a quiet machine: ``python -m benchmarks.bus``.
"""

import argparse
from collections.abc import Sequence
import contextlib
import functools
import json
import logging
import os
import pathlib
import time
from typing import Any

from benchmarks import figure
from benchmarks import rig as bench_rig
from benchmarks.bus import calls
from benchmarks.bus import crowd
from benchmarks.bus import fleet
from benchmarks.bus import hung
from benchmarks.bus import keeping
from benchmarks.bus import latency
from benchmarks.bus import outage

Row = dict[str, Any]

PARTS = ('latency', 'outages', 'hosts', 'hung', 'calls')
_GUESTS = 4

# What is measured: at full length, and quickly.
_SIZES: dict[str, tuple[int, int]] = {
    'policies': (200, 40),
    'outages': (2, 2),
    'crowd': (1000, 200),
    'hung_policies': (200, 40),
    'rounds': (100, 10),
    'lists': (20, 3),
}
_HOSTS = ('10,100,300', '10,50')


class Bench:
    """Runs parts, and shows what each found as soon as it has."""

    def __init__(
        self, options: argparse.Namespace, stack: contextlib.ExitStack
    ) -> None:
        self._options = options
        self._stack = stack
        self.found: dict[str, Any] = {'seed': options.seed}

    @functools.cached_property
    def _rig(self) -> bench_rig.Rig:
        return self._stack.enter_context(bench_rig.Rig(_GUESTS))

    def run(self, part: str) -> None:
        """Measure, and show it."""
        options = self._options
        match part:
            case 'latency':
                self._show('Until it is heard', latency.measure, self._rig)
                self._show('Many ends at once', crowd.measure, is_turned=True)
            case 'outages':
                self._show(
                    f'The broker goes {options.outages} times',
                    outage.measure,
                    self._rig,
                    is_turned=True,
                )
                self._show('What the broker keeps', keeping.measure)
            case 'hosts':
                self._show('All hosts', fleet.measure)
            case 'hung':
                self._show(
                    'Deadlines, and the bus',
                    hung.measure,
                    self._rig,
                    is_turned=True,
                )
            case 'calls':
                self._show('Calls', calls.measure, self._rig)

    def _show(
        self, title: str, measure: Any, *rig: Any, is_turned: bool = False
    ) -> None:
        before = os.getloadavg()[0]
        rows: Sequence[Row] = measure(*rig, self._options)
        load = f'{before:.2f} before, {os.getloadavg()[0]:.2f} after'
        self.found[title] = {'load average': load, 'rows': rows}
        figure.show(
            f'{title} (load average {load})',
            figure.turned(rows) if is_turned else rows,
        )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.bus', description=__doc__
    )
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--only', default=','.join(PARTS), metavar='PARTS')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    parser.add_argument('--hosts', help='numbers of them (10,100,300)')
    for name, (full, quick) in _SIZES.items():
        parser.add_argument(
            f'--{name.replace("_", "-")}',
            type=int,
            help=f'{full}; quick: {quick}',
        )
    options = parser.parse_args()
    for name, sizes in _SIZES.items():
        if getattr(options, name) is None:
            setattr(options, name, sizes[options.quick])
    hosts = options.hosts or _HOSTS[options.quick]
    options.hosts = [int(count) for count in hosts.split(',')]
    options.only = options.only.split(',')
    if not set(options.only) <= set(PARTS):
        parser.error(f'the parts are {", ".join(PARTS)}')
    return options


def main() -> None:
    """Measure, print tables, and JSON in the last line."""
    # That the broker is away need not be said: it is meant to be.
    logging.basicConfig(level=logging.CRITICAL)
    options = _options()
    print(f'seed {options.seed}', flush=True)
    with contextlib.ExitStack() as stack:
        bench = Bench(options, stack)
        for part in PARTS:
            if part in options.only:
                bench.run(part)
    text = json.dumps(bench.found)
    print(text)
    if options.json is not None:
        options.json.write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
