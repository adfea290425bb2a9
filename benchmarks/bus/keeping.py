# SPDX-License-Identifier: Apache-2.0
"""What is left of confirmed notifications when the broker ends.

Nobody listens while they are sent, so that all of them are in a queue.
"""

import contextlib
import pathlib
import tempfile
import time
from typing import Any
import uuid

from benchmarks import configuration
from benchmarks.bus import listener as bench_listener
from nova_balloon_timer.journal import instant
from nova_balloon_timer.notifier import bus as notifier_bus
from nova_balloon_timer.notifier import letter
from nova_balloon_timer.notifier import payload
from tools.lab import rabbitmq

Row = dict[str, Any]

_HEAR_SECONDS = 5.0
_END = bench_listener.ENDS[0]


def measure(options: Any) -> list[Row]:
    """End the broker both ways, for each way of keeping what is sent."""
    return [
        _measure(name, way, options.policies)
        for name in configuration.KEEPING
        for way in ('kill', 'stop')
    ]


def _measure(name: str, way: str, count: int) -> Row:
    rabbit = configuration.KEEPING[name]
    with contextlib.ExitStack() as stack:
        root = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix='nbt-bus-'))
        )
        broker = stack.enter_context(rabbitmq.PrivateRabbitMQ(root / 'broker'))
        # It leaves its queue behind.
        bench_listener.Listener(broker.url, rabbit).close()
        config = configuration.write(
            root / 'agent.conf',
            configuration.on_bus({'DEFAULT': {}}, broker.url, rabbit=rabbit),
        )
        sent = _send(config, count)
        {'kill': broker.kill, 'stop': broker.stop}[way]()
        broker.start()
        listener = bench_listener.Listener(broker.url, rabbit)
        stack.callback(listener.close)
        listener.wait_ends(sent, _HEAR_SECONDS)
        return {
            'broker keeps by': name,
            'ended by': 'kill -9' if way == 'kill' else 'a stop',
            'confirmed': count,
            'left': len({it.uuid for it in listener.heard}),
        }


def _send(config: pathlib.Path, count: int) -> list[str]:
    """Send as the agent does; return the policies that it is about."""
    bus = notifier_bus.MessageBus(
        configuration.read(config),
        payload.publisher_id('benchmark', configuration.HOST),
        payload.flatten,
    )
    now_us = int(time.time() * 1e6)
    content = {
        'sequence': 0,
        'occurred_at': instant.from_us(now_us).isoformat(),
    }
    sent = [str(uuid.uuid4()) for _ in range(count)]
    for number, policy_uuid in enumerate(sent):
        bus.send(
            letter.Letter(
                number=number,
                at_us=now_us,
                event_type=_END,
                priority='info',
                payload={
                    bench_listener.DATA: {**content, 'uuid': policy_uuid}
                },
            )
        )
    return sent
