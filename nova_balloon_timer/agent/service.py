# SPDX-License-Identifier: Apache-2.0
"""The agent as a service of its own: one process, led by signals.

There is no worker process beside a master: libvirt's event loop does not
outlive a fork, and whoever starts services sees to it that they run again.
"""

import signal

from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.agent import agent as host_agent

LOG = logging.getLogger(__name__)

_SIGNALS = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


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
    logging.setup(conf, 'nova-balloon-timer')
    agent = host_agent.Agent(conf)
    words = _start(agent)
    if words:
        LOG.error('The agent cannot start: %s', words)
        return 1
    LOG.info('The agent looks after this host')
    while (number := signal.sigwait(_SIGNALS)) == signal.SIGHUP:
        _reload(conf, agent)
    LOG.info('The agent is told to stop by %s', signal.Signals(number).name)
    agent.stop()
    LOG.info('The agent has stopped')
    return 0


def _start(agent: host_agent.Agent) -> str:
    """Start it; return why that is impossible, or nothing."""
    try:
        agent.start()
    except exception.BalloonTimerError as error:
        return str(error)
    return ''


def _reload(conf: cfg.ConfigOpts, agent: host_agent.Agent) -> None:
    words = ''
    try:
        conf.mutate_config_files()
    except (cfg.Error, ValueError, OSError) as error:
        words = ' '.join(str(error).split())
    if words:
        LOG.error('The configuration is not changed: %s', words)
        return
    agent.reload()
