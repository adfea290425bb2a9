# SPDX-License-Identifier: Apache-2.0
"""What the crank has announced, with what it journals.

Whatever may be wrong with the announcer costs a notification, and neither an
entry of the journal nor a deadline.
"""

from collections.abc import Callable, Iterable

from oslo_log import log as logging

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.controller import host as controller_host
from nova_balloon_timer.notifier import announcer as notifier_announcer

LOG = logging.getLogger(__name__)

Said = tuple[announcement.Announcement, ...]


class Herald:
    """Returns what is to be announced; nothing where there is no announcer."""

    def __init__(self, announcer: notifier_announcer.Announcer | None) -> None:
        self._announcer = announcer
        # What was made, and is not in the journal yet, by policy.
        self._made: dict[str, Said] = {}

    def resume(
        self,
        balloon_policy: model.BalloonPolicy,
        started_at: float,
        timing: timekeeping.Timing | None,
        sequence: int | None,
        now: float,
    ) -> None:
        """Go on with a policy that ran in a process before."""
        if self._announcer is not None:
            self._announcer.resume(
                balloon_policy, started_at, timing, sequence, now
            )

    def create(self, balloon_policy: model.BalloonPolicy, now: float) -> None:
        """Have said that a policy was made when it is journaled."""
        said = self._ask(lambda it: it.created(balloon_policy, now))
        if said:
            self._made[balloon_policy.uuid] = said

    def created(self, policy_uuids: Iterable[str]) -> Said:
        """Return what is said with the entries of policies that were made."""
        return tuple(
            said
            for policy_uuid in policy_uuids
            for said in self._made.pop(policy_uuid, ())
        )

    def started(self, action: message.ReportStart, now: float) -> Said:
        """Return what is said when a policy begins to move its balloon."""
        # NOTE: a journal that is slow does not keep it from beginning.
        made = self._made.pop(action.policy.uuid, ())
        said = self._ask(
            lambda it: it.started(
                action.policy, action.started_at, action.timing, now
            )
        )
        return (*made, *said)

    def sampled(
        self, guest_uuid: str, sample: model.BalloonSample, now: float
    ) -> Said:
        """Return what is said of a policy's progress, now and then."""
        return self._ask(lambda it: it.sampled(guest_uuid, sample, now))

    def ended(self, report: model.EndReport, now: float) -> Said:
        """Return what is said when a policy has ended."""
        made = self._made.pop(report.policy.uuid, ())
        return (*made, *self._ask(lambda it: it.ended(report, now)))

    def noticed(
        self,
        notice: message.Notice,
        watermarks: situation.Watermarks | None,
    ) -> Said:
        """Return what is said of a notice."""
        return self._ask(lambda it: it.noticed(notice, watermarks))

    def close_pressure(
        self, host: controller_host.HostState, now: float
    ) -> Said:
        """Return what is said of pressure that ended with nobody here."""
        announcer = self._announcer
        if announcer is None or not announcer.has_left_pressure:
            return ()
        # NOTE: the first source to tell may not be the one that presses.
        if host.calm_since is None:
            return ()
        return self._ask(
            lambda it: it.pressure_ended(
                host.memory,
                host.watermarks,
                'it ended while this service was away',
                now,
            )
        )

    def _ask(
        self,
        ask: Callable[
            [notifier_announcer.Announcer], announcement.Announcement | None
        ],
    ) -> Said:
        if self._announcer is None:
            return ()
        try:
            said = ask(self._announcer)
        except Exception:
            LOG.exception('The announcer failed')
            return ()
        return () if said is None else (said,)
