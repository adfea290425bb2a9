# SPDX-License-Identifier: Apache-2.0
"""Kill the agent at random moments, start it again, and count the losses.

The host is a file here, so that one set of guests serves all the kills: what
counts is what becomes of policies, and not whether the kernel is short.
"""

from collections.abc import Callable, Iterable
import contextlib
import pathlib
import random
import tempfile
import time
from typing import Any

from benchmarks.relief import agent as bench_agent
from benchmarks.relief import balloons as bench_balloons
from benchmarks.relief import evidence
from benchmarks.relief import fakehost
from tools.lab import domain
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

Row = dict[str, Any]

_GUESTS = 4
_MEMORY_MIB = 512
_TOUCH_MIB = 380
_STATISTICS_SECONDS = 2.5
_HEAL_SECONDS = 60
# An order that was under way when its sender was killed is still carried out;
# what comes later is from the next worker.
_PIPELINE_SECONDS = 0.05
# Longer than policies last here.
_MOST_PAUSE_SECONDS = 8.0
_KIB = 1024
# A policy that has ended leaves the target where the balloon stands.
_FREEZE_SECONDS = 0.5
_STILL_KIB = 1024
# The leash as delivered.
_LEASH_KIB = 16 * 1024
_LEASH_SECONDS = 0.1


class Campaign(contextlib.ExitStack):
    """Guests, a host in a file, and an agent that is killed again and again.

    :param folder: gets what the agent leaves
    """

    def __init__(self, seed: int, folder: pathlib.Path) -> None:
        super().__init__()
        self._random = random.Random(seed)  # noqa: S311
        self._folder = folder
        self._known: dict[str, evidence.Row] = {}
        self.rows: list[Row] = []
        self.lost: set[str] = set()
        self.ended_twice: set[str] = set()

    def __enter__(self) -> 'Campaign':
        with contextlib.ExitStack() as stack:
            self._set_up(stack)
            self.callback(stack.pop_all().close)
        return self

    def _set_up(self, stack: contextlib.ExitStack) -> None:
        root = pathlib.Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix='nbt-'))
        )
        lab = stack.enter_context(libvirtd.PrivateLibvirtd(root))
        specs = [
            domain.GuestSpec(
                name=f'crash{number}',
                memory_mib=_MEMORY_MIB,
                touch_mib=_TOUCH_MIB,
                qmp_socket=root / f'{number}.qmp',
            )
            for number in range(_GUESTS)
        ]
        guests = lab_guest.start_all(lab.open(), specs, root / 'console')
        stack.callback(lab_guest.stop_all, guests)
        self.balloons = {}
        for guest in guests:
            guest.wait_ready()
            name = guest.spec.name
            log = root / 'log' / 'qemu' / f'{name}.log'
            self.balloons[name] = bench_balloons.Balloon(guest, log)
            stack.callback(self.balloons[name].close)
        proc = root / 'proc'
        self.host = stack.enter_context(fakehost.FakeHost(proc, self.balloons))
        self.agent = bench_agent.Agent(self._folder, _options(lab.uri, proc))
        stack.callback(self.agent.stop)
        self.agent.start()
        time.sleep(_STATISTICS_SECONDS)

    def kill(self) -> None:
        """Begin an episode, kill in the midst of it, and let all heal."""
        way = self._random.choice(('at once', 'at once', 'later'))
        phase = self._random.choice(('relief', 'relief', 'relief', 'return'))
        self.host.demand_mib = self._random.randint(550, 1100)
        if phase == 'return':
            _wait(lambda: self.host.is_relieved, 10)
            self.host.demand_mib = 0
        time.sleep(self._random.uniform(0, 4 if phase == 'return' else 1.3))
        kill_at = self.agent.kill()
        held = self._audit()
        if way == 'later':
            time.sleep(self._random.uniform(0, _MOST_PAUSE_SECONDS))
        self.agent.start()
        ready_at = time.time()
        time.sleep(self._random.uniform(0, 3))
        self.host.demand_mib = 0
        calm_at = time.time()
        healed = _wait(self._is_healed, _HEAL_SECONDS)
        self.rows.append(
            {
                'way': way,
                'phase': phase,
                'in_flight': held,
                'restart_seconds': round(ready_at - kill_at, 2),
                'heal_seconds': round(time.time() - calm_at, 2),
                'healed': healed,
                **self._moved(kill_at),
            }
        )

    def _is_healed(self) -> bool:
        if not all(it.is_full for it in self.balloons.values()):
            return False
        found = evidence.rows(self.agent.journal)
        return all(it.ended_at is not None for it in found.values())

    def _audit(self) -> int:
        """Compare the journal with what it held before.

        :returns: how many policies are in flight
        """
        found = evidence.rows(self.agent.journal)
        for uuid, before in self._known.items():
            after = found.get(uuid)
            if after is None:
                self.lost.add(uuid)
            elif before.ended_at is not None and before != after:
                self.ended_twice.add(uuid)
        self._known = found
        return sum(it.ended_at is None for it in found.values())

    def _moved(self, kill_at: float) -> Row:
        """Measure what the guests did while nobody was in charge."""
        old_until = kill_at + _PIPELINE_SECONDS
        worst: Row = {'moved_mib': 0.0, 'ahead_mib': 0.0, 'leash_mib': 16.0}
        over = 0
        still_at = kill_at
        for balloon in self.balloons.values():
            at_kill_kib = balloon.actual_at(kill_at)
            next_at = balloon.first_order_at(old_until) or time.time()
            orders = [kib for at, kib in balloon.orders if at <= old_until]
            if not orders:
                continue
            last_at = balloon.last_move_at(kill_at, next_at)
            still_at = max(still_at, last_at)
            moved_kib = abs(balloon.actual_at(next_at) - at_kill_kib)
            rate = balloon.fastest_kib_per_second(old_until)
            leash_kib = max(_LEASH_KIB, _LEASH_SECONDS * rate)
            over += moved_kib > leash_kib + _STILL_KIB
            if moved_kib / _KIB >= worst['moved_mib']:
                worst = {
                    'moved_mib': moved_kib / _KIB,
                    'ahead_mib': abs(orders[-1] - at_kill_kib) / _KIB,
                    'leash_mib': round(leash_kib / _KIB, 1),
                }
        still_ms = round((still_at - kill_at) * 1000, 1)
        return {**worst, 'over_leash': over, 'still_ms': still_ms}

    def verdict(self) -> Row:
        """Say what is wrong when all is over."""
        self.host.demand_mib = 0
        if not self.agent.is_running:
            self.agent.start()
        _wait(self._is_healed, _HEAL_SECONDS)
        in_flight = self._audit()
        return {
            'policies': len(self._known),
            'lost': len(self.lost),
            'ended twice': len(self.ended_twice),
            'orphaned': in_flight,
            'orders of no policy': self._unowned(),
            'guests not full': bench_balloons.lacking(
                list(self.balloons.values())
            ),
            'trouble': self.agent.trouble,
        }

    def _unowned(self) -> list[str]:
        """Give orders that QEMU got while no policy was in force."""
        return [
            f'{name}: {kib} KiB at {at:.3f}, stood at {balloon.actual_at(at)}'
            for name, balloon in self.balloons.items()
            for at, kib in balloon.orders
            if not _is_owned(balloon, at, kib, self._known.values())
        ]


