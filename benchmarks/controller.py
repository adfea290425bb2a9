# SPDX-License-Identifier: Apache-2.0
"""The controller under test, in a process of its own that may be killed.

It reads one JSON list of orders a line from standard input, runs them as
policies of the real manager, applier and engine, or of a whole agent, and
writes JSON lines: one as each policy starts, and one with all ends and the CPU
time that was used.
"""

import argparse
from collections.abc import Callable, Sequence
import json
import pathlib
import sys
import threading
import time
from typing import Any
import uuid

from benchmarks.bus import subject
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from nova_balloon_timer.engine import machine
from nova_balloon_timer.engine import settings

# A frozen guest's end stays unconfirmed; it need not be waited for long.
_SETTINGS = settings.EngineSettings(freeze_timeout_seconds=3.0)


def _tell(**content: Any) -> None:
    print(json.dumps(content), flush=True)


_Run = Callable[[Sequence[model.BalloonPolicy]], None]


class _Teller:
    def __init__(self) -> None:
        self.reports: list[model.EndReport] = []
        self.requested_at = 0.0
        self._changed = threading.Condition()

    def wait(self, ends: int) -> None:
        """Wait until so many policies have ended."""
        with self._changed:
            self._changed.wait_for(lambda: len(self.reports) >= ends)

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Tell the observer when to look."""
        _tell(
            started=balloon_policy.guest_uuid,
            at=self.requested_at,
            told_at=time.monotonic(),
            duration_seconds=balloon_policy.duration_seconds,
        )

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Learn nothing: the observer has a line to QEMU of its own."""

    def ended(self, report: model.EndReport) -> None:
        """Keep it for the end of the round."""
        with self._changed:
            self.reports.append(report)
            self._changed.notify_all()


def _policy(order: dict[str, Any]) -> model.BalloonPolicy:
    start_kib, target_kib = order['start_kib'], order['target_kib']
    is_inflation = target_kib < start_kib
    return model.BalloonPolicy(
        uuid=str(uuid.uuid4()),
        guest_uuid=order['guest_uuid'],
        direction=model.Direction.INFLATE
        if is_inflation
        else model.Direction.DEFLATE,
        start_actual_kib=start_kib,
        target_kib=target_kib,
        maximum_kib=order.get('maximum_kib', start_kib),
        duration_seconds=order['duration_seconds'],
        guards=model.Guards(
            floor_kib=1024,
            reserve_kib=order['reserve_kib'],
            # What is measured is the deadline, also of guests that thrash.
            swap_in_kib_per_second=10**12,
            major_faults_per_second=10**12,
        ),
        leash=model.Leash(
            minimum_kib=order['leash_kib'],
            lead_seconds=order['lead_seconds'],
        ),
        mode=timekeeping.Mode(order.get('mode', 'host')),
    )


def _end(report: model.EndReport) -> dict[str, Any]:
    content: dict[str, Any] = {
        'uuid': report.policy.uuid,
        'guest_uuid': report.policy.guest_uuid,
        'reason': report.reason.value,
        'detail': report.detail,
        'started_at': report.started_at,
        'deadline_at': report.deadline_at,
        'ended_at': report.ended_at,
        'confirmed': report.confirmed,
        'moved_kib': report.moved_kib,
    }
    said = report.guest_report
    if said is not None:
        content['guest'] = {
            'reason': said.reason.value,
            'late_seconds': said.lateness_seconds,
            'after_kib': said.moved_after_deadline_kib,
        }
    return content


def _run_round(
    run: _Run, teller: _Teller, orders: list[dict[str, Any]]
) -> None:
    cpu_seconds = time.process_time()
    teller.reports.clear()
    teller.requested_at = time.monotonic()
    run([_policy(order) for order in orders])
    _tell(
        cpu_seconds=time.process_time() - cpu_seconds,
        ends=[_end(report) for report in teller.reports],
    )


def _start_manager(uri: str, teller: _Teller) -> _Run:
    applier = libvirt_applier.LibvirtApplier(uri)
    applier.connect()
    pool = applier_pool.WorkerPool(
        size=10, on_start=applier.connect, on_stop=applier.disconnect
    )
    crank = manager.Manager(
        applier, pool, teller, engine=machine.Engine(_SETTINGS)
    )

    def run(policies: Sequence[model.BalloonPolicy]) -> None:
        for balloon_policy in policies:
            crank.post(message.PolicyRequested(policy=balloon_policy))
        crank.run_until_idle()

    return run


def _start_agent(config: pathlib.Path, teller: _Teller) -> _Run:
    agent = subject.Agent(config, teller)
    agent.start()

    def run(policies: Sequence[model.BalloonPolicy]) -> None:
        agent.request(policies)
        teller.wait(len(policies))

    return run


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('uri', help="the guests' connection")
    parser.add_argument(
        '--bus',
        type=pathlib.Path,
        metavar='CONFIG',
        help='be an agent of this configuration, with all that it does',
    )
    options = parser.parse_args()
    teller = _Teller()
    if options.bus is None:
        run = _start_manager(options.uri, teller)
    else:
        run = _start_agent(options.bus, teller)
    _tell(ready=True)
    for line in sys.stdin:
        _run_round(run, teller, json.loads(line))


if __name__ == '__main__':
    main()
