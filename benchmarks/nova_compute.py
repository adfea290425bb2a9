# SPDX-License-Identifier: Apache-2.0
"""What the extension costs nova-compute while nothing happens.

A real Nova with real servers at rest; nova-compute is started without and
with the extension in turn, and its process is looked at. Run it with the
Python of the lab, after "tools/nova-lab up" has made that:

    .venv-nova/bin/python -m benchmarks.nova_compute
"""

import argparse
from collections.abc import Sequence
import os
import pathlib
import statistics
import sys
import tempfile
import time
from typing import Any

from benchmarks import figure
from tools.lab import domain
from tools.lab import process
from tools.lab.nova import lab as nova_lab

_MODES = {
    'without': {'DEFAULT': {'compute_monitors': ''}},
    'with': {'DEFAULT': {'compute_monitors': 'cpu.balloon_timer'}},
}
_STARTED = b'The balloon timer looks after this host'
_READY_SECONDS = 60


def _cpu_seconds(pid: int) -> float:
    """Return what a process has used, its threads together."""
    stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    fields = stat.rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')


def _memory_mib(pid: int, name: str) -> float:
    """Return the resident or the proportional set size."""
    rollup = pathlib.Path(f'/proc/{pid}/smaps_rollup').read_text()
    for line in rollup.splitlines():
        if line.startswith(f'{name}:'):
            return int(line.split()[1]) / 1024
    raise KeyError(name)


def _restart(root: pathlib.Path, mode: str) -> int:
    """Have nova-compute begin anew in a mode; return its process id."""
    lab = nova_lab.NovaLab(root, _MODES[mode])
    lab.services.compute.stop()
    log = lab.layout.log / 'nova-compute.log'
    begin = log.stat().st_size
    lab.up()
    pid = lab.services.compute.pid
    if pid is None:
        raise SystemExit('nova-compute does not run')

    def has_started() -> bool:
        with log.open('rb') as file:
            file.seek(begin)
            return _STARTED in file.read()

    is_on = process.wait_until(
        has_started, _READY_SECONDS if mode == 'with' else 1
    )
    if is_on != (mode == 'with'):
        raise SystemExit(f'{mode}: the extension is on: {is_on}')
    return pid


def _measure(
    root: pathlib.Path, mode: str, settle_seconds: float, seconds: float
) -> dict[str, Any]:
    pid = _restart(root, mode)
    # Its start is not what is measured.
    time.sleep(settle_seconds)
    begun_at, used = time.monotonic(), _cpu_seconds(pid)
    time.sleep(seconds)
    passed = time.monotonic() - begun_at
    return {
        'cpu_percent': 100 * (_cpu_seconds(pid) - used) / passed,
        'rss_mib': _memory_mib(pid, 'Rss'),
        'pss_mib': _memory_mib(pid, 'Pss'),
        'threads': len(os.listdir(f'/proc/{pid}/task')),
    }


def _table(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    rows = []
    for name in next(iter(runs.values()))[0]:
        of_mode = {
            mode: [run[name] for run in found] for mode, found in runs.items()
        }
        medians = {
            mode: statistics.median(values) for mode, values in of_mode.items()
        }
        more = medians['with'] - medians['without']
        rows.append(
            {
                'nova-compute': name,
                **{
                    mode: ' '.join(f'{value:.2f}' for value in values)
                    for mode, values in of_mode.items()
                },
                'more (medians)': f'{more:.2f}',
            }
        )
    return rows


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--servers', type=int, default=10)
    parser.add_argument('--rounds', type=int, default=2)
    parser.add_argument('--seconds', type=float, default=180.0)
    parser.add_argument('--settle', type=float, default=70.0)
    options = parser.parse_args(arguments)
    runs: dict[str, list[dict[str, Any]]] = {mode: [] for mode in _MODES}
    with tempfile.TemporaryDirectory(prefix='nbt-nova-') as folder:
        root = pathlib.Path(folder)
        with nova_lab.NovaLab(root, _MODES['with']) as lab:
            for number in range(options.servers):
                spec = domain.GuestSpec(name=f'rest-{number}', memory_mib=256)
                lab.cloud.boot(spec, {'balloon:enabled': 'true'})
            for _ in range(options.rounds):
                for mode in _MODES:
                    runs[mode].append(
                        _measure(root, mode, options.settle, options.seconds)
                    )
                    print(mode, runs[mode][-1], flush=True)
    figure.show(f'{options.servers} servers at rest', _table(runs))
    return 0


if __name__ == '__main__':
    sys.exit(main())
