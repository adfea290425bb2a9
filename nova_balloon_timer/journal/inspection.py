# SPDX-License-Identifier: Apache-2.0
"""What a journal is, found out without leaving a trace beside it."""

import contextlib
import dataclasses
import os
import pathlib
import sqlite3

from nova_balloon_timer import exception
from nova_balloon_timer.journal import place
from nova_balloon_timer.journal import schema

# Only a release that changes the tables holds a lock for longer.
_BUSY_SECONDS = 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What a file is.

    :param version: of its tables; None if it is no journal
    :param newest: the version that this release makes
    :param damage: why it is no journal of ours, or no sound one; else empty
    """

    version: int | None
    newest: int
    damage: str


def inspect(path: pathlib.Path) -> Inspection | None:
    """Look at a journal; None if there is none yet.

    :raises JournalNotReadable: it cannot be read at present
    """
    try:
        return _inspect(path)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, sqlite3.Error) as error:
        raise exception.JournalNotReadable(
            path=path, why=place.words_of(error)
        ) from error


def _inspect(path: pathlib.Path) -> Inspection | None:
    real = pathlib.Path(os.path.realpath(path))
    if not real.is_file():
        real.stat()
        raise ValueError('it is not a regular file')
    if real.stat().st_size == 0:
        return None
    newest = len(schema.STEPS)
    with contextlib.closing(_open(real)) as connection:
        try:
            damage = schema.find_damage(connection, newest)
            version: int | None = schema.version_of(connection)
            newer = schema.newer_version(connection, newest)
        except sqlite3.DatabaseError as error:
            if not place.is_damage(error):
                raise
            damage, version, newer = place.words_of(error), None, None
    if damage and newer is None:
        version = None
    return Inspection(version=version, newest=newest, damage=damage)


def _open(real: pathlib.Path) -> sqlite3.Connection:
    # NOTE: a reader of a journal with no log beside it would leave one there,
    # which then belongs to whoever looked. Without a log nobody writes.
    log = real.with_name(f'{real.name}-wal')
    is_quiet = not log.exists() or log.stat().st_size == 0
    mode = 'immutable=1' if is_quiet else 'mode=ro'
    return sqlite3.connect(
        f'{real.as_uri()}?{mode}',
        uri=True,
        timeout=_BUSY_SECONDS,
        isolation_level=None,
    )
