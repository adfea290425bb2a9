# SPDX-License-Identifier: Apache-2.0
"""Looks at a host and its guests, round by round, and writes what it sees."""

from collections.abc import Callable, Sequence
import contextlib
import queue
import time
import uuid

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.pressure import scope as pressure_scope
from nova_balloon_timer.trace import record
from nova_balloon_timer.trace import writer as trace_writer

# A guest that does not answer for so long is left out of a round.
_WAIT_SECONDS = 2.0

Starter = Callable[[Sequence[model.Guest]], None]


class Anonymous:
    """Gives guests names that tell nothing, the same ones for one trace."""

    def __init__(self) -> None:
        self._namespace = uuid.uuid4()

    def hide(self, guest: model.Guest, number: int) -> tuple[str, str]:
        """Return a UUID and a name."""
        return str(uuid.uuid5(self._namespace, guest.uuid)), f'guest-{number}'


class Recorder:
    """Writes rounds; one that was begun is written whole.

    :param start: has guests that are new tell their statistics
    :ivar present: the guests at the last round, by UUID
    """

    def __init__(
        self,
        applier: applier_base.Applier,
        pool: applier_pool.WorkerPool,
        scope: pressure_scope.Scope,
        writer: trace_writer.TraceWriter,
        *,
        start: Starter,
        is_anonymous: bool,
        wait_seconds: float,
    ) -> None:
        self._applier = applier
        self._pool = pool
        self._scope = scope
        self._writer = writer
        self._start = start
        self._anonymous = Anonymous() if is_anonymous else None
        self._wait_seconds = min(wait_seconds, _WAIT_SECONDS)
        self._began_at = time.monotonic()
        self._numbers: dict[str, int] = {}
        self._next_number = 1
        self._round = 0
        self._busy: set[str] = set()
        self._answers: queue.SimpleQueue[
            tuple[int, str, model.BalloonSample | None]
        ] = queue.SimpleQueue()
        self.present: dict[str, model.Guest] = {}
        self.unread = 0

    def round(self) -> None:
        """Look at everything once, and write it.

        :raises OutputNotWritable: the file takes no more
        :raises PressureUnavailable: the host's memory cannot be read
        """
        self._round += 1
        self._list()
        able = [it for it in self.present.values() if not it.refusals]
        for guest in able:
            self._submit(guest.uuid)
        self._collect(len(able))
        memory = self._scope.read(self._now())
        self._writer.add(
            record.HostSeen(
                at=round(memory.at, 3),
                total_kib=memory.total_kib,
                available_kib=memory.available_kib,
            )
        )
        self._writer.flush()

    def _now(self) -> float:
        return time.monotonic() - self._began_at

    def _list(self) -> None:
        try:
            guests = {it.uuid: it for it in self._applier.list_guests()}
        except exception.ApplierError:
            return  # those that were there are looked at again
        for guest_uuid, before in self.present.items():
            after = guests.get(guest_uuid)
            # One that can be ballooned now is another, who can from the start.
            if after is None or (before.refusals and not after.refusals):
                self._dismiss(guest_uuid)
        fresh = [
            guest
            for guest_uuid, guest in guests.items()
            if guest_uuid not in self._numbers
        ]
        for guest in fresh:
            self._introduce(guest)
        self.present = guests
        self._start([guest for guest in fresh if not guest.refusals])

    def _dismiss(self, guest_uuid: str) -> None:
        number = self._numbers.pop(guest_uuid)
        self._writer.add(
            record.GuestLeft(number=number, at=round(self._now(), 3))
        )

    def _introduce(self, guest: model.Guest) -> None:
        number = self._next_number
        self._next_number += 1
        self._numbers[guest.uuid] = number
        guest_uuid, name = guest.uuid, guest.name
        if self._anonymous is not None:
            guest_uuid, name = self._anonymous.hide(guest, number)
        words = guest.refusals[0].words if guest.refusals else ''
        self._writer.add(
            record.GuestFound(
                number=number,
                uuid=guest_uuid,
                name=name,
                maximum_kib=guest.maximum_kib,
                refusal=words,
            )
        )

    def _submit(self, guest_uuid: str) -> None:
        if guest_uuid in self._busy:
            return  # it hangs; one look waits for it, not one a round
        self._busy.add(guest_uuid)
        number = self._round

        def job() -> None:
            sample = None
            try:
                with contextlib.suppress(exception.ApplierError):
                    sample = self._applier.read(guest_uuid)
            finally:
                self._answers.put((number, guest_uuid, sample))

        self._pool.submit(guest_uuid, job)

    def _collect(self, count: int) -> None:
        until = time.monotonic() + self._wait_seconds
        seen = 0
        while seen < count:
            left_seconds = until - time.monotonic()
            try:
                number, guest_uuid, sample = self._answers.get(
                    timeout=max(0.001, left_seconds)
                )
            except queue.Empty:
                break
            self._busy.discard(guest_uuid)
            if number == self._round:
                seen += 1
            self._take(guest_uuid, sample)
        self.unread = count - seen

    def _take(
        self, guest_uuid: str, sample: model.BalloonSample | None
    ) -> None:
        number = self._numbers.get(guest_uuid)
        if number is None or sample is None:
            return
        self._writer.add(
            record.GuestSampled(
                number=number,
                at=max(0.0, sample.at - self._began_at),
                actual_kib=sample.actual_kib,
                usable_kib=sample.usable_kib,
                rss_kib=sample.rss_kib,
            )
        )
