# SPDX-License-Identifier: Apache-2.0
"""Waits for policies of an agent's, and shows meanwhile how they do."""

from collections.abc import Iterable
import threading
import time
from typing import Protocol, TYPE_CHECKING

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import view

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

_LOOK_SECONDS = 0.25

# How long an agent may be away, as in a restart, before that is an error.
_PATIENCE_SECONDS = 60.0

_AWAY = (
    exception.AgentBusy,
    exception.BusUnavailable,
    exception.HostNotAnswering,
    exception.JournalError,
)


class Display(Protocol):
    """Where policies are shown; see cmd.progress."""

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
        elapsed_seconds: float,
    ) -> None:
        """Show one that is under way."""

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Show how far it is."""

    def ended(self, report: model.EndReport) -> None:
        """Show how it ended."""

    def note(self, words: str) -> None:
        """Show what is no policy's."""


class Waiter:
    """Looks at policies until all have ended.

    :param names: of the guests by UUID, for the display; it adds to them
    :param views: what is known of policies, by their UUIDs; likewise
    :ivar reports: how policies ended, by their UUIDs
    :ivar errors: of those that are not there any more
    :ivar failure: why the wait was given up; else empty
    """

    def __init__(
        self,
        agent: 'rpc_api.HostAPI',
        policy_uuids: Iterable[str],
        names: dict[str, str],
        views: dict[str, connection.View],
    ) -> None:
        self._agent = agent
        self._names = names
        self._open = list(dict.fromkeys(policy_uuids))
        self._shown: set[str] = set()
        self._away_since: float | None = None
        self._pause = threading.Event()
        self.views = views
        self.reports: dict[str, model.EndReport] = {}
        self.errors: dict[str, exception.BalloonTimerError] = {}
        self.failure = ''

    def wait(self, display: Display) -> None:
        """Return when all have ended.

        :raises BalloonTimerError: the agent has been away for too long
        """
        while True:
            for policy_uuid in list(self._open):
                self._look(policy_uuid, display)
            if not self._open:
                break
            self._pause.wait(_LOOK_SECONDS)

    def _look(self, policy_uuid: str, display: Display) -> None:
        try:
            seen = self._agent.show_policy(policy_uuid)
        except _AWAY as error:
            self._bear(error, display)
            return
        except exception.PolicyNotFound as error:
            self.errors[policy_uuid] = error
            self._open.remove(policy_uuid)
            return
        if self._away_since is not None:
            self._away_since = None
            display.note('the agent answers again')
        self._show(seen, display)

    def _bear(
        self, error: exception.BalloonTimerError, display: Display
    ) -> None:
        now = time.monotonic()
        if self._away_since is None:
            self._away_since = now
            display.note(f'{error}; still waiting')
        elif now - self._away_since > _PATIENCE_SECONDS:
            raise error

    def _show(self, seen: connection.View, display: Display) -> None:
        policy_uuid = seen['uuid']
        self.views[policy_uuid] = seen
        self._names[seen['guest_uuid']] = seen['guest_name']
        if not view.is_over(seen):
            self._show_course(seen, display)
            return
        report = view.report_of(seen)
        self.reports[policy_uuid] = report
        self._open.remove(policy_uuid)
        display.ended(report)

    def _show_course(self, seen: connection.View, display: Display) -> None:
        if not view.is_begun(seen):
            return
        if seen['uuid'] not in self._shown:
            self._shown.add(seen['uuid'])
            display.started(
                view.policy_of(seen),
                view.timing_of(seen),
                seen['elapsed_seconds'],
            )
        sample = view.sample_of(seen)
        if sample is not None:
            display.sampled(seen['guest_uuid'], sample)
