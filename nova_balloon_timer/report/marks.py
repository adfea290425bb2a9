# SPDX-License-Identifier: Apache-2.0
"""What a plot shows beside its curves: what was laid down, and the end."""

from collections.abc import Sequence
from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.report import labels
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import words

_Json = dict[str, Any]

_ROW_PIXELS = 18
# A curve that goes on for less tells nothing of what came after the end.
_WATCHED_SECONDS = 0.05


def mebibytes(size_kib: int) -> float:
    """Turn a size into what the y axis shows."""
    return round(size_kib / units.KIB_PER_MIB, 3)


def _floor_in_range(
    report: model.EndReport, frame: labels.Frame
) -> float | None:
    low, high = frame.y_range
    floor = mebibytes(report.policy.guards.floor_kib)
    return floor if max(low, 1) <= floor <= high else None


def shapes(report: model.EndReport, frame: labels.Frame) -> list[_Json]:
    """Draw what the policy laid down: lines that a curve may meet."""
    left, right = frame.x_range
    target = mebibytes(report.policy.target_kib)
    found = [_across(left, right, target, 'dash', 1.5)]
    floor = _floor_in_range(report, frame)
    if floor is not None:
        found.append(_across(left, right, floor, 'dot', 2))
    since_at = 0.0
    for segment in report.policy.segments:
        until_at = segment.until_seconds
        size = mebibytes(segment.target_kib)
        found.append(_across(since_at, until_at, size, 'dash', 1.5))
        found.append(_upright(frame, until_at, 'dash', 1))
        since_at = until_at
    if report.deadline_at <= right:
        found.append(_upright(frame, report.deadline_at, 'solid', 2))
        found.append(
            {
                'type': 'rect',
                'layer': 'below',
                'x0': report.deadline_at,
                'x1': right,
                'yref': 'paper',
                'y0': 0,
                'y1': 1,
                'fillcolor': palette.MUTED,
                'opacity': 0.12,
                'line': {'width': 0},
            }
        )
    return found


def _across(
    left: float, right: float, size: float, dash: str, width: float
) -> _Json:
    return {
        'type': 'line',
        'layer': 'between',
        'x0': left,
        'x1': right,
        'y0': size,
        'y1': size,
        'line': {'color': palette.MUTED, 'dash': dash, 'width': width},
    }


def _upright(frame: labels.Frame, at: float, dash: str, width: float) -> _Json:
    # NOTE: plotly draws what refers to the paper beneath the grid.
    return {
        'type': 'line',
        'layer': 'between',
        'x0': at,
        'x1': at,
        'y0': frame.y_range[0],
        'y1': frame.y_range[1],
        'line': {'color': palette.INK, 'dash': dash, 'width': width},
    }


def above(
    report: model.EndReport, frame: labels.Frame
) -> tuple[list[_Json], int]:
    """Name the upright lines: the ends of segments, and the deadline.

    :returns: and how many pixels the labels need above the plot
    """
    right = frame.x_range[1]
    reached = [outcome.reached for outcome in report.segments]
    texts = []
    for index, segment in enumerate(report.policy.segments):
        text = f'to {units.format_kib(segment.target_kib)}'
        if index < len(reached):
            text += ': reached' if reached[index] else ': missed'
        texts.append((segment.until_seconds, text))
    deadline = f'deadline {units.format_seconds(report.deadline_at)}'
    is_far = report.deadline_at > right
    if is_far:
        deadline += ' →'
    texts.append((min(report.deadline_at, right), f'<b>{deadline}</b>'))
    texts = [(x, text) for x, text in texts if x <= right]
    rows = labels.rows(frame, texts)
    found = [
        {
            'x': x,
            'xanchor': 'center',
            'yref': 'paper',
            'y': 1,
            'yanchor': 'bottom',
            'yshift': row * _ROW_PIXELS,
            'text': text,
            'showarrow': False,
            'font': {'color': palette.INK},
        }
        for row, (x, text) in zip(rows, texts, strict=True)
    ]
    return found, 12 + _ROW_PIXELS * (1 + max(rows))