def _is_owned(
    balloon: bench_balloons.Balloon,
    at: float,
    kib: int,
    policies: Iterable[evidence.Row],
) -> bool:
    """Tell whether an order is from a policy, or makes one stand still."""
    stands = abs(kib - balloon.actual_at(at)) <= _STILL_KIB
    grace_seconds = _FREEZE_SECONDS if stands else 0.0
    name = balloon.guest.spec.name
    return any(
        it.requested_at <= at <= (it.ended_at or at) + grace_seconds
        for it in policies
        if it.guest_name == name
    )


def _options(uri: str, proc: pathlib.Path) -> dict[str, object]:
    return {
        'connection_uri': uri,
        'proc_root': proc,
        'pressure_sources': 'meminfo',
        'low_watermark': f'{fakehost.LOW_MIB}M',
        'high_watermark': f'{fakehost.HIGH_MIB}M',
        'pressure_settle_seconds': 1,
        'return_settle_seconds': 1,
        'return_round_seconds': 0.5,
        'return_seconds': 2,
        'shortest_relief_seconds': 2,
        'longest_relief_seconds': 6,
        'cool_down_seconds': 1,
        'cool_down_longest_seconds': 4,
    }


def _wait(condition: Callable[[], bool], seconds: float) -> bool:
    """Wait for a condition, but not for ever, and say whether it came."""
    until = time.monotonic() + seconds
    while not (is_so := condition()) and time.monotonic() < until:
        time.sleep(0.1)
    return is_so
