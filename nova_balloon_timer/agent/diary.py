# SPDX-License-Identifier: Apache-2.0
"""What the crank enters into the journal, and has announced with that."""

from collections.abc import Sequence
import math

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.agent import herald as agent_herald
from nova_balloon_timer.agent import listener
from nova_balloon_timer.controller import machine as controller_machine

# How long after an event the host's course is still kept in full.
_AFTERMATH_SECONDS = 60.0


class Diary:
    """Writes for the crank, in its thread; no call waits for the disk.

    :ivar herald: says what is announced with an entry
    """

    def __init__(
        self,
        journal: listener.Journal,
        herald: agent_herald.Herald,
        controller: controller_machine.Controller,
    ) -> None:
        self._journal = journal
        self.herald = herald
        self._controller = controller
        self._eventful_until = -math.inf

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        written: listener.Done,
    ) -> None:
        """Enter policies before they begin."""
        roster = self._controller.roster
        self._journal.request(
            policies,
            requested_at,
            written,
            {it.guest_uuid: roster.name_of(it.guest_uuid) for it in policies},
            self.herald.created(it.uuid for it in policies),
        )

    def start(self, action: message.ReportStart, now: float) -> None:
        """Enter that a policy begins to move its balloon."""
        self._journal.start(
            action.policy.uuid,
            action.started_at,
            action.timing,
            self.herald.started(action, now),
        )

    def end(
        self, report: model.EndReport, written: listener.Done, now: float
    ) -> None:
        """Enter how a policy ended."""
        guest_uuid = report.policy.guest_uuid
        name = self._controller.roster.name_of(guest_uuid)
        self._journal.end(
            report,
            written,
            name if name != guest_uuid else None,
            self.herald.ended(report, now),
        )

    def remember(self, action: message.RememberTraits) -> None:
        """Enter what was learned of a guest."""
        self._journal.remember(action.guest_uuid, action.traits)

    def note(self, notice: message.Notice) -> None:
        """Enter what happened on the host."""
        name = None
        if isinstance(notice, message.ForeignChange):
            name = self._controller.roster.name_of(notice.guest_uuid)
        watermarks = self._controller.host.watermarks
        self._journal.note(
            notice, name, self.herald.noticed(notice, watermarks)
        )

    def sample(self, event: message.BalloonSampled, now: float) -> None:
        """Have announced how far a policy is, now and then."""
        said = self.herald.sampled(event.guest_uuid, event.sample, now)
        if said:
            self._journal.announce(said)

    def read_host(self, now: float, *, is_idle: bool) -> None:
        """Enter how the host stands, every now and then.

        :param is_idle: no policy is under way
        """
        host = self._controller.host
        said = self.herald.close_pressure(host, now)
        if said:
            self._journal.announce(said)
        if host.memory is None or host.watermarks is None:
            return
        if host.is_short or not is_idle:
            self._eventful_until = now + _AFTERMATH_SECONDS
        self._journal.sample_host(
            host.memory,
            host.watermarks,
            is_pressing=now < self._eventful_until,
        )
