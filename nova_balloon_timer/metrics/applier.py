# SPDX-License-Identifier: Apache-2.0
"""An applier that measures another: how long its calls take, and fail."""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import time
from typing import Protocol

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base

METHODS = (
    'check_clock',
    'close',
    'conclude',
    'connect',
    'disconnect',
    'find_guest',
    'freeze',
    'list_guests',
    'offer',
    'read',
    'restore_statistics',
    'set_target',
    'start_statistics',
    'watch',
)


class Meter(Protocol):
    """Whoever counts calls; must return at once."""

    def observe(self, method: str, seconds: float, error: str) -> None:
        """Count a call; ``error``: its error's class, empty if none."""


class MeteredApplier(base.Applier):
    """Hands every call on, and tells how it went.

    A freeze counts as one call: what it is made of is the other applier's.
    """

    def __init__(
        self,
        applier: base.Applier,
        meter: Meter,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        super().__init__(applier.uri)
        self._applier = applier
        self._meter = meter
        self._clock = clock

    def list_guests(self) -> Sequence[model.Guest]:
        """Return every guest of the host."""
        with self._measured('list_guests'):
            return self._applier.list_guests()

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Return one guest."""
        with self._measured('find_guest'):
            return self._applier.find_guest(name_or_uuid)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Read a guest's balloon."""
        with self._measured('read'):
            return self._applier.read(guest_uuid)

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Set a running guest's target."""
        with self._measured('set_target'):
            self._applier.set_target(guest_uuid, target_kib)

    def connect(self) -> None:
        """Open what the calling thread needs."""
        with self._measured('connect'):
            self._applier.connect()

    def disconnect(self) -> None:
        """Close what the calling thread opened."""
        with self._measured('disconnect'):
            self._applier.disconnect()

    def start_statistics(self, guest_uuid: str) -> None:
        """Have the guest tell its statistics often enough to guard it."""
        with self._measured('start_statistics'):
            self._applier.start_statistics(guest_uuid)

    def restore_statistics(self, guest_uuid: str) -> None:
        """Undo what :meth:`start_statistics` changed."""
        with self._measured('restore_statistics'):
            self._applier.restore_statistics(guest_uuid)

    def watch(self, sink: base.Sink) -> None:
        """Send what the hypervisor tells by itself to ``sink``."""
        with self._measured('watch'):
            self._applier.watch(sink)

    def close(self) -> None:
        """Release everything."""
        with self._measured('close'):
            self._applier.close()

    def freeze(self, action: message.FreezeBalloon) -> message.BalloonFrozen:
        """Stop a balloon where it stands, or where the action says."""
        with self._measured('freeze'):
            return self._applier.freeze(action)

    def check_clock(self, guest_uuid: str) -> None:
        """Ask whether a guest could keep the clock of a policy."""
        with self._measured('check_clock'):
            self._applier.check_clock(guest_uuid)

    def offer(self, action: message.OfferPolicy) -> None:
        """Have a guest keep the clock of a policy from now on."""
        with self._measured('offer'):
            self._applier.offer(action)

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        """Ask a guest how a policy went that was offered to it."""
        with self._measured('conclude'):
            return self._applier.conclude(action)

    @contextlib.contextmanager
    def _measured(self, method: str) -> Iterator[None]:
        began_at = self._clock()
        error = ''
        try:
            yield
        except exception.NoGuestClock:
            raise  # an answer, as most guests give it
        except Exception as raised:
            error = type(raised).__name__
            raise
        finally:
            self._meter.observe(method, self._clock() - began_at, error)
