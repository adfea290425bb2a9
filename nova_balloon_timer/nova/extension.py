# SPDX-License-Identifier: Apache-2.0
"""The agent inside nova-compute: started, watched, and stopped with it.

Nova must not notice when it fails. Whatever happens, nova-compute goes on, and
the agent is started again after a while.
"""

import enum
import functools
import queue
import threading
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.agent import agent as host_agent
from nova_balloon_timer.conf import opts
from nova_balloon_timer.nova import surroundings as nova_surroundings

LOG = logging.getLogger(__name__)

_DRIVER_POLL_SECONDS = 0.1
_FIRST_PAUSE_SECONDS = 10.0
_LONGEST_PAUSE_SECONDS = 300.0
# An agent stops within 2 s.
_STOP_SECONDS = 3.0


class _Order(enum.Enum):
    STOP = 'stop'
    RESTART = 'restart'


class Extension:
    """Runs an agent in a thread beside Nova's.

    :param conf: Nova's configuration; our options become known to it
    :param driver: Nova's libvirt driver
    """

    def __init__(self, conf: cfg.ConfigOpts, driver: Any) -> None:
        self._conf = conf
        self._driver = driver
        self._orders: queue.SimpleQueue[_Order] = queue.SimpleQueue()
        self._words = ''
        self._thread = threading.Thread(
            target=self._run, name='balloon-extension', daemon=True
        )

    def start(self) -> None:
        """Begin, as soon as the driver is up; returns at once."""
        opts.register_opts(self._conf)
        self._stop_with(self._driver)
        self._thread.start()

    def stop(self) -> None:
        """Freeze what is under way, and end."""
        self._orders.put(_Order.STOP)
        self._thread.join(_STOP_SECONDS)
        if self._thread.is_alive():
            LOG.warning('The balloon timer did not stop in time')

    def _stop_with(self, driver: Any) -> None:
        """Stop before the driver does; Nova calls nobody else at its end."""
        cleanup_host = driver.cleanup_host

        @functools.wraps(cleanup_host)
        def stop_and_clean_up(*arguments: Any, **options: Any) -> Any:
            try:
                self.stop()
            except Exception:
                LOG.exception('The balloon timer could not be stopped')
            return cleanup_host(*arguments, **options)

        driver.cleanup_host = stop_and_clean_up

    def _run(self) -> None:
        try:
            if self._await_driver():
                self._keep_running()
        except Exception:
            LOG.exception('The balloon timer has failed')

    def _await_driver(self) -> bool:
        """Wait until Nova is connected to libvirt; False: told to stop.

        NOTE: asking for its connection before it does would make Nova do
        without libvirt's events.
        """
        while not self._driver._host._initialized:
            if self._next_order(_DRIVER_POLL_SECONDS) is _Order.STOP:
                return False
        # What Nova is connected to, whatever the option says.
        self._conf.set_override(
            'connection_uri', self._driver._host._uri, 'balloon_timer'
        )
        return True

    def _keep_running(self) -> None:
        pause_seconds = _FIRST_PAUSE_SECONDS
        while True:
            agent = self._try_to_start()
            if agent is not None:
                pause_seconds = _FIRST_PAUSE_SECONDS
                order = self._orders.get()
                self._stop_agent(agent)
                if order is _Order.STOP:
                    LOG.info('The balloon timer has stopped')
                    return
            if self._next_order(pause_seconds) is _Order.STOP:
                return
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _try_to_start(self) -> host_agent.Agent | None:
        words = ''
        try:
            agent = self._make_agent()
        except exception.BalloonTimerError as error:
            words = str(error)
        except Exception as error:
            LOG.exception('The balloon timer has failed')
            words = repr(error)
        else:
            self._words = ''
            LOG.info('The balloon timer looks after this host')
            return agent
        # NOTE: once; it is tried again and again.
        if words != self._words:
            LOG.error(
                'The balloon timer cannot start, and tries again: %s', words
            )
        self._words = words
        return None

    def _make_agent(self) -> host_agent.Agent:
        surroundings = nova_surroundings.NovaSurroundings(self._conf)
        host_agent.check(self._conf)
        agent = host_agent.Agent(
            self._conf,
            surroundings,
            on_death=lambda: self._orders.put(_Order.RESTART),
        )
        surroundings.prepare()
        agent.start()
        return agent

    def _stop_agent(self, agent: host_agent.Agent) -> None:
        try:
            agent.stop()
        except Exception:
            LOG.exception('The balloon timer has failed')

    def _next_order(self, seconds: float) -> _Order | None:
        try:
            return self._orders.get(timeout=seconds)
        except queue.Empty:
            return None
