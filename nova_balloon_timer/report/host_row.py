# SPDX-License-Identifier: Apache-2.0
"""The host in the overview: its available memory, and what happened."""

from collections.abc import Sequence
from typing import Any

from nova_balloon_timer import units
from nova_balloon_timer.report import course_words
from nova_balloon_timer.report import labels
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import period
from nova_balloon_timer.report import plot_text
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import scale
from nova_balloon_timer.report import thinning
from nova_balloon_timer.report import time_axis

_Json = dict[str, Any]

PIXELS = 220
_LABEL_PIXELS = 17
_MOST_POINTS = 3_000
_MOST_LEVELS = 3
# More upright lines than these would hide what they cross.
_MOST_LINES = 24
_SYMBOLS = {
    saved_run.MarkKind.PRESSURE_STARTED: 'triangle-right',
    saved_run.MarkKind.PRESSURE_ENDED: 'triangle-left',
    saved_run.MarkKind.RELIEF_PLANNED: 'diamond',
    saved_run.MarkKind.RELIEF_CORRECTED: 'diamond-open',
    saved_run.MarkKind.FOREIGN_CHANGE: 'x',
}


def size_scale(course: saved_run.HostCourse) -> scale.Scale:
    """Choose the unit of the host's axis."""
    return scale.suiting(_highest_kib(course))


def _highest_kib(course: saved_run.HostCourse) -> int:
    sizes = [point.available_kib for point in course.points]
    return max(
        [*sizes, course.low_watermark_kib, course.high_watermark_kib, 1024]
    )


def y_axis(course: saved_run.HostCourse) -> _Json:
    """Reach from nothing to the most that was available."""
    sizes = size_scale(course)
    return sizes.axis(0.0, sizes.value(_highest_kib(course)) * 1.12, 6)


def title(course: saved_run.HostCourse) -> str:
    """Say what the row shows."""
    total = units.format_kib(course.total_kib)
    if course.total_kib >= units.KIB_PER_GIB:
        total = f'{course.total_kib / units.KIB_PER_GIB:.1f} GiB'
    return f"<b>host</b>: available memory, of the host's {total}"


def traces(
    course: saved_run.HostCourse, axis: time_axis.TimeAxis
) -> list[_Json]:
    """Draw the memory, and the marks at the upper edge.

    The legend tells what a mark is only if no label says so.
    """
    is_told = bool(_levels(course, axis))
    marks = [{**it, 'showlegend': not is_told} for it in _marks(course)]
    return [*_memory(course), *marks]


def _memory(course: saved_run.HostCourse) -> list[_Json]:
    sizes = size_scale(course)
    values = [sizes.value(point.available_kib) for point in course.points]
    if not values:
        return []
    chosen = thinning.kept(values, _MOST_POINTS)
    return [
        {
            'type': 'scatter',
            'mode': 'lines' if len(values) > 1 else 'markers',
            'name': 'available on the host',
            'x': [
                time_axis.milliseconds(course.points[index].at)
                for index in chosen
            ],
            'y': [values[index] for index in chosen],
            'line': {'width': 2.5, 'color': palette.INK},
            'marker': {'color': palette.INK, 'size': 7},
            'hovertemplate': sizes.hover_format,
        }
    ]


def _marks(course: saved_run.HostCourse) -> list[_Json]:
    edge = y_axis(course)['range'][1]
    found = []
    for kind, symbol in _SYMBOLS.items():
        marks = [mark for mark in course.marks if mark.kind is kind]
        if not marks:
            continue
        found.append(
            {
                'type': 'scatter',
                'mode': 'markers',
                'name': course_words.KINDS[kind],
                'x': [time_axis.milliseconds(mark.at) for mark in marks],
                'y': [edge] * len(marks),
                'text': [plot_text.wrapped(mark.words) for mark in marks],
                'hovertemplate': '%{text}',
                'marker': {
                    'symbol': symbol,
                    'size': 10,
                    'color': palette.INK,
                    'line': {'width': 1.5, 'color': palette.INK},
                },
                'cliponaxis': False,
            }
        )
    return found


