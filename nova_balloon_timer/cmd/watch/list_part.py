# SPDX-License-Identifier: Apache-2.0
"""Guests, policies and events, each a line."""

from collections.abc import Iterator, Sequence
import dataclasses

import rich.cells

from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import view as remote_view
from nova_balloon_timer.cmd.watch import gauge
from nova_balloon_timer.cmd.watch import paper
from nova_balloon_timer.cmd.watch import state as watch_state

_WIDEST_NAME = 24
_NARROW_NAME = 12
_WIDE = 100
_MIDDLE = 70


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How many lines each list has, its title not counted."""

    guests: int
    policies: int
    events: int


def draw(
    state: watch_state.State, sheet: paper.Paper, room: Room
) -> Iterator[paper.Line]:
    """Draw the lists, one below the other."""
    snapshot = state.snapshot
    if snapshot is None:
        return
    named = [*snapshot.guests, *snapshot.policies]
    columns = _Columns(sheet, [_name_of(view) for view in named])
    yield _title(
        f'GUESTS {len(snapshot.guests)}',
        f'{sheet.glyphs.full} in use  {sheet.glyphs.half} usable  '
        f'{sheet.glyphs.empty} given up',
    )
    busy_first = sorted(snapshot.guests, key=lambda it: not it['policy_uuid'])
    shown, rest = _cut(busy_first, room.guests)
    for view in shown:
        yield columns.guest(view)
    yield from _more(rest)
    yield _title(f'POLICIES {len(snapshot.policies)}')
    shown, rest = _cut_around(state, room.policies)
    for view in shown:
        yield columns.policy(view, is_selected=view['uuid'] == state.selected)
    yield from _more(rest)
    yield _title('EVENTS')
    for view in snapshot.events[: room.events]:
        yield _event(view)


def _name_of(view: connection.View) -> str:
    return paper.words(view.get('name') or view.get('guest_name'))


def _title(text: str, legend: str = '') -> paper.Line:
    line = paper.Line(text, paper.TITLE)
    if legend:
        line.append(f'   {legend}', f'not bold {paper.FAINT}')
    return line


def _cut(
    views: Sequence[connection.View], most: int
) -> tuple[Sequence[connection.View], int]:
    """Return as many as there is room for, and how many are left out."""
    if len(views) <= most:
        return views, 0
    if most == 0:
        return (), 0  # not even for how many there are
    return views[: most - 1], len(views) - most + 1


def _cut_around(
    state: watch_state.State, most: int
) -> tuple[Sequence[connection.View], int]:
    """Do the same, so that the selected policy is among them."""
    views = state.policies
    shown, rest = _cut(views, most)
    if not rest:
        return shown, rest
    uuids = [view['uuid'] for view in views]
    at = uuids.index(state.selected) if state.selected in uuids else 0
    first = max(0, at - len(shown) + 1)
    return views[first : first + len(shown)], rest


def _more(rest: int) -> Iterator[paper.Line]:
    if rest:
        yield paper.Line(f'  and {rest} more', paper.FAINT)


def _event(view: connection.View) -> paper.Line:
    kind = str(view['kind'])
    style = paper.POOR if kind == 'pressure-started' else ''
    line = paper.Line(f'  {paper.clock(view["at"])} ', paper.FAINT)
    line.append(f'{paper.words(kind.replace("-", " "))}: ', style)
    line.append(paper.words(view['words']))
    return line


class _Columns:
    """Where the columns of guests and policies are, in the room there is."""

    def __init__(self, sheet: paper.Paper, names: Sequence[str]) -> None:
        self._sheet = sheet
        longest = max(map(rich.cells.cell_len, names), default=8)
        narrow = max(_NARROW_NAME, sheet.width // 4)
        self._name_cells = min(longest, _WIDEST_NAME, narrow)
        self._bar_cells = 24 if sheet.width >= _WIDE else 10

    def guest(self, view: connection.View) -> paper.Line:
        """Draw a guest."""
        name = self._sheet.fit(view['name'], self._name_cells)
        line = paper.Line(f'  {name} ')
        line.append_text(self._guest_bar(view))
        actual, maximum = view['actual_kib'], view['maximum_kib']
        line.append(f' {paper.mib(actual):>7}/{paper.mib(maximum)} MiB')
        if self._sheet.width >= _MIDDLE:
            line.append(f'  usable {paper.mib(view["usable_kib"])}')
        if self._sheet.width >= _WIDE:
            line.append(f'  RSS {paper.mib(view["rss_kib"])}')
        if view['policy_uuid']:
            line.append('  has a policy', paper.POOR)
        else:
            told = paper.words(remote_view.why_not(view))
            line.append(f'  {told}', paper.FAINT)
        return line

    def _guest_bar(self, view: connection.View) -> paper.Line:
        glyphs = self._sheet.glyphs
        maximum_kib, actual_kib = view['maximum_kib'], view['actual_kib']
        if actual_kib is None:
            return paper.Line('?'.ljust(self._bar_cells), paper.FAINT)
        usable_kib = min(view['usable_kib'] or 0, actual_kib)
        return gauge.bar(
            [
                gauge.Part(
                    size=actual_kib - usable_kib,
                    glyph=glyphs.full,
                    style='blue',
                ),
                gauge.Part(size=usable_kib, glyph=glyphs.half, style='cyan'),
                gauge.Part(
                    size=maximum_kib - actual_kib,
                    glyph=glyphs.empty,
                    style=paper.FAINT,
                ),
            ],
            maximum_kib,
            self._bar_cells,
        )

    def policy(
        self, view: connection.View, *, is_selected: bool
    ) -> paper.Line:
        """Draw a policy."""
        glyphs = self._sheet.glyphs
        pointer = glyphs.pointer if is_selected else ' '
        name = self._sheet.fit(view['guest_name'], self._name_cells)
        line = paper.Line(f'{pointer} {name} ')
        line.stylize(paper.TITLE if is_selected else '')
        way_kib = abs(view['start_kib'] - view['target_kib'])
        moved_kib = max(0, view['moved_kib'] or 0)
        line.append_text(self._policy_bar(moved_kib, way_kib))
        share = 1.0 if way_kib == 0 else min(1.0, moved_kib / way_kib)
        line.append(f' {100 * share:3.0f} %')
        line.append(f' {self._left(view)}')
        line.append(
            f'  {paper.words(view["direction"])} to '
            f'{paper.mib(view["target_kib"])} MiB'
        )
        if view['held_by']:
            line.append(f'  {paper.words(view["held_by"])}', paper.POOR)
        line.append(f'  {paper.words(view["origin"])}', paper.FAINT)
        if view['timed_by'] and self._sheet.width >= _WIDE:
            keeper = paper.words(view['timed_by'])
            line.append(f', {keeper}-timed', paper.FAINT)
        return line

    def _policy_bar(self, moved_kib: int, way_kib: int) -> paper.Line:
        glyphs = self._sheet.glyphs
        left_kib = max(0, way_kib - moved_kib)
        return gauge.bar(
            [
                gauge.Part(size=moved_kib, glyph=glyphs.full, style='magenta'),
                gauge.Part(
                    size=left_kib, glyph=glyphs.empty, style=paper.FAINT
                ),
            ],
            way_kib,
            self._bar_cells,
        )

    def _left(self, view: connection.View) -> str:
        if view['state'] != 'running':
            return f'{paper.words(view["state"]):>11}'
        return f'{view["left_seconds"]:5.1f} s left'
