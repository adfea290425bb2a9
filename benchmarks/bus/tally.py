# SPDX-License-Identifier: Apache-2.0
"""What was heard, beside what the journal says has happened."""

import collections
from collections.abc import Mapping, Sequence
import contextlib
import dataclasses
import pathlib
import sqlite3
import time

from benchmarks.bus import listener as bench_listener

_POLL_SECONDS = 0.05

_ENDED = """
    SELECT uuid, ended_us, reason, lateness_seconds FROM policy
    WHERE ended_us IS NOT NULL
"""
_WAITING = 'SELECT count(*) FROM outbox'
_NEWEST = 'SELECT max(id) FROM outbox'
_LEFT = 'SELECT count(*) FROM outbox WHERE id <= ?'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A policy that ended, as the journal has it.

    :ivar ended_at: seconds since the epoch
    :ivar lateness_seconds: None if it ended before its deadline
    """

    ended_at: float
    reason: str
    lateness_seconds: float | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """How well it was told what happened.

    :ivar ends: policies whose ends were heard
    :ivar lost_ends: policies that ended, and nobody heard of it
    :ivar lost_others: what their numbers say was told, and was not heard
    :ivar misplaced: notifications that came after a later one of their policy
    :ivar doubles: notifications that came again, and can be told as such
    :ivar unlike: those that came again as if they were others
    :ivar longest_seconds: from an end until it was heard
    """

    policies: int
    ends: int
    lost_ends: int
    lost_others: int
    misplaced: int
    doubles: int
    unlike: int
    longest_seconds: float | None


def read_ended(journal: pathlib.Path) -> dict[str, Ended]:
    """Read from a journal which policies ended."""
    with contextlib.closing(_open(journal)) as file:
        return {
            uuid: Ended(
                ended_at=us / 1e6,
                reason=reason,
                lateness_seconds=lateness_seconds,
            )
            for uuid, us, reason, lateness_seconds in file.execute(_ENDED)
        }


def count_waiting(journal: pathlib.Path) -> int:
    """Count what waits in a journal to be sent."""
    with contextlib.closing(_open(journal)) as file:
        count: int = file.execute(_WAITING).fetchone()[0]
        return count


def wait_sent(journal: pathlib.Path, timeout_seconds: float) -> float | None:
    """Wait until all that waits now was sent; return the seconds, if it was.

    :returns: None if it was not
    """
    begin = time.monotonic()
    with contextlib.closing(_open(journal)) as file:
        (newest,) = file.execute(_NEWEST).fetchone()
        while time.monotonic() - begin < timeout_seconds:
            if not file.execute(_LEFT, (newest,)).fetchone()[0]:
                return time.monotonic() - begin
            time.sleep(_POLL_SECONDS)
    return None


def _open(journal: pathlib.Path) -> sqlite3.Connection:
    return sqlite3.connect(f'{journal.as_uri()}?mode=ro', uri=True, timeout=5)


def count(
    ended: Mapping[str, Ended], heard: Sequence[bench_listener.Heard]
) -> Tally:
    """Compare; of one form of notifications."""
    told = _by_policy(ended, heard)
    delays = [
        it.at - it.ended_at
        for mine in told.values()
        for it in mine
        if it.ended_at is not None
    ]
    ends = sum(any(it.is_end for it in mine) for mine in told.values())
    return Tally(
        policies=len(ended),
        ends=ends,
        lost_ends=len(ended) - ends,
        lost_others=sum(map(_lost_others, told.values())),
        misplaced=sum(map(_misplaced, told.values())),
        doubles=sum(len(mine) - len(_first(mine)) for mine in told.values()),
        unlike=sum(map(_unlike, told.values())),
        longest_seconds=max(delays, default=None),
    )


def _by_policy(
    ended: Mapping[str, Ended], heard: Sequence[bench_listener.Heard]
) -> dict[str, list[bench_listener.Heard]]:
    told: dict[str, list[bench_listener.Heard]] = {it: [] for it in ended}
    for it in heard:
        if it.uuid in told:
            told[it.uuid].append(it)
    return told


def _first(
    mine: Sequence[bench_listener.Heard],
) -> list[bench_listener.Heard]:
    """Leave out what came again, as a consumer would."""
    found: dict[int, bench_listener.Heard] = {}
    for it in mine:
        found.setdefault(it.sequence, it)
    return list(found.values())


def _lost_others(mine: Sequence[bench_listener.Heard]) -> int:
    # NOTE: policies of a benchmark are over before any progress is told,
    # which may be left out.
    numbers = {it.sequence for it in mine}
    return max(numbers, default=-1) + 1 - len(numbers)


def _misplaced(mine: Sequence[bench_listener.Heard]) -> int:
    count, highest = 0, -1
    for it in _first(mine):
        count += it.sequence < highest
        highest = max(highest, it.sequence)
    return count


def _unlike(mine: Sequence[bench_listener.Heard]) -> int:
    """Count what tells the same thing under another number, or otherwise."""
    first = {it.sequence: it for it in _first(mine)}
    changed = sum(
        (it.event_type, it.occurred_at)
        != (first[it.sequence].event_type, first[it.sequence].occurred_at)
        for it in mine
    )
    kinds = collections.Counter(
        'end' if it.is_end else it.event_type for it in first.values()
    )
    return changed + sum(number - 1 for number in kinds.values())
