# SPDX-License-Identifier: Apache-2.0
"""The agent as a service of its own."""

import sys
import threading

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import backend
from oslo_service.backend import base

from nova_balloon_timer import exception
from nova_balloon_timer.agent import agent as host_agent

LOG = logging.getLogger(__name__)


class AgentService(base.ServiceBase):  # type: ignore[misc]
    """What oslo.service starts in its worker process, and stops there."""

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._stopped = threading.Event()
        self._agent: host_agent.Agent | None = None

    def start(self) -> None:
        """Start the agent; SIGHUP has the configuration read again."""
        self._agent = host_agent.Agent(self._conf)
        try:
            self._agent.start()
        except exception.BalloonTimerError as error:
            LOG.error('The agent cannot start: %s', error)
            sys.exit(1)
        self._conf.register_mutate_hook(self._on_mutated)
        LOG.info('The agent looks after this host')

    def stop(self) -> None:
        """Stop the agent, within two seconds."""
        if self._agent is not None:
            self._agent.stop()
        self._stopped.set()
        LOG.info('The agent has stopped')

    def wait(self) -> None:
        """Wait until it was stopped."""
        self._stopped.wait()

    def reset(self) -> None:
        """Do nothing: the configuration's hook does it."""

    def _on_mutated(self, conf: cfg.ConfigOpts, fresh: object) -> None:
        if self._agent is not None:
            self._agent.reload()


def run(conf: cfg.ConfigOpts) -> int:
    """Run the service until it is told to end.

    :returns: the process's exit code
    """
    backend.init_backend(backend.BackendType.THREADING)
    # NOTE: it asks for the backend when it is imported.
    from oslo_service import service

    launcher = service.launch(
        conf, AgentService(conf), workers=1, restart_method='mutate'
    )
    return int(launcher.wait() or 0)
