# SPDX-License-Identifier: Apache-2.0
"""What Nova said last of the instances of this host."""

from collections.abc import Callable, Sequence
import dataclasses
import threading

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer.nova import instance as nova_instance

# Instances that are gone, whose policies' ends may still be told.
_MOST_FORMER = 1000

Refusals = dict[str, tuple[model.Refusal, ...]]


class Ledger:
    """Knows instances by UUID; any thread may ask it.

    :param enabled_by_default: asked each time, as the option may change
    """

    def __init__(self, enabled_by_default: Callable[[], bool]) -> None:
        self._enabled_by_default = enabled_by_default
        self._lock = threading.Lock()
        self._instances: dict[str, nova_instance.NovaInstance] = {}
        self._former: dict[str, nova_instance.NovaInstance] = {}

    @property
    def has_busy(self) -> bool:
        """Tell whether Nova does something with one of them."""
        with self._lock:
            return any(it.is_busy for it in self._instances.values())

    def is_free(self, guest_uuid: str) -> bool:
        """Tell whether it is an instance that Nova does nothing with."""
        with self._lock:
            known = self._instances.get(guest_uuid)
        return known is not None and known.why_not_now() is None

    def instance_of(self, guest_uuid: str) -> ownership.Instance | None:
        """Return what is known of an instance, also of one that is gone."""
        with self._lock:
            known = self._instances.get(guest_uuid)
            known = known or self._former.get(guest_uuid)
        return None if known is None else known.describe()

    def complete(self, guest: model.Guest) -> model.Guest:
        """Add to what the hypervisor says of a guest what Nova does."""
        with self._lock:
            known = self._instances.get(guest.uuid)
        if known is None:
            refusals = (nova_instance.NOT_AN_INSTANCE, *guest.refusals)
            return dataclasses.replace(guest, refusals=refusals)
        return dataclasses.replace(
            guest,
            refusals=(*self._refusals_of(known), *guest.refusals),
            terms=known.terms_of(guest.maximum_kib),
            instance=known.describe(),
        )

    def take(
        self, instances: Sequence[nova_instance.NovaInstance]
    ) -> list[message.HostEvent]:
        """Take in what Nova says now.

        :returns: what that means for guests. That Nova does something with
            an instance is told each time: a listing of guests that was under
            way may have overtaken the first.
        """
        found = {it.uuid: it for it in instances}
        with self._lock:
            before, self._instances = self._instances, found
            gone = [it for it in before.values() if it.uuid not in found]
            self._remember(gone)
        events: list[message.HostEvent] = [
            message.GuestWithdrawn(
                guest_uuid=it.uuid, refusal=nova_instance.NOT_AN_INSTANCE
            )
            for it in gone
        ]
        for known in found.values():
            refusal = known.why_not_now()
            if refusal is not None:
                events.append(
                    message.GuestWithdrawn(
                        guest_uuid=known.uuid, refusal=refusal
                    )
                )
        # NOTE: also a listing may have overtaken that one is gone.
        if gone or any(_is_freer(before.get(it.uuid), it) for it in instances):
            events.append(message.GuestsChanged())
        return events

    def _refusals_of(
        self, known: nova_instance.NovaInstance
    ) -> tuple[model.Refusal, ...]:
        reasons = (
            known.why_never(enabled_by_default=self._enabled_by_default()),
            known.why_not_now(),
        )
        return tuple(reason for reason in reasons if reason is not None)

    def _remember(self, gone: list[nova_instance.NovaInstance]) -> None:
        for known in gone:
            self._former.pop(known.uuid, None)
            self._former[known.uuid] = known
        while len(self._former) > _MOST_FORMER:
            del self._former[next(iter(self._former))]


def _is_freer(
    before: nova_instance.NovaInstance | None,
    now: nova_instance.NovaInstance,
) -> bool:
    """Tell whether guests have to be listed again to find it."""
    if before is None or before.specs != now.specs:
        return True
    was_refused = before.why_not_now() is not None
    return was_refused and now.why_not_now() is None
