# SPDX-License-Identifier: Apache-2.0
"""Notifications of policies while the broker comes and goes."""

from collections.abc import Callable, Sequence
import pathlib
import random
import tempfile
import threading
import time
from typing import Any

from benchmarks import configuration
from benchmarks import figure
from benchmarks import rig as bench_rig
from benchmarks.bus import listener as bench_listener
from benchmarks.bus import moves as bench_moves
from benchmarks.bus import tally as bench_tally
from tools.lab import rabbitmq

Row = dict[str, Any]

_FORM = 'versioned'
_AWAY_SECONDS = 6.0
# The agent's pause between attempts, and what the broker needs to recover.
_PATIENCE_SECONDS = 60.0


class Outages:
    """Ends the broker at shares of the policies, and starts it again.

    :param ways: of ending it, one an outage
    """

    def __init__(
        self,
        broker: rabbitmq.PrivateRabbitMQ,
        ways: Sequence[Callable[[], None]],
        policies: int,
        draw: random.Random,
        journal: pathlib.Path,
    ) -> None:
        self._broker = broker
        self._journal = journal
        self._ways = list(ways)
        self._marks = [
            round(policies * (number + 0.5) / (len(ways) + 0.5))
            for number in range(len(ways))
        ]
        self._draw = draw
        self._thread: threading.Thread | None = None
        self.spans: list[tuple[float, float]] = []
        self.sent_seconds: list[float | None] = []

    @property
    def are_over(self) -> bool:
        """Tell whether all have begun."""
        return not self._marks

    def note(self, policies: int) -> None:
        """Begin an outage if it is time."""
        if self._marks and policies >= self._marks[0] and not self._is_away:
            self._marks.pop(0)
            self._thread = threading.Thread(
                target=self._have_one, args=(self._ways.pop(0),)
            )
            self._thread.start()

    def wait(self) -> None:
        """Wait until the broker is there again."""
        if self._thread is not None:
            self._thread.join()

    @property
    def _is_away(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def _have_one(self, end: Callable[[], None]) -> None:
        # Anywhere in a round, and anywhere in what is being sent.
        time.sleep(self._draw.uniform(0, 1))
        begin = time.time()
        try:
            end()
            time.sleep(_AWAY_SECONDS)
            self._broker.start()
        finally:
            self.spans.append((begin, time.time()))
        self.sent_seconds.append(
            bench_tally.wait_sent(self._journal, _PATIENCE_SECONDS)
        )


def measure(rig: bench_rig.Rig, options: Any) -> list[Row]:
    """Run all policies once for each way of keeping what is sent."""
    rows = []
    for name, rabbit in configuration.KEEPING.items():
        with tempfile.TemporaryDirectory(prefix='nbt-bus-') as folder:
            root = pathlib.Path(folder)
            with rabbitmq.PrivateRabbitMQ(root / 'broker') as broker:
                campaign = _Campaign(rig, broker, root, options, rabbit)
                rows.append({'broker keeps by': name, **campaign.run()})
    return rows


class _Campaign:
    """A controller, a listener, and a broker that is not always there."""

    def __init__(
        self,
        rig: bench_rig.Rig,
        broker: rabbitmq.PrivateRabbitMQ,
        root: pathlib.Path,
        options: Any,
        rabbit: configuration.Options,
    ) -> None:
        self._rig = rig
        self._broker = broker
        self._state = root / 'state'
        self._journal = self._state / 'journal.sqlite'
        self._policies = options.policies
        self._rabbit = rabbit
        groups = configuration.on_bus(
            configuration.of_agent(rig.lab.uri, self._state),
            broker.url,
            form=_FORM,
            rabbit=rabbit,
        )
        self._config = configuration.write(root / 'agent.conf', groups)
        self._rounds = bench_moves.Rounds(rig, options.seed)
        ends = (broker.kill, broker.stop)
        self._outages = Outages(
            broker,
            [ends[number % 2] for number in range(options.outages)],
            options.policies,
            random.Random(options.seed),  # noqa: S311
            self._journal,
        )

    def run(self) -> Row:
        """Run it, and tell how it was told."""
        guests = self._rig.guests[:4]
        self._rig.refill(guests)
        listener = bench_listener.Listener(self._broker.url, self._rabbit)
        controller = bench_rig.Controller(self._rig.lab.uri, self._config)
        try:
            self._move(controller, guests)
            self._outages.wait()
            ended = bench_tally.read_ended(self._journal)
            listener.wait_ends(ended, _PATIENCE_SECONDS)
            return self._row(ended, listener.heard)
        finally:
            controller.kill()
            listener.close()

    def _move(
        self,
        controller: bench_rig.Controller,
        guests: Sequence[Any],
    ) -> None:
        count = 0
        while count < self._policies or not self._outages.are_over:
            self._outages.note(count)
            controller.order(self._rounds.draw(guests))
            while 'ends' not in (content := controller.read()):
                pass
            count += len(content['ends'])

    def _row(
        self,
        ended: dict[str, bench_tally.Ended],
        heard: Sequence[bench_listener.Heard],
    ) -> Row:
        tally = bench_tally.count(ended, heard)
        late_ms: dict[bool, list[float]] = {True: [], False: []}
        ended_away = 0
        for it in ended.values():
            is_away = self._is_away(it.ended_at)
            ended_away += is_away
            if it.lateness_seconds is not None:
                late_ms[is_away].append(it.lateness_seconds * 1000)
        return {
            'policies': tally.policies,
            'ended in outages': ended_away,
            'ends heard': tally.ends,
            'ends lost': tally.lost_ends,
            'others lost': tally.lost_others,
            'out of order': tally.misplaced,
            'heard twice': tally.doubles,
            'twice, not known': tally.unlike,
            'left in outbox': bench_tally.count_waiting(self._journal),
            's away': [round(end - begin, 1) for begin, end in self._spans],
            's from then until all was sent': [
                _round(it) for it in self._outages.sent_seconds
            ],
            'longest s to be heard': _round(tally.longest_seconds),
            'late ms in outages: n/median/p95/max': figure.spread(
                late_ms[True], 0.95
            ),
            'late ms else: n/median/p95/max': figure.spread(
                late_ms[False], 0.95
            ),
        }

    @property
    def _spans(self) -> list[tuple[float, float]]:
        return self._outages.spans

    def _is_away(self, at: float) -> bool:
        return any(begin <= at <= end for begin, end in self._spans)


def _round(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
