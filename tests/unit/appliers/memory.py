# SPDX-License-Identifier: Apache-2.0
"""A host in memory, which an applier reads and sets as it would a real one."""

from collections.abc import Sequence
import dataclasses
import threading
import time

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.appliers import base
from tests.unit import base as test_base

MIB = units.KIB_PER_MIB


@dataclasses.dataclass(slots=True, kw_only=True)
class MemoryGuest:
    """A guest whose balloon follows its target at a steady rate.

    :param rate_mib_per_second: None: it is where it should be at once
    :param usable_kib: with an empty balloon; None: it gives no statistics
    :param silent_reads: looks before it tells its first statistics
    :param hang: calls wait for it, as for a QEMU that hangs
    :param errors: raised by the next calls, one each
    :param agent_hang: whoever asks its agent waits for it
    :param no_clock: why its driver cannot keep the clock; empty if it can
    """

    description: model.Guest
    actual_kib: int
    target_kib: int
    rate_mib_per_second: float | None = None
    usable_kib: int | None = 900 * MIB
    silent_reads: int = 0
    hang: threading.Event | None = None
    errors: list[Exception] = dataclasses.field(default_factory=list)
    agent_hang: threading.Event | None = None
    no_clock: str = 'it has no guest agent channel'
    targets_kib: list[int] = dataclasses.field(default_factory=list)
    reads: int = 0
    at: float = dataclasses.field(default_factory=time.monotonic)

    @property
    def uuid(self) -> str:
        return self.description.uuid

    def advance(self) -> None:
        """Let its driver work until now, in items of 1 MiB."""
        if self.rate_mib_per_second is None:
            self.actual_kib = self.target_kib
            return
        now = time.monotonic()
        items_kib = int((now - self.at) * self.rate_mib_per_second) * MIB
        if items_kib > 0:
            self.at = now
            way_kib = self.target_kib - self.actual_kib
            self.actual_kib += max(-items_kib, min(items_kib, way_kib))

    def sample(self) -> model.BalloonSample:
        """Look at it."""
        self.reads += 1
        self.advance()
        statistics = None
        if self.usable_kib is not None and self.reads > self.silent_reads:
            taken_kib = self.description.maximum_kib - self.actual_kib
            statistics = model.GuestStatistics(
                updated_at=int(time.monotonic()),
                usable_kib=max(0, self.usable_kib - taken_kib),
            )
        return model.BalloonSample(
            at=time.monotonic(),
            actual_kib=self.actual_kib,
            rss_kib=self.actual_kib,
            statistics=statistics,
        )


class MemoryApplier(base.Applier):
    """Reads and sets guests in memory; keeps a record of the rest."""

    def __init__(self, uri: str = 'memory:///') -> None:
        super().__init__(uri)
        self.guests: dict[str, MemoryGuest] = {}
        self.calls: list[tuple[str, str]] = []
        self.sink: base.Sink | None = None

    def list_guests(self) -> Sequence[model.Guest]:
        return [guest.description for guest in self.guests.values()]

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        for guest in self.list_guests():
            if name_or_uuid in (guest.uuid, guest.name):
                return guest
        raise exception.GuestNotFound(guest=name_or_uuid)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        return self._reach(guest_uuid).sample()

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        guest = self._reach(guest_uuid)
        guest.advance()
        guest.targets_kib.append(target_kib)
        guest.target_kib = target_kib

    def check_clock(self, guest_uuid: str) -> None:
        guest = self._reach(guest_uuid)
        self.calls.append(('check_clock', guest_uuid))
        if guest.agent_hang is not None:
            guest.agent_hang.wait(test_base.PATIENCE_SECONDS)
        if guest.no_clock:
            raise exception.NoGuestClock(guest=guest_uuid, why=guest.no_clock)

    def offer(self, action: message.OfferPolicy) -> None:
        self.calls.append(('offer', action.guest_uuid))
        super().offer(action)

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        self.calls.append(('conclude', action.guest_uuid))
        return test_base.make_guest_report()

    def connect(self) -> None:
        self.calls.append(('connect', ''))

    def disconnect(self) -> None:
        self.calls.append(('disconnect', ''))

    def start_statistics(self, guest_uuid: str) -> None:
        self._reach(guest_uuid)
        self.calls.append(('start_statistics', guest_uuid))

    def restore_statistics(self, guest_uuid: str) -> None:
        self._reach(guest_uuid)
        self.calls.append(('restore_statistics', guest_uuid))

    def watch(self, sink: base.Sink) -> None:
        self.sink = sink

    def close(self) -> None:
        self.calls.append(('close', ''))

    def _reach(self, guest_uuid: str) -> MemoryGuest:
        guest = self.guests.get(guest_uuid)
        if guest is None:
            raise exception.GuestNotFound(guest=guest_uuid)
        if guest.hang is not None:
            guest.hang.wait(test_base.PATIENCE_SECONDS)
        if guest.errors:
            raise guest.errors.pop(0)
        return guest


class MemoryHost(fixtures.Fixture):
    """An applier and its guests; lets those go on that hang, at the end."""

    def __init__(self) -> None:
        super().__init__()
        self.applier = MemoryApplier()

    def add(
        self,
        name: str,
        *,
        rate_mib_per_second: float | None = None,
        hangs: bool = False,
        usable_kib: int | None = 900 * MIB,
        errors: Sequence[Exception] = (),
        refusals: tuple[model.Refusal, ...] = (),
    ) -> MemoryGuest:
        """Start a guest of 1 GiB."""
        guest = MemoryGuest(
            description=test_base.make_guest(name, refusals=refusals),
            actual_kib=units.KIB_PER_GIB,
            target_kib=units.KIB_PER_GIB,
            rate_mib_per_second=rate_mib_per_second,
            usable_kib=usable_kib,
            errors=list(errors),
        )
        if hangs:
            self.hang(guest)
        self.applier.guests[guest.uuid] = guest
        return guest

    def hang(self, guest: MemoryGuest) -> None:
        """Let calls for a guest wait until the test ends."""
        guest.hang = threading.Event()
        self.addCleanup(guest.hang.set)
