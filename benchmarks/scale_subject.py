# SPDX-License-Identifier: Apache-2.0
"""The agent under test, in a process of its own whose costs can be told.

Everything is the real thing but the guests and the files of the host's
memory. It obeys one word a line: ``churn N``, ``trim``, ``hurry`` (look at the
host ten times a second also at rest), ``profile`` and ``told``; at the end of
its input it stops.
"""

import argparse
import ctypes
import gc
import json
import logging
import pathlib
import sys
import time
from typing import Any
from unittest import mock

from oslo_config import cfg

from benchmarks import sampler
from benchmarks import scale_host
from benchmarks import scale_ledger
from nova_balloon_timer import situation
from nova_balloon_timer.agent import agent as host_agent
from nova_balloon_timer.appliers import loader
from nova_balloon_timer.conf import opts
from nova_balloon_timer.pressure import watermark


class Agent(host_agent.Agent):
    """Notes when it learns of pressure."""

    def __init__(
        self, conf: cfg.ConfigOpts, ledger: scale_ledger.Ledger
    ) -> None:
        super().__init__(conf)
        self._ledger = ledger

    def _take_reading(self, reading: situation.PressureReading) -> None:
        if reading.is_pressing:
            entry = scale_ledger.Entry.PRESSING_US
            self._ledger.stamp(entry, time.monotonic())
        super()._take_reading(reading)


def _tell(**content: Any) -> None:
    print(json.dumps(content), flush=True)


def _trim() -> None:
    """Give back what is only kept for later, to see what is needed."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)


def _configure(root: pathlib.Path, changes: dict[str, Any]) -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_opts(conf)
    conf([], project='nova-balloon-timer', default_config_files=[])
    changes = {
        'proc_root': str(root),
        'state_path': str(root / 'state'),
        'pressure_sources': ['meminfo'],
    } | changes
    for name, value in changes.items():
        conf.set_override(name, value, 'balloon_timer')
    return conf


def _obey(applier: scale_host.Host) -> None:
    profile = sampler.Sampler()
    _tell(ready=True)
    for line in sys.stdin:
        match line.split():
            case ['churn', count]:
                applier.churn(int(count))
            case ['hurry']:
                watermark._SLOW_SECONDS = 0.1
            case ['trim']:
                _trim()
            case ['profile']:
                profile.start()
            case ['told']:
                profile.stop()
        _tell(profile=profile.top())


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('world', choices=scale_host.WORLDS)
    parser.add_argument('guests', type=int)
    parser.add_argument('root', type=pathlib.Path)
    parser.add_argument('options', type=json.loads)
    arguments = parser.parse_args()
    root = arguments.root
    logging.basicConfig(filename=root / 'log', level=logging.INFO)
    ledger = scale_ledger.Ledger(root / 'ledger')
    applier: scale_host.Host = scale_host.WORLDS[arguments.world](
        ledger, arguments.guests
    )
    agent = Agent(_configure(root, arguments.options), ledger)
    _trim()
    _tell(made=True)
    sys.stdin.readline()
    with mock.patch.object(
        loader, 'load', autospec=True, return_value=applier
    ):
        agent.start()
    _obey(applier)
    agent.stop()


if __name__ == '__main__':
    main()
