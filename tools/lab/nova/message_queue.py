# SPDX-License-Identifier: Apache-2.0
"""Look at the queues of a message bus."""

import kombu


def is_consumed(url: str, name: str) -> bool:
    """Tell whether somebody reads from a queue."""
    with kombu.Connection(url.replace('rabbit://', 'amqp://')) as connection:
        try:
            state = connection.default_channel.queue_declare(
                name, passive=True
            )
        except connection.channel_errors:  # there is no such queue
            return False
        return bool(state.consumer_count)
