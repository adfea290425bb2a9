# SPDX-License-Identifier: Apache-2.0
"""Hear what is told on the message bus, as other services do."""

from collections.abc import Callable, Mapping
import dataclasses
import functools
import tempfile
import threading
import time
from typing import Any

from oslo_config import cfg

from nova_balloon_timer.messaging import oslo_messaging
from tests.functional import bus

_CLOSE_SECONDS = 10

# So that it is back soon after the broker, and closed soon.
_BRISK = {
    'heartbeat_rate': 200,
    'rabbit_interval_max': 1,
    'rabbit_retry_backoff': 0,
}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notification, and when it came.

    :ivar topic: tells the versioned form from the other
    :ivar at: an instant of the monotonic clock
    :ivar payload: what it is about
    """

    topic: str
    at: float
    priority: str
    event_type: str
    publisher_id: str
    payload: Any
    message_id: str


class Listener:
    """Hear notifications of both forms, in their order, until it is closed.

    It finds back by itself to a broker that was away. What it had heard just
    before may come again then.

    :param groups: the options by which the others speak
    """

    def __init__(self, groups: bus.Groups) -> None:
        self._transport = _transport(groups)
        for name, value in _BRISK.items():
            self._transport.conf.set_override(
                name, value, 'oslo_messaging_rabbit'
            )
        self._heard: list[Heard] = []
        self._changed = threading.Condition()
        self._servers = [self._serve(topic) for topic in bus.TOPICS]

    @property
    def heard(self) -> list[Heard]:
        """Give all that was heard until now."""
        with self._changed:
            return list(self._heard)

    def wait_for(
        self,
        wanted: str | Callable[[Heard], bool],
        times: int = 1,
        timeout_seconds: float = 60,
    ) -> list[Heard]:
        """Wait until something was heard so often, and give it.

        :param wanted: an event type, or what tells what is wanted
        """

        def found() -> list[Heard]:
            if isinstance(wanted, str):
                return [it for it in self._heard if it.event_type == wanted]
            return [it for it in self._heard if wanted(it)]

        with self._changed:
            came = self._changed.wait_for(
                lambda: len(found()) >= times, timeout_seconds
            )
            if came:
                return found()
            types = [it.event_type for it in self._heard]
            raise AssertionError(
                f'{wanted} heard {len(found())} times, not {times}, within '
                f'{timeout_seconds:g} s; heard were {types}'
            )

    def close(self) -> None:
        """Hear nothing more; a broker that hangs is not waited for."""
        thread = threading.Thread(target=self._end, daemon=True)
        thread.start()
        thread.join(_CLOSE_SECONDS)

    def _end(self) -> None:
        for server in self._servers:
            server.stop()
            server.wait()
        self._transport.cleanup()

    def _serve(self, topic: str) -> Any:
        server = oslo_messaging.get_notification_listener(
            self._transport,
            [oslo_messaging.Target(topic=topic)],
            [_Endpoint(topic, self._add)],
            # NOTE: one queue for all priorities; of several, nobody knows in
            # which order they are read.
            pool=bus.pool_of(topic),
        )
        # NOTE: more than one thread would mix up the order.
        server.start(override_pool_size=1)
        return server

    def _add(self, heard: Heard) -> None:
        with self._changed:
            self._heard.append(heard)
            self._changed.notify_all()


def notifier(
    groups: bus.Groups, publisher_id: str, *topics: str
) -> oslo_messaging.Notifier:
    """Make what tells others, as they would configure it."""
    return oslo_messaging.Notifier(
        _transport(groups), publisher_id, topics=topics or None, retry=0
    )


def _transport(groups: bus.Groups) -> oslo_messaging.Transport:
    oslo_messaging.set_transport_defaults(bus.EXCHANGE)
    conf = cfg.ConfigOpts()
    with tempfile.NamedTemporaryFile('w', suffix='.conf') as file:
        file.write(bus.ini(groups))
        file.flush()
        conf([], default_config_files=[file.name])
        return oslo_messaging.get_notification_transport(conf)


class _Endpoint:
    """Takes notifications of one topic, of all priorities."""

    def __init__(self, topic: str, add: Callable[[Heard], None]) -> None:
        self._topic = topic
        self._add = add
        for priority in bus.PRIORITIES:
            taker = functools.partial(self._take, priority)
            setattr(self, priority, taker)

    def _take(
        self,
        priority: str,
        context: Mapping[str, Any],
        publisher_id: str,
        event_type: str,
        payload: Any,
        metadata: Mapping[str, Any],
    ) -> None:
        self._add(
            Heard(
                topic=self._topic,
                at=time.monotonic(),
                priority=priority,
                event_type=event_type,
                publisher_id=publisher_id,
                payload=payload,
                message_id=metadata['message_id'],
            )
        )
