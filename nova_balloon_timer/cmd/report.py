# SPDX-License-Identifier: Apache-2.0
"""The command that draws a saved run, or what a journal holds."""

import argparse
import datetime
import pathlib
import socket

from cliff import command

from nova_balloon_timer import exception
from nova_balloon_timer import units
from nova_balloon_timer.cmd import base
from nova_balloon_timer.report import page
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run

_DEFAULT_SINCE = '1h'
_JOURNAL_PAGE = 'balloon-report.html'


class Report(base.OneLineErrors, command.Command):
    """Draw a saved run, or a journal, as an HTML page that needs nothing else.

    Of a host that an agent looked after it shows when memory was short, what
    the host had and what each guest gave, on one time axis.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Say what may follow the command."""
        parser = super().get_parser(prog_name)
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument(
            'run',
            metavar='RUN.json',
            nargs='?',
            type=pathlib.Path,
            help='the run, as another command saved it',
        )
        source.add_argument(
            '--journal',
            metavar='PATH',
            type=pathlib.Path,
            help="instead of a run: an agent's journal",
        )
        _add_times(parser)
        parser.add_argument(
            '-o',
            '--output',
            metavar='FILE.html',
            type=pathlib.Path,
            help='the page to write; default: beside the run, as RUN.html; '
            f'of a journal {_JOURNAL_PAGE} in the current folder',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Write the page and print where it is."""
        journal: pathlib.Path | None = parsed_args.journal
        if journal is None:
            source: pathlib.Path = parsed_args.run
            destination = parsed_args.output or source.with_suffix('.html')
            run = run_file.load(source)
        else:
            source = journal
            destination = parsed_args.output or pathlib.Path(_JOURNAL_PAGE)
            run = _run_of_journal(
                journal, parsed_args.since, parsed_args.until
            )
        if destination.resolve() == source.resolve():
            what = 'saved run' if journal is None else 'journal'
            raise exception.OutputNotWritable(
                path=destination, why=f'it is the {what}'
            )
        page.write(destination, run)
        print(destination)


def _add_times(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        '--since',
        metavar='TIME',
        type=_instant,
        default=_DEFAULT_SINCE,
        help="the journal's begin: so long ago, as 1h or 30m, or an "
        'instant in UTC, as 2026-05-04T09:30 (default: %(default)s)',
    )
    parser.add_argument(
        '--until',
        metavar='TIME',
        type=_instant,
        help="likewise the journal's end (default: its end)",
    )


def _run_of_journal(
    path: pathlib.Path,
    since: datetime.datetime,
    until: datetime.datetime | None,
) -> saved_run.SavedRun:
    """Read what happened on this host.

    :raises JournalNotReadable: there is none, or nothing in that time
    """
    # NOTE: who draws a saved run needs no journal.
    from nova_balloon_timer.journal import reader

    if until is not None and until <= since:
        raise exception.JournalNotReadable(
            path=path, why='--until is not later than --since'
        )
    run = reader.Reader(path).saved_run(
        since, until, host=socket.gethostname()
    )
    if not run.policies and run.course is None:
        raise exception.JournalNotReadable(
            path=path, why='it holds nothing of that time'
        )
    return run


def _instant(text: str) -> datetime.datetime:
    """Read how long ago, or when; without a time zone it is UTC."""
    now = datetime.datetime.now(datetime.timezone.utc)
    try:
        seconds = units.parse_duration_seconds(text)
    except exception.InvalidDuration:
        pass
    else:
        return now - datetime.timedelta(seconds=seconds)
    try:
        # NOTE: Python 3.10 does not know the Z.
        instant = datetime.datetime.fromisoformat(
            text[:-1] if text.endswith('Z') else text
        )
        if instant.tzinfo is None:
            instant = instant.replace(tzinfo=datetime.timezone.utc)
        return instant.astimezone(datetime.timezone.utc)
    except (ValueError, OverflowError) as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is neither a duration, as 1h, nor an instant in UTC, "
            'as 2026-05-04T09:30'
        ) from error
