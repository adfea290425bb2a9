# SPDX-License-Identifier: Apache-2.0
"""How the host stands, at the top of the screen."""

from collections.abc import Iterator
import datetime

from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.watch import gauge
from nova_balloon_timer.cmd.watch import paper
from nova_balloon_timer.cmd.watch import state as watch_state

_LABEL_CELLS = 11
_NARROWEST_BAR = 10
_WIDEST_COURSE = 60


def draw(
    state: watch_state.State, sheet: paper.Paper, now: datetime.datetime
) -> Iterator[paper.Line]:
    """Draw who it is, whether memory is short, and how much there is."""
    yield _title(state, sheet, now)
    if state.failure is not None:
        yield _failure(state, state.failure, now)
    if state.snapshot is None:
        if state.failure is None:
            yield paper.Line('waiting for the first answer', paper.FAINT)
        return
    host = state.snapshot.host
    yield _verdict(host)
    yield _available(host, sheet)
    yield _course(state, sheet)
    yield _course_words(host)
    yield from _complaints(host)


def _title(
    state: watch_state.State, sheet: paper.Paper, now: datetime.datetime
) -> paper.Line:
    left = f' {state.host}'
    if state.snapshot is not None:
        left += f'  agent {state.snapshot.host["version"]}'
    right = f'{paper.clock(now)} UTC '
    room = max(0, sheet.width - len(right) - 1)
    return paper.Line(f'{sheet.fit(left, room)} {right}', 'reverse')


def _failure(
    state: watch_state.State,
    failure: watch_state.Failure,
    now: datetime.datetime,
) -> paper.Line:
    since = state.failed_since or failure.at
    age = paper.lapse(max(0.0, (now - since).total_seconds()))
    line = paper.Line(
        f' NO ANSWER since {paper.clock(since)} ({age}) ', paper.BAD
    )
    line.append(f' {paper.words(failure.words)}', 'not bold')
    if state.snapshot is not None:
        line.append(
            f'; below is what was at {paper.clock(state.snapshot.at)}',
            paper.FAINT,
        )
    return line


def _verdict(host: connection.View) -> paper.Line:
    if host['is_short']:
        line = paper.Line(' SHORT OF MEMORY ', paper.BAD)
    else:
        line = paper.Line(' well ', f'reverse {paper.GOOD}')
    line.append(f' {paper.words(host["words"])}')
    return line


def _available(host: connection.View, sheet: paper.Paper) -> paper.Line:
    available_kib = host['available_kib']
    low_kib, high_kib = host['low_watermark_kib'], host['high_watermark_kib']
    available, total, low, high = (
        paper.gib(it, host['total_kib'])
        for it in (available_kib, host['total_kib'], low_kib, high_kib)
    )
    told = f'{available} of {total} GiB; low {low}, high {high}'
    line = paper.Line('available'.ljust(_LABEL_CELLS))
    width = min(sheet.width - _LABEL_CELLS - len(told) - 2, _WIDEST_COURSE)
    is_known = host['total_kib'] and available_kib is not None
    if width >= _NARROWEST_BAR and is_known:
        line.append_text(_gauge(host, width, sheet.glyphs))
        line.append(' ')
    line.append(told)
    return line


def _gauge(
    host: connection.View, width: int, glyphs: gauge.Glyphs
) -> paper.Line:
    total_kib, available_kib = host['total_kib'], host['available_kib']
    low_kib, high_kib = host['low_watermark_kib'], host['high_watermark_kib']
    style = paper.GOOD
    if low_kib is not None and available_kib < low_kib:
        style = 'red'
    elif high_kib is not None and available_kib < high_kib:
        style = paper.POOR
    parts = [
        gauge.Part(size=available_kib, glyph=glyphs.full, style=style),
        gauge.Part(
            size=total_kib - available_kib,
            glyph=glyphs.empty,
            style=paper.FAINT,
        ),
    ]
    drawn = gauge.bar(parts, total_kib, width)
    for mark_kib in (low_kib, high_kib):
        if mark_kib is not None:
            at = gauge.place(mark_kib, total_kib, width)
            mark = paper.Line(glyphs.mark, paper.TITLE)
            drawn = drawn[:at] + mark + drawn[at + 1 :]
    return drawn


def _course(state: watch_state.State, sheet: paper.Paper) -> paper.Line:
    line = paper.Line('course'.ljust(_LABEL_CELLS))
    points = state.course
    if not points:
        return line + paper.Line('unknown', paper.FAINT)
    values = [point.available_kib for point in points]
    seconds = (points[-1].at - points[0].at).total_seconds()
    told = (
        f'{paper.size(min(values))} to {paper.size(max(values))} '
        f'in {paper.lapse(seconds)}'
    )
    width = min(sheet.width - _LABEL_CELLS - len(told) - 2, _WIDEST_COURSE)
    drawn = gauge.course(values, width, sheet.glyphs.levels)
    line.append(drawn, 'cyan')
    line.append(' ' if drawn else '')
    line.append(told)
    return line


def _course_words(host: connection.View) -> paper.Line:
    told = [f'{paper.size(host["relief_kib"])} on their way']
    if host['stalled_share'] is not None:
        told.append(f'tasks wait {100 * host["stalled_share"]:.0f} %')
    fall_kib = host['fall_kib_per_second']
    if fall_kib is not None and fall_kib > 0:
        told.append(f'falls {paper.size(round(fall_kib))}/s')
    if host['exhaustion_seconds'] is not None:
        told.append(f'used up in {paper.lapse(host["exhaustion_seconds"])}')
    return paper.Line('relief'.ljust(_LABEL_CELLS) + ', '.join(told))


def _complaints(host: connection.View) -> Iterator[paper.Line]:
    journal, notices = host['journal'], host['notifications']
    if journal['failure']:
        yield _complaint('journal', journal['failure'])
    told = []
    if notices['failure']:
        told.append(notices['failure'])
    if notices['dropped']:
        told.append(f'{notices["dropped"]} were dropped')
    if told:
        waiting = notices['waiting']
        told.append(f'{"?" if waiting is None else waiting} wait')
        yield _complaint('notices', ', '.join(told))


def _complaint(label: str, told: str) -> paper.Line:
    return paper.Line(
        label.ljust(_LABEL_CELLS) + paper.words(told), paper.POOR
    )
