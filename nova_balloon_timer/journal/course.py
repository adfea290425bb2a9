# SPDX-License-Identifier: Apache-2.0
"""How the host's memory went, out of the journal."""

from collections.abc import Iterable, Iterator
import sqlite3

from nova_balloon_timer.journal import instant
from nova_balloon_timer.report import saved_run

# The end of the calendar: 9999-12-31.
LAST_US = 253_402_300_799_000_000

_MOST_POINTS = 20_000
_MOST_MARKS = 10_000

# NOTE: another release may know more.
_KINDS = {kind.value for kind in saved_run.MarkKind}

_SPAN = """
    SELECT count(*), min(at_us), max(at_us) FROM host_reading
    WHERE at_us BETWEEN ? AND ?
"""
# NOTE: SQLite takes the instant from the row of the minimum: a dip, which is
# what the reader looks for, survives.
_POINTS = """
    SELECT at_us, min(available_kib) FROM host_reading
    WHERE at_us BETWEEN :since_us AND :until_us
    GROUP BY (at_us - :since_us) / :width_us
    ORDER BY at_us
"""
_MARKS = """
    SELECT at_us, kind, words FROM (
        SELECT id, at_us, kind, words FROM mark
        WHERE at_us BETWEEN ? AND ?
        ORDER BY at_us DESC, id DESC LIMIT ?
    ) ORDER BY id
"""
_LATEST_MARKS = """
    SELECT at_us, kind, words FROM mark
    ORDER BY at_us DESC, id DESC LIMIT ?
"""
_LAST_READING = """
    SELECT total_kib, low_watermark_kib, high_watermark_kib
    FROM host_reading WHERE at_us <= ? ORDER BY at_us DESC, id DESC LIMIT 1
"""


def read(
    connection: sqlite3.Connection, since_us: int, until_us: int
) -> saved_run.HostCourse | None:
    """Read how the host stood; None if nothing is known of it.

    :param connection: within a transaction, so that all of it fits together
    """
    interval = (since_us, until_us)
    last = connection.execute(_LAST_READING, (until_us,)).fetchone()
    points = _read_points(connection, since_us, until_us)
    marks = connection.execute(_MARKS, (*interval, _MOST_MARKS)).fetchall()
    if last is None or not (points or marks):
        return None
    return saved_run.HostCourse(
        total_kib=last[0],
        low_watermark_kib=last[1],
        high_watermark_kib=last[2],
        points=points,
        marks=tuple(_known(_in_order(marks))),
    )


def read_marks(
    connection: sqlite3.Connection, limit: int
) -> list[saved_run.Mark]:
    """Read what happened on the host, the newest first."""
    return list(_known(connection.execute(_LATEST_MARKS, (max(0, limit),))))


def _known(
    rows: Iterable[tuple[int, str, str]],
) -> Iterator[saved_run.Mark]:
    for at_us, kind, words in rows:
        if kind in _KINDS:
            yield saved_run.Mark(
                at=instant.from_us(at_us),
                kind=saved_run.MarkKind(kind),
                words=words,
            )


def _in_order(
    marks: Iterable[tuple[int, str, str]],
) -> Iterator[tuple[int, str, str]]:
    """Let no mark be earlier than one that was made before it.

    What happened at one instant may differ by a microsecond in UTC.
    """
    latest_us = 0
    for at_us, kind, words in marks:
        latest_us = max(latest_us, at_us)
        yield latest_us, kind, words


def _read_points(
    connection: sqlite3.Connection, since_us: int, until_us: int
) -> tuple[saved_run.HostPoint, ...]:
    """Read the points; where there are too many, the lowest of each while."""
    interval = (since_us, until_us)
    count, first_us, last_us = connection.execute(_SPAN, interval).fetchone()
    if not count:
        return ()
    width_us = 1
    if count > _MOST_POINTS:
        width_us = (last_us - first_us) // _MOST_POINTS + 1
    values = {
        'since_us': first_us,
        'until_us': last_us,
        'width_us': width_us,
    }
    return tuple(
        saved_run.HostPoint(
            at=instant.from_us(at_us), available_kib=available_kib
        )
        for at_us, available_kib in connection.execute(_POINTS, values)
    )
