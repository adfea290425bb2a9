# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer simulate host``."""

import argparse
from collections.abc import Iterator, Sequence
import contextlib
import pathlib
import sys

from cliff import lister
from oslo_config import cfg
import rich.console
import rich.progress

from nova_balloon_timer import exception
from nova_balloon_timer import units
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import trial
from nova_balloon_timer.report import output
from nova_balloon_timer.report import page
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.simulator.fleet import figures
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome
from nova_balloon_timer.simulator.fleet import reader
from nova_balloon_timer.simulator.fleet import replay
from nova_balloon_timer.simulator.fleet import run as fleet_run
from nova_balloon_timer.simulator.fleet import scenario as fleet_scenario

_TRACES = ('.jsonl', '.gz')
_CONFIGURED = 'as configured'
_SHIPPED_COLUMNS = ('Scenario', 'Guests', 'Lasts', 'Description')
_ALL_COLUMNS = ('Scenario', 'OK', 'Detail')

Table = tuple[tuple[str, ...], list[tuple[object, ...]]]


class SimulateHost(base.OneLineErrors, lister.Lister):
    """Try options on a whole host, recorded or made up, in simulated time.

    FILE is what 'nova-balloon-timer record' wrote, or a scenario in YAML.
    The real controller and planner look after guests whose need for memory
    is that of the file. Without a FILE, lists the scenarios that come with
    the project.

    The first column is the host without ballooning, the next one the
    configuration, and each --compare adds one.

    Exit code: 0 if all is as the scenario expects, 3 if not, 2 for wrong
    usage, 1 for an error.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add(
            'file',
            metavar='FILE',
            nargs='?',
            help='a trace (.jsonl or .jsonl.gz), a scenario, or the name of '
            'a scenario that is shipped',
        )
        add(
            '--all',
            action='store_true',
            help='run every scenario that is shipped, and say whether all is '
            'as it expects',
        )
        add(
            '--set',
            metavar='OPTION=VALUE',
            dest='options',
            action='append',
            default=[],
            help='use another value of an option of [balloon_timer]; may be '
            'repeated',
        )
        add(
            '--compare',
            metavar='OPTION=VALUE[,OPTION=VALUE]',
            action='append',
            default=[],
            help='run it once more with these options, and put the figures '
            'beside the others; may be repeated',
        )
        add(
            '--seed',
            metavar='NUMBER',
            type=int,
            default=0,
            help="of what differs among a scenario's guests (default: 0)",
        )
        add(
            '--save',
            metavar='RUN.json',
            type=pathlib.Path,
            help="keep the run, for 'nova-balloon-timer report'; of several, "
            'the last',
        )
        add(
            '--plot',
            metavar='FILE.html',
            type=pathlib.Path,
            help='draw the run, as the report does; of several, the last',
        )
        return parser

    @property
    def need_sort_by_cliff(self) -> bool:
        """Keep the order of the figures."""
        return False

    @property
    def _conf(self) -> cfg.ConfigOpts:
        conf: cfg.ConfigOpts = self.app.conf  # type: ignore[attr-defined]
        return conf

    def take_action(self, parsed_args: argparse.Namespace) -> Table:
        """Run a host with each variant of the options."""
        _check_usage(parsed_args)
        if parsed_args.all:
            return _ALL_COLUMNS, list(self._run_all(parsed_args))
        if parsed_args.file is None:
            return _SHIPPED_COLUMNS, list(_shipped())
        for path in (parsed_args.save, parsed_args.plot):
            if path is not None:
                output.check_writable(path)
        wanted = trial.parse(parsed_args.options)
        compared = [trial.parse([text]) for text in parsed_args.compare]
        with _Bar() as bar:
            scenario = self._load(parsed_args, bar)
            variants = self._variants(scenario, wanted, compared)
            outcomes: list[fleet_outcome.Outcome] = []
            for variant in variants:
                run = fleet_run.FleetRun(scenario, variant)
                with bar.showing(f'{scenario.name}, {variant.name}'):
                    outcomes.append(run.run(bar.show))
        self._complain(scenario, outcomes[0])
        if parsed_args.save or parsed_args.plot:
            _keep(run.saved(), parsed_args.save, parsed_args.plot)
        return self._table(scenario, variants, outcomes)

    def _load(
        self, parsed_args: argparse.Namespace, bar: '_Bar'
    ) -> fleet_scenario.FleetScenario:
        path = pathlib.Path(parsed_args.file)
        if path.suffix not in _TRACES:
            return reader.load(parsed_args.file, parsed_args.seed)
        with bar.showing(f'reading {path.name}'):
            scenario, is_cut = replay.load(path, bar.show)
        if is_cut:
            self.app.LOG.warning(
                '%s ends in the middle of a record; what is whole is used',
                path,
            )
        return scenario

    def _variants(
        self,
        scenario: fleet_scenario.FleetScenario,
        wanted: trial.Overrides,
        compared: Sequence[trial.Overrides],
    ) -> list[fleet_run.Variant]:
        made = []
        for others in ({}, *compared):
            name = ','.join(f'{key}={it}' for key, it in others.items())
            overrides = {**scenario.options, **wanted, **others}
            try:
                made.append(
                    trial.variant(self._conf, name or _CONFIGURED, overrides)
                )
            except exception.BalloonTimerError as error:
                if not wanted and not others:
                    raise
                why = error.details.get('why', error)
                raise base.WrongUsage(why=why) from error
        return made

    def _complain(
        self,
        scenario: fleet_scenario.FleetScenario,
        outcome: fleet_outcome.Outcome,
    ) -> None:
        for complaint in scenario.expect.compare(outcome):
            self.exit_code = base.EXIT_OTHERWISE
            self.app.LOG.error('not as expected: %s', complaint)

    def _table(
        self,
        scenario: fleet_scenario.FleetScenario,
        variants: Sequence[fleet_run.Variant],
        outcomes: Sequence[fleet_outcome.Outcome],
    ) -> Table:
        columns = (
            f'{base.count_guests(len(scenario.guests))}, '
            f'{units.format_seconds(scenario.seconds)}',
            'without',
            *(it.name for it in variants),
        )
        rows: list[tuple[object, ...]] = [
            (it.name, *(base.Figure(value) for value in it.values))
            for it in figures.compare(outcomes)
        ]
        return columns, rows

    def _run_all(
        self, parsed_args: argparse.Namespace
    ) -> Iterator[tuple[object, ...]]:
        wanted = trial.parse(parsed_args.options)
        for name in reader.shipped():
            scenario = reader.load(name, parsed_args.seed)
            [variant] = self._variants(scenario, wanted, [])
            with _Bar() as bar, bar.showing(name):
                found = fleet_run.FleetRun(scenario, variant).run(bar.show)
            complaints = scenario.expect.compare(found)
            if complaints:
                self.exit_code = base.EXIT_OTHERWISE
            yield name, not complaints, '; '.join(complaints)


def _check_usage(parsed_args: argparse.Namespace) -> None:
    given = [
        f'--{name}'
        for name in ('compare', 'save', 'plot')
        if getattr(parsed_args, name)
    ]
    if parsed_args.all:
        if parsed_args.file is not None:
            given.insert(0, 'a FILE')
        if given:
            raise base.WrongUsage(
                why=f'--all cannot be used with {" and ".join(given)}'
            )
    elif parsed_args.file is None:
        if parsed_args.options:
            given.insert(0, '--set')
        if given:
            raise base.WrongUsage(
                why=f'{" and ".join(given)}: a FILE is missing'
            )


def _shipped() -> Iterator[tuple[object, ...]]:
    for name in reader.shipped():
        found = reader.load(name)
        lasts = units.format_seconds(found.seconds)
        yield name, len(found.guests), lasts, found.description


def _keep(
    saved: saved_run.SavedRun,
    save_path: pathlib.Path | None,
    plot_path: pathlib.Path | None,
) -> None:
    if save_path is not None:
        run_file.save(save_path, saved)
    if plot_path is not None:
        page.write(plot_path, saved)


class _Bar:
    """How far it is, on a terminal; nothing elsewhere."""

    def __init__(self) -> None:
        self._closing = contextlib.ExitStack()
        self._bar: rich.progress.Progress | None = None
        self._task: rich.progress.TaskID | None = None

    def __enter__(self) -> '_Bar':
        if sys.stderr.isatty():
            self._bar = self._closing.enter_context(
                rich.progress.Progress(
                    console=rich.console.Console(file=sys.stderr),
                    transient=True,
                )
            )
        return self

    def __exit__(self, *failure: object) -> None:
        self._closing.close()

    @contextlib.contextmanager
    def showing(self, words: str) -> Iterator[None]:
        """Show what is done meanwhile."""
        if self._bar is not None:
            self._task = self._bar.add_task(words, total=1.0)
        yield
        if self._bar is not None and self._task is not None:
            self._bar.remove_task(self._task)

    def show(self, share: float) -> None:
        """Show how far it is, from 0 to 1."""
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, completed=share)
