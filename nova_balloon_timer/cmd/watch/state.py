# SPDX-License-Identifier: Apache-2.0
"""What the live screen shows, and what becomes of it; no clock, no screen."""

import dataclasses
import datetime

from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.watch import keyboard

# How far back the course of available memory goes.
COURSE_SECONDS = 300.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """What an agent told in one look.

    :param events: the newest first
    """

    at: datetime.datetime
    host: connection.View
    guests: tuple[connection.View, ...] = ()
    policies: tuple[connection.View, ...] = ()
    events: tuple[connection.View, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A look that brought nothing."""

    at: datetime.datetime
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What came of something that was asked for."""

    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Available memory at an instant."""

    at: datetime.datetime
    available_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """Everything that is on the screen.

    :param snapshot: the last one; None before the first
    :param failure: the last look's; None if it brought something
    :param failed_since: the first failure's instant since a snapshot
    :param selected: a policy's UUID
    :param question: the policy that is to be cancelled, if so
    """

    host: str
    snapshot: Snapshot | None = None
    failure: Failure | None = None
    failed_since: datetime.datetime | None = None
    course: tuple[Point, ...] = ()
    selected: str | None = None
    question: connection.View | None = None
    told: str = ''
    is_over: bool = False

    @property
    def policies(self) -> tuple[connection.View, ...]:
        """Return the policies under way, in the order of the screen."""
        return () if self.snapshot is None else self.snapshot.policies


def take_in(state: State, news: Snapshot | Failure | Told) -> State:
    """Return the state after something was learned."""
    match news:
        case Told():
            return dataclasses.replace(state, told=news.words)
        case Failure():
            return dataclasses.replace(
                state,
                failure=news,
                failed_since=state.failed_since or news.at,
            )
        case Snapshot():
            return _see(state, news)


def _see(state: State, snapshot: Snapshot) -> State:
    course = [
        point
        for point in state.course
        if (snapshot.at - point.at).total_seconds() < COURSE_SECONDS
    ]
    available_kib = snapshot.host['available_kib']
    if available_kib is not None:
        course.append(Point(at=snapshot.at, available_kib=available_kib))
    uuids = [view['uuid'] for view in snapshot.policies]
    selected = state.selected
    if selected not in uuids:
        selected = _neighbour(state, uuids)
    question = state.question
    if question is not None and question['uuid'] not in uuids:
        question = None
    return dataclasses.replace(
        state,
        snapshot=snapshot,
        failure=None,
        failed_since=None,
        course=tuple(course),
        selected=selected,
        question=question,
    )


def _neighbour(state: State, uuids: list[str]) -> str | None:
    """Return what to select in the place of what is gone."""
    if not uuids:
        return None
    before = [view['uuid'] for view in state.policies]
    if state.selected not in before:
        return uuids[0]
    return uuids[min(before.index(state.selected), len(uuids) - 1)]


def press(state: State, key: str) -> tuple[State, str | None]:
    """Return the state after a key, and which policy is to be cancelled."""
    if key in ('q', keyboard.GONE):
        return dataclasses.replace(state, is_over=True), None
    if state.question is not None:
        return _answer(state, key, state.question['uuid'])
    if key in ('up', 'down'):
        return _move(state, 1 if key == 'down' else -1), None
    if key == 'c':
        return _ask(state), None
    return state, None


def _answer(
    state: State, key: str, policy_uuid: str
) -> tuple[State, str | None]:
    if key in ('up', 'down'):
        return state, None
    done = dataclasses.replace(state, question=None, told='')
    if key.lower() != 'y':
        return done, None
    return dataclasses.replace(done, told='cancelling ...'), policy_uuid


def _ask(state: State) -> State:
    for view in state.policies:
        if view['uuid'] == state.selected:
            return dataclasses.replace(state, question=view, told='')
    return dataclasses.replace(state, told='there is no policy to cancel')


def _move(state: State, step: int) -> State:
    uuids = [view['uuid'] for view in state.policies]
    if state.selected not in uuids:
        return state
    at = uuids.index(state.selected) + step
    at = max(0, min(len(uuids) - 1, at))
    return dataclasses.replace(state, selected=uuids[at], told='')
