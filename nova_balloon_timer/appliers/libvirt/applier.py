# SPDX-License-Identifier: Apache-2.0
"""Reads and sets balloons through libvirt."""

from collections.abc import Iterator, Sequence
import contextlib
import time
import uuid
from xml.etree import ElementTree

import libvirt

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers.guest_driver import driver as guest_driver
from nova_balloon_timer.appliers.libvirt import eligibility
from nova_balloon_timer.appliers.libvirt import guest_agent
from nova_balloon_timer.appliers.libvirt import session
from nova_balloon_timer.appliers.libvirt import statistics
from nova_balloon_timer.appliers.libvirt import watcher

# NOTE: the shortest period that libvirt knows. Between updates the engine
# reckons with what the balloon moved.
_PERIOD_SECONDS = 1


def _stay_silent(context: object, error: object) -> None:
    """Keep libvirt from printing to stderr what we raise."""


def _unreadable(
    handle: libvirt.virDomain, error: exception.ApplierError
) -> model.Guest:
    """Describe a guest of which libvirt says nothing but its name."""
    return model.Guest(
        uuid=handle.UUIDString(),
        name=handle.name(),
        maximum_kib=0,
        refusals=(
            model.Refusal(
                obstacle=model.Obstacle.UNREADABLE,
                words=str(error),
            ),
        ),
    )


