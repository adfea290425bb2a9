# SPDX-License-Identifier: Apache-2.0
"""One axis of UTC for a host and all of its guests."""

from collections.abc import Sequence
import dataclasses
import datetime
from typing import Any

from nova_balloon_timer.report import labels
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import period

_Json = dict[str, Any]

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MILLISECOND = datetime.timedelta(milliseconds=1)
_SHORTEST_MS = 1000.0
_PADDING = 0.015


def milliseconds(at: datetime.datetime, seconds: float = 0.0) -> float:
    """Turn an instant, and some time after it, into what plotly counts."""
    return round((at - _EPOCH) / _MILLISECOND + seconds * 1000, 1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TimeAxis:
    """The visible time, in milliseconds since the epoch."""

    first: float
    last: float

    def axis(self) -> _Json:
        """Return the axis as plotly wants it, below all rows."""
        return {
            'type': 'date',
            'range': [self.first, self.last],
            'anchor': 'free',
            'position': 0,
            'title': {'text': 'time, UTC', 'standoff': 8},
            'hoverformat': '%H:%M:%S.%3f UTC',
            'gridcolor': palette.GRID,
            'linecolor': palette.MUTED,
            'zeroline': False,
            'nticks': 10,
            'ticks': 'outside',
            'tickcolor': palette.MUTED,
            'showspikes': True,
            'spikemode': 'across',
            'spikesnap': 'cursor',
            'spikedash': 'solid',
            'spikethickness': 1,
            'spikecolor': palette.MUTED,
        }

    def extent(self, shown: period.Period) -> tuple[float, float]:
        """Place a period; an open one reaches to the edge."""
        begin = milliseconds(shown.begin_at) if shown.has_begin else self.first
        end = milliseconds(shown.end_at) if shown.has_end else self.last
        return begin, end

    def levels(self, texts: Sequence[tuple[float, str]]) -> list[int]:
        """Stack labels over their instants, in order; 0 is the lowest."""
        span = self.last - self.first
        frame = labels.Frame(x_range=(0.0, span), y_range=(0.0, 1.0))
        placed = []
        for x, text in texts:
            half = labels.half_share(frame, text) * span
            moved = {'left': half, 'right': -half}.get(self.anchor(x), 0.0)
            placed.append((x - self.first + moved, text))
        return labels.rows(frame, placed)

    def anchor(self, x: float) -> str:
        """Say which part of a label stands at an instant near an edge."""
        share = (x - self.first) / (self.last - self.first)
        if share < 0.1:
            return 'left'
        return 'right' if share > 0.9 else 'center'


def covering(whole: period.Period) -> TimeAxis:
    """Make the axis of a record."""
    first = milliseconds(whole.begin_at)
    last = max(milliseconds(whole.end_at), first + _SHORTEST_MS)
    padding = (last - first) * _PADDING
    return TimeAxis(first=first - padding, last=last + padding)
