# SPDX-License-Identifier: Apache-2.0
"""The whole screen: a function of what is known, and of its size."""

from collections.abc import Iterator
import datetime

import rich.console

from nova_balloon_timer.cmd.watch import host_part
from nova_balloon_timer.cmd.watch import list_part
from nova_balloon_timer.cmd.watch import paper
from nova_balloon_timer.cmd.watch import state as watch_state

_NARROWEST = 40
_LOWEST = 12
_TITLES = 3
_FEWEST_POLICIES = 2
_MOST_EVENTS = 5
_NO_LIMIT = 1000000


def draw(
    state: watch_state.State, sheet: paper.Paper, now: datetime.datetime
) -> rich.console.Group:
    """Draw it, in no more lines than there are, each cut to its width.

    Where there is no end of lines, none is cut either.
    """
    lines = list(_lines(state, sheet, now))
    for line in lines:
        line.no_wrap = True
        line.overflow = 'ellipsis' if sheet.height else 'ignore'
    return rich.console.Group(*lines)


def _lines(
    state: watch_state.State, sheet: paper.Paper, now: datetime.datetime
) -> Iterator[paper.Line]:
    height = sheet.height
    if sheet.width < _NARROWEST or (height is not None and height < _LOWEST):
        yield paper.Line(
            f'too small: {_NARROWEST}x{_LOWEST} at least', paper.POOR
        )
        return
    top = list(host_part.draw(state, sheet, now))
    yield from top
    if height is None:
        everything = list_part.Room(
            guests=_NO_LIMIT, policies=_NO_LIMIT, events=_NO_LIMIT
        )
        yield from list_part.draw(state, sheet, everything)
        return
    room = _share_out(state, max(0, height - len(top) - _TITLES - 1))
    below = list(list_part.draw(state, sheet, room))
    yield from below
    for _ in range(height - len(top) - len(below) - 1):
        yield paper.Line()
    yield _footer(state, sheet)


def _share_out(state: watch_state.State, lines: int) -> list_part.Room:
    """Give policies what they need first, then events a few, then guests."""
    snapshot = state.snapshot
    if snapshot is None:
        return list_part.Room(guests=0, policies=0, events=0)
    most_policies = min(lines, max(_FEWEST_POLICIES, lines * 2 // 5))
    policies = min(len(snapshot.policies), most_policies)
    events = min(len(snapshot.events), _MOST_EVENTS, lines // 4)
    events = min(events, lines - policies)
    guests = min(len(snapshot.guests), lines - policies - events)
    spare = lines - policies - events - guests
    more = min(spare, len(snapshot.policies) - policies)
    events += min(spare - more, len(snapshot.events) - events)
    return list_part.Room(
        guests=guests, policies=policies + more, events=events
    )


def _footer(state: watch_state.State, sheet: paper.Paper) -> paper.Line:
    if state.question is not None:
        view = state.question
        return paper.Line(
            f' Cancel the policy of {paper.words(view["guest_name"])}, '
            f'{paper.words(view["direction"])} to '
            f'{paper.size(view["target_kib"])}? y/n ',
            'bold reverse',
        )
    line = paper.Line(
        f' {sheet.glyphs.arrows} select  c cancel  q quit ', 'reverse'
    )
    line.append(f'  {paper.words(state.told)}', 'not reverse')
    return line
