# SPDX-License-Identifier: Apache-2.0
"""Measure how the agent relieves a host, and what becomes of it if killed.

Real guests in a memory cell with a limit, the installed agent, and observers
of their own. Run as root: ``python -m benchmarks.relief [--quick]``. What was
measured until then is shown even if it is interrupted.
"""

import argparse
from collections.abc import Callable, Sequence
import json
import logging
import pathlib
import random
import signal
import tempfile
import time
import traceback
from typing import Any

import libvirt

from benchmarks import figure
from benchmarks.relief import crash
from benchmarks.relief import group as bench_group
from benchmarks.relief import measure
from benchmarks.relief import tables
from benchmarks.relief import trial

LOG = logging.getLogger(__name__)

Row = dict[str, Any]

_KINDS = ('plain', 'stopped', 'paused', 'plain')
_STUCK = ('stopped', 'paused')
# So that a guest that is stuck is found out while there is time left.
_STUCK_TIMES = {'shortest_relief_seconds': 6}
_LONG_CALM_SECONDS = 600
_SHORT_CALM_SECONDS = 5


def settings(
    options: argparse.Namespace, count: int, draw: random.Random
) -> list[trial.Setting]:
    """Draw the trials of one size of group.

    The first has no agent, for comparison; the last has the options as
    delivered, and is watched for long.
    """
    kinds = [_KINDS[number % len(_KINDS)] for number in range(options.trials)]
    found = [_setting(kind, count, draw) for kind in ['bare', *kinds]]
    calm = 20 if options.quick else _LONG_CALM_SECONDS
    found.append(_setting('plain', count, draw, calm))
    return found


def _setting(
    kind: str, count: int, draw: random.Random, calm_seconds: int = 0
) -> trial.Setting:
    times = {} if calm_seconds else dict(bench_group.QUICK_TIMES)
    is_stuck = kind in _STUCK
    if is_stuck:
        times |= _STUCK_TIMES
    return trial.Setting(
        guests=count,
        kind=kind,
        # With four guests, few can make up for one that is stuck.
        eat_mib=draw.randint(400, 450 if is_stuck and count < 6 else 560),
        eat_mib_per_second=draw.choice((0, 80, 200, 400)),
        stuck_seconds=draw.uniform(6, 9),
        calm_seconds=calm_seconds or _SHORT_CALM_SECONDS,
        times=times,
    )


class Bench:
    """Keeps what was measured, whatever comes next."""

    def __init__(
        self, options: argparse.Namespace, folder: pathlib.Path
    ) -> None:
        self._options = options
        self._folder = folder
        self.rows: list[Row] = []
        self.failures: list[str] = []
        self.kills: list[Row] = []
        self.verdict: Row | None = None

    def run(self) -> None:
        """Run all, the trials of all sizes in turn."""
        counts = [int(it) for it in self._options.guests.split(',') if it]
        for count in counts:
            # Its own, so that a size has the same trials beside others.
            draw = random.Random(  # noqa: S311
                f'{self._options.seed} {count}'
            )
            for setting in settings(self._options, count, draw):
                self._try(setting)
        if self._options.crashes:
            self._crash()

    def _try(self, setting: trial.Setting) -> None:
        number = len(self.rows) + len(self.failures)
        name = f'{number:02d}-{setting.guests}-{setting.kind}'
        folder = self._folder / name
        folder.mkdir()
        begin = time.monotonic()
        run = trial.Trial(setting, folder)
        try:
            run.run()
            row = measure.row(run)
        except Exception:
            # The next trial does not depend on this one.
            LOG.exception('%s failed', name)
            self.failures.append(f'{name}: {traceback.format_exc()}')
            return
        self.rows.append({'name': name, **row})
        seconds = time.monotonic() - begin
        print(f'{name} {seconds:.0f} s: {json.dumps(row)}', flush=True)

    def _crash(self) -> None:
        folder = self._folder / 'crash'
        folder.mkdir()
        try:
            with crash.Campaign(self._options.seed, folder) as campaign:
                self.kills = campaign.rows
                try:
                    for _ in range(self._options.crashes):
                        campaign.kill()
                        print(f'kill {json.dumps(self.kills[-1])}', flush=True)
                finally:
                    self.verdict = campaign.verdict()
        except Exception:
            LOG.exception('The kills failed')
            self.failures.append(f'crash: {traceback.format_exc()}')

    def show(self) -> None:
        """Print the tables, and all as one line of JSON."""
        helped = [row for row in self.rows if row['kind'] != 'bare']
        shown: list[tuple[str, Callable[[Sequence[Row]], list[Row]], Any]] = [
            ('From the event to the first order', tables.latency, helped),
            ('Until the host is relieved', tables.relief, helped),
            ('A guest is stuck in mid-policy', tables.corrections, helped),
            ("A busy guest's passes", tables.harm, self.rows),
            ('Afterwards', tables.aftermath, helped),
            ('kill -9', tables.crashes, self.kills),
        ]
        found: dict[str, Any] = {'seed': self._options.seed}
        for title, make, rows in shown:
            table = make(rows) if rows else []
            found[title] = table
            if table:
                figure.show(title, table)
        if self.verdict is not None:
            figure.show('After all kills', [self.verdict])
        found |= {
            'verdict': self.verdict,
            'failures': self.failures,
            'trials': self.rows,
            'kills': self.kills,
        }
        for failure in self.failures:
            print(f'FAILED {failure.splitlines()[-1]}')
        text = json.dumps(found)
        (self._folder / 'result.json').write_text(text + '\n')
        print(text)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog='python -m benchmarks.relief', description=__doc__
    )
    parser.add_argument('--quick', action='store_true')
    parser.add_argument('--seed', type=int, default=int(time.time()))
    parser.add_argument('--trials', type=int, help='a size (10; quick: 3)')
    parser.add_argument('--guests', help='sizes (4,8; quick: 4)')
    parser.add_argument('--crashes', type=int, help='kills (50; quick: 6)')
    parser.add_argument(
        '--keep',
        type=pathlib.Path,
        metavar='FOLDER',
        help="where the agents' logs and journals go (a new one in /tmp)",
    )
    options = parser.parse_args()
    usual = (3, '4', 6) if options.quick else (10, '4,8', 50)
    for name, value in zip(
        ('trials', 'guests', 'crashes'), usual, strict=True
    ):
        if getattr(options, name) is None:
            setattr(options, name, value)
    return options


def main() -> None:
    """Measure, and show what there is in the end."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options = _options()
    folder = options.keep or pathlib.Path(tempfile.mkdtemp(prefix='relief-'))
    folder.mkdir(parents=True, exist_ok=True)
    print(f'seed {options.seed}, agents keep theirs in {folder}', flush=True)
    bench = Bench(options, folder)
    try:
        bench.run()
    except KeyboardInterrupt:
        print('interrupted')
    finally:
        bench.show()


if __name__ == '__main__':
    main()
