# SPDX-License-Identifier: Apache-2.0
"""The host and its guests on one time axis, as the JSON that plotly draws.

Texts of the run are quoted, because plotly takes texts for a kind of HTML.
"""

from collections.abc import Sequence
import dataclasses
from typing import Any

from nova_balloon_timer.report import guest_row
from nova_balloon_timer.report import guest_track
from nova_balloon_timer.report import host_row
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import period
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import time_axis

_Json = dict[str, Any]

_TITLE_PIXELS = 34
_TOP_PIXELS = 44
_AXIS_PIXELS = 56
_LINE_PIXELS = 20
_ENTRIES_PER_LINE = 4
_MOST_ROWS = 40
_MOST_POINTS = 1_200
# Up to so many guests, how high a row is; beyond, it is brief.
_HEIGHTS = ((4, 104), (8, 84))
_BRIEF_PIXELS = 46
_BRIEF_TITLE_PIXELS = 26


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A figure, and how many guests it has no room for."""

    figure: _Json
    left_out: int


def draw(run: saved_run.SavedRun) -> Overview | None:
    """Draw a run; None where nobody watched the host."""
    whole = period.recorded(run)
    if run.course is None or whole is None:
        return None
    tracks = guest_track.tracks(run, _MOST_POINTS)
    shown = _most_moved(tracks)
    axis = time_axis.covering(whole)
    heights = [height for most, height in _HEIGHTS if len(shown) <= most]
    rows = [
        guest_row.Row(
            track=track,
            axis=axis,
            y=f'y{number}',
            pixels=heights[0] if heights else _BRIEF_PIXELS,
            is_brief=not heights,
        )
        for number, track in enumerate(shown, start=2)
    ]
    figure = _figure(run.course, rows, axis, period.shortages(run))
    return Overview(figure=figure, left_out=len(tracks) - len(shown))


def _most_moved(
    tracks: Sequence[guest_track.Track],
) -> list[guest_track.Track]:
    by_size = sorted(tracks, key=lambda it: it.moved_kib, reverse=True)
    chosen = {id(track) for track in by_size[:_MOST_ROWS]}
    return [track for track in tracks if id(track) in chosen]


def _figure(
    course: saved_run.HostCourse,
    rows: Sequence[guest_row.Row],
    axis: time_axis.TimeAxis,
    shortages: Sequence[period.Period],
) -> _Json:
    above, label_pixels = host_row.annotations(course, axis)
    axes, titles, inner = _stack(course, rows, label_pixels)
    data = host_row.traces(course, axis)
    shapes = host_row.shapes(course)
    annotations = above + titles
    for y in ('y', *(row.y for row in rows)):
        shapes += host_row.shapes_through(course, shortages, axis, y)
    for row in rows:
        data += guest_row.traces(row)
        shapes += guest_row.shapes(row)
        annotations += guest_row.annotations(row)
    entries = _name_once(data)
    return {
        'data': data,
        'layout': {
            'xaxis': axis.axis(),
            **axes,
            **_style(inner, _TOP_PIXELS + label_pixels, _bottom(entries)),
            'annotations': annotations,
            'shapes': shapes,
        },
    }


def _stack(
    course: saved_run.HostCourse,
    rows: Sequence[guest_row.Row],
    label_pixels: int,
) -> tuple[_Json, list[_Json], int]:
    """Put the rows one below the other.

    :returns: their axes, their titles, and how high they are together
    """
    inner = host_row.PIXELS + sum(_gap(row) + row.pixels for row in rows)
    below = inner - host_row.PIXELS
    domain = [below / inner, 1]
    axes = {'yaxis': {**host_row.y_axis(course), 'domain': domain}}
    titles = [_title(host_row.title(course), 1, label_pixels + 12)]
    for row in rows:
        top = below - _gap(row)
        below = top - row.pixels
        domain = [max(0.0, below / inner), top / inner]
        axes[f'yaxis{row.y[1:]}'] = {
            **guest_row.y_axis(row),
            'domain': domain,
        }
        shift = guest_row.label_pixels(row) + 1
        titles.append(_title(guest_row.title(row), top / inner, shift))
    return axes, titles, inner


def _gap(row: guest_row.Row) -> int:
    title = _BRIEF_TITLE_PIXELS if row.is_brief else _TITLE_PIXELS
    return title + guest_row.label_pixels(row)


def _name_once(data: Sequence[_Json]) -> int:
    """Let the first of the lines that mean the same stand in the legend.

    :returns: how many stand there
    """
    named = set()
    for trace in data:
        group = trace.setdefault('legendgroup', trace['name'])
        trace.setdefault('showlegend', group not in named)
        if trace['showlegend']:
            named.add(group)
    return len(named)


def _bottom(entries: int) -> int:
    """Return the room for the time axis and a legend of some entries."""
    lines = -(-entries // _ENTRIES_PER_LINE)
    return _AXIS_PIXELS + _LINE_PIXELS * lines


def _title(text: str, y: float, shift: int) -> _Json:
    return {
        'xref': 'paper',
        'x': 0,
        'xanchor': 'left',
        'yref': 'paper',
        'y': y,
        'yanchor': 'bottom',
        'yshift': shift,
        'text': text,
        'showarrow': False,
        'font': {'color': palette.INK, 'size': 13},
    }


def _style(inner: int, top: int, bottom: int) -> _Json:
    return {
        'height': top + inner + bottom,
        'margin': {'l': 64, 'r': 88, 't': top, 'b': bottom},
        **palette.PLOT,
        'hoverlabel': {**palette.HOVER_LABEL, 'align': 'left'},
        'legend': {
            'orientation': 'h',
            'x': 0,
            'yref': 'container',
            'y': 0,
            'yanchor': 'bottom',
            'font': {'size': 12},
        },
    }
