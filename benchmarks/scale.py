# SPDX-License-Identifier: Apache-2.0
"""Measure what the agent costs on hosts with up to a thousand guests.

The guests are simulated, in memory or by libvirt's test driver; the agent is
the real one, in a process of its own. Run as anyone, on a quiet machine:
``python -m benchmarks.scale``.
"""

import argparse
from collections.abc import Sequence
import json
import math
import pathlib
import statistics
import time
from typing import Any

from benchmarks import figure
from benchmarks import scale_host
from benchmarks import scale_phase
from benchmarks import scale_plan
from benchmarks import scale_soak

Row = dict[str, Any]


def exponent(points: Sequence[tuple[int, float]]) -> float | None:
    """Fit ``cost = a * guests ** exponent``; None: there is too little."""
    usable = [(n, cost) for n, cost in points if n > 0 and cost > 0]
    if len(usable) < 2:
        return None
    slope, _ = statistics.linear_regression(
        [math.log(n) for n, _ in usable], [math.log(c) for _, c in usable]
    )
    return round(slope, 2)


def _plans(counts: Sequence[int], rounds: int) -> list[Row]:
    rows = []
    for guests in counts:
        for share in (0.002, 0.03):
            took = scale_plan.measure(guests, share, rounds)
            rows.append(
                {
                    'guests': guests,
                    'lacking': f'{share:.1%}',
                    'planner ms: n/median/p95/max': figure.spread(
                        took['planner'], 0.95
                    ),
                    'reading to policies ms: n/median/p95/max': figure.spread(
                        took['whole'], 0.95
                    ),
                }
            )
    return rows


def _fits(rows: Sequence[Row], columns: Sequence[str]) -> Row:
    """Fit exponents to what comes on top of the cost without guests."""
    (empty,) = [row for row in rows if row['guests'] == 0]
    return {
        column: exponent(
            [
                (row['guests'], _number(row[column]) - _number(empty[column]))
                for row in rows
                if row['guests'] > 0
            ]
        )
        for column in columns
    }


def _number(value: Any) -> float:
    return float(value['mean'] if isinstance(value, dict) else value)


def _world(world: str, options: argparse.Namespace) -> Row:
    seconds = 6.0 if options.quick else 60.0
    counts = [0, *options.guests]
    costs = scale_phase.rest_and_band(world, counts, seconds)
    figure.show(f'{world}: at rest, and between the watermarks', costs)
    busy = scale_phase.pressure(world, counts, 4.0 if options.quick else 10.0)
    figure.show(f'{world}: under pressure', busy)
    fits = {
        **_fits(costs, scale_phase.REST_FITTED),
        **_fits(busy, scale_phase.PRESSURE_FITTED),
    }
    figure.show(f'{world}: growth exponents over the guests', [fits])
    return {'rest': costs, 'pressure': busy, 'exponents': fits}


def _measure(options: argparse.Namespace) -> Row:
    plans = _plans(options.guests, 5 if options.quick else 60)
    figure.show('Planning, in CPU time', plans)
    largest = 'reading to policies ms: n/median/p95/max'
    points = [
        (row['guests'], row[largest]['median'])
        for row in plans
        if row['lacking'] == '3.0%'
    ]
    result: Row = {'plans': plans, 'plan_exponent': exponent(points)}
    print(f'growth exponent of planning: {result["plan_exponent"]}')
    for world in options.worlds:
        result[world] = _world(world, options)
    result['soak'] = [
        scale_soak.soak(world, min(100, max(options.guests)), options.soak)
        for world in options.worlds
    ]
    figure.show(
        'Soak: pressure, relief and return, and guests that come',
        [
            {name: row[name] for name in row if name != 'track'}
            for row in result['soak']
        ],
    )
    return result


def main() -> None:
    """Measure, print tables, and JSON in the last line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--guests', default='10,100,1000')
    parser.add_argument('--worlds', default=','.join(scale_host.WORLDS))
    parser.add_argument('--soak', type=float, metavar='SECONDS')
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    options = parser.parse_args()
    options.guests = [int(count) for count in options.guests.split(',')]
    options.worlds = options.worlds.split(',')
    if options.soak is None:
        options.soak = 10.0 if options.quick else 180.0
    begin = time.monotonic()
    result = _measure(options)
    result['seconds'] = round(time.monotonic() - begin)
    text = json.dumps(result)
    print(text)
    if options.json is not None:
        options.json.write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
