# SPDX-License-Identifier: Apache-2.0
"""What is in the journal, read beside whoever writes it, from any process."""

from collections.abc import Iterator, Sequence
import contextlib
import dataclasses
import datetime
import pathlib
import sqlite3
from typing import Any

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.journal import content
from nova_balloon_timer.journal import course
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import outbox
from nova_balloon_timer.journal import place
from nova_balloon_timer.notifier import letter
from nova_balloon_timer.report import saved_run

LOG = logging.getLogger(__name__)

# NOTE: a saved run with more of them could not be loaded again.
_MOST_POLICIES = 10_000

_IN_FLIGHT = """
    SELECT policy.uuid, guest_name, boot_id, requested_us, started_at,
        started_us, keeper, keeper_words, content, sequence
    FROM policy LEFT JOIN subject ON subject.uuid = policy.uuid
    WHERE ended_us IS NULL ORDER BY id
"""
_TRAITS = """
    SELECT guest_uuid, rate_kib_per_second, cooperation, strikes, struck_utc
    FROM traits
"""
_HISTORY = """
    SELECT uuid, guest_uuid, guest_name, origin, direction, start_kib,
        target_kib, end_kib, freed_kib, reason, detail, started_us, ended_us,
        lateness_seconds, keeper, keeper_words
    FROM policy
    WHERE ended_us IS NOT NULL
        AND (:guest IS NULL OR :guest IN (guest_uuid, guest_name))
        AND (:end_us IS NULL OR (ended_us, id) < (:end_us, :end_id))
    ORDER BY ended_us DESC, id DESC LIMIT :most
"""
_END = 'SELECT ended_us, id FROM policy WHERE uuid = ? AND ended_us NOT NULL'
_REPORT = """
    SELECT content FROM policy WHERE uuid = ? AND ended_us IS NOT NULL
"""
_REPORTS = """
    SELECT uuid, content FROM policy
    WHERE ended_us >= ? AND started_us <= ?
    ORDER BY ended_us DESC, id DESC LIMIT ?
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class InFlight:
    """A policy that has not ended, as far as the disk knows.

    :param is_of_this_boot: the host was not booted since; if it was, the
        guest that the policy knew is gone
    :param started_at: on our monotonic clock; None if it was not begun, or
        before this boot
    :param started_utc: None if it was not begun
    :param timing: who kept its clock; None likewise
    :param sequence: of the last notification of it; None: there was none
    """

    policy: model.BalloonPolicy
    guest_name: str
    is_of_this_boot: bool
    requested_utc: datetime.datetime
    started_at: float | None
    started_utc: datetime.datetime | None
    timing: timekeeping.Timing | None
    sequence: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PastPolicy:
    """A policy that has ended, without its curve and its rules.

    :param freed_kib: what the host gained
    :param lateness_seconds: None where no deadline passed
    """

    uuid: str
    guest_uuid: str
    guest_name: str
    origin: model.Origin
    direction: model.Direction
    start_kib: int
    target_kib: int
    end_kib: int | None
    freed_kib: int | None
    reason: model.EndReason
    detail: str
    started_utc: datetime.datetime
    ended_utc: datetime.datetime
    lateness_seconds: float | None
    timing: timekeeping.Timing


class Reader:
    """Each call opens the file anew, and sees what is committed by then.

    All raise JournalNotReadable where there is no journal, or it is damaged.
    """

    def __init__(
        self, path: pathlib.Path, *, clock: instant.HostClock | None = None
    ) -> None:
        self._path = path
        self._clock = clock or instant.HostClock()

    @property
    def path(self) -> pathlib.Path:
        """Where the journal is."""
        return self._path

    def in_flight(self) -> list[InFlight]:
        """Return what has not ended, the oldest first."""
        with self._file() as file:
            rows = file.execute(_IN_FLIGHT).fetchall()
        found = []
        for row in rows:
            try:
                found.append(self._in_flight(*row))
            except exception.JournalEntryInvalid as error:
                LOG.error('A policy in flight is lost: %s', error)
        return found

    def traits(self) -> dict[str, situation.GuestTraits]:
        """Return what was learned of guests, by UUID."""
        with self._file() as file:
            rows = file.execute(_TRAITS).fetchall()
        return {
            guest_uuid: situation.GuestTraits(
                rate_kib_per_second=rate,
                cooperation=cooperation,
                strikes=strikes,
                struck_utc=struck_utc,
            )
            for guest_uuid, rate, cooperation, strikes, struck_utc in rows
        }

    def history(
        self, limit: int, before: str | None = None, guest: str | None = None
    ) -> list[PastPolicy]:
        """Return what has ended, the newest first.

        :param limit: so many at the most
        :param before: a policy's UUID: only those that ended before it
        :param guest: a UUID or a name
        :raises PolicyNotInJournal: no such policy has ended
        """
        with self._file() as file:
            end_us, end_id = None, None
            if before is not None:
                end = file.execute(_END, (_query(before),)).fetchone()
                if end is None:
                    raise exception.PolicyNotInJournal(uuid=before)
                end_us, end_id = end
            values = {
                'most': max(0, limit),
                'guest': None if guest is None else _query(guest),
                'end_us': end_us,
                'end_id': end_id,
            }
            rows = file.execute(_HISTORY, values).fetchall()
        return list(_past_policies(rows))

    def report_of(self, uuid: str) -> saved_run.SavedPolicy:
        """Return how a policy ended, with its curve.

        :raises PolicyNotInJournal: no such policy has ended
        :raises JournalEntryInvalid: it is damaged
        """
        with self._file() as file:
            found = file.execute(_REPORT, (_query(uuid),)).fetchone()
        if found is None:
            raise exception.PolicyNotInJournal(uuid=uuid)
        return content.unpack_saved_policy(found[0], uuid)

    def events(self, limit: int) -> list[saved_run.Mark]:
        """Return what happened on the host, the newest first.

        :param limit: so many at the most
        """
        with self._file() as file:
            return course.read_marks(file, limit)

    def saved_run(
        self,
        since: datetime.datetime,
        until: datetime.datetime | None = None,
        *,
        host: str,
    ) -> saved_run.SavedRun:
        """Return what happened on the host, to draw it.

        :param since: what ended later is in it; with its time zone
        :param until: what started earlier is in it; None: all
        """
        since_us = instant.to_us(since)
        until_us = course.LAST_US if until is None else instant.to_us(until)
        values = (since_us, until_us, _MOST_POLICIES + 1)
        with self._file() as file:
            file.execute('BEGIN')
            rows = file.execute(_REPORTS, values).fetchall()
            host_course = course.read(file, since_us, until_us)
        if len(rows) > _MOST_POLICIES:
            LOG.warning('Only the last %d policies are shown', _MOST_POLICIES)
        return saved_run.SavedRun(
            host=content.tidy(host),
            policies=tuple(_saved_policies(rows[:_MOST_POLICIES][::-1])),
            course=host_course,
        )

    def letters(self, after: int, limit: int) -> Sequence[letter.Letter]:
        """Return notifications that wait to be sent, the oldest first.

        :param after: the number of a letter; only those behind it
        """
        with self._file() as file:
            return outbox.read(file, after, limit)

    def count_letters(self) -> int:
        """Count the notifications that wait to be sent."""
        with self._file() as file:
            return outbox.count_waiting(file)

    def host_subjects(self) -> list[outbox.Told]:
        """Return the times of pressure whose end was not told."""
        with self._file() as file:
            return outbox.host_subjects(file)

    @contextlib.contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        connection = place.connect_to_read(self._path)
        try:
            yield connection
        except sqlite3.Error as error:
            raise exception.JournalNotReadable(
                path=self._path, why=place.words_of(error)
            ) from error
        finally:
            connection.close()

    def _in_flight(
        self,
        uuid: str,
        guest_name: str,
        boot_id: str,
        requested_us: int,
        started_at: float | None,
        started_us: int | None,
        keeper: str | None,
        keeper_words: str,
        packed: bytes,
        sequence: int | None,
    ) -> InFlight:
        is_of_this_boot = self._clock.is_of_this_boot(boot_id, started_at)
        started_utc = None
        if started_us is not None:
            started_utc = instant.from_us(started_us)
        return InFlight(
            policy=content.unpack_policy(packed, uuid),
            guest_name=guest_name,
            is_of_this_boot=is_of_this_boot,
            requested_utc=instant.from_us(requested_us),
            started_at=started_at if is_of_this_boot else None,
            started_utc=started_utc,
            timing=None if keeper is None else _timing(keeper, keeper_words),
            sequence=sequence,
        )


def _saved_policies(
    rows: list[tuple[str, bytes]],
) -> Iterator[saved_run.SavedPolicy]:
    for uuid, packed in rows:
        try:
            yield content.unpack_saved_policy(packed, uuid)
        except exception.JournalEntryInvalid as error:
            LOG.warning('%s', error)


def _past_policies(rows: list[tuple[Any, ...]]) -> Iterator[PastPolicy]:
    for row in rows:
        try:
            yield _past_policy(*row)
        except ValueError as error:
            LOG.warning('Policy %s is left out: %s', row[0], error)


def _past_policy(
    uuid: str,
    guest_uuid: str,
    guest_name: str,
    origin: str,
    direction: str,
    start_kib: int,
    target_kib: int,
    end_kib: int | None,
    freed_kib: int | None,
    reason: str,
    detail: str,
    started_us: int,
    ended_us: int,
    lateness_seconds: float | None,
    keeper: str,
    keeper_words: str,
) -> PastPolicy:
    return PastPolicy(
        uuid=uuid,
        guest_uuid=guest_uuid,
        guest_name=guest_name,
        origin=model.Origin(origin),
        direction=model.Direction(direction),
        start_kib=start_kib,
        target_kib=target_kib,
        end_kib=end_kib,
        freed_kib=freed_kib,
        reason=model.EndReason(reason),
        detail=detail,
        started_utc=instant.from_us(started_us),
        ended_utc=instant.from_us(ended_us),
        lateness_seconds=lateness_seconds,
        timing=_timing(keeper, keeper_words),
    )


def _timing(keeper: str, words: str) -> timekeeping.Timing:
    return timekeeping.Timing(keeper=timekeeping.Mode(keeper), words=words)


def _query(text: str) -> str:
    """Make a text that comes from anywhere fit to be looked up."""
    return text.encode('utf-8', 'replace').decode('utf-8')
