# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer policy list``, ``show`` and ``cancel``."""

import argparse
from collections.abc import Iterable, Iterator

from cliff import lister
from cliff import show

from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd.remote import attempt
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection

Row = tuple[object, ...]
Table = tuple[tuple[str, ...], list[Row]]
Sheet = tuple[tuple[str, ...], Row]

_LIST_COLUMNS = (
    'Policy',
    'Guest',
    'Origin',
    'Timed by',
    'State',
    'Start MiB',
    'Actual MiB',
    'Target MiB',
    'Seconds left',
    'Held by',
)
_CANCEL_COLUMNS = ('Policy', 'Guest', 'Result', 'Actual MiB', 'Detail')


class ListPolicies(connection.AgentCommand, lister.Lister):
    """List the policies of a host that are under way."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add how many."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--limit',
            metavar='NUMBER',
            type=connection.count,
            help='list no more than so many (default: all)',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Table:
        """Ask page by page."""
        with self.agent(parsed_args) as agent:
            views = list(
                connection.every(
                    agent.list_policies, 'policies', parsed_args.limit
                )
            )
        return _LIST_COLUMNS, [_list_row(it) for it in views]


def _list_row(view: connection.View) -> Row:
    return (
        view['uuid'],
        view['guest_name'],
        view['origin'],
        cells.Text(view['timed_by']),
        view['state'],
        base.in_mib(view['start_kib']),
        base.in_mib(view['actual_kib']),
        base.in_mib(view['target_kib']),
        cells.seconds(view['left_seconds']),
        view['held_by'],
    )


class ShowPolicy(connection.AgentCommand, show.ShowOne):
    """Show a policy, under way or ended.

    A policy that has ended is shown for as long as the agent's journal keeps
    it; 'history show' has its course as well.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which."""
        parser = super().get_parser(prog_name)
        add_policy(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Sheet:
        """Ask for it."""
        with self.agent(parsed_args) as agent:
            view = agent.show_policy(parsed_args.policy)
        return sheet(_show_fields(view))


def sheet(fields: Iterable[tuple[str, object]]) -> Sheet:
    """Return names and values as a table of two columns wants them."""
    found = dict(fields)
    return tuple(found), tuple(found.values())


def add_policy(parser: argparse.ArgumentParser, several: bool = False) -> None:
    """Add which policy, or policies, a command is about."""
    parser.add_argument(
        'policies' if several else 'policy',
        metavar='UUID',
        nargs='+' if several else None,
        type=connection.policy_uuid,
        help="the policy's UUID, as 'policy list' shows it",
    )


def _show_fields(view: connection.View) -> Iterator[tuple[str, object]]:
    yield 'Policy', view['uuid']
    yield 'Guest', view['guest_name']
    yield 'Guest UUID', view['guest_uuid']
    yield 'State', view['state']
    yield 'Direction', view['direction']
    yield 'Origin', view['origin']
    yield 'Mode', view['mode']
    yield 'Timed by', cells.Text(view['timed_by'])
    yield 'Why not by the guest', cells.Text(view['timing_words'])
    yield 'Why', view['explanation']
    for name in ('start', 'actual', 'target', 'maximum', 'moved'):
        yield f'{name.capitalize()} MiB', base.in_mib(view[f'{name}_kib'])
    yield 'Usable MiB', base.in_mib(view['usable_kib'])
    yield 'RSS MiB', base.in_mib(view['rss_kib'])
    yield 'Held by', cells.Text(view['held_by'])
    yield 'Segments', cells.Segments(view['segments'])
    for name in ('floor', 'reserve', 'leash'):
        yield f'{name.capitalize()} MiB', base.in_mib(view[f'{name}_kib'])
    yield 'Leash seconds', view['leash_seconds']
    for name in ('requested', 'started', 'deadline'):
        instant = cells.Instant(view[f'{name}_at'])
        yield f'{name.capitalize()} at', instant
    yield 'Duration seconds', view['duration_seconds']
    yield 'Elapsed seconds', cells.seconds(view['elapsed_seconds'], 3)
    yield 'Seconds left', cells.seconds(view['left_seconds'], 3)
    yield from end_fields(view['end'] or {})


def end_fields(end: connection.View) -> Iterator[tuple[str, object]]:
    """Give how a policy ended; unknown where it has not."""
    yield 'Ended by', cells.Text(end.get('reason'))
    yield 'Detail', cells.Text(end.get('detail'))
    yield 'Ended at', cells.Instant(end.get('ended_at'))
    yield 'End MiB', base.in_mib(end.get('actual_end_kib'))
    yield 'Freed MiB', base.in_mib(end.get('freed_kib'))
    yield 'Late ms', cells.milliseconds(end.get('lateness_seconds'))
    after_kib = end.get('moved_after_deadline_kib')
    yield 'MiB after deadline', base.in_mib(after_kib)
    yield 'Confirmed', cells.YesNo(end.get('confirmed'))
    yield from _guest_fields(end.get('guest_report') or {})


def _guest_fields(said: connection.View) -> Iterator[tuple[str, object]]:
    """Give what the guest says of the end, if it kept the clock."""
    yield 'Guest ended by', cells.Text(said.get('reason'))
    yield 'Guest end MiB', base.in_mib(said.get('reached_kib'))
    yield 'Guest moved MiB', base.in_mib(said.get('moved_kib'))
    yield 'Guest seconds', cells.seconds(said.get('elapsed_seconds'), 3)
    yield 'Guest late ms', cells.milliseconds(said.get('lateness_seconds'))
    after_kib = said.get('moved_after_deadline_kib')
    yield 'Guest MiB after deadline', base.in_mib(after_kib)
    failures = said.get('allocation_failures')
    yield 'Guest failed allocations', base.Figure(failures)


class CancelPolicies(connection.AgentCommand, lister.Lister):
    """End policies that are under way, and freeze their balloons.

    What was taken stays taken until the agent returns it.

    Exit code: 0 if all were under way, 3 if some had ended already, 2 for
    wrong usage, 1 for an error.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which."""
        parser = super().get_parser(prog_name)
        add_policy(parser, several=True)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Table:
        """Cancel one after the other."""
        uuids = list(dict.fromkeys(parsed_args.policies))
        with self.agent(parsed_args) as agent:
            attempts = attempt.each(uuids, agent.cancel_policy)
        self.exit_code = attempt.exit_code_of(attempts)
        return _CANCEL_COLUMNS, [_cancel_row(it) for it in attempts]


def _cancel_row(made: attempt.Attempt) -> Row:
    view = made.answer
    if view is None:
        none = cells.Text(None)
        return (made.name, none, made.what, base.Figure(None), made.words)
    actual = base.in_mib(view['actual_kib'])
    end = view['end'] or {}
    words = end.get('detail', '')
    return (made.name, view['guest_name'], 'cancelled', actual, words)
