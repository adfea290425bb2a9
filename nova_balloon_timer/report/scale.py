# SPDX-License-Identifier: Apache-2.0
"""The unit and the ticks of an axis of memory."""

import dataclasses
from typing import Any

from nova_balloon_timer import units
from nova_balloon_timer.report import palette

_Json = dict[str, Any]

# From here on nobody wants to read MiB.
_GIB_FROM_KIB = 16 * units.KIB_PER_GIB


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How an axis says sizes."""

    unit: str
    unit_kib: int
    smallest_step: float
    hover_format: str

    def value(self, size_kib: float) -> float:
        """Turn a size into what the axis shows."""
        return round(size_kib / self.unit_kib, 3)

    def text(self, size_kib: float) -> str:
        """Write a size without its unit."""
        value = size_kib / self.unit_kib
        return f'{value:.0f}' if self.unit == 'MiB' else f'{value:.1f}'

    def axis(self, low: float, high: float, most_ticks: int) -> _Json:
        """Return an axis of plotly's from low to high, in this unit."""
        step = self.smallest_step
        while (high - low) / step > most_ticks:
            step *= 2
        return {
            'range': [low, high],
            'title': {'text': self.unit, 'standoff': 6},
            'tick0': 0,
            'dtick': step,
            'tickformat': '~g' if step < 1 else 'd',
            'gridcolor': palette.GRID,
            'linecolor': palette.MUTED,
            'zeroline': False,
            # So that dragging chooses a time, in all rows at once.
            'fixedrange': True,
        }


_MIB = Scale(
    unit='MiB',
    unit_kib=units.KIB_PER_MIB,
    smallest_step=1.0,
    hover_format='%{y:.0f} MiB',
)
_GIB = Scale(
    unit='GiB',
    unit_kib=units.KIB_PER_GIB,
    smallest_step=0.25,
    hover_format='%{y:.2f} GiB',
)


def suiting(highest_kib: int) -> Scale:
    """Choose the unit for sizes up to the highest."""
    return _MIB if highest_kib < _GIB_FROM_KIB else _GIB
