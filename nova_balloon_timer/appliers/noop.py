# SPDX-License-Identifier: Apache-2.0
"""A dry run: reads real guests and pretends to set their targets.

It is also the template for an applier of your own: what has to be written is
``list_guests``, ``find_guest``, ``read`` and ``set_target``.
"""

from collections.abc import Sequence
import dataclasses

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier

LOG = logging.getLogger(__name__)


class NoopApplier(base.Applier):
    """Reads through another applier; orders are logged and imagined.

    A guest whose target was "set" reads from then on as if it had followed
    at once: what it would have given is gone from its actual and its usable
    memory. So a planner sees the relief that it decided on.

    :param reader: where the real figures come from; None: libvirt at ``uri``
    """

    def __init__(self, uri: str, reader: base.Applier | None = None) -> None:
        super().__init__(uri)
        self._reader = reader or libvirt_applier.LibvirtApplier(uri)
        self._imagined_kib: dict[str, int] = {}

    def list_guests(self) -> Sequence[model.Guest]:
        """Return the real guests."""
        return self._reader.list_guests()

    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Return a real guest."""
        return self._reader.find_guest(name_or_uuid)

    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Return the guest's real figures, less what was imagined."""
        sample = self._reader.read(guest_uuid)
        imagined_kib = self._imagined_kib.get(guest_uuid)
        if imagined_kib is None:
            return sample
        statistics = sample.statistics
        if statistics is not None and statistics.usable_kib is not None:
            taken_kib = sample.actual_kib - imagined_kib
            usable_kib = max(0, statistics.usable_kib - taken_kib)
            statistics = dataclasses.replace(statistics, usable_kib=usable_kib)
        return dataclasses.replace(
            sample, actual_kib=imagined_kib, statistics=statistics
        )

    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Remember a target as if the guest had reached it."""
        maximum_kib = self._reader.find_guest(guest_uuid).maximum_kib
        if not 0 < target_kib <= maximum_kib:
            raise exception.TargetRejected(
                guest=guest_uuid,
                why=f'{units.format_kib(target_kib)} is not within its '
                f'{units.format_kib(maximum_kib)}',
            )
        self._imagined_kib[guest_uuid] = target_kib
        LOG.info(
            'Dry run: guest %s would get the target %s',
            guest_uuid,
            units.format_kib(target_kib),
        )

    def check_clock(self, guest_uuid: str) -> None:
        """Ask whether the real guest could keep the clock of a policy."""
        self._reader.check_clock(guest_uuid)

    def offer(self, action: message.OfferPolicy) -> None:
        """Offer nothing: the guest would really begin."""
        raise exception.NoGuestClock(
            guest=action.guest_uuid, why='this is a dry run'
        )

    def connect(self) -> None:
        """Connect the reader."""
        self._reader.connect()

    def disconnect(self) -> None:
        """Disconnect the reader."""
        self._reader.disconnect()

    def start_statistics(self, guest_uuid: str) -> None:
        """Have the guest tell its statistics: without, a plan is blind."""
        self._reader.start_statistics(guest_uuid)

    def restore_statistics(self, guest_uuid: str) -> None:
        """Undo what :meth:`start_statistics` changed."""
        self._reader.restore_statistics(guest_uuid)

    def close(self) -> None:
        """Close the reader."""
        self._reader.close()
