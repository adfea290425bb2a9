# SPDX-License-Identifier: Apache-2.0
"""Measure how well a balloon stops at its deadline.

Real guests, policies with random targets and durations, and an observer with
a line to QEMU of its own. Run as root: ``python -m benchmarks.deadline``, with
``--mode guest`` for guests that keep the clock themselves.
"""

import argparse
from collections.abc import Sequence
import json
import pathlib
import random
import time
from typing import Any

import libvirt

from benchmarks import figure
from benchmarks import guest_clock
from benchmarks import observer
from benchmarks import rig as bench_rig
from tools.lab import guest as lab_guest

_KIB = 1024
_RESERVE_KIB = 64 * _KIB
_SPEED_TARGET_KIB = 300 * _KIB

Row = dict[str, Any]


class Bench:
    """All measurements share the guests and the random numbers."""

    def __init__(self, rig: bench_rig.Rig, seed: int) -> None:
        self._rig = rig
        self._random = random.Random(seed)  # noqa: S311

    def order(self, guest: lab_guest.Guest, **changes: Any) -> Row:
        """Draw a policy; every second one has no reserve to hold it."""
        return {
            'guest_uuid': guest.uuid,
            'start_kib': bench_rig.FULL_KIB,
            'target_kib': self._random.randint(150, 900) * _KIB,
            'duration_seconds': self._random.uniform(0.1, 1.5),
            'reserve_kib': self._random.choice((0, _RESERVE_KIB)),
            'leash_kib': 16 * _KIB,
            'lead_seconds': 0.1,
        } | changes

    def deadlines(
        self,
        controller: bench_rig.Controller,
        guests: Sequence[lab_guest.Guest],
        policies: int,
        frozen: lab_guest.Guest | None = None,
    ) -> list[Row]:
        """Run rounds of a policy a guest until there are enough."""
        ends: list[Row] = []
        while len(ends) < policies:
            self._rig.refill(guests)
            orders = [self.order(guest) for guest in guests]
            if frozen is not None:
                orders.append(self.order(frozen, duration_seconds=1.0))
            ends += self._round(controller, orders)
        return ends

    def _round(
        self, controller: bench_rig.Controller, orders: Sequence[Row]
    ) -> list[Row]:
        controller.order(orders)
        observers = self._rig.observers
        watching = []
        while 'ends' not in (content := controller.read()):
            uuid = content['started']
            if uuid in observers:
                deadline_at = content['at'] + content['duration_seconds']
                observers[uuid].watch(deadline_at)
                watching.append(uuid)
        tracks = {uuid: observers[uuid].stop() for uuid in watching}
        ends: list[Row] = content['ends']
        seconds = sum(end['ended_at'] - end['started_at'] for end in ends)
        for end in ends:
            end['cpu_share'] = content['cpu_seconds'] / seconds
            track = tracks.get(end['guest_uuid'])
            if end['reason'] == 'deadline' and track:
                at = end['deadline_at']
                late_seconds = observer.late_seconds(track, at)
                end_kib, most_kib = observer.moved_after_kib(track, at)
                end['late_ms'] = late_seconds * 1000
                end['after_mib'] = end_kib / _KIB
                end['most_mib'] = most_kib / _KIB
                end['was_moving'] = _was_moving(track, at)
        return [end for end in ends if end['guest_uuid'] in observers]

    def speed(
        self, controller: bench_rig.Controller, pairs: int
    ) -> list[float]:
        """Compare with bare setMemoryFlags on the same guest, in turn."""
        guest = self._rig.guests[0]
        watch = self._rig.observers[guest.uuid]
        ratios = []
        for _ in range(pairs):
            self._rig.refill([guest])
            begin = time.monotonic()
            guest.domain.setMemoryFlags(
                _SPEED_TARGET_KIB, libvirt.VIR_DOMAIN_AFFECT_LIVE
            )
            bare_seconds = watch.reached_at(_SPEED_TARGET_KIB, 60) - begin
            self._rig.refill([guest])
            controller.order(
                [
                    self.order(
                        guest,
                        target_kib=_SPEED_TARGET_KIB,
                        duration_seconds=30.0,
                        reserve_kib=_RESERVE_KIB,
                    )
                ]
            )
            reached_at = watch.reached_at(_SPEED_TARGET_KIB, 60)
            while 'ends' not in (content := controller.read()):
                pass
            (end,) = content['ends']
            ratios.append(bare_seconds / (reached_at - end['started_at']))
        return ratios

    def kills(self, rounds: int, lead_seconds: float) -> list[float]:
        """Kill the controller in mid-policy; return MiB moved after that."""
        guest = self._rig.guests[0]
        watch = self._rig.observers[guest.uuid]
        moved_mib = []
        for _ in range(rounds):
            self._rig.refill([guest])
            controller = bench_rig.Controller(self._rig.lab.uri)
            controller.order(
                [
                    self.order(
                        guest,
                        target_kib=150 * _KIB,
                        duration_seconds=10.0,
                        reserve_kib=0,
                        lead_seconds=lead_seconds,
                    )
                ]
            )
            controller.read()
            time.sleep(self._random.uniform(0.02, 0.8))
            controller.kill()
            at_kill_kib = watch.look()
            moved_mib.append((at_kill_kib - watch.wait_still()) / _KIB)
        return moved_mib


