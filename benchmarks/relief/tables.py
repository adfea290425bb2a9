# SPDX-License-Identifier: Apache-2.0
"""The rows of many trials, summed up in tables."""

from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks import figure

Row = dict[str, Any]

_TAIL = 0.95
_FORM = 'n/median/p95/max'


def _spread(rows: Sequence[Row], name: str) -> Row:
    values = [row[name] for row in rows if row.get(name) is not None]
    return figure.spread(values, _TAIL)


def _total(rows: Sequence[Row], name: str) -> int:
    """Add up numbers, or the lengths of lists."""
    values = [row.get(name) or 0 for row in rows]
    return sum(len(it) if isinstance(it, list) else it for it in values)


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Order rows by how many guests there were; all of them last."""
    counts = sorted({row['guests'] for row in rows})
    groups = [
        (str(count), [row for row in rows if row['guests'] == count])
        for count in counts
    ]
    return [*groups, ('all', list(rows))] if len(groups) > 1 else groups


def _by_line(
    rows: Sequence[Row],
    spreads: Mapping[str, str],
    totals: Mapping[str, str] | None = None,
) -> list[Row]:
    """Make a line of each measure, by its title."""
    found: list[Row] = []
    for name, group in _groups(rows):
        found += [
            {'guests': name, 'what': title, _FORM: _spread(group, key)}
            for title, key in spreads.items()
        ]
        found += [
            {'guests': name, 'what': title, _FORM: _total(group, key)}
            for title, key in (totals or {}).items()
        ]
    return found


def latency(rows: Sequence[Row]) -> list[Row]:
    """Sum up how long it took from an event to the first order."""
    return _by_line(
        rows,
        {
            'ms since first seen outside (goal p95 100)': 'event_to_order_ms',
            'ms since below the low watermark': 'low_to_order_ms',
            'ms since the limit was hit': 'hit_to_order_ms',
            'ms since pressure-started in the journal': 'told_to_order_ms',
            'ms from outside event to pressure-started': 'event_to_told_ms',
            "ms of the observer's longest gap": 'longest_gap_ms',
        },
    )


def relief(rows: Sequence[Row]) -> list[Row]:
    """Sum up how long the host was short, against what was planned."""
    plain = [row for row in rows if row['kind'] == 'plain'] or list(rows)
    # Where a guest had to kill the eater, that was the relief.
    sound = [row for row in plain if not row['oom_lines']]
    left_out = len(plain) - len(sound)
    lines = _by_line(
        sound,
        {
            's short at first, seen outside': 'relief_seconds',
            's from first order to that end': 'order_to_relief_seconds',
            's planned at first': 'planned_seconds',
            'the former by the latter (goal <= 1)': 'relief_share',
            's of the longest time short': 'longest_spell_seconds',
            's short in all': 'short_seconds',
            's by which the last deadline was missed': 'past_deadline_seconds',
            'MiB available at the least': 'least_available_mib',
            'MiB asked for': 'asked_mib',
            'MiB moved': 'moved_mib',
            'MiB freed': 'freed_mib',
        },
        {'times short': 'spells', 'plans': 'plans', 'policies': 'policies'},
    )
    title = 'trials left out, for an OOM kill'
    return [*lines, {'guests': 'all', 'what': title, _FORM: left_out}]


def corrections(rows: Sequence[Row]) -> list[Row]:
    """Tell of each trial in which a guest was stuck."""
    names = {
        'guests': 'guests',
        'kind': 'kind',
        'ended by': 'stuck_reason',
        'after s': 'stuck_found_seconds',
        'left s': 'stuck_left_seconds',
        'undelivered': 'undelivered_mib',
        'marks': 'correction_marks',
        'policies': 'corrections',
        'in time': 'corrections_in_time',
        'MiB by them': 'corrected_mib',
        'by all': 'others_mib',
        'MiB short then': 'short_at_end_of_stuck_mib',
        'at deadline': 'short_at_deadline_mib',
        's short': 'short_seconds',
    }
    return [
        {title: row.get(key) for title, key in names.items()}
        for row in rows
        if row.get('stuck')
    ]


def harm(rows: Sequence[Row]) -> list[Row]:
    """Sum up what a busy guest felt, with and without an agent."""
    found: list[Row] = []
    for agent, is_bare in (('runs', False), ('none', True)):
        some = [row for row in rows if (row['kind'] == 'bare') is is_bare]
        found += [
            {'agent': agent, **line}
            for line in _by_line(
                some,
                {
                    'ms a pass before, p95': 'pass_p95_before_ms',
                    'ms a pass during and after, p95': 'pass_p95_after_ms',
                    'ratio (goal p95 <= 1.5)': 'pass_ratio',
                    'ms of the worst pass': 'pass_worst_ms',
                    'MiB swapped': 'swap_mib',
                },
                {'OOM in guests': 'oom_lines', 'in the cell': 'cell_kills'},
            )
        ]
    return found


def aftermath(rows: Sequence[Row]) -> list[Row]:
    """Sum up whether all came back, and stayed so."""
    return _by_line(
        rows,
        {
            's from recovery to all full': 'full_seconds',
            's from SIGTERM to end': 'agent_stop_seconds',
        },
        {
            'guests not full': 'not_full',
            's watched after that': 'calm_watched_seconds',
            'flaps (goal 0)': 'flaps',
            'turns after the return began': 'turns_after_return',
            'pressure after the return began': 'pressure_after_return',
            'foreign changes': 'foreign_changes',
            'orders to the driverless': 'driverless_orders',
            'policies left without end': 'unended',
            'errors in the log': 'trouble',
        },
    )


def crashes(rows: Sequence[Row]) -> list[Row]:
    """Sum up the kills."""
    numbered = [{'guests': row['way'], **row} for row in rows]
    for row in numbered:
        row['held'] = row['in_flight'] > 0
        row['sick'] = not row['healed']
    return [
        {'started again': line.pop('guests'), **line}
        for line in _by_line(
            numbered,
            {
                'MiB moved after it': 'moved_mib',
                'MiB that the target was ahead': 'ahead_mib',
                'MiB of 0.1 s at the rate seen, or 16': 'leash_mib',
                'ms until nothing moved': 'still_ms',
                's until it was up again': 'restart_seconds',
                's from calm to all healed': 'heal_seconds',
            },
            {
                'kills in mid-policy': 'held',
                'guests that moved more than that': 'over_leash',
                'not healed': 'sick',
            },
        )
    ]
