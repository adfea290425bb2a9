# SPDX-License-Identifier: Apache-2.0
"""The tables, how older ones become newer ones, and what is no journal."""

import contextlib
import functools
import sqlite3

# NOTE: 'nbtj' in ASCII. A pragma takes no parameter, so it is in the text of
# the first step once more; a test compares them.
APPLICATION_ID = 0x6E62746A

Step = tuple[str, ...]

_POLICY = """
    CREATE TABLE policy (
        id INTEGER PRIMARY KEY,
        uuid TEXT NOT NULL UNIQUE,
        guest_uuid TEXT NOT NULL,
        guest_name TEXT NOT NULL,
        origin TEXT NOT NULL,
        direction TEXT NOT NULL,
        start_kib INTEGER NOT NULL,
        target_kib INTEGER NOT NULL,
        boot_id TEXT NOT NULL,
        requested_us INTEGER NOT NULL,
        started_at REAL,
        started_us INTEGER,
        keeper TEXT,
        keeper_words TEXT,
        ended_us INTEGER,
        reason TEXT,
        detail TEXT,
        end_kib INTEGER,
        freed_kib INTEGER,
        lateness_seconds REAL,
        content BLOB NOT NULL,
        CHECK ((ended_us IS NULL) = (reason IS NULL)),
        CHECK (ended_us IS NULL OR started_us IS NOT NULL)
    )
"""
_TRAITS = """
    CREATE TABLE traits (
        guest_uuid TEXT PRIMARY KEY,
        rate_kib_per_second REAL,
        cooperation REAL NOT NULL,
        strikes REAL NOT NULL,
        struck_utc REAL,
        updated_us INTEGER NOT NULL
    )
"""
_HOST_READING = """
    CREATE TABLE host_reading (
        id INTEGER PRIMARY KEY,
        at_us INTEGER NOT NULL,
        available_kib INTEGER NOT NULL,
        total_kib INTEGER NOT NULL,
        low_watermark_kib INTEGER NOT NULL,
        high_watermark_kib INTEGER NOT NULL
    )
"""
_MARK = """
    CREATE TABLE mark (
        id INTEGER PRIMARY KEY,
        at_us INTEGER NOT NULL,
        kind TEXT NOT NULL,
        words TEXT NOT NULL
    )
"""

# What is still to be told on the message bus.
_OUTBOX = """
    CREATE TABLE outbox (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        at_us INTEGER NOT NULL,
        subject_uuid TEXT NOT NULL,
        event_type TEXT NOT NULL,
        priority TEXT NOT NULL,
        content BLOB NOT NULL
    )
"""
# NOTE: whoever sends knows letters by their numbers, also across a journal
# that was set aside: those of the next one are higher, as they begin with the
# microseconds since the epoch.
_FIRST_NUMBER = """
    INSERT INTO sqlite_sequence (name, seq) VALUES (
        'outbox',
        CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) * 1000
    )
"""
# What has been told of whatever is not over.
_SUBJECT = """
    CREATE TABLE subject (
        uuid TEXT PRIMARY KEY,
        is_host INTEGER NOT NULL,
        sequence INTEGER NOT NULL
    )
"""

# From each version to the next, from nothing on. A step that was released is
# never changed; the last statement of each says which version it makes.
STEPS: tuple[Step, ...] = (
    (
        _POLICY,
        _TRAITS,
        _HOST_READING,
        _MARK,
        _OUTBOX,
        _FIRST_NUMBER,
        _SUBJECT,
        'CREATE INDEX policy_by_end ON policy (ended_us, id)',
        'CREATE INDEX host_reading_by_instant ON host_reading (at_us)',
        'CREATE INDEX mark_by_instant ON mark (at_us)',
        'CREATE INDEX outbox_by_subject ON outbox (subject_uuid)',
        'CREATE INDEX outbox_progress ON outbox (id) '
        "WHERE event_type = 'balloon_policy.progress'",
        'PRAGMA application_id = 1851946090',
        'PRAGMA user_version = 1',
    ),
)
_TABLES = {
    'policy',
    'traits',
    'host_reading',
    'mark',
    'outbox',
    'subject',
}


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version of the tables; 0 if there are none yet."""
    version: int = connection.execute('PRAGMA user_version').fetchone()[0]
    return version


def newer_version(connection: sqlite3.Connection, newest: int) -> int | None:
    """Return the version of a newer release's journal; None: it is none."""
    owner = connection.execute('PRAGMA application_id').fetchone()[0]
    version = version_of(connection)
    is_newer = owner == APPLICATION_ID and version > newest
    return version if is_newer else None


def find_damage(connection: sqlite3.Connection, newest: int) -> str:
    """Say why a file is no journal of ours; empty if it is one, or is empty.

    :param newest: the version that this release makes
    :raises sqlite3.DatabaseError: the file is damaged, if it is this very
        class; a subclass: it cannot be read at present
    """
    query = "SELECT name FROM sqlite_master WHERE type = 'table'"
    tables = {name for (name,) in connection.execute(query)}
    owner = connection.execute('PRAGMA application_id').fetchone()[0]
    version = version_of(connection)
    if not (tables or owner or version):
        return ''
    why = _find_stranger(owner, version, newest)
    if why:
        return why
    if not tables >= _TABLES:
        return f'it lacks {", ".join(sorted(_TABLES - tables))}'
    if version <= len(STEPS) and _layout(connection) != _made_by(version):
        return 'its tables are not those that we make'
    found = connection.execute('PRAGMA quick_check(1)').fetchone()[0]
    return '' if found == 'ok' else ' '.join(str(found).split())


def _find_stranger(owner: int, version: int, newest: int) -> str:
    if owner != APPLICATION_ID:
        return f'it belongs to another program ({owner:#x})'
    if version <= 0:
        return f'it has no schema {version}'
    if version > newest:
        return (
            f'its schema {version} is newer than our {newest}: it was written '
            'by a newer release'
        )
    return ''


def _layout(connection: sqlite3.Connection) -> set[tuple[str, str]]:
    """Return what tables and indexes there are, as they were made."""
    query = 'SELECT name, sql FROM sqlite_master WHERE sql NOT NULL'
    return set(connection.execute(query))


@functools.cache
def _made_by(version: int) -> set[tuple[str, str]]:
    with contextlib.closing(
        sqlite3.connect(':memory:', isolation_level=None)
    ) as fresh:
        migrate(fresh, STEPS[:version])
        return _layout(fresh)


def migrate(
    connection: sqlite3.Connection, steps: tuple[Step, ...] = STEPS
) -> None:
    """Bring the tables to the newest version: all the way, or not at all."""
    if version_of(connection) == len(steps):
        return
    connection.execute('BEGIN IMMEDIATE')
    try:
        for step in steps[version_of(connection) :]:
            for statement in step:
                connection.execute(statement)
        connection.execute('COMMIT')
    finally:
        if connection.in_transaction:
            connection.execute('ROLLBACK')
