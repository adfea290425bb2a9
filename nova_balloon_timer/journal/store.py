# SPDX-License-Identifier: Apache-2.0
"""What is written into the journal: one thread, and each call to the disk.

A failing disk shows as sqlite3.OperationalError, a damaged file as
sqlite3.DatabaseError itself; whatever is wrong with an entry is an error of
another kind, and leaves the others' transaction alone.
"""

from collections.abc import Iterator, Mapping, Sequence
import contextlib
import dataclasses
import math
import pathlib
import sqlite3

from nova_balloon_timer import announcement
from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.journal import content
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import occurrence
from nova_balloon_timer.journal import outbox
from nova_balloon_timer.journal import place
from nova_balloon_timer.journal import retention as journal_retention
from nova_balloon_timer.journal import schema
from nova_balloon_timer.notifier import letter
from nova_balloon_timer.report import saved_run

_BUSY_SECONDS = 0.5

_DURABLE = 'PRAGMA synchronous = FULL'
_QUICK = 'PRAGMA synchronous = NORMAL'
_REQUEST = """
    INSERT INTO policy (
        uuid, guest_uuid, guest_name, origin, direction, start_kib,
        target_kib, boot_id, requested_us, content
    ) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_START = """
    UPDATE policy SET boot_id = ?, started_at = ?, started_us = ?,
        keeper = ?, keeper_words = ?
    WHERE uuid = ? AND started_us IS NULL AND ended_us IS NULL
"""
_END = """
    UPDATE policy SET started_us = coalesce(started_us, ?),
        ended_us = max(coalesce(started_us, 0), ?), reason = ?,
        detail = ?, start_kib = ?, end_kib = ?, freed_kib = ?,
        lateness_seconds = ?, keeper = ?, keeper_words = ?, content = ?
    WHERE uuid = ? AND ended_us IS NULL
"""
_FIND = 'SELECT guest_name, started_us, ended_us FROM policy WHERE uuid = ?'
_REMEMBER = """
    INSERT OR REPLACE INTO traits (
        guest_uuid, rate_kib_per_second, cooperation, strikes, struck_utc,
        updated_us
    ) VALUES (?, ?, ?, ?, ?, ?)
"""
_NOTE = 'INSERT INTO mark (at_us, kind, words) VALUES (?, ?, ?)'
_READING = """
    INSERT INTO host_reading (
        at_us, available_kib, total_kib, low_watermark_kib, high_watermark_kib
    ) VALUES (?, ?, ?, ?, ?)
