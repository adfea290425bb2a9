# SPDX-License-Identifier: Apache-2.0
"""Notifications on the disk, from when they are due until they are sent.

Each is written in the transaction of what it tells, so that neither is there
without the other. It is bounded: of what waits longest, progress goes first.
"""

from collections.abc import Iterable, Sequence
import dataclasses
import json
import sqlite3
import zlib

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer.notifier import letter

LOG = logging.getLogger(__name__)

_PROGRESS = announcement.EventType.POLICY_PROGRESS.value

_ENTER = """
    INSERT INTO outbox (at_us, subject_uuid, event_type, priority, content)
    VALUES (?, ?, ?, ?, ?)
"""
# What is news no more.
_OVERTAKE = 'DELETE FROM outbox WHERE subject_uuid = ? AND event_type = ?'
_COUNT = """
    INSERT INTO subject (uuid, is_host, sequence) VALUES (:uuid, :is_host, :at)
    ON CONFLICT (uuid) DO UPDATE SET sequence = max(sequence, :at)
"""
_CLOSE = 'DELETE FROM subject WHERE uuid = ?'
_WAITING = 'SELECT count(*) FROM outbox'
# NOTE: by an index, which it finds only where the type is in the text.
_DROP_PROGRESS = """
    DELETE FROM outbox WHERE id IN (
        SELECT id FROM outbox WHERE event_type = 'balloon_policy.progress'
        ORDER BY id LIMIT ?
    )
"""
_DROP = """
    DELETE FROM outbox WHERE id IN (SELECT id FROM outbox ORDER BY id LIMIT ?)
"""
_CLOSE_HOST = 'DELETE FROM subject WHERE is_host'
_READ = """
    SELECT id, at_us, event_type, priority, content FROM outbox
    WHERE id > ? ORDER BY id LIMIT ?
"""
_REMOVE = 'DELETE FROM outbox WHERE id = ?'
_HOST_SUBJECTS = 'SELECT uuid, sequence FROM subject WHERE is_host'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """How far the telling of something has come that is not over.

    :param sequence: the last that was told
    """

    subject_uuid: str
    sequence: int


def enter(
    file: sqlite3.Connection,
    said: announcement.Announcement,
    at_us: int,
    payload: letter.Payload,
) -> int:
    """Write a notification, in a transaction.

    :returns: how many more wait now; it may have overtaken another
    """
    text = json.dumps(payload, allow_nan=False, separators=(',', ':'))
    kind = said.event_type.value
    uuid = said.subject_uuid
    overtaken = file.execute(_OVERTAKE, (uuid, _PROGRESS)).rowcount
    values = (at_us, uuid, kind, said.priority.value)
    file.execute(_ENTER, (*values, zlib.compress(text.encode(), 1)))
    if said.is_last:
        close(file, uuid)
        return 1 - overtaken
    is_host = isinstance(said.fact, announcement.PressureStarted)
    row = {'uuid': uuid, 'is_host': is_host, 'at': said.sequence}
    file.execute(_COUNT, row)
    return 1 - overtaken


def close(file: sqlite3.Connection, subject_uuid: str) -> None:
    """Note that no more is told of something, in a transaction.

    It is over, and what is told of that may not have come this way.
    """
    file.execute(_CLOSE, (subject_uuid,))


def close_host(file: sqlite3.Connection) -> None:
    """Note that no more is told of the host's pressure, likewise."""
    file.execute(_CLOSE_HOST)


def drop(file: sqlite3.Connection, count: int) -> int:
    """Drop so many to make room, in a transaction.

    :returns: how many were dropped
    """
    dropped = file.execute(_DROP_PROGRESS, (count,)).rowcount
    if dropped < count:
        dropped += file.execute(_DROP, (count - dropped,)).rowcount
    return dropped


def remove(file: sqlite3.Connection, numbers: Iterable[int]) -> int:
    """Forget what was sent, in a transaction.

    :returns: how many were still there
    """
    return file.executemany(
        _REMOVE, ((number,) for number in numbers)
    ).rowcount


def count_waiting(file: sqlite3.Connection) -> int:
    """Count what waits; takes a look at each."""
    count: int = file.execute(_WAITING).fetchone()[0]
    return count


def read(
    file: sqlite3.Connection, after: int, limit: int
) -> Sequence[letter.Letter]:
    """Return what waits, the oldest first.

    :param after: the number of a letter; only those behind it
    """
    letters = []
    for number, at_us, event_type, priority, packed in file.execute(
        _READ, (after, limit)
    ):
        payload: letter.Payload = {}
        try:
            payload = json.loads(zlib.decompress(packed))
        except (ValueError, zlib.error) as error:
            LOG.error('A notification on the disk is damaged: %s', error)
        letters.append(
            letter.Letter(
                number=number,
                at_us=at_us,
                event_type=event_type,
                priority=priority,
                payload=payload,
            )
        )
    return letters


def host_subjects(file: sqlite3.Connection) -> list[Told]:
    """Return the times of pressure whose end was not told."""
    return [
        Told(subject_uuid=uuid, sequence=sequence)
        for uuid, sequence in file.execute(_HOST_SUBJECTS)
    ]
