# SPDX-License-Identifier: Apache-2.0
"""From what happens to a policy until a listener hears of it."""

from collections.abc import Iterable, Iterator, Sequence
import contextlib
import pathlib
import random
import tempfile
import threading
from typing import Any

from benchmarks import configuration
from benchmarks import figure
from benchmarks import rig as bench_rig
from benchmarks.bus import listener as bench_listener
from benchmarks.bus import moves as bench_moves
from benchmarks.relief import agent as bench_agent
from nova_balloon_timer.rpc import api as rpc_api
from tools.lab import guest as lab_guest
from tools.lab import rabbitmq

Row = dict[str, Any]

GOAL_MS = 50.0
_HEAR_SECONDS = 30.0


@contextlib.contextmanager
def agent_on_bus(
    rig: bench_rig.Rig, broker: rabbitmq.PrivateRabbitMQ, form: str
) -> Iterator[bench_agent.Agent]:
    """Start the installed agent for the guests of a rig.

    :param form: of its notifications
    """
    with tempfile.TemporaryDirectory(prefix='nbt-bus-') as folder:
        path = pathlib.Path(folder)
        groups = configuration.on_bus(
            configuration.of_agent(rig.lab.uri, path / 'state'),
            broker.url,
            form=form,
        )
        agent = bench_agent.Agent(path, groups['balloon_timer'], groups)
        agent.start()
        try:
            yield agent
        finally:
            agent.stop()


def measure(rig: bench_rig.Rig, options: Any) -> list[Row]:
    """Make policies by calls, one after the other on each of four guests."""
    guests = rig.guests[:4]
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(
            tempfile.TemporaryDirectory(prefix='nbt-bus-')
        )
        broker = stack.enter_context(
            rabbitmq.PrivateRabbitMQ(pathlib.Path(folder))
        )
        listener = bench_listener.Listener(broker.url, {})
        stack.callback(listener.close)
        agent = stack.enter_context(agent_on_bus(rig, broker, 'both'))
        rig.refill(guests)
        movers = [
            Mover(
                agent.conf,
                guest,
                listener,
                range(options.policies // len(guests)),
                options.seed + number,
            )
            for number, guest in enumerate(guests)
        ]
        for mover in movers:
            mover.start()
        for mover in movers:
            mover.join()
        made = {it for mover in movers for it in mover.made}
        unheard = sum(len(mover.unheard) for mover in movers)
        heard = [it for it in listener.heard if it.uuid in made]
    return _rows(heard, len(made), unheard)


class Mover(threading.Thread):
    """Moves one guest's balloon, by calls to its host's agent.

    :param numbers: as many policies as there are of them
    :ivar made: the policies
    :ivar unheard: those whose ends nobody heard of in time
    """

    def __init__(
        self,
        config: pathlib.Path,
        guest: lab_guest.Guest,
        listener: bench_listener.Listener,
        numbers: Iterable[int],
        seed: int,
    ) -> None:
        super().__init__(daemon=True)
        self._config = config
        self._guest = guest
        self._listener = listener
        self._numbers = numbers
        self._is_stopped = False
        self._random = random.Random(seed)  # noqa: S311
        self.made: list[str] = []
        self.unheard: list[str] = []

    def stop(self) -> None:
        """Stop when the policy that is under way has ended."""
        self._is_stopped = True
        self.join()

    def run(self) -> None:
        """Move it down and up."""
        with contextlib.closing(
            rpc_api.AgentAPI(configuration.read(self._config))
        ) as api:
            host = api.on(configuration.HOST)
            for number in self._numbers:
                if self._is_stopped:
                    return
                is_down = number % 2 == 0
                target_kib, seconds = (
                    bench_moves.draw_down(self._random)
                    if is_down
                    else bench_moves.UP
                )
                self._move(host, target_kib, seconds)

    def _move(
        self, host: rpc_api.HostAPI, target_kib: int, seconds: float
    ) -> None:
        answer = host.create_policy(
            self._guest.uuid,
            target=f'{target_kib}K',
            duration=f'{seconds:.3f}s',
            reserve='1M',
        )
        uuid: str = answer['policy']['uuid']
        self.made.append(uuid)
        if not self._listener.wait_ends([uuid], _HEAR_SECONDS):
            self.unheard.append(uuid)


def _rows(
    heard: Sequence[bench_listener.Heard], policies: int, unheard: int
) -> list[Row]:
    rows = []
    for form in ('unversioned', 'versioned'):
        mine = [it for it in heard if it.form == form]
        ends = [it for it in mine if it.is_end]
        delays_ms = {
            'end, since ended_at': [
                (it.at - it.ended_at) * 1000
                for it in ends
                if it.ended_at is not None
            ],
            'end, since occurred_at': _since_ms(ends),
            'start, since occurred_at': _since_ms(
                [it for it in mine if it.event_type == bench_listener.START]
            ),
            'creation, since occurred_at': _since_ms(
                [it for it in mine if it.event_type == bench_listener.CREATE]
            ),
        }
        rows += [
            {
                'form': form,
                'what': what,
                'ms until heard: n/median/p95/max': figure.spread(some, 0.95),
                'above 50 ms': sum(it > GOAL_MS for it in some),
                'policies': policies,
                'ends unheard': unheard,
            }
            for what, some in delays_ms.items()
        ]
    return rows


def _since_ms(some: Sequence[bench_listener.Heard]) -> list[float]:
    return [(it.at - it.occurred_at) * 1000 for it in some]
