# SPDX-License-Identifier: Apache-2.0
"""The agent as a service of its own: one process, led by signals.

There is no worker process beside a master: libvirt's event loop does not
outlive a fork, and whoever starts services sees to it that they run again.
"""

from collections.abc import Callable
import os
import signal
import sys
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging
from oslo_service import backend
from oslo_service.backend import base

from nova_balloon_timer import exception
from nova_balloon_timer.agent import agent as host_agent

LOG = logging.getLogger(__name__)

# NOTE: threads that work must not keep the engine's waiting at a deadline
# for the interpreter's usual 5 ms.
_SWITCH_SECONDS = 0.0005

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class AgentService(base.ServiceBase):  # type: ignore[misc]
    """An agent that runs, as oslo.service knows services."""

    def __init__(self, agent: host_agent.Agent) -> None:
        self._agent = agent

    def start(self) -> None:
        """Do nothing: a failure to start shows in the exit code."""

    def stop(self) -> None:
        """Stop the agent, within two seconds."""
        self._agent.stop()

    def wait(self) -> None:
        """Do nothing: it has stopped when :meth:`stop` returns."""

    def reset(self) -> None:
        """Take the options that changed."""
        self._agent.reload()


def run(conf: cfg.ConfigOpts) -> int:
    """Run the service until it is told to end.

    SIGTERM and SIGINT end it within two seconds; SIGHUP has the
    configuration read again.

    :returns: the process's exit code
    :raises BalloonTimerError: the configuration makes no sense
    """
    # NOTE: blocked before there is any other thread, so that all threads
    # block them, and sent ones wait until they are asked for.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    host_agent.check(conf)
    logging.set_defaults(
        default_log_levels=[
            *logging.get_default_log_levels(),
            'oslo_service=WARNING',
        ]
    )
    logging.setup(conf, 'nova-balloon-timer')
    sys.setswitchinterval(_SWITCH_SECONDS)
    launcher = _make_launcher(conf)
    agent = host_agent.Agent(conf)
    words = _start(agent)
    if words:
        LOG.error('The agent cannot start: %s', words)
        return 1
    launcher.launch_service(AgentService(agent))
    LOG.info('The agent looks after this host')
    code = _wait(lambda: _reload(launcher))
    launcher.stop()
    LOG.info('The agent has stopped')
    return code


def _wait(reload: Callable[[], None]) -> int:
    """Wait until told to end.

    :returns: the exit code; 1 if it was this process that told itself, as it
        does when the agent's thread has died
    """
    while True:
        told = signal.sigwaitinfo(_SIGNALS)
        if told.si_signo != signal.SIGHUP:
            return int(told.si_pid == os.getpid())
        reload()


def _make_launcher(conf: cfg.ConfigOpts) -> Any:
    backend.init_backend(backend.BackendType.THREADING)
    # It asks for the backend when it is imported.
    from oslo_service import service

    return service.Launcher(conf, restart_method='mutate')


def _start(agent: host_agent.Agent) -> str:
    """Start it; return why that is impossible, or nothing."""
    try:
        agent.start()
    except exception.BalloonTimerError as error:
        return str(error)
    return ''


def _reload(launcher: Any) -> None:
    words = ''
    try:
        launcher.restart()
    except (cfg.Error, ValueError, OSError) as error:
        words = ' '.join(str(error).split())
    if words:
        LOG.error('The configuration is not changed: %s', words)
