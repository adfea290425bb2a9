# SPDX-License-Identifier: Apache-2.0
"""The agent inside nova-compute: started, watched, and stopped with it.

Nova must not notice when it fails. Whatever happens, nova-compute goes on, and
the agent is started again after a while.
"""

from collections.abc import Callable
import dataclasses
import enum
import functools
import queue
import threading
import time
from typing import Any, Protocol

from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.conf import opts

LOG = logging.getLogger(__name__)

# An agent stops within 2 s.
_STOP_SECONDS = 3.0


class Agent(Protocol):
    """What the extension needs of an agent that runs."""

    def stop(self) -> None:
        """Freeze what is under way, and end."""


# Returns an agent that was started; it calls what it is handed if it dies.
MakeAgent = Callable[[cfg.ConfigOpts, Callable[[], None]], Agent]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pauses:
    """How long the extension waits.

    :param driver_poll_seconds: until it looks again whether the driver is up
    :param first_seconds: until it tries again to start an agent; it doubles
    :param longest_seconds: likewise, at the most
    """

    driver_poll_seconds: float = 0.1
    first_seconds: float = 10.0
    longest_seconds: float = 300.0


_PAUSES = Pauses()


class _Order(enum.Enum):
    STOP = 'stop'
    RESTART = 'restart'


class Extension:
    """Runs an agent in a thread beside Nova's.

    :param conf: Nova's configuration; our options become known to it
    :param driver: Nova's libvirt driver
    :param make_agent: may raise whatever it likes; it is tried again
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        driver: Any,
        make_agent: MakeAgent,
        pauses: Pauses = _PAUSES,
    ) -> None:
        self._conf = conf
        self._driver = driver
        self._make_agent = make_agent
        self._pauses = pauses
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
            if (
                self._next_order(self._pauses.driver_poll_seconds)
                is _Order.STOP
            ):
                return False
        # What Nova is connected to, whatever the option says.
        self._conf.set_override(
            'connection_uri', self._driver._host._uri, 'balloon_timer'
        )
        return True

    def _keep_running(self) -> None:
        pause_seconds = self._pauses.first_seconds
        while True:
            agent = self._try_to_start()
            if agent is not None:
                begun_at = time.monotonic()
                order = self._orders.get()
                self._stop_agent(agent)
                # NOTE: one that dies soon after each start is no better than
                # one that does not start.
                lived_seconds = time.monotonic() - begun_at
                if lived_seconds > self._pauses.longest_seconds:
                    pause_seconds = self._pauses.first_seconds
                if order is _Order.STOP:
                    LOG.info('The balloon timer has stopped')
                    return
            if self._next_order(pause_seconds) is _Order.STOP:
                return
            pause_seconds = min(
                2 * pause_seconds, self._pauses.longest_seconds
            )

    def _try_to_start(self) -> Agent | None:
        words = ''
        try:
            agent = self._make_agent(
                self._conf, lambda: self._orders.put(_Order.RESTART)
            )
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

    def _stop_agent(self, agent: Agent) -> None:
        try:
            agent.stop()
        except Exception:
            LOG.exception('The balloon timer has failed')

    def _next_order(self, seconds: float) -> _Order | None:
        try:
            return self._orders.get(timeout=seconds)
        except queue.Empty:
            return None
