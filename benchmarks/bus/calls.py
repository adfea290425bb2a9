# SPDX-License-Identifier: Apache-2.0
"""How long calls to an agent take: idle, at work, and with a guest that hangs.

The time is the caller's, from call to answer.
"""

from collections.abc import Callable, Iterator, Sequence
import contextlib
import itertools
import pathlib
import tempfile
import time
from typing import Any

from benchmarks import configuration
from benchmarks import figure
from benchmarks import rig as bench_rig
from benchmarks.bus import latency
from benchmarks.bus import listener as bench_listener
from benchmarks.relief import agent as bench_agent
from nova_balloon_timer import exception
from nova_balloon_timer.rpc import api as rpc_api
from tools.lab import guest as lab_guest
from tools.lab import rabbitmq

Row = dict[str, Any]

GOAL_SECONDS = 1.0
_FORM = 'versioned'
_HEAR_SECONDS = 30.0
# Near enough to full that nobody minds, one and the other in turn.
_TARGETS = ('1000M', '976M')


class _Clock:
    """Measures calls, by their names."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = {}
        self.errors: dict[str, set[str]] = {}

    def call(self, name: str, method: Callable[..., Any], *given: Any) -> Any:
        """Call it; return the answer, or None if it was refused."""
        begin = time.monotonic()
        answer = None
        errors = self.errors.setdefault(name, set())
        try:
            answer = method(*given)
        except exception.BalloonTimerError as error:
            errors.add(type(error).__name__)
        seconds = time.monotonic() - begin
        self.seconds.setdefault(name, []).append(seconds)
        return answer

    def rows(self, state: str) -> list[Row]:
        """Sum up."""
        return [
            {
                'agent': state,
                'call': name,
                'ms: n/median/p95/max': figure.spread(
                    [it * 1000 for it in some], 0.95
                ),
                'above 1 s': sum(it > GOAL_SECONDS for it in some),
                'refused by': ', '.join(sorted(self.errors[name])) or '-',
            }
            for name, some in self.seconds.items()
        ]


class _Scene:
    """An agent, who hears of it, and who calls it."""

    def __init__(
        self,
        rig: bench_rig.Rig,
        listener: bench_listener.Listener,
        agent: bench_agent.Agent,
        options: Any,
    ) -> None:
        self._rig = rig
        self._listener = listener
        self._config = agent.conf
        self._options = options

    def rows(self) -> list[Row]:
        """Call the agent in all states."""
        rows = self._call([]).rows('idle')
        with self._moving():
            rows += self._call([]).rows('policies run')
        spare = self._rig.spare
        with self._rig.frozen_spare():
            rows += self._call([spare]).rows('a QEMU is stopped')
        return rows

    @contextlib.contextmanager
    def _moving(self) -> Iterator[None]:
        """Move the balloons of three guests all the time."""
        movers = [
            latency.Mover(
                self._config,
                guest,
                self._listener,
                itertools.count(),
                self._options.seed + number,
            )
            for number, guest in enumerate(self._rig.guests[:3])
        ]
        for mover in movers:
            mover.start()
        try:
            yield
        finally:
            for mover in movers:
                mover.stop()

    def _call(self, hung: Sequence[lab_guest.Guest]) -> _Clock:
        clock = _Clock()
        guest = self._rig.guests[3]
        with contextlib.closing(
            rpc_api.AgentAPI(configuration.read(self._config))
        ) as api:
            host = api.on(configuration.HOST)
            host.show_host()
            for number in range(self._options.rounds):
                clock.call('show_host', host.show_host)
                clock.call('list_guests', host.list_guests)
                clock.call('list_policies', host.list_policies)
                target = _TARGETS[number % 2]
                self._create(clock, host, guest, target)
                for other in hung:
                    clock.call(
                        'create_policy for the stopped',
                        *(host.create_policy, other.uuid, target, '1s'),
                    )
        return clock

    def _create(
        self,
        clock: _Clock,
        host: rpc_api.HostAPI,
        guest: lab_guest.Guest,
        target: str,
    ) -> None:
        answer = clock.call(
            'create_policy', host.create_policy, guest.uuid, target, '1s'
        )
        if answer is not None:
            uuid = answer['policy']['uuid']
            self._listener.wait_ends([uuid], _HEAR_SECONDS)


def measure(rig: bench_rig.Rig, options: Any) -> list[Row]:
    """Call the agent of a rig's guests."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix='nbt-bus-')
        )
        broker = stack.enter_context(
            rabbitmq.PrivateRabbitMQ(pathlib.Path(folder))
        )
        listener = bench_listener.Listener(broker.url, {})
        stack.callback(listener.close)
        agent = stack.enter_context(latency.agent_on_bus(rig, broker, _FORM))
        rig.refill(rig.guests[:4])
        return _Scene(rig, listener, agent, options).rows()