def shapes(course: saved_run.HostCourse) -> list[_Json]:
    """Draw the watermarks."""
    sizes = size_scale(course)
    return [
        _watermark(sizes.value(course.low_watermark_kib), 'dash'),
        _watermark(sizes.value(course.high_watermark_kib), 'dot'),
    ]


def shapes_through(
    course: saved_run.HostCourse,
    shortages: Sequence[period.Period],
    axis: time_axis.TimeAxis,
    y: str,
) -> list[_Json]:
    """Draw shortages and marks in any row, the host's or a guest's.

    :param y: what plotly calls its axis
    """
    found = [
        {
            **_upright(*axis.extent(shortage), y),
            'type': 'rect',
            'fillcolor': palette.TARGET,
            'opacity': 0.11,
            'line': {'width': 0},
        }
        for shortage in shortages
    ]
    if len(course.marks) <= _MOST_LINES:
        instants = [time_axis.milliseconds(it.at) for it in course.marks]
        found += [
            {
                **_upright(instant, instant, y),
                'type': 'line',
                'line': {'color': palette.MUTED, 'dash': 'dot', 'width': 1.2},
            }
            for instant in instants
        ]
    return found


def _upright(begin: float, end: float, y: str) -> _Json:
    return {
        'layer': 'below',
        'x0': begin,
        'x1': end,
        'yref': f'{y} domain',
        'y0': 0,
        'y1': 1,
    }


def _watermark(value: float, dash: str) -> _Json:
    return {
        'type': 'line',
        'layer': 'between',
        'xref': 'paper',
        'x0': 0,
        'x1': 1,
        'y0': value,
        'y1': value,
        'line': {'color': palette.TARGET, 'dash': dash, 'width': 2},
    }


def annotations(
    course: saved_run.HostCourse, axis: time_axis.TimeAxis
) -> tuple[list[_Json], int]:
    """Name the marks above the plot and the watermarks beside it.

    Where labels have no room the marks say the same when hovered.

    :returns: and how many pixels the labels need above the plot
    """
    levels = _levels(course, axis)
    texts = _texts(course) if levels else []
    found = [
        {
            'x': x,
            'xanchor': axis.anchor(x),
            'yref': 'paper',
            'y': 1,
            'yanchor': 'bottom',
            'yshift': 8 + level * _LABEL_PIXELS,
            'text': text,
            'showarrow': False,
            'font': {'color': palette.INK},
        }
        for level, (x, text) in zip(levels, texts, strict=True)
    ]
    highest = max(levels, default=-1) + 1
    return found + _beside(course), highest * _LABEL_PIXELS


def _texts(course: saved_run.HostCourse) -> list[tuple[float, str]]:
    return [
        (time_axis.milliseconds(mark.at), course_words.KINDS[mark.kind])
        for mark in course.marks
    ]


def _levels(
    course: saved_run.HostCourse, axis: time_axis.TimeAxis
) -> list[int]:
    """Stack the labels of the marks; none if they are too many.

    Some of them without the others would only confuse.
    """
    levels = axis.levels(_texts(course))
    return [] if max(levels, default=0) >= _MOST_LEVELS else levels


def _beside(course: saved_run.HostCourse) -> list[_Json]:
    sizes = size_scale(course)
    low, high = y_axis(course)['range']
    texts = [
        (course.high_watermark_kib, 'high'),
        (course.low_watermark_kib, 'low'),
    ]
    texts.sort(reverse=True)
    frame = labels.Frame(
        x_range=(0.0, 1.0), y_range=(low, high), height=PIXELS
    )
    moves = labels.spread(frame, [sizes.value(kib) for kib, _ in texts])
    return [
        {
            'xref': 'paper',
            'x': 1,
            'xanchor': 'left',
            'xshift': 6,
            'y': sizes.value(size_kib),
            'yshift': move,
            'text': f'{name} {sizes.text(size_kib)}',
            'showarrow': False,
            'font': {'color': palette.TARGET},
        }
        for move, (size_kib, name) in zip(moves, texts, strict=True)
    ]