class LibvirtApplier(base.Applier):
    """The real thing."""

    def __init__(self, uri: str) -> None:
        super().__init__(uri)
        libvirt.registerErrorHandler(_stay_silent, None)
        watcher.start_event_loop()
        self._sessions = session.Sessions(uri)
        self._statistics = statistics.StatisticsReader()
        self._findings = eligibility.Findings()
        self._changed_periods: dict[str, int] = {}
        self._agents = guest_agent.Agents()
        self._watcher: watcher.Watcher | None = None

    def list_guests(self) -> Sequence[model.Guest]:
        """Return every domain; one that vanishes meanwhile is left out."""
        known = {
            *self._findings.known(),
            *self._statistics.known(),
            *self._changed_periods.copy(),
            *self._agents.known(),
        }
        with self._sessions.connection() as connection:
            handles = connection.listAllDomains()
        # NOTE: known before and not there now is gone; what others learn of
        # a newcomer meanwhile stays.
        for guest_uuid in known - {it.UUIDString() for it in handles}:
            self._forget(guest_uuid)
        guests = []
        for handle in handles:
            try:
                guests.append(self._describe(handle))
            except exception.GuestNotFound:
                continue
            except (exception.GuestBusy, exception.HypervisorError) as error:
                guests.append(_unreadable(handle, error))
        return sorted(guests, key=lambda guest: guest.name)

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Look a domain up by UUID or name."""
        with self._sessions.connection(name_or_uuid) as connection:
            try:
                guest_uuid = str(uuid.UUID(name_or_uuid))
            except ValueError:
                handle = connection.lookupByName(name_or_uuid)
            else:
                handle = connection.lookupByUUIDString(guest_uuid)
        return self._describe(handle)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Read memoryStats, the only call whose 'actual' does not lag."""
        with self._sessions.domain(guest_uuid) as domain:
            raw = domain.handle.memoryStats()
            if 'actual' not in raw:
                raise exception.GuestNotRunning(
                    guest=guest_uuid, why='libvirt knows no balloon of it'
                )
        now = time.monotonic()
        # NOTE: actual comes from the guest's device registers: a hostile
        # guest can write anything there, also more than it has.
        actual_kib = min(max(0, raw['actual']), domain.maximum_kib)
        return model.BalloonSample(
            at=now,
            actual_kib=actual_kib,
            rss_kib=raw.get('rss'),
            statistics=self._statistics.read(
                guest_uuid,
                raw,
                domain.maximum_kib,
                now=now,
                wall_now=time.time(),
            ),
        )

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Set the target of the running domain, not of its next boot."""
        if target_kib <= 0:
            raise exception.TargetRejected(
                guest=guest_uuid, why='it must be above zero'
            )
        with self._sessions.domain(guest_uuid) as domain:
            if target_kib > domain.maximum_kib:  # may not even fit into C
                raise exception.TargetRejected(
                    guest=guest_uuid, why='it is above the maximum'
                )
            domain.handle.setMemoryFlags(
                target_kib, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )

    def check_clock(self, guest_uuid: str) -> None:
        """Ask the guest's driver, by way of the agent in the guest."""
        with self._driver(guest_uuid) as driver:
            driver.check()

    def offer(self, action: message.OfferPolicy) -> None:
        """Give the guest's driver a policy."""
        with self._driver(action.guest_uuid) as driver:
            driver.offer(action)

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        """Ask the guest's driver how a policy went."""
        with self._driver(action.guest_uuid, is_last=True) as driver:
            return driver.conclude(action)

    def connect(self) -> None:
        """Open the calling thread's connection."""
        self._sessions.open()

    def disconnect(self) -> None:
        """Close the calling thread's connection."""
        self._sessions.close()

    def start_statistics(self, guest_uuid: str) -> None:
        """Set the statistics' period to 1 s where it is off or longer.

        What the guest told before is not believed any more.
        """
        with self._sessions.domain(guest_uuid) as domain:
            description = ElementTree.fromstring(  # noqa: S314
                domain.handle.XMLDesc()
            )
            seconds = eligibility.statistics_period_seconds(description)
            self._statistics.expect_every(guest_uuid, _PERIOD_SECONDS)
            self._statistics.distrust(
                guest_uuid, domain.handle.memoryStats().get('last_update', 0)
            )
            if seconds == _PERIOD_SECONDS:
                return
            # NOTE: from 0 QEMU asks the guest at once; else it waits until
            # the longer period is over.
            steps = (
                (_PERIOD_SECONDS,) if seconds == 0 else (0, _PERIOD_SECONDS)
            )
            for period_seconds in steps:
                domain.handle.setMemoryStatsPeriod(
                    period_seconds, libvirt.VIR_DOMAIN_AFFECT_LIVE
                )
            self._changed_periods.setdefault(guest_uuid, seconds)

    def restore_statistics(self, guest_uuid: str) -> None:
        """Set the period back to what it was."""
        seconds = self._changed_periods.get(guest_uuid)
        self._statistics.forget(guest_uuid)
        if seconds is None:
            return
        with self._sessions.domain(guest_uuid) as domain:
            domain.handle.setMemoryStatsPeriod(
                seconds, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )
        del self._changed_periods[guest_uuid]

    def watch(self, sink: base.Sink) -> None:
        """Send life-cycle and balloon events to ``sink``."""
        self._watcher = watcher.Watcher(self.uri, sink)

    def close(self) -> None:
        """Stop the events and close the calling thread's connection."""
        if self._watcher is not None:
            self._watcher.close()
        self._sessions.close()

    @contextlib.contextmanager
    def _driver(
        self, guest_uuid: str, *, is_last: bool = False
    ) -> Iterator[guest_driver.GuestDriver]:
        with (
            self._sessions.domain(guest_uuid) as domain,
            self._agents.dialogue(
                guest_uuid, domain.handle, is_last=is_last
            ) as files,
        ):
            yield guest_driver.GuestDriver(guest_uuid, files)

    def _describe(self, handle: libvirt.virDomain) -> model.Guest:
        guest_uuid = handle.UUIDString()
        with self._sessions.connection(guest_uuid):
            state, _ = handle.state()
            xml = handle.XMLDesc()
            maximum_kib = int(handle.maxMemory())
        return model.Guest(
            uuid=guest_uuid,
            name=handle.name(),
            maximum_kib=maximum_kib,
            refusals=self._findings.refusals(guest_uuid, xml, state),
        )

    def _forget(self, guest_uuid: str) -> None:
        self._findings.forget(guest_uuid)
        self._statistics.forget(guest_uuid)
        self._agents.forget(guest_uuid)
        self._changed_periods.pop(guest_uuid, None)