def _was_moving(track: observer.Track, deadline_at: float) -> bool:
    before = [kib for at, kib in track if at <= deadline_at]
    return len(set(before)) > 1


def deadline_row(name: str, ends: Sequence[Row]) -> Row:
    """Sum up a group of policies; lateness is of those that were moving."""
    late = [end for end in ends if end.get('was_moving')]
    reasons = sorted({end['reason'] for end in ends})
    return {
        'guests': name,
        'ends': ', '.join(
            f'{sum(end["reason"] == reason for end in ends)} {reason}'
            for reason in reasons
        ),
        'late ms: n/median/p99/max': figure.spread(
            [end['late_ms'] for end in late]
        ),
        'MiB after: n/median/p99/max': figure.spread(
            [end['after_mib'] for end in late]
        ),
        'most MiB away: n/median/p99/max': figure.spread(
            [end['most_mib'] for end in late]
        ),
        'CPU s a policy-second': round(
            sum(end['cpu_share'] for end in ends) / len(ends), 4
        ),
    }


def _measure(options: argparse.Namespace) -> dict[str, Any]:
    counts = [int(count) for count in options.guests.split(',')]
    with bench_rig.Rig(max(*counts, 4)) as rig:
        bench = Bench(rig, options.seed)
        controller = rig.controller()
        rows = [
            deadline_row(
                str(count),
                bench.deadlines(
                    controller, rig.guests[:count], options.policies
                ),
            )
            for count in counts
        ]
        four = rig.guests[:4]
        few = max(4, options.policies // 2)
        rows.append(
            deadline_row('4 again', bench.deadlines(controller, four, few))
        )
        with rig.frozen_spare():
            frozen = bench.deadlines(controller, four, few, rig.spare)
        rows.append(deadline_row('4, and a frozen one', frozen))
        figure.show('The balloon after its deadline', rows)
        speed = bench.speed(controller, options.pairs)
        kills = [
            {
                'leash': name,
                'MiB after kill -9: n/median/p99/max': figure.spread(
                    bench.kills(options.kills, lead_seconds)
                ),
            }
            for name, lead_seconds in (('16 MiB', 0.0), ('0.1 s', 0.1))
        ]
        figure.show('kill -9 of the controller in mid-policy', kills)
        speed_row = {
            'pairs': len(speed),
            'bare time / ours: min': round(min(speed), 3),
            'median': figure.quantile(sorted(speed), 0.5),
            'max': round(max(speed), 3),
        }
        figure.show('Speed against bare setMemoryFlags', [speed_row])
        kills_in_guests = rig.oom_kills()
    return {
        'seed': options.seed,
        'deadlines': rows,
        'kills': kills,
        'speed': speed_row,
        'guests_whose_program_was_killed': kills_in_guests,
    }


def main() -> None:
    """Measure, print tables, and JSON at the end."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        '--mode',
        choices=('host', 'guest'),
        default='host',
        help='who keeps the clock; guest: beside guests whose host does',
    )
    parser.add_argument(
        '--loads',
        nargs='*',
        choices=[load.name for load in guest_clock.LOADS],
        default=[load.name for load in guest_clock.LOADS],
        help='what guests do that keep the clock',
    )
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--policies', type=int, default=100)
    parser.add_argument('--guests', default='1,4,8')
    parser.add_argument('--kills', type=int, default=20)
    parser.add_argument('--pairs', type=int, default=10)
    parser.add_argument('--json', type=pathlib.Path, metavar='FILE')
    options = parser.parse_args()
    print(f'seed {options.seed}', flush=True)
    measure = guest_clock.measure if options.mode == 'guest' else _measure
    result = measure(options)
    text = json.dumps(result, indent=2)
    print(text)
    if options.json is not None:
        options.json.write_text(text + '\n', encoding='utf-8')


if __name__ == '__main__':
    main()
