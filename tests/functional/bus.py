# SPDX-License-Identifier: Apache-2.0
"""The message bus that all functional tests of one process share.

The broker starts with the first test that asks for it and ends with the
process. One whose process was killed is cleared away by the next one.
"""

import atexit
from collections.abc import Mapping
from typing import Any

import kombu

from tests.functional import owned_folder
from tools.lab import rabbitmq

EXCHANGE = 'nova'
TOPICS = ('notifications', 'versioned_notifications')
PRIORITIES = ('audit', 'critical', 'debug', 'error', 'info', 'sample', 'warn')

# The options of a configuration, by group.
Groups = dict[str, dict[str, Any]]

_PREFIX = 'nbt-bus-'

_shared: rabbitmq.PrivateRabbitMQ | None = None


def shared() -> rabbitmq.PrivateRabbitMQ:
    """Give this process's broker, which runs, whatever a test did to it.

    :raises LabError: it is not installed; nothing is skipped
    """
    global _shared  # noqa: PLW0603
    if _shared is None:
        folder = owned_folder.OwnedFolder(
            _PREFIX, lambda root: rabbitmq.PrivateRabbitMQ(root).stop()
        )
        _shared = rabbitmq.PrivateRabbitMQ(folder.path, tls=True)
        atexit.register(folder.close)
        atexit.register(_shared.stop)
    _shared.start()
    return _shared


def options(broker: rabbitmq.PrivateRabbitMQ, **rabbit: Any) -> Groups:
    """Give the options of who speaks on the bus, in both forms.

    What was sent outlives the broker. All who speak must agree about that.

    :param rabbit: further options of oslo.messaging's driver
    """
    return {
        'DEFAULT': {'transport_url': broker.url},
        'notifications': {'notification_format': 'both'},
        'oslo_messaging_notifications': {'driver': 'messagingv2'},
        'oslo_messaging_rabbit': {'amqp_durable_queues': True, **rabbit},
    }


def tls_options(broker: rabbitmq.PrivateRabbitMQ, **rabbit: Any) -> Groups:
    """Give the same for who speaks by TLS, with a certificate."""
    groups = options(
        broker,
        ssl=True,
        ssl_ca_file=broker.ca_file,
        ssl_cert_file=broker.client_cert_file,
        ssl_key_file=broker.client_key_file,
        **rabbit,
    )
    groups['DEFAULT']['transport_url'] = broker.tls_url
    return groups


def ini(groups: Mapping[str, Mapping[str, Any]]) -> str:
    """Write options as a configuration file has them."""
    lines: list[str] = []
    for group, values in groups.items():
        lines.append(f'[{group}]')
        lines += [f'{name} = {value}' for name, value in values.items()]
    return '\n'.join([*lines, ''])


def pool_of(topic: str) -> str:
    """Name the queue of those who hear a topic."""
    return f'{topic}.tests'


def clear(broker: rabbitmq.PrivateRabbitMQ, *queues: str) -> None:
    """Have the broker forget what tests before have sent and agreed upon.

    :param queues: what to forget beside the notifications
    """
    told = [f'{topic}.{kind}' for topic in TOPICS for kind in PRIORITIES]
    url = broker.url.replace('rabbit://', 'amqp://')
    with kombu.Connection(url) as connection:
        channel = connection.default_channel
        for name in (*told, *map(pool_of, TOPICS), *queues):
            channel.queue_delete(name)
        channel.exchange_delete(EXCHANGE)
