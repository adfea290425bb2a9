# SPDX-License-Identifier: Apache-2.0
"""Medians, tails and tables."""

from collections.abc import Mapping, Sequence
import statistics
from typing import Any

import rich.console
import rich.table


def quantile(values: Sequence[float], share: float) -> float | None:
    """Return the value that this share of the values does not exceed."""
    if not values:
        return None
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def spread(
    values: Sequence[float], *tails: float
) -> dict[str, float | int | None]:
    """Return count, median, 99th percentile and maximum, rounded.

    :param tails: which other percentiles, as shares
    """
    return {
        'n': len(values),
        'median': _round(statistics.median(values) if values else None),
        **{
            f'p{tail * 100:.0f}': _round(quantile(values, tail))
            for tail in tails or (0.99,)
        },
        'max': _round(max(values, default=None)),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)


def show(title: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print a table; the first row's keys are its columns."""
    table = rich.table.Table(title=title, title_justify='left')
    for name in rows[0]:
        table.add_column(name)
    for row in rows:
        table.add_row(*(_cell(value) for value in row.values()))
    rich.console.Console(width=140).print(table)


def _cell(value: Any) -> str:
    if isinstance(value, dict):
        return ' / '.join(_cell(part) for part in value.values())
    return '-' if value is None else str(value)


def turned(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Make columns of rows, for few rows of many columns."""
    head, *names = rows[0]
    return [
        {head: name, **{str(row[head]): row[name] for row in rows}}
        for name in names
    ]