"""


class Store:
    """The journal's file, open for writing.

    :param busy_seconds: how long a call waits for another process
    :param steps: how older tables become newer ones
    :param encode: writes out what is announced; None: nothing is
    :param most_letters: that wait to be sent
    :ivar dropped: how many of them were more than that
    :ivar waiting: how many of them there were at the last commit; None: the
        file was never open
    """

    def __init__(
        self,
        path: pathlib.Path,
        *,
        clock: instant.HostClock | None = None,
        busy_seconds: float = _BUSY_SECONDS,
        steps: tuple[schema.Step, ...] = schema.STEPS,
        encode: letter.Encode | None = None,
        most_letters: int = 10_000,
    ) -> None:
        self._encode = encode
        self._most_letters = most_letters
        self.dropped = 0
        self.waiting: int | None = None
        # NOTE: to count them at each would take far too long.
        self._letters: int | None = None
        self._path = path
        self._clock = clock or instant.HostClock()
        self._busy_seconds = busy_seconds
        self._steps = steps
        self._connection: sqlite3.Connection | None = None
        self._is_durable: bool | None = None

    @property
    def is_open(self) -> bool:
        """Tell whether there is a file to write to."""
        return self._connection is not None

    @property
    def _file(self) -> sqlite3.Connection:
        if self._connection is None:
            raise exception.JournalNotWritable(
                path=self._path, why='it is not open'
            )
        return self._connection

    def open(self) -> None:
        """Open the file; set a damaged one aside, and make a fresh one.

        :raises JournalNotWritable: trying again later makes sense
        """
        if self._connection is None:
            self._is_durable = None
            self._connection = place.connect_to_write(
                self._path, busy_seconds=self._busy_seconds, steps=self._steps
            )
            self._letters = None

    def close(self) -> None:
        """Close the file; what was committed is in it."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    def abandon(self, why: str) -> None:
        """Set the file aside, because it turned out to be damaged.

        :raises OSError: it could not be renamed
        """
        connection, self._connection = self._connection, None
        place.set_aside(self._path, why)
        # NOTE: only now, because closing clears the log away.
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()

    @contextlib.contextmanager
    def transaction(self, *, is_durable: bool) -> Iterator[None]:
        """Write all of what follows, or nothing of it.

        :param is_durable: it must outlive a power cut; without, the last of
            it may be lost then, but no process that ends takes it along
        """
        file = self._file
        if is_durable is not self._is_durable:
            file.execute(_DURABLE if is_durable else _QUICK)
            self._is_durable = is_durable
        file.execute('BEGIN IMMEDIATE')
        try:
            self._count_letters()
            yield
            self._count_letters()
            file.execute('COMMIT')
            self.waiting = self._letters
        except BaseException:
            self._letters = None
            # NOTE: SQLite has done so itself where the disk is full.
            if file.in_transaction:
                file.execute('ROLLBACK')
            raise

    @contextlib.contextmanager
    def entry(self) -> Iterator[None]:
        """Within a transaction: undo what follows if it fails."""
        file = self._file
        file.execute('SAVEPOINT entry')
        try:
            yield
        except BaseException:
            self._letters = None
            if file.in_transaction:
                file.execute('ROLLBACK TO entry')
                file.execute('RELEASE entry')
            raise
        file.execute('RELEASE entry')

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        guest_names: Mapping[str, str] | None = None,
    ) -> None:
        """Enter policies that are about to start.

        One that is there already stays as it is: where this took long, its
        end may have come first.

        :param guest_names: by UUID
        """
        requested_us = self._clock.utc_us(requested_at)
        for balloon_policy in policies:
            if self._find(balloon_policy.uuid) is not None:
                continue
            guest_uuid = balloon_policy.guest_uuid
            name = (guest_names or {}).get(guest_uuid, guest_uuid)
            self._insert(balloon_policy, requested_us, content.tidy(name))

    def start(
        self, policy_uuid: str, at: float, timing: timekeeping.Timing
    ) -> None:
        """Enter that a policy began; only the first time counts."""
        values = (
            self._clock.boot_id,
            at,
            self._clock.utc_us(at),
            timing.keeper.value,
            content.tidy(timing.words),
            policy_uuid,
        )
        self._file.execute(_START, values)

    def end(
        self, report: model.EndReport, guest_name: str | None = None
    ) -> None:
        """Enter how a policy ended, also if it was never requested here.

        :param guest_name: None: the one that it was requested with
        :raises PolicyAlreadyEnded: and the first end stands
        """
        balloon_policy = report.policy
        found = self._find(balloon_policy.uuid)
        if found is not None and found[2] is not None:
            raise exception.PolicyAlreadyEnded(uuid=balloon_policy.uuid)
        name = guest_name or balloon_policy.guest_uuid
        if found is not None:
            name = guest_name or found[0]
        if found is None:
            requested_us = self._clock.utc_us(report.started_at)
            self._insert(balloon_policy, requested_us, content.tidy(name))
        started_us = None if found is None else found[1]
        self._finish(report, content.tidy(name), started_us)
        outbox.close(self._file, balloon_policy.uuid)

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        """Keep what was learned of a guest, instead of what was before.

        :raises ValueError: a number is not finite
        """
        values = (
            traits.rate_kib_per_second,
            traits.cooperation,
            traits.strikes,
            traits.struck_utc,
        )
        # NOTE: SQLite would turn one that is none into NULL.
        if not all(it is None or math.isfinite(it) for it in values):
            raise ValueError(f'what was learned is not finite: {traits}')
        row = (guest_uuid, *values, self._clock.now_us())
        self._file.execute(_REMEMBER, row)

    def note(
        self, notice: message.Notice, guest_name: str | None = None
    ) -> None:
        """Keep that something happened."""
        words = content.tidy(occurrence.words_of(notice, guest_name))
        kind = occurrence.kind_of(notice).value
        self._file.execute(_NOTE, (self._clock.utc_us(notice.at), kind, words))
        is_over = isinstance(notice, message.PressureEnded)
        if is_over and self._encode is not None:
            outbox.close_host(self._file)

    def announce(self, said: announcement.Announcement) -> None:
        """Keep a notification until it is sent.

        :raises Exception: whatever is wrong with writing it
        """
        if self._encode is None:
            return
        at_us = self._clock.utc_us(said.at)
        waiting = self._count_letters()
        waiting += outbox.enter(self._file, said, at_us, self._encode(said))
        surplus = waiting - self._most_letters
        if surplus > 0:
            dropped = outbox.drop(self._file, surplus)
            self.dropped += dropped
            waiting -= dropped
        self._letters = waiting

    def forget_sent(self, numbers: Sequence[int]) -> None:
        """Forget notifications that were sent."""
        waiting = self._count_letters()
        self._letters = waiting - outbox.remove(self._file, numbers)

    def sample_host(
        self, memory: situation.HostMemory, watermarks: situation.Watermarks
    ) -> None:
        """Keep how the host stood."""
        values = (
            self._clock.utc_us(memory.at),
            memory.available_kib,
            memory.total_kib,
            watermarks.low_kib,
            watermarks.high_kib,
        )
        self._file.execute(_READING, values)

    def prune(self, retention: journal_retention.Retention, batch: int) -> int:
        """Forget some of what is too old or too many, in a transaction.

        :returns: the rows that were deleted; 0: there is nothing left to do
        """
        return journal_retention.prune(
            self._file, retention, now_us=self._clock.now_us(), batch=batch
        )

    def _count_letters(self) -> int:
        if self._letters is None:
            self._letters = outbox.count_waiting(self._file)
        return self._letters

    def _find(
        self, policy_uuid: str
    ) -> tuple[str, int | None, int | None] | None:
        found: tuple[str, int | None, int | None] | None
        found = self._file.execute(_FIND, (policy_uuid,)).fetchone()
        return found

    def _insert(
        self,
        balloon_policy: model.BalloonPolicy,
        requested_us: int,
        guest_name: str,
    ) -> None:
        values = (
            balloon_policy.uuid,
            balloon_policy.guest_uuid,
            guest_name,
            balloon_policy.origin.value,
            balloon_policy.direction.value,
            balloon_policy.start_actual_kib,
            balloon_policy.target_kib,
            self._clock.boot_id,
            requested_us,
            content.pack_policy(balloon_policy),
        )
        self._file.execute(_REQUEST, values)

    def _finish(
        self,
        report: model.EndReport,
        guest_name: str,
        known_start_us: int | None,
    ) -> None:
        guest_uuid = report.policy.guest_uuid
        run = saved_run.from_reports(
            [report],
            guest_names={guest_uuid: guest_name},
            host='',
            wall_clock=self._clock.pair(),
        )
        saved = run.policies[0]
        started_us = instant.to_us(saved.started_at)
        ended_us = started_us + round(report.duration_seconds * 1e6)
        if known_start_us is not None:
            # NOTE: what was written when it began stands: after a boot, our
            # monotonic clock knows less of it.
            saved = dataclasses.replace(
                saved, started_at=instant.from_us(known_start_us)
            )
        values = (
            started_us,
            ended_us,
            report.reason.value,
            content.tidy(report.detail),
            report.actual_start_kib,
            report.actual_end_kib,
            report.freed_kib,
            report.lateness_seconds,
            report.timing.keeper.value,
            content.tidy(report.timing.words),
            content.pack_saved_policy(saved),
            report.policy.uuid,
        )
        self._file.execute(_END, values)