def beside(report: model.EndReport, frame: labels.Frame) -> list[_Json]:
    """Name the level lines at the right edge: the target, and the floor."""
    target = mebibytes(report.policy.target_kib)
    texts = [(target, f'target {target:.0f}')]
    floor = _floor_in_range(report, frame)
    if floor is not None:
        texts.append((floor, f'floor {floor:.0f}'))
    texts.sort(reverse=True)
    moves = labels.spread(frame, [y for y, _ in texts])
    return [
        {
            'xref': 'paper',
            'x': 1,
            'xanchor': 'left',
            'xshift': 6,
            'y': y,
            'yshift': move,
            'text': text,
            'showarrow': False,
            'font': {'color': palette.MUTED},
        }
        for move, (y, text) in zip(moves, texts, strict=True)
    ]


def end(
    report: model.EndReport,
    points: Sequence[model.CurvePoint],
    frame: labels.Frame,
) -> _Json:
    """Point at where the policy ended, and say why."""
    at = report.ended_at
    size = _actual_at(points, at)
    after = units.format_seconds(report.duration_seconds)
    lines = [
        f'{words.REASONS[report.reason]} after {after}',
        f'at {size:.0f} MiB{_rest(report, points, size)}',
    ]
    right, down = labels.clearing(
        frame, (at, size), lines, _obstacles(report, points, frame)
    )
    return {
        'x': at,
        'y': size,
        'ax': right,
        'ay': down,
        'text': f'<b>{lines[0]}</b><br>{lines[1]}',
        'showarrow': True,
        'arrowhead': 2,
        'arrowwidth': 1.5,
        'arrowcolor': palette.INK,
        'standoff': 4,
        'font': {'color': palette.INK},
        'bgcolor': palette.PAPER,
        'bordercolor': palette.INK,
        'borderpad': 5,
    }


def _rest(
    report: model.EndReport,
    points: Sequence[model.CurvePoint],
    size: float,
) -> str:
    """Say what became of the balloon after the end, if that was watched."""
    seconds = report.lateness_seconds
    if not report.confirmed or report.actual_end_kib is None:
        return ', not seen still'
    if points[-1].at < report.ended_at + _WATCHED_SECONDS:
        return ''
    if seconds is None:
        final = mebibytes(report.actual_end_kib)
        is_there = abs(final - size) < 1.5
        return ', then still' if is_there else f', then to {final:.0f} MiB'
    if seconds == 0:
        return ', no movement after it'
    return f', last moved {words.milliseconds(seconds)} ms after it'


def _actual_at(points: Sequence[model.CurvePoint], at: float) -> float:
    """Interpolate what the guest had."""
    before = points[0]
    for point in points:
        if point.at >= at:
            break
        before = point
    else:
        return mebibytes(points[-1].actual_kib)
    share = 1.0
    if point.at > before.at:
        share = (at - before.at) / (point.at - before.at)
    way_kib = point.actual_kib - before.actual_kib
    return mebibytes(before.actual_kib) + share * way_kib / units.KIB_PER_MIB


def _obstacles(
    report: model.EndReport,
    points: Sequence[model.CurvePoint],
    frame: labels.Frame,
) -> list[list[tuple[float, float]]]:
    """Collect the lines that no label should hide."""
    left, right = frame.x_range
    low, high = frame.y_range
    target = mebibytes(report.policy.target_kib)
    found = [
        [(report.deadline_at, low), (report.deadline_at, high)],
        [(left, target), (right, target)],
    ]
    found += [
        [(segment.until_seconds, low), (segment.until_seconds, high)]
        for segment in report.policy.segments
    ]
    for name in ('actual_kib', 'target_kib', 'usable_kib', 'rss_kib'):
        sizes = [(point.at, getattr(point, name)) for point in points]
        known = [(at, mebibytes(kib)) for at, kib in sizes if kib is not None]
        found.append(known)
    return found
