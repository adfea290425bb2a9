# SPDX-License-Identifier: Apache-2.0
"""Serves the agent's RPC, whatever becomes of the message bus."""

import threading
from typing import Any

from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import argument
from nova_balloon_timer.rpc import endpoint as rpc_endpoint
from nova_balloon_timer.rpc import listening
from nova_balloon_timer.rpc import transport as rpc_transport
from nova_balloon_timer.rpc import view

LOG = logging.getLogger(__name__)

# NOTE: oslo.messaging tries for a minute to answer a caller that is gone, and
# a thread with it; the endpoint sees to it that only few are at work.
_THREADS = 32

_CLOSE_SECONDS = 0.15
_FIRST_PAUSE_SECONDS = 1.0
_LONGEST_PAUSE_SECONDS = 30.0

# A description of the host that cannot be sent at once is sent no more.
_REPORT_RETRIES = 1


class RPCServer:
    """Answers calls as soon, and for as long, as there is a bus.

    All that may wait for a network is done in daemon threads.

    :param host: the name that calls are sent to
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        desk: rpc_endpoint.Desk,
        *,
        host: str,
        meter: rpc_endpoint.Meter | None = None,
    ) -> None:
        self._conf = conf
        self._host = host
        self._endpoint = rpc_endpoint.BalloonTimerEndpoint(
            desk, self._report, host=host, meter=meter
        )
        self._closing = threading.Event()
        self._reporter: Any = None
        self._failure = ''

    def start(self) -> None:
        """Begin to serve, now or as soon as that is possible."""
        self._thread = threading.Thread(
            target=self._serve, name='balloon-rpc', daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Take nothing new; what was taken may still be answered."""
        self._endpoint.is_closed = True
        self._closing.set()
        self._thread.join(_CLOSE_SECONDS)

    def _serve(self) -> None:
        """Listen until closed."""
        try:
            transport = rpc_transport.make(
                self._conf, rpc_transport.SERVER_OPTIONS
            )
        except exception.BalloonTimerError as error:
            words = str(error)
        else:
            self._listen(transport)
            return
        # NOTE: not while the error is at hand: the log would repeat it.
        LOG.error('No RPC is served: %s', words)

    def _listen(self, transport: Any) -> None:
        self._reporter = oslo_messaging.get_rpc_client(
            transport,
            oslo_messaging.Target(
                topic=listening.REPLY_TOPIC,
                version=rpc_endpoint.VERSION,
                fanout=True,
            ),
            retry=_REPORT_RETRIES,
        )
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._closing.is_set():
            server = self._try(transport)
            if server is not None:
                self._closing.wait()
                _stop(server, transport)
                return
            self._closing.wait(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)

    def _try(self, transport: Any) -> Any:
        """Make a server that listens; None if that fails."""
        server = listening.make(
            transport, self._endpoint, topic=listening.TOPIC, name=self._host
        )
        try:
            # NOTE: it tries to connect until it can; but not after every
            # kind of failure.
            server.start(override_pool_size=_THREADS)
        except Exception as error:
            words = f'{type(error).__name__}: {argument.first_line(error)}'
            LOG.debug('RPC cannot be served yet', exc_info=True)
        else:
            LOG.info(
                'RPC is served as %s on topic %s', self._host, listening.TOPIC
            )
            return server
        if words != self._failure:
            LOG.warning('RPC cannot be served yet: %s', words)
        self._failure = words
        return None

    def _report(self, request_id: str, host: view.Json) -> None:
        """Send a description of the host to all who wait for one."""
        try:
            self._reporter.cast(
                {}, 'host_reported', request_id=request_id, host=host
            )
        except Exception as error:
            LOG.debug('The host was not reported', exc_info=True)
            raise exception.BusUnavailable(
                why=argument.first_line(error)
            ) from error


def _stop(server: Any, transport: Any) -> None:
    """Give everything back; each of these may wait for the broker."""
    try:
        server.stop()
        server.wait()
        transport.cleanup()
    except Exception:
        LOG.debug('RPC was not ended in order', exc_info=True)
