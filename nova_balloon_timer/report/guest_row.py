# SPDX-License-Identifier: Apache-2.0
"""A guest in the overview: what it had, and how its policies ended."""

from collections.abc import Sequence
import dataclasses
from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.report import guest_track
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import plot_text
from nova_balloon_timer.report import scale
from nova_balloon_timer.report import time_axis
from nova_balloon_timer.report import words

_Json = dict[str, Any]

_LABEL_PIXELS = 15
_MOST_LEVELS = 2
_LONGEST_NAME = 48
_TAKING = 'guest: actual, taking'
_GIVING = 'guest: actual, giving back'
_LINES: dict[str, _Json] = {
    'rss_kib': {'color': palette.RSS, 'dash': '3px,2px', 'width': 1.3},
    'target_kib': {'color': palette.TARGET, 'width': 1.3, 'shape': 'vh'},
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Where a guest stands in the overview.

    :param y: what plotly calls its axis
    :param pixels: how high it is
    :param is_brief: there is room for what the guest had, and no more
    """

    track: guest_track.Track
    axis: time_axis.TimeAxis
    y: str
    pixels: int
    is_brief: bool


def title(row: Row) -> str:
    """Name the guest, and say what became of it."""
    stretches = row.track.stretches
    sizes = _scale(row)
    first_kib = stretches[0].points[0][1].actual_kib
    last_kib = stretches[-1].points[-1][1].actual_kib
    maximum_kib = max(it.report.policy.maximum_kib for it in stretches)
    name = plot_text.quoted(row.track.name, _LONGEST_NAME)
    return (
        f'<b>{name}</b>: {sizes.text(first_kib)} → {sizes.text(last_kib)} '
        f'{sizes.unit} of {sizes.text(maximum_kib)}'
    )


def y_axis(row: Row) -> _Json:
    """Reach over all that is drawn."""
    sizes = _scale(row)
    drawn_kib = _drawn_kib(row)
    low, high = sizes.value(min(drawn_kib)), sizes.value(max(drawn_kib))
    padding = max((high - low) * 0.12, high * 0.01, sizes.smallest_step)
    bottom = 0.0 if low < high * 0.4 else low - padding
    return sizes.axis(bottom, high + padding, 2 if row.is_brief else 4)


def traces(row: Row) -> list[_Json]:
    """Draw what the guest had."""
    found = [_held(row)]
    if not row.is_brief:
        found += [
            _line(row, row.track.stretches, 'guest: RSS', 'rss_kib'),
            _line(row, row.track.stretches, 'guest: target', 'target_kib'),
        ]
    for direction, name, color, symbol in (
        (model.Direction.INFLATE, _TAKING, palette.ACTUAL, 'triangle-down'),
        (model.Direction.DEFLATE, _GIVING, palette.USABLE, 'triangle-up'),
    ):
        stretches = [
            stretch
            for stretch in row.track.stretches
            if stretch.report.policy.direction is direction
        ]
        if stretches:
            line = _line(row, stretches, name, 'actual_kib')
            line['line'] = {'color': color, 'width': 3}
            found += [line, _ends(row, stretches, line, symbol)]
    for trace in found:
        trace['yaxis'] = row.y
    return [
        trace for trace in found if any(it is not None for it in trace['y'])
    ]


def _held(row: Row) -> _Json:
    sizes = _scale(row)
    line = guest_track.held(row.track, row.axis)
    return {
        'type': 'scatter',
        'mode': 'lines',
        'name': 'guest: left as it was',
        'legendgroup': 'held',
        'x': [at for at, _ in line],
        'y': [None if kib is None else sizes.value(kib) for _, kib in line],
        'line': {'color': palette.MUTED, 'dash': 'dot', 'width': 1.6},
        'hoverinfo': 'skip',
    }


def _line(
    row: Row,
    stretches: Sequence[guest_track.Stretch],
    name: str,
    field: str,
) -> _Json:
    """Draw a figure of some policies, interrupted between them."""
    sizes = _scale(row)
    x: list[float] = []
    y: list[float | None] = []
    for stretch in stretches:
        for at, point in stretch.points:
            size_kib = getattr(point, field)
            x.append(at)
            y.append(None if size_kib is None else sizes.value(size_kib))
        x.append(stretch.points[-1][0])
        y.append(None)
    return {
        'type': 'scatter',
        'mode': 'lines',
        'name': name,
        'legendgroup': field if field != 'actual_kib' else name,
        'x': x,
        'y': y,
        'line': _LINES.get(field, {}),
        'hovertemplate': sizes.hover_format,
    }


def _ends(
    row: Row,
    stretches: Sequence[guest_track.Stretch],
    line: _Json,
    symbol: str,
) -> _Json:
    sizes = _scale(row)
    return {
        'type': 'scatter',
        'mode': 'markers',
        'name': 'policy ended',
        'legendgroup': line['legendgroup'],
        'showlegend': False,
        'x': [stretch.ended[0] for stretch in stretches],
        'y': [sizes.value(stretch.ended[1]) for stretch in stretches],
        'text': [_end_words(stretch.report) for stretch in stretches],
        'hovertemplate': '%{text}',
        'marker': {
            'symbol': symbol,
            'size': 11,
            'color': line['line']['color'],
            'line': {'width': 1.5, 'color': palette.PAPER},
        },
        'cliponaxis': False,
    }


def annotations(row: Row) -> list[_Json]:
    """Say above the row why each end was the end, where there is room."""
    levels = _levels(row)
    texts = _texts(row) if levels else []
    return [
        {
            'x': x,
            'xanchor': row.axis.anchor(x),
            'yref': f'{row.y} domain',
            'y': 1,
            'yanchor': 'bottom',
            'yshift': _LABEL_PIXELS * level,
            'text': text,
            'showarrow': False,
            'font': {'color': palette.INK, 'size': 11},
        }
        for level, (x, text) in zip(levels, texts, strict=True)
    ]


def label_pixels(row: Row) -> int:
    """Return how much room the labels need above the row."""
    return _LABEL_PIXELS * (1 + max(_levels(row), default=-1))


def shapes(row: Row) -> list[_Json]:
    """Lead from the label of an end down to it."""
    sizes = _scale(row)
    top = y_axis(row)['range'][1]
    return [
        {
            'type': 'line',
            'layer': 'below',
            'x0': stretch.ended[0],
            'x1': stretch.ended[0],
            'yref': row.y,
            'y0': sizes.value(stretch.ended[1]),
            'y1': top,
            'line': {'color': palette.MUTED, 'width': 1},
        }
        for stretch in row.track.stretches
        if not row.is_brief
    ]


def _scale(row: Row) -> scale.Scale:
    return scale.suiting(max(_drawn_kib(row)))


def _drawn_kib(row: Row) -> list[int]:
    sizes: list[int | None] = []
    for stretch in row.track.stretches:
        for _, point in stretch.points:
            sizes.append(point.actual_kib)
            if not row.is_brief:
                sizes += [point.target_kib, point.rss_kib]
    return [size_kib for size_kib in sizes if size_kib is not None]


def _texts(row: Row) -> list[tuple[float, str]]:
    if row.is_brief:
        return []
    texts = [
        (stretch.ended[0], _end_text(stretch.report))
        for stretch in row.track.stretches
    ]
    return sorted(texts)


def _levels(row: Row) -> list[int]:
    """Stack the labels of the ends; none if they are too many."""
    levels = row.axis.levels(_texts(row))
    return [] if max(levels, default=0) >= _MOST_LEVELS else levels


def _end_text(report: model.EndReport) -> str:
    reason = words.REASONS[report.reason]
    if report.moved_kib is None:
        return reason
    is_taken = report.policy.direction is model.Direction.INFLATE
    sign = '\u2212' if is_taken else '+'
    return f'{reason}, {sign}{report.moved_kib / units.KIB_PER_MIB:.0f} MiB'


def _end_words(report: model.EndReport) -> str:
    lasted = units.format_seconds(report.duration_seconds)
    lines = [f'<b>{_end_text(report)}</b> after {lasted}']
    if report.freed_kib is not None:
        freed = words.mebibytes(report.freed_kib)
        lines.append(f'host memory freed: {freed} MiB')
    if report.detail:
        lines.append(plot_text.wrapped(report.detail))
    return '<br>'.join(lines)
