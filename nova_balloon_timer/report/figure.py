# SPDX-License-Identifier: Apache-2.0
"""The plot of a policy, as the JSON that plotly.js draws.

No text of a run gets in here, only figures and words of ours: plotly takes
texts for a kind of HTML.
"""

from collections.abc import Sequence
from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer.report import labels
from nova_balloon_timer.report import marks
from nova_balloon_timer.report import palette

_Json = dict[str, Any]

_MOST_TICKS = 6
# A deadline that is further away than so many times the time shown would
# squeeze the curve; it is then only named.
_FAR = 3.0

# NOTE: a point holds the target that stood when it was read; it was
# handed out just after the point before: up first, then across (vh).
# Statistics stand until the next ones: across first (hv).
_KINDS: tuple[tuple[str, str, _Json], ...] = (
    ('rss_kib', 'RSS on the host', {'color': palette.RSS, 'dash': 'dash'}),
    (
        'usable_kib',
        'usable in the guest',
        {'color': palette.USABLE, 'dash': 'dot', 'shape': 'hv'},
    ),
    (
        'target_kib',
        'target handed out',
        {'color': palette.TARGET, 'width': 1.5, 'shape': 'vh'},
    ),
    ('actual_kib', 'actual', {'color': palette.ACTUAL, 'width': 3}),
)


def draw(report: model.EndReport) -> _Json | None:
    """Return the plot of a policy, or None where nothing was seen.

    Only plotly.js knows how wide the page is, so there is no width in it.
    """
    if not report.curve:
        return None
    points = sorted(report.curve, key=lambda point: point.at)
    frame = _frame(report, points)
    above, margin = marks.above(report, frame)
    return {
        'data': _traces(points),
        'layout': {
            **_style(margin),
            'xaxis': _x_axis(frame),
            'yaxis': _y_axis(frame),
            'shapes': marks.shapes(report, frame),
            'annotations': [
                *above,
                *marks.beside(report, frame),
                marks.end(report, points, frame),
            ],
        },
    }


def _is_far(report: model.EndReport, last_at: float) -> bool:
    return report.deadline_at > _FAR * max(last_at, 0.001)


def _frame(
    report: model.EndReport, points: Sequence[model.CurvePoint]
) -> labels.Frame:
    """Choose the visible part: all that was seen, and the deadline."""
    last_at = max(points[-1].at, report.ended_at, 0.001)
    until_at = last_at * 1.25
    if not _is_far(report, last_at):
        until_at = max(last_at, report.deadline_at) * 1.03
    first_at = min(points[0].at, 0.0) - until_at * 0.02
    sizes = [marks.mebibytes(report.policy.target_kib)]
    for point in points:
        sizes += [
            marks.mebibytes(size_kib)
            for size_kib in (
                point.actual_kib,
                point.target_kib,
                point.usable_kib,
                point.rss_kib,
            )
            if size_kib is not None
        ]
    low, high = min(sizes), max(sizes)
    padding = max((high - low) * 0.07, 8.0)
    bottom = 0.0 if low < high * 0.4 else low - padding
    return labels.Frame(
        x_range=(first_at, until_at), y_range=(bottom, high + padding)
    )


def _traces(points: Sequence[model.CurvePoint]) -> list[_Json]:
    traces = []
    for rank, (field, name, line) in enumerate(_KINDS):
        sizes = [getattr(point, field) for point in points]
        known = sum(size_kib is not None for size_kib in sizes)
        if not known:
            continue
        traces.append(
            {
                'type': 'scatter',
                'mode': 'lines' if known > 1 else 'markers',
                'name': name,
                'x': [point.at for point in points],
                'y': [
                    None if kib is None else marks.mebibytes(kib)
                    for kib in sizes
                ],
                'line': {'width': 2, **line},
                'marker': {'color': line['color'], 'size': 7},
                'hovertemplate': '%{y:.1f} MiB',
                'legendrank': len(_KINDS) - rank,
            }
        )
    return traces


def _style(margin: int) -> _Json:
    return {
        'height': margin + labels.PLOT_PIXELS + 64,
        'margin': {'l': 64, 'r': 112, 't': margin, 'b': 64},
        **palette.PLOT,
        'hoverlabel': palette.HOVER_LABEL,
        'legend': {
            'orientation': 'h',
            'x': 0,
            'yref': 'container',
            'y': 0,
            'yanchor': 'bottom',
            'font': {'size': 12},
        },
    }


def _x_axis(frame: labels.Frame) -> _Json:
    return {
        'range': list(frame.x_range),
        'ticksuffix': ' s',
        'hoverformat': '.3f',
        'gridcolor': palette.GRID,
        'linecolor': palette.MUTED,
        'zeroline': False,
        'nticks': 10,
        'ticks': 'outside',
        'tickcolor': palette.MUTED,
    }


def _y_axis(frame: labels.Frame) -> _Json:
    low, high = frame.y_range
    step = 1
    while (high - low) / step > _MOST_TICKS:
        step *= 2
    return {
        'range': [low, high],
        'title': {'text': 'MiB', 'standoff': 8},
        'tick0': 0,
        'dtick': step,
        'tickformat': 'd',
        'gridcolor': palette.GRID,
        'linecolor': palette.MUTED,
        'zeroline': False,
    }
