# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer simulate``."""

import argparse
import datetime
import pathlib

from cliff import lister

from nova_balloon_timer import model
from nova_balloon_timer.cmd import base
from nova_balloon_timer.report import output
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.simulator import invariant
from nova_balloon_timer.simulator import reader
from nova_balloon_timer.simulator import scenario as simulator_scenario

Row = tuple[object, ...]

_SHIPPED_COLUMNS = ('Scenario', 'Description')
_COLUMNS = (
    'Scenario',
    'Policy',
    'Guest',
    'Ended by',
    'Start MiB',
    'End MiB',
    'Moved MiB',
    'Seconds',
    'Expected',
    'OK',
    'Detail',
)
# A simulation has no date; every one starts at the same.
_START = datetime.datetime(2000, 1, 1, tzinfo=datetime.timezone.utc)


class Simulate(base.OneLineErrors, lister.Lister):
    """Run scenarios on the engine, with guests and a clock in memory.

    Needs no hypervisor. Without a FILE, lists the scenarios that come with
    the project.

    Exit code: 0 if every policy ended as its scenario expects, 3 if one did
    not, 2 for wrong usage, 1 for an error.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'files',
            metavar='FILE',
            nargs='*',
            help='a scenario: its path, or the name of one that is shipped',
        )
        parser.add_argument(
            '--all',
            action='store_true',
            help='run every scenario that is shipped',
        )
        parser.add_argument(
            '--save',
            metavar='RUN.json',
            type=pathlib.Path,
            help="keep the run, for 'nova-balloon-timer report'",
        )
        return parser

    @property
    def need_sort_by_cliff(self) -> bool:
        """Keep the order of the files."""
        return False

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[Row]]:
        """Read every scenario, then run them."""
        names = list(parsed_args.files)
        if parsed_args.all:
            names += [name for name in reader.shipped() if name not in names]
        if not names:
            return _SHIPPED_COLUMNS, [
                (name, reader.load(name).description)
                for name in reader.shipped()
            ]
        if parsed_args.save is not None:
            output.check_writable(parsed_args.save)
        scenarios = [reader.load(name) for name in names]
        rows: list[Row] = []
        outcomes: list[simulator_scenario.Outcome] = []
        for scenario in scenarios:
            ended, added = _run(scenario)
            outcomes += ended
            rows += added
            if not ended or any(outcome.complaints for outcome in ended):
                self.exit_code = base.EXIT_OTHERWISE
        if parsed_args.save is not None:
            run_file.save(parsed_args.save, _saved(outcomes))
        return _COLUMNS, rows


def _run(
    scenario: simulator_scenario.Scenario,
) -> tuple[list[simulator_scenario.Outcome], list[Row]]:
    try:
        outcomes = simulator_scenario.run(scenario)
    except invariant.InvariantViolated as error:
        blanks = (base.Figure(None),) * 4
        detail = f'the engine is wrong: {error}'
        return [], [
            (scenario.name, '-', '-', '-', *blanks, '-', False, detail)
        ]
    return outcomes, [_row(outcome) for outcome in outcomes]


def _row(outcome: simulator_scenario.Outcome) -> Row:
    report = outcome.report
    complaints = outcome.complaints
    return (
        outcome.scenario,
        outcome.plan.name,
        outcome.plan.guest,
        report.reason.value,
        base.in_mib(report.actual_start_kib),
        base.in_mib(report.actual_end_kib),
        base.in_mib(report.moved_kib),
        round(report.duration_seconds, 3),
        outcome.plan.expect.reasons,
        not complaints,
        '; '.join(complaints) if complaints else report.detail,
    )


def _saved(
    outcomes: list[simulator_scenario.Outcome],
) -> saved_run.SavedRun:
    # NOTE: guests of several scenarios may share a name; policies as well.
    reports: list[model.EndReport] = []
    names: dict[str, str] = {}
    for outcome in outcomes:
        guest_uuid = outcome.report.policy.guest_uuid
        names[guest_uuid] = outcome.plan.guest
        reports.append(outcome.report)
    return saved_run.from_reports(
        reports,
        guest_names=names,
        host='simulation',
        wall_clock=saved_run.WallClock(monotonic_at=0.0, utc=_START),
    )
