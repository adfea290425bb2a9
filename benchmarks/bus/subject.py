# SPDX-License-Identifier: Apache-2.0
"""An agent that takes policies from the benchmark, beside those of its own.

Calls over the bus would not do where the bus is away.
"""

from collections.abc import Sequence
import logging
import pathlib
import time

from benchmarks import configuration
from nova_balloon_timer import manager
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import agent as host_agent
from nova_balloon_timer.agent import crank as agent_crank


class Agent(host_agent.Agent):
    """The agent of a configuration, which logs beside it.

    :param observer: learns what becomes of policies, as the agent's log does
    """

    def __init__(
        self, config: pathlib.Path, observer: manager.Observer
    ) -> None:
        logging.basicConfig(
            filename=config.with_suffix('.log'),
            format='%(asctime)s %(levelname)s %(name)s %(message)s',
            level=logging.INFO,
        )
        super().__init__(configuration.read(config))
        self._told = observer

    def request(self, policies: Sequence[model.BalloonPolicy]) -> None:
        """Run policies, as if the controller had made them."""
        self._crank.request(policies)

    def resume(self, policies: Sequence[model.BalloonPolicy]) -> None:
        """End policies, as if they had run out before the agent started."""
        now = time.monotonic()
        for balloon_policy in policies:
            begun_at = now - balloon_policy.duration_seconds
            self._crank.resume(balloon_policy, begun_at, None, None)

    def _make_crank(self) -> agent_crank.HostCrank:
        crank = super()._make_crank()
        crank._observer = _Both(crank._observer, self._told)
        return crank


class _Both:
    """Tells two what happens."""

    def __init__(self, *observers: manager.Observer) -> None:
        self._observers = observers

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Tell that a policy begins to move its balloon."""
        for observer in self._observers:
            observer.started(balloon_policy, timing)

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Tell what a guest's balloon read."""
        for observer in self._observers:
            observer.sampled(guest_uuid, sample)

    def ended(self, report: model.EndReport) -> None:
        """Tell how a policy ended."""
        for observer in self._observers:
            observer.ended(report)
