# SPDX-License-Identifier: Apache-2.0
"""A client's connection to the message bus, which never keeps it waiting.

oslo.messaging tries to connect for as long as it takes, whatever time-out it
is given. So it does that in a daemon thread, on which we give up.
"""

from collections.abc import Callable
from concurrent import futures
import functools
import threading
import time
from typing import Any, TypeVar

from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import argument
from nova_balloon_timer.rpc import transport as rpc_transport

LOG = logging.getLogger(__name__)

_Answer = TypeVar('_Answer')

# What is sent there reaches nobody, but that it can be sent tells much.
_NOWHERE = 'balloon_timer_nowhere'

_CLOSE_SECONDS = 0.2


class Connection:
    """A transport, connected when it is needed.

    :raises BusNotConfigured: nobody has said where the bus is
    :raises BusUnavailable: that makes no sense
    """

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        self.transport = rpc_transport.make(conf, rpc_transport.CLIENT_OPTIONS)
        hosts = rpc_transport.hosts(conf)
        self._words = ', '.join(hosts) or 'the broker'
        self._probe = self.client(_NOWHERE, retry=max(0, len(hosts) - 1))

    def client(self, topic: str, **more: Any) -> Any:
        """Make a client of oslo.messaging's."""
        target = oslo_messaging.Target(topic=topic, version='1.0')
        return oslo_messaging.get_rpc_client(
            self.transport, target, version_cap='1.0', **more
        )

    def within(
        self,
        seconds: float,
        function: Callable[[float], _Answer],
        *,
        reach_seconds: float | None = None,
    ) -> _Answer:
        """Call a function that needs the bus, or give up on it.

        :param seconds: for everything
        :param function: gets the seconds that are left
        :param reach_seconds: in which the bus must be reached, where that is
            less
        :raises BusUnavailable: the bus was not reached
        :raises NotAnsweredError: it was, but the function did not return
        """
        until = time.monotonic() + seconds
        reached = threading.Event()

        def work() -> _Answer:
            self._reach()
            reached.set()
            left_seconds = until - time.monotonic()
            if left_seconds <= 0:
                # NOTE: or it would be sent when a broker that hung goes on,
                # which its caller does not expect any more.
                raise question.NotAnsweredError
            return function(left_seconds)

        outcome = question.ask(_start_thread, work)
        reach_seconds = reach_seconds or seconds
        futures.wait([outcome], min(seconds, reach_seconds))
        if not (outcome.done() or reached.is_set()):
            raise exception.BusUnavailable(
                why=f'{self._words}: no answer within {reach_seconds:g} s'
            )
        futures.wait([outcome], max(0.0, until - time.monotonic()))
        if not outcome.done():
            raise question.NotAnsweredError
        return outcome.result()

    def close(self) -> None:
        """Give everything back, as far as that does not take long."""
        cleanup = question.ask(_start_thread, self.transport.cleanup)
        futures.wait([cleanup], _CLOSE_SECONDS)

    def _reach(self) -> None:
        """See that something can be sent; the second time anew.

        :raises BusUnavailable: nothing can
        """
        probe = functools.partial(self._probe.cast, {}, 'nothing')
        try:
            probe()
        except Exception:
            LOG.debug('The connection is of no use any more', exc_info=True)
        else:
            return
        try:
            probe()
        except Exception as error:
            why = f'{self._words}: {argument.first_line(error)}'
            raise exception.BusUnavailable(why=why) from error


def _start_thread(function: Callable[[], None]) -> None:
    threading.Thread(
        target=function, name='balloon-rpc-call', daemon=True
    ).start()
