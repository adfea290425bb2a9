# SPDX-License-Identifier: Apache-2.0
"""Who listens to the notifications, and when they came.

The instants of notifications are of the wall clock, so arrivals are too: both
ends are on this machine.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
import dataclasses
import datetime
import threading
import time
from typing import Any

from oslo_config import cfg

from benchmarks import configuration
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.notifier import registry

# One queue for all priorities and topics, as only one queue keeps the order;
# and one thread, as several would not keep it either.
_POOL = 'bench'
_THREADS = 1
_TOPICS = ('notifications', 'versioned_notifications')
DATA = f'{registry.Payload.OBJ_SERIAL_NAMESPACE}.data'

CREATE = 'balloon_policy.create'
START = 'balloon_policy.start'
ENDS = (
    'balloon_policy.target_reached',
    'balloon_policy.deadline_reached',
    'balloon_policy.stopped',
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A notification of a policy that came.

    :ivar form: ``versioned`` or ``unversioned``
    :ivar at: seconds since the epoch; so is ``occurred_at``
    :ivar ended_at: when the policy did, if this tells it
    """

    at: float
    form: str
    event_type: str
    uuid: str
    sequence: int
    occurred_at: float
    ended_at: float | None

    @property
    def is_end(self) -> bool:
        """Tell whether this tells the end of its policy."""
        return self.event_type in ENDS


class Listener:
    """Hears all that is told of policies until it is closed.

    :param rabbit: options of ``[oslo_messaging_rabbit]``, those of the agents
    """

    def __init__(self, url: str, rabbit: configuration.Options) -> None:
        conf = cfg.ConfigOpts()
        conf([], project='bench', default_config_files=[])
        oslo_messaging.set_transport_defaults('nova')
        self._transport = oslo_messaging.get_notification_transport(conf, url)
        for name, value in rabbit.items():
            conf.set_override(name, value, 'oslo_messaging_rabbit')
        self._changed = threading.Condition()
        self._heard: list[Heard] = []
        self._ended: set[str] = set()
        self._server = oslo_messaging.get_notification_listener(
            self._transport,
            [oslo_messaging.Target(topic=topic) for topic in _TOPICS],
            [_Endpoint(self._take)],
            executor='threading',
            pool=_POOL,
        )
        self._server.start(override_pool_size=_THREADS)

    @property
    def heard(self) -> Sequence[Heard]:
        """Give all that came, in the order in which it did."""
        with self._changed:
            return tuple(self._heard)

    def wait_ends(self, uuids: Collection[str], seconds: float) -> bool:
        """Wait until the ends of policies came; tell whether they did."""
        with self._changed:
            return self._changed.wait_for(
                lambda: self._ended.issuperset(uuids), seconds
            )

    def close(self) -> None:
        """Listen no more."""
        self._server.stop()
        self._server.wait()
        self._transport.cleanup()

    def _take(self, event_type: str, payload: dict[str, Any]) -> None:
        at = time.time()
        if not event_type.startswith('balloon_policy.'):
            return
        heard = _read(at, event_type, payload)
        with self._changed:
            self._heard.append(heard)
            if heard.is_end:
                self._ended.add(heard.uuid)
            self._changed.notify_all()


class _Endpoint:
    """Takes notifications of the priorities that the agent uses."""

    def __init__(self, take: Callable[[str, dict[str, Any]], None]) -> None:
        self._hand_over = take
        self.info = self.warn = self.error = self._take

    def _take(
        self,
        context: Mapping[str, Any],
        publisher_id: str,
        event_type: str,
        payload: dict[str, Any],
        metadata: Mapping[str, Any],
    ) -> None:
        self._hand_over(event_type, payload)


def _read(at: float, event_type: str, payload: dict[str, Any]) -> Heard:
    form = 'versioned' if DATA in payload else 'unversioned'
    content = payload.get(DATA, payload)
    ended_at = content.get('ended_at')
    return Heard(
        at=at,
        form=form,
        event_type=event_type,
        uuid=content['uuid'],
        sequence=content['sequence'],
        occurred_at=_seconds(content['occurred_at']),
        ended_at=None if ended_at is None else _seconds(ended_at),
    )


def _seconds(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()
