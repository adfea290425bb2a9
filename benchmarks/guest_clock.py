# SPDX-License-Identifier: Apache-2.0
"""Measure how well guests stop that keep the clock themselves.

Beside each such guest, with our driver, stands one with the stock driver whose
clock the host keeps. A part of ``python -m benchmarks.deadline --mode guest``.
"""

import contextlib
import dataclasses
import os
import pathlib
import random
import signal
import time
from typing import Any, cast

import libvirt

from benchmarks import figure
from benchmarks import observer
from benchmarks import rig as bench_rig
from tools.lab import domain
from tools.lab import guest as lab_guest

_KIB = 1024
_LONG_SECONDS = 1.0
_DRIVERS = (domain.Driver.TIMED, domain.Driver.STOCK)

Row = dict[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Load:
    """What a guest does beside ballooning.

    :param low_mib: the lowest target; below the working set it swaps
    """

    name: str
    hog_mib: int = 0
    zram_mib: int = 0
    disk_swap_mib: int = 0
    low_mib: int = 150
    high_mib: int = 600


LOADS = (
    Load('idle'),
    Load('swaps to zram', hog_mib=500, zram_mib=768),
    Load('swaps to disk', hog_mib=500, disk_swap_mib=1024),
)


class Pair(contextlib.ExitStack):
    """Two guests under one load: one of either driver, and a controller."""

    def __init__(self, load: Load, seed: int) -> None:
        super().__init__()
        self.load = load
        self.random = random.Random(seed)  # noqa: S311
        self.rig = self.enter_context(bench_rig.Rig(2, self._spec))
        self.guests = dict(
            zip(('guest', 'host'), self.rig.guests, strict=True)
        )
        self.controller = self.rig.controller()

    def _spec(self, number: int, folder: pathlib.Path) -> domain.GuestSpec:
        if number == len(_DRIVERS):
            return domain.GuestSpec(name='spare', memory_mib=128)
        load = self.load
        return domain.GuestSpec(
            name=f'bench{number}',
            memory_mib=bench_rig.MEMORY_MIB,
            hog_mib=load.hog_mib,
            zram_mib=load.zram_mib,
            disk_swap_mib=load.disk_swap_mib,
            driver=_DRIVERS[number],
            agent=True,
            stats_period_seconds=1,
            qmp_socket=folder / f'{number}.qmp',
        )

    def order(self, mode: str, **changes: Any) -> Row:
        """Draw a policy that is to be in mid-movement at its deadline."""
        load = self.load
        return {
            'guest_uuid': self.guests[mode].uuid,
            'start_kib': bench_rig.FULL_KIB,
            'target_kib': _KIB
            * self.random.randint(load.low_mib, load.high_mib),
            'duration_seconds': self.random.uniform(0.1, 1.2),
            'reserve_kib': 0,
            'leash_kib': 16 * _KIB,
            'lead_seconds': 0.1,
            'mode': mode,
        } | changes

    def refill(self, mode: str) -> lab_guest.Guest:
        """Give a guest its memory back."""
        guest = self.guests[mode]
        self.rig.refill([guest], awaits_statistics=False)
        return guest

    def run(self, mode: str) -> Row:
        """Run a policy to its end, under observation."""
        guest = self.refill(mode)
        order = self.order(mode)
        watch = self.rig.observers[guest.uuid]
        watch.watch(time.monotonic() + order['duration_seconds'])
        self.controller.order([order])
        start_ms = None
        while 'ends' not in (content := self.controller.read()):
            start_ms = (content['told_at'] - content['at']) * 1000
        (end,) = content['ends']
        return _judged(end, watch.stop()) | {'start_ms': start_ms}


def lateness(pair: Pair, policies: int) -> list[Row]:
    """Compare the two, policy by policy in turn."""
    ends: dict[str, list[Row]] = {mode: [] for mode in pair.guests}
    for _ in range(policies):
        for mode in pair.guests:
            ends[mode].append(pair.run(mode))
    return [_row(pair.load.name, mode, found) for mode, found in ends.items()]


def _judged(end: Row, track: observer.Track) -> Row:
    deadline_at = end['deadline_at']
    before = {kib for at, kib in track if at <= deadline_at}
    end_kib, most_kib = observer.moved_after_kib(track, deadline_at)
    return end | {
        'was_moving': len(before) > 1,
        'late_ms': observer.late_seconds(track, deadline_at) * 1000,
        'after_mib': end_kib / _KIB,
        'most_mib': most_kib / _KIB,
    }


def _row(load: str, mode: str, ends: list[Row]) -> Row:
    late = [end for end in ends if end['was_moving']]
    own = [end['guest'] for end in ends if 'guest' in end]
    own = [said for said in own if said['reason'] == 'deadline']
    reasons = sorted({end['reason'] for end in ends})
    return {
        'load': load,
        'mode': mode,
        'ends': ', '.join(
            f'{sum(end["reason"] == reason for end in ends)} {reason}'
            for reason in reasons
        ),
        'late ms, guest clock: n/median/p99/max': figure.spread(
            [said['late_seconds'] * 1000 for said in own]
        ),
        'MiB after, guest': figure.spread(
            [said['after_kib'] / _KIB for said in own]
        ),
        'ms to start': figure.spread(
            [end['start_ms'] for end in ends if end['start_ms'] is not None]
        ),
        'late ms, seen outside': figure.spread(
            [end['late_ms'] for end in late]
        ),
        'MiB after, outside': figure.spread(
            [end['after_mib'] for end in late]
        ),
    }


def outages(pair: Pair, rounds: int) -> list[Row]:
    """Kill the controller, or stop libvirtd, in mid-policy."""
    rows = []
    for name, strike in (
        ('controller killed', _kill_controller),
        ('libvirtd stopped', _stop_libvirtd),
    ):
        for mode in pair.guests:
            found = [strike(pair, mode) for _ in range(rounds)]
            rows.append(
                {
                    'outage': name,
                    'mode': mode,
                    'late ms: n/median/p99/max': figure.spread(
                        [it['late_ms'] for it in found]
                    ),
                    'MiB after the deadline': figure.spread(
                        [it['after_mib'] for it in found]
                    ),
                    'MiB of the policy': figure.spread(
                        [it['moved_mib'] for it in found]
                    ),
                }
            )
    return rows


def _begin(pair: Pair, mode: str) -> tuple[observer.Observer, float]:
    """Start a long policy, and see that it has begun.

    :returns: who watches it, and its deadline
    """
    guest = pair.refill(mode)
    watch = pair.rig.observers[guest.uuid]
    deadline_at = time.monotonic() + _LONG_SECONDS
    watch.watch(deadline_at)
    pair.controller.order(
        [
            pair.order(
                mode,
                target_kib=pair.load.low_mib * _KIB,
                duration_seconds=_LONG_SECONDS,
            )
        ]
    )
    pair.controller.read()
    return watch, deadline_at


def _kill_controller(pair: Pair, mode: str) -> Row:
    watch, deadline_at = _begin(pair, mode)
    time.sleep(pair.random.uniform(0.05, 0.4))
    pair.controller.kill()
    found = _outcome(watch, deadline_at)
    pair.controller = pair.rig.controller()
    return found


def _stop_libvirtd(pair: Pair, mode: str) -> Row:
    watch, deadline_at = _begin(pair, mode)
    time.sleep(pair.random.uniform(0.05, 0.4))
    pid = cast('int', pair.rig.lab.pid)
    os.kill(pid, signal.SIGSTOP)
    try:
        found = _outcome(watch, deadline_at)
    finally:
        os.kill(pid, signal.SIGCONT)
    while 'ends' not in pair.controller.read():
        pass
    return found


def _outcome(watch: observer.Observer, deadline_at: float) -> Row:
    """Wait until a second after the deadline, and say what moved."""
    time.sleep(deadline_at + 1.0 - time.monotonic())
    track = watch.stop()
    end_kib, _ = observer.moved_after_kib(track, deadline_at)
    return {
        'late_ms': observer.late_seconds(track, deadline_at) * 1000,
        'after_mib': end_kib / _KIB,
        'moved_mib': (bench_rig.FULL_KIB - track[-1][1]) / _KIB,
    }


_SPEED_TARGET_KIB = 300 * _KIB
_SWAPS = {
    'stock': 'rmmod timed_balloon; insmod /modules/virtio_balloon.ko',
    'timed': 'rmmod virtio_balloon; insmod /modules/timed_balloon.ko',
}


def speed(pair: Pair, rounds: int) -> list[Row]:
    """Compare the drivers in one guest: stock, ours, ours with a policy."""
    guest = pair.guests['guest']
    seconds: dict[str, list[float]] = {it: [] for it in _CONTESTANTS}
    for _ in range(rounds):
        for name in _CONTESTANTS:
            pair.refill('guest')
            seconds[name].append(_CONTESTANTS[name](pair, guest))
    return [
        {
            'driver': name,
            'pairs': rounds,
            's: n/median/p99/max': figure.spread(seconds[name]),
            'stock time / its time: n/median/p99/max': figure.spread(
                [
                    stock / its
                    for stock, its in zip(
                        seconds['stock'], seconds[name], strict=True
                    )
                ]
            ),
        }
        for name in _CONTESTANTS
    ]


def _time_stock(pair: Pair, guest: lab_guest.Guest) -> float:
    guest.shell(_SWAPS['stock'])
    try:
        return _time_target(pair, guest)
    finally:
        pair.refill('guest')
        guest.shell(_SWAPS['timed'])


def _time_target(pair: Pair, guest: lab_guest.Guest) -> float:
    watch = pair.rig.observers[guest.uuid]
    begin = time.monotonic()
    guest.domain.setMemoryFlags(
        _SPEED_TARGET_KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE
    )
    return watch.reached_at(_SPEED_TARGET_KIB, 60) - begin


def _time_policy(pair: Pair, guest: lab_guest.Guest) -> float:
    watch = pair.rig.observers[guest.uuid]
    pair.controller.order(
        [
            pair.order(
                'guest', target_kib=_SPEED_TARGET_KIB, duration_seconds=30.0
            )
        ]
    )
    pair.controller.read()
    reached_at = watch.reached_at(_SPEED_TARGET_KIB, 60)
    (end,) = pair.controller.read()['ends']
    began_at: float = end['started_at']
    return reached_at - began_at


_CONTESTANTS = {
    'stock': _time_stock,
    'timed': _time_target,
    'timed, with a policy': _time_policy,
}


def measure(options: Any) -> dict[str, Any]:
    """Measure under every load, and print tables."""
    late: list[Row] = []
    broken: list[Row] = []
    fast: list[Row] = []
    for load in (it for it in LOADS if it.name in options.loads):
        with Pair(load, options.seed) as pair:
            rows = lateness(pair, options.policies)
            figure.show('The balloon after its deadline', rows)
            late += rows
            if load is LOADS[0]:
                broken = outages(pair, options.kills)
                figure.show('The host fails in mid-policy', broken)
                fast = speed(pair, options.pairs)
                figure.show('From 1024 to 300 MiB', fast)
    return {
        'seed': options.seed,
        'deadlines': late,
        'outages': broken,
        'speed': fast,
    }
