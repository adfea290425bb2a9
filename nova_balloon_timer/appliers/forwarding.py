# SPDX-License-Identifier: Apache-2.0
"""An applier that leaves everything to another one."""

from collections.abc import Sequence

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base


class ForwardingApplier(base.Applier):
    """What does one thing differently begins here.

    :param inner: does the work
    """

    def __init__(self, inner: base.Applier) -> None:
        super().__init__(inner.uri)
        self._inner = inner

    def list_guests(self) -> Sequence[model.Guest]:
        """Return every guest of the host."""
        return self._inner.list_guests()

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Return one guest."""
        return self._inner.find_guest(name_or_uuid)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Read a guest's balloon."""
        return self._inner.read(guest_uuid)

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Set a running guest's target."""
        self._inner.set_target(guest_uuid, target_kib)

    def freeze(self, action: message.FreezeBalloon) -> message.BalloonFrozen:
        """Stop a balloon."""
        return self._inner.freeze(action)

    def check_clock(self, guest_uuid: str) -> None:
        """Ask whether a guest could keep the clock of a policy."""
        self._inner.check_clock(guest_uuid)

    def offer(self, action: message.OfferPolicy) -> None:
        """Have a guest keep the clock of a policy from now on."""
        self._inner.offer(action)

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        """Ask a guest how a policy went that was offered to it."""
        return self._inner.conclude(action)

    def connect(self) -> None:
        """Open what the calling thread needs."""
        self._inner.connect()

    def disconnect(self) -> None:
        """Close what the calling thread opened."""
        self._inner.disconnect()

    def start_statistics(self, guest_uuid: str) -> None:
        """Have the guest tell its statistics."""
        self._inner.start_statistics(guest_uuid)

    def restore_statistics(self, guest_uuid: str) -> None:
        """Undo what :meth:`start_statistics` changed."""
        self._inner.restore_statistics(guest_uuid)

    def watch(self, sink: base.Sink) -> None:
        """Send what the hypervisor tells by itself to ``sink``."""
        self._inner.watch(sink)

    def close(self) -> None:
        """Release everything."""
        self._inner.close()
