# SPDX-License-Identifier: Apache-2.0
"""How much of the past is kept."""

import dataclasses
import sqlite3

_US_PER_DAY = 86_400 * 1_000_000

# Each forgets a few of the oldest. What is in flight has no end, and is never
# older than anything.
_OLD = (
    """
    DELETE FROM policy WHERE id IN (
        SELECT id FROM policy WHERE ended_us < :oldest_us
        ORDER BY ended_us LIMIT :batch
    )
    """,
    """
    DELETE FROM host_reading WHERE id IN (
        SELECT id FROM host_reading WHERE at_us < :oldest_us
        ORDER BY at_us LIMIT :batch
    )
    """,
    """
    DELETE FROM mark WHERE id IN (
        SELECT id FROM mark WHERE at_us < :oldest_us
        ORDER BY at_us LIMIT :batch
    )
    """,
    """
    DELETE FROM traits WHERE guest_uuid IN (
        SELECT guest_uuid FROM traits WHERE updated_us < :oldest_us
        LIMIT :batch
    )
    """,
)
_TOO_MANY = """
    DELETE FROM policy WHERE id IN (
        SELECT id FROM policy WHERE ended_us IS NOT NULL
        ORDER BY ended_us, id LIMIT :surplus
    )
"""
_COUNT = 'SELECT count(*) FROM policy WHERE ended_us IS NOT NULL'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How much of the past is kept, at the most.

    :param days: of everything; what was learned of a guest counts from when
        it last changed
    :param policies: that have ended
    """

    days: float = 30.0
    policies: int = 100_000


def prune(
    connection: sqlite3.Connection,
    retention: Retention,
    *,
    now_us: int,
    batch: int,
) -> int:
    """Forget some of what is too old or too many, in a transaction.

    :param batch: rows of each kind, at the most
    :returns: the rows that were deleted; 0: there is nothing left to do
    """
    oldest_us = now_us - int(retention.days * _US_PER_DAY)
    values = {'oldest_us': oldest_us, 'batch': batch}
    deleted = sum(connection.execute(sql, values).rowcount for sql in _OLD)
    count: int = connection.execute(_COUNT).fetchone()[0]
    surplus = min(batch, count - retention.policies)
    if surplus > 0:
        cursor = connection.execute(_TOO_MANY, {'surplus': surplus})
        deleted += cursor.rowcount
    return deleted
