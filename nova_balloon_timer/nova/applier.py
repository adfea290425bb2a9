# SPDX-License-Identifier: Apache-2.0
"""An applier that knows which of the host's guests are instances."""

from collections.abc import Sequence

from nova_balloon_timer import model
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import forwarding
from nova_balloon_timer.nova import ledger as nova_ledger
from nova_balloon_timer.nova import watch as nova_watch


class InstanceApplier(forwarding.ForwardingApplier):
    """Adds what Nova says of guests to what their hypervisor does."""

    def __init__(
        self,
        inner: base.Applier,
        ledger: nova_ledger.Ledger,
        instances: nova_watch.InstanceWatch,
    ) -> None:
        super().__init__(inner)
        self._ledger = ledger
        self._instances = instances

    def list_guests(self) -> Sequence[model.Guest]:
        """Return every guest, also those that are no instances."""
        guests = super().list_guests()
        self._instances.note_guests(guests)
        return [self._ledger.complete(it) for it in guests]

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Return one guest."""
        return self._ledger.complete(super().find_guest(name_or_uuid))
