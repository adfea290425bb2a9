# SPDX-License-Identifier: Apache-2.0
"""Asks all hosts at once, and takes the answers that come.

Nobody knows how many there will be. So the question goes to whoever listens,
and the answers come back the same way, to a server of ours.
"""

import queue
import socket
import threading
import time
from typing import Any, cast

from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import answer
from nova_balloon_timer.rpc import argument
from nova_balloon_timer.rpc import connection as rpc_connection
from nova_balloon_timer.rpc import failure
from nova_balloon_timer.rpc import listening

LOG = logging.getLogger(__name__)

Json = dict[str, Any]

_MOST_HOSTS = 10_000
# All that is done with an answer is to keep it.
_THREADS = 1
# To listen, and to stop listening.
_OVERHEAD_SECONDS = 1.0


class ReportEndpoint:
    """Keeps the answers to one question.

    API version history:

        1.0 - Initial version: host_reported.
    """

    target = oslo_messaging.Target(version='1.0')

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        self.hosts: queue.SimpleQueue[Json] = queue.SimpleQueue()

    @listening.expose
    def host_reported(self, context: object, /, **given: Any) -> None:
        """Take an answer; one to another question is let pass."""
        try:
            arguments = argument.Arguments(given)
            request_id = arguments.uuid('request_id')
            host = arguments.mapping('host')
            argument.Arguments(host).name('host')
            tidy = cast(Json, answer.tidy(host))
        except (exception.InvalidArgument, RecursionError) as error:
            LOG.debug('An answer is not taken: %s', error)
            return
        if request_id == self.request_id:
            self.hosts.put(tidy)


class Gathering:
    """Asks all hosts, over a connection.

    :param client: sends to the agents
    """

    def __init__(
        self, connection: rpc_connection.Connection, client: Any
    ) -> None:
        self._connection = connection
        self._client = client
        self._closings: list[threading.Thread] = []

    def gather(
        self,
        wait_seconds: float,
        longest_seconds: float,
        reach_seconds: float,
    ) -> list[Json]:
        """Return what all hosts say that answer, by their names.

        :param wait_seconds: when nobody answers for so long, that was all;
            for the first twice that
        :param longest_seconds: nobody is waited for longer
        :param reach_seconds: in which the bus must be reached
        :raises BusUnavailable: it is not
        """
        endpoint = ReportEndpoint(uuidutils.generate_uuid())
        try:
            return self._connection.within(
                reach_seconds + longest_seconds + _OVERHEAD_SECONDS,
                lambda _: self._ask(endpoint, wait_seconds, longest_seconds),
                reach_seconds=reach_seconds,
            )
        except exception.BusUnavailable:
            raise
        except question.NotAnsweredError as error:
            raise exception.BusUnavailable(
                why='it cannot be listened to in time'
            ) from error
        except Exception as error:
            raise failure.of_bus(error) from error

    def close(self) -> None:
        """Let the servers end that have been of use."""
        until = time.monotonic() + _OVERHEAD_SECONDS
        for thread in self._closings:
            thread.join(max(0.0, until - time.monotonic()))

    def _ask(
        self,
        endpoint: ReportEndpoint,
        wait_seconds: float,
        longest_seconds: float,
    ) -> list[Json]:
        server = listening.make(
            self._connection.transport,
            endpoint,
            topic=listening.REPLY_TOPIC,
            name=socket.gethostname(),
        )
        server.start(override_pool_size=_THREADS)
        try:
            self._client.prepare(fanout=True).cast(
                {}, 'report_host', request_id=endpoint.request_id
            )
            return _collect(endpoint.hosts, wait_seconds, longest_seconds)
        finally:
            self._end(server)

    def _end(self, server: Any) -> None:
        """Stop listening; that takes a while, as it waits for a message."""

        def stop() -> None:
            server.stop()
            server.wait()

        thread = threading.Thread(
            target=stop, name='balloon-rpc-end', daemon=True
        )
        thread.start()
        self._closings.append(thread)


def _collect(
    answers: queue.SimpleQueue[Json],
    wait_seconds: float,
    longest_seconds: float,
) -> list[Json]:
    now = time.monotonic()
    until = now + longest_seconds
    quiet_until = now + 2 * wait_seconds
    hosts: dict[str, Json] = {}
    while len(hosts) < _MOST_HOSTS:
        left_seconds = min(until, quiet_until) - time.monotonic()
        try:
            host = answers.get(timeout=max(0.0, left_seconds))
        except queue.Empty:
            break
        # NOTE: an answer may come twice.
        hosts.setdefault(host['host'], host)
        quiet_until = time.monotonic() + wait_seconds
    return [hosts[name] for name in sorted(hosts)]
