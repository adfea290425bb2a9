# SPDX-License-Identifier: Apache-2.0
"""The journal's file: made, opened, and set aside where it is damaged.

What cannot be used is neither overwritten nor deleted: it keeps its content
under another name, for whoever wants to look into it.
"""

import contextlib
import dataclasses
import datetime
import os
import pathlib
import sqlite3
import stat

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.journal import schema

LOG = logging.getLogger(__name__)

_FOLDER_MODE = 0o700
_FILE_MODE = 0o640
# What SQLite puts beside a database.
_COMPANIONS = ('-wal', '-shm', '-journal')
_READ_BUSY_SECONDS = 5.0
_DAMAGED = 'damaged'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    """Why a journal cannot be used, and a word on it for its name."""

    why: str
    kind: str = _DAMAGED


def connect_to_write(
    path: pathlib.Path,
    *,
    busy_seconds: float,
    steps: tuple[schema.Step, ...] = schema.STEPS,
) -> sqlite3.Connection:
    """Open the journal, a fresh one if there is none that can be used.

    :param busy_seconds: how long to wait for another process
    :raises JournalNotWritable: and what was there stays as it was
    """
    try:
        place = pathlib.Path(os.path.realpath(path))
        if fault := _look_into(place, len(steps)):
            set_aside(path, fault.why, fault.kind)
        _make_file(place)
        return _open(place, busy_seconds, steps)
    except (OSError, ValueError, sqlite3.Error) as error:
        raise exception.JournalNotWritable(
            path=path, why=words_of(error)
        ) from error


def connect_to_read(path: pathlib.Path) -> sqlite3.Connection:
    """Open the journal beside whoever writes it.

    :raises JournalNotReadable: there is none, or none that we know
    """
    connection = None
    try:
        place = pathlib.Path(os.path.realpath(path))
        if not stat.S_ISREG(place.stat().st_mode):
            raise ValueError('it is not a regular file')
        connection = _open_read_only(place)
        version = schema.version_of(connection)
        if version != len(schema.STEPS):
            raise ValueError(
                f'its schema is {version}; '
                f'this release reads only {len(schema.STEPS)}'
            )
    except (OSError, ValueError, sqlite3.Error) as error:
        if connection is not None:
            connection.close()
        raise exception.JournalNotReadable(
            path=path, why=words_of(error)
        ) from error
    return connection


def set_aside(path: pathlib.Path, why: str, kind: str = _DAMAGED) -> None:
    """Give a journal that cannot be used another name.

    :param kind: a word on it, for its name
    :raises OSError: it could not be renamed
    """
    place = pathlib.Path(os.path.realpath(path))
    now = datetime.datetime.now(datetime.timezone.utc)
    name = f'{place.name}.{kind}-{now:%Y%m%dT%H%M%SZ}'
    aside = place.with_name(name)
    count = 1
    while any(_with(aside, end).exists() for end in ('', *_COMPANIONS)):
        count += 1
        aside = place.with_name(f'{name}-{count}')
    for end in ('', *_COMPANIONS):
        with contextlib.suppress(FileNotFoundError):
            _with(place, end).rename(_with(aside, end))
    LOG.error(
        'The journal %s cannot be used: %s. It is now %s, and a fresh one is '
        'begun: which policies were in flight, and which notifications were '
        'not sent, is not known',
        path,
        why,
        aside,
    )


def words_of(error: Exception) -> str:
    """Say in a line what went wrong."""
    why = getattr(error, 'strerror', None) or str(error)
    return ' '.join(str(why).split()) or type(error).__name__


def is_damage(error: Exception) -> bool:
    """Tell a damaged file from one that cannot be had at present.

    SQLite's "malformed" and "not a database" have no class of their own;
    a full disk, an I/O error and a lock have one, which a header of another
    SQLite shares.
    """
    return type(
        error
    ) is sqlite3.DatabaseError or 'unsupported file format' in str(error)


def _look_into(place: pathlib.Path, newest: int) -> _Fault | None:
    """Say why what is there cannot be used; None if it can.

    :raises ValueError: it is nothing that we would rename
    """
    size_bytes = 0
    with contextlib.suppress(FileNotFoundError):
        status = place.stat()
        # NOTE: a folder or a device is no damaged journal but a wrong path.
        if not stat.S_ISREG(status.st_mode):
            raise ValueError('it is there and is not a regular file')
        size_bytes = status.st_size
    if size_bytes == 0:
        # NOTE: SQLite would delete such a log.
        log = _with(place, '-wal')
        has_log = log.exists() and log.stat().st_size > 0
        if has_log:
            return _Fault(why='its file is gone, its log is left')
        return None
    if _with(place, '-journal').exists():
        # NOTE: we were killed while making it; opening it mends that.
        return None
    return _find_damage(place, newest)


def _find_damage(place: pathlib.Path, newest: int) -> _Fault | None:
    # NOTE: read only, because closing a connection that may write clears
    # the log away.
    with contextlib.closing(_open_read_only(place)) as connection:
        try:
            why = schema.find_damage(connection, newest)
            version = schema.newer_version(connection, newest)
        except UnicodeDecodeError:
            # NOTE: SQLite's own complaint, which quotes the damaged text.
            return _Fault(why='its tables are malformed')
        except sqlite3.DatabaseError as error:
            if is_damage(error):
                return _Fault(why=words_of(error))
            raise
    if not why:
        return None
    if version is not None:
        return _Fault(why=why, kind=f'newer-schema-{version}')
    return _Fault(why=why)


def _make_file(place: pathlib.Path) -> None:
    place.parent.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
    # SQLite gives its other files the mode of this one.
    os.close(os.open(place, os.O_CREAT | os.O_RDWR, _FILE_MODE))


def _open(
    place: pathlib.Path, busy_seconds: float, steps: tuple[schema.Step, ...]
) -> sqlite3.Connection:
    connection = sqlite3.connect(
        place, timeout=busy_seconds, isolation_level=None
    )
    connection.text_factory = _decode
    try:
        connection.execute('PRAGMA trusted_schema = OFF')
        mode = connection.execute('PRAGMA journal_mode = WAL').fetchone()[0]
        if mode != 'wal':
            raise ValueError('its file system allows no write-ahead log')
        # A log that a long reader let grow shrinks again; bytes.
        connection.execute('PRAGMA journal_size_limit = 4194304')
        schema.migrate(connection, steps)
    except BaseException:
        connection.close()
        raise
    return connection


def _open_read_only(place: pathlib.Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f'{place.as_uri()}?mode=ro',
        uri=True,
        timeout=_READ_BUSY_SECONDS,
        isolation_level=None,
    )
    connection.text_factory = _decode
    return connection


def _decode(text: bytes) -> str:
    # NOTE: a flipped bit in somebody's name must not hide the whole row.
    return text.decode('utf-8', 'replace')


def _with(place: pathlib.Path, end: str) -> pathlib.Path:
    return place.with_name(place.name + end)
