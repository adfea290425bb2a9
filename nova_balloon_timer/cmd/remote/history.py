# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer history list`` and ``history show``."""

import argparse
from collections.abc import Iterator
import functools
import pathlib

from cliff import lister
from cliff import show

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd.remote import answer
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import policy
from nova_balloon_timer.report import decoding
from nova_balloon_timer.report import fields
from nova_balloon_timer.report import output
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run

_LIMIT = 50
_COLUMNS = (
    'Ended at',
    'Policy',
    'Guest',
    'Origin',
    'Ended by',
    'Start MiB',
    'End MiB',
    'Target MiB',
    'Freed MiB',
    'Late ms',
    'Timed by',
    'Detail',
)


class ListHistory(connection.AgentCommand, lister.Lister):
    """List the policies of a host that have ended, the newest first."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which, and how many."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add('--guest', metavar='GUEST', help='only those of this guest')
        add(
            '--limit',
            metavar='NUMBER',
            type=connection.count,
            default=_LIMIT,
            help='list no more than so many (default: %(default)s)',
        )
        add(
            '--before',
            metavar='UUID',
            type=connection.policy_uuid,
            help='only those that ended before this one, as the last of a '
            'list, to have the next',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Table:
        """Ask page by page."""
        with self.agent(parsed_args) as agent:
            fetch = functools.partial(
                agent.list_history, guest=parsed_args.guest
            )
            views = list(
                connection.every(
                    fetch, 'policies', parsed_args.limit, parsed_args.before
                )
            )
        return _COLUMNS, [_row(it) for it in views]


def _row(view: connection.View) -> policy.Row:
    return (
        cells.Instant(view['ended_at']),
        view['uuid'],
        view['guest_name'],
        view['origin'],
        view['reason'],
        base.in_mib(view['start_kib']),
        base.in_mib(view['end_kib']),
        base.in_mib(view['target_kib']),
        base.in_mib(view['freed_kib']),
        cells.milliseconds(view['lateness_seconds']),
        view['timed_by'],
        view['detail'],
    )


class ShowHistory(connection.AgentCommand, show.ShowOne):
    """Show how a policy ended, and its course."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which."""
        parser = super().get_parser(prog_name)
        policy.add_policy(parser)
        parser.add_argument(
            '--save',
            metavar='RUN.json',
            type=pathlib.Path,
            help="keep it as a run, for 'nova-balloon-timer report'",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Sheet:
        """Ask for it, and save it if that is wanted."""
        if parsed_args.save is not None:
            output.check_writable(parsed_args.save)
        with self.agent(parsed_args) as agent:
            view = agent.show_history(parsed_args.policy)
        if parsed_args.save is not None:
            host = self.host_of(parsed_args)
            run_file.save(parsed_args.save, _run_of(view, host))
        return policy.sheet(_fields(view))


def _run_of(view: connection.View, host: str) -> saved_run.SavedRun:
    try:
        saved = decoding.decode_saved_policy(fields.Field(view, host))
    except exception.InvalidRunFile as error:
        raise answer.AnswerInvalid(why=error.details['why']) from error
    return saved_run.SavedRun(host=host, policies=(saved,))


def _fields(view: connection.View) -> Iterator[tuple[str, object]]:
    end = view['end']
    yield 'Policy', view['uuid']
    yield 'Guest', view['guest_name']
    yield 'Guest UUID', view['guest_uuid']
    yield 'Direction', view['direction']
    yield 'Origin', view['origin']
    yield 'Mode', view['mode']
    yield 'Timed by', end['timing']['keeper']
    yield 'Why not by the guest', cells.Text(end['timing']['words'])
    yield 'Why', cells.Text(view['explanation'])
    yield 'Start MiB', base.in_mib(view['start_actual_kib'])
    yield 'Target MiB', base.in_mib(view['target_kib'])
    yield 'Maximum MiB', base.in_mib(view['maximum_kib'])
    yield 'Floor MiB', base.in_mib(view['guards']['floor_kib'])
    yield 'Reserve MiB', base.in_mib(view['guards']['reserve_kib'])
    yield 'Started at', cells.Instant(view['started_at'])
    yield 'Deadline at', cells.Instant(view['deadline_at'])
    yield 'Duration seconds', view['duration_seconds']
    yield from policy.end_fields(end)
    yield 'Moved MiB', base.in_mib(end['moved_kib'])
    yield 'Lasted seconds', cells.seconds(end['duration_seconds'], 3)
    yield 'Segments', cells.Segments(end['segments'])
    yield 'Curve', cells.Curve(view['curve'])
