# SPDX-License-Identifier: Apache-2.0
"""Tells several observers what the crank tells one."""

from collections.abc import Callable

from oslo_log import log as logging

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import listener

LOG = logging.getLogger(__name__)


class Chorus:
    """Observers in their order; the failure of one is not the others'."""

    def __init__(self, *observers: listener.HostObserver) -> None:
        self._observers = observers

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Tell that a policy begins to move its balloon."""
        self._tell(lambda it: it.started(balloon_policy, timing))

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Tell what a guest's balloon read."""
        self._tell(lambda it: it.sampled(guest_uuid, sample))

    def ended(self, report: model.EndReport) -> None:
        """Tell how a policy ended."""
        self._tell(lambda it: it.ended(report))

    def noticed(self, notice: message.Notice) -> None:
        """Tell what happened on the host."""
        self._tell(lambda it: it.noticed(notice))

    def _tell(self, tell: Callable[[listener.HostObserver], None]) -> None:
        for observer in self._observers:
            try:
                tell(observer)
            except Exception:
                LOG.exception('%s failed', type(observer).__name__)
