# SPDX-License-Identifier: Apache-2.0

import pathlib
from typing import Any

import fixtures
from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import trial
from nova_balloon_timer.conf import opts
from nova_balloon_timer.report import run_file
from nova_balloon_timer.simulator.fleet import reader
from nova_balloon_timer.trace import record
from tests.unit import base
from tests.unit.cmd import command_line

_SCENARIO = """\
description: Short for a while.
duration: 5m
tick: 5s
total: 8G
other: {burst: {size: 0.5G, to: 2G, at: 1m, lasts: 1m}}
groups:
  web: {count: 6, maximum: 1G, use: 20%}
"""


class SimulateHostTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'mine.yaml'
        self.path.write_text(_SCENARIO)

    def run_it(self, *arguments: str, exit_code: int = 0) -> dict[str, Any]:
        result = self.shell.run('simulate', 'host', *arguments, '-f', 'json')
        self.stderr = result.stderr
        self.assertEqual(exit_code, result.exit_code, result.stderr)
        if exit_code not in (0, 3):
            return {}
        rows = [list(row.items()) for row in result.rows]
        return {row[0][1]: dict(row[1:]) for row in rows}

    def test_without_a_file_lists_what_is_shipped(self) -> None:
        self.assertEqual(reader.shipped(), list(self.run_it()))

    def test_figures_side_by_side(self) -> None:
        rows = self.run_it(
            str(self.path), '--compare', 'floor_percent=100,planner=equal'
        )
        short = rows['Short of memory, s']
        self.assertEqual(
            ['without', 'as configured', 'floor_percent=100,planner=equal'],
            list(short),
        )
        without, configured, forbidden = short.values()
        self.assertTrue(configured < 20 < without)
        self.assertEqual(without, forbidden)
        self.assertEqual(0, rows['Guest harm, MiB s']['as configured'])
        self.assertIsNone(rows['Policies']['without'])

    def test_what_the_scenario_expects(self) -> None:
        self.path.write_text(_SCENARIO + 'expect: {policies: 0}\n')
        self.run_it(str(self.path), exit_code=3)
        self.assertIn('not as expected: policies: ', self.stderr)
        self.run_it(str(self.path), '--set', 'floor_percent=100')

    def test_the_run_is_kept_and_drawn(self) -> None:
        run, plot = self.folder / 'run.json', self.folder / 'run.html'
        self.run_it(str(self.path), '--save', str(run), '--plot', str(plot))

        saved = run_file.load(run)
        assert saved.course is not None
        self.assertTrue(saved.policies)
        self.assertIn('<html', plot.read_text())

    def test_a_trace(self) -> None:
        path = self.folder / 'host.jsonl'
        lines: list[record.Record] = [
            record.Header(host='h', began_at=1e9, interval_seconds=5.0),
            record.GuestFound(
                number=1, uuid='u', name='web', maximum_kib=base.GIB
            ),
        ]
        for at in range(0, 300, 5):
            lines += [
                record.GuestSampled(
                    number=1,
                    at=at,
                    actual_kib=base.GIB,
                    usable_kib=base.GIB // 2,
                    rss_kib=base.GIB,
                ),
                record.HostSeen(
                    at=at,
                    total_kib=4 * base.GIB,
                    available_kib=base.GIB // (4 if at < 100 else 8),
                ),
            ]
        text = ''.join(map(record.encode, lines))
        path.write_text(text + '{"sam')

        rows = self.run_it(str(path))
        self.assertIn('ends in the middle of a record', self.stderr)
        self.assertGreater(rows['Freed on the host, MiB']['as configured'], 50)
        path.write_text('nonsense\n')
        self.run_it(str(path), exit_code=1)
        self.assertIn('line 1: it is not JSON', self.stderr)

    def test_wrong_usage_is_one_line(self) -> None:
        for arguments, words in (
            (['--set', 'floor'], "'floor' is not OPTION=VALUE"),
            (['--set', 'flor=1'], "has no option 'flor'"),
            (['--compare', 'floor_percent=x'], "floor_percent cannot be 'x'"),
            (['--set', 'planner=none'], "no planner 'none'"),
            (['--set', 'low_watermark=90%'], 'is not below'),
            (
                ['--set', 'stall-percent=3'],
                'stall_percent has no effect on a simulated host',
            ),
            (['--compare', 'planner=equal,workers=3'], 'workers has no effe'),
            (['--all'], '--all cannot be used with a FILE'),
        ):
            self.run_it(str(self.path), *arguments, exit_code=2)
            [line] = self.stderr.splitlines()
            self.assertIn(words, line)

    def test_what_would_be_passed_over_is_wrong_usage(self) -> None:
        for arguments, words in (
            (
                ['--all', '--compare', 'planner=equal', '--save', 'x.json'],
                '--all cannot be used with --compare and --save',
            ),
            (['--all', '--plot', 'x.html'], 'used with --plot'),
            (['--plot', 'x.html'], '--plot: a FILE is missing'),
            (['--save', 'x.json'], '--save: a FILE is missing'),
        ):
            self.run_it(*arguments, exit_code=2)
            [line] = self.stderr.splitlines()
            self.assertIn(words, line)

    def test_what_cannot_be_written_is_an_error(self) -> None:
        self.run_it(str(self.path), '--save', '/nowhere/run.json', exit_code=1)
        self.assertIn('there is no folder', self.stderr)

    def test_one_guest_is_one(self) -> None:
        self.path.write_text(_SCENARIO.replace('count: 6', 'count: 1'))
        result = self.shell.run('simulate', 'host', str(self.path))
        self.assertIn('1 guest, ', result.stdout)


class TrialTestCase(base.TestCase):
    def test_commas_of_lists_stay(self) -> None:
        self.assertEqual(
            {'excluded_guests': 'db-*,web', 'planner': 'equal'},
            trial.parse(['excluded-guests=db-*,web,planner=equal']),
        )

    def test_options_are_as_before_afterwards(self) -> None:
        conf = cfg.ConfigOpts()
        opts.register_opts(conf)
        conf([], default_config_files=[])
        found = trial.variant(conf, 'x', {'longest_relief_seconds': '7'})

        self.assertEqual(7.0, found.settings.longest_seconds)
        self.assertEqual(30.0, conf.balloon_timer.longest_relief_seconds)
        self.assertRaises(
            exception.InvalidConfiguration,
            trial.variant,
            conf,
            'x',
            {'floor_percent': '0'},
        )

    def test_those_without_effect_are_options(self) -> None:
        conf = cfg.ConfigOpts()
        opts.register_opts(conf)
        self.assertEqual(set(), trial.WITHOUT_EFFECT - set(conf.balloon_timer))
