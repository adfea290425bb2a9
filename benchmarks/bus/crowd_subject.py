# SPDX-License-Identifier: Apache-2.0
"""An agent with many guests in memory, whose policies end at the same time.

Told to on its standard input, it runs one policy a guest, or ends one that ran
out while it was away, and answers when all have ended.
"""

import argparse
import json
import pathlib
import sys
import threading
from typing import Any
from unittest import mock
import uuid

from benchmarks import scale_host
from benchmarks import scale_ledger
from benchmarks.bus import subject
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.appliers import loader

_TARGET_KIB = scale_host.GUEST_KIB // 4
_GUARDS = model.Guards(floor_kib=units.KIB_PER_MIB, reserve_kib=0)


class _Counter:
    """Counts the policies that have ended."""

    def __init__(self) -> None:
        self._ended = 0
        self._changed = threading.Condition()

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Learn nothing."""

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Learn nothing."""

    def ended(self, report: model.EndReport) -> None:
        """Count it."""
        with self._changed:
            self._ended += 1
            self._changed.notify_all()

    def wait(self, count: int) -> None:
        """Wait until so many have ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._ended >= count)


def _tell(**content: Any) -> None:
    print(json.dumps(content), flush=True)


def _policy(guest: model.Guest, seconds: float) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid=str(uuid.uuid4()),
        guest_uuid=guest.uuid,
        direction=model.Direction.INFLATE,
        start_actual_kib=guest.maximum_kib,
        target_kib=_TARGET_KIB,
        maximum_kib=guest.maximum_kib,
        duration_seconds=seconds,
        guards=_GUARDS,
        leash=model.Leash(minimum_kib=16 * units.KIB_PER_MIB),
    )


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', type=pathlib.Path)
    parser.add_argument('guests', type=int)
    arguments = parser.parse_args()
    counter = _Counter()
    ledger = scale_ledger.Ledger(arguments.config.with_suffix('.ledger'))
    applier = scale_host.MemoryApplier(ledger, arguments.guests)
    agent = subject.Agent(arguments.config, counter)
    with mock.patch.object(
        loader, 'load', autospec=True, return_value=applier
    ):
        agent.start()
    _tell(ready=True)
    for line in sys.stdin:
        order = json.loads(line)
        policies = [
            _policy(guest, order['seconds']) for guest in applier.list_guests()
        ]
        if order['overdue']:
            agent.resume(policies)
        else:
            agent.request(policies)
        counter.wait(len(policies))
        _tell(ended=len(policies))


if __name__ == '__main__':
    main()
