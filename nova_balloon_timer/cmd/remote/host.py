# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer host list`` and ``host show``."""

import argparse
from collections.abc import Iterable, Iterator

from cliff import lister
from cliff import show

from nova_balloon_timer import units
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd.remote import answer
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import policy

_COLUMNS = (
    'Host',
    'Short',
    'Available MiB',
    'Low watermark MiB',
    'Total MiB',
    'Guests',
    'Policies',
    'Relief MiB',
    'Version',
    'Why',
)


class ListHosts(connection.BusCommand, lister.Lister):
    """List the hosts whose agents answer.

    One that does not is not in the list: nobody knows which there should be.
    One whose answer makes no sense is left out, with a warning.

    Exit code: 0 if any answered, 3 if none did.
    """

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Table:
        """Ask all at once."""
        with self.agents(parsed_args) as agents:
            views = agents.list_hosts(
                wait_seconds=min(1.0, parsed_args.timeout),
                longest_seconds=parsed_args.timeout,
            )
        if not views:
            self.app.LOG.warning(
                '%s: no agent answered within %g s',
                self.cmd_name,
                parsed_args.timeout,
            )
        rows = list(self._rows(views))
        if not rows:
            self.exit_code = base.EXIT_OTHERWISE
        return _COLUMNS, rows

    def _rows(self, views: Iterable[connection.View]) -> Iterator[policy.Row]:
        """Give a row a host; one that makes no sense hides no other."""
        for view in views:
            try:
                with answer.checked():
                    row = _row(view)
            except answer.AnswerInvalid as error:
                self.app.LOG.warning(
                    '%s: host %s is left out: %s',
                    self.cmd_name,
                    view['host'],
                    error,
                )
            else:
                yield row


def _row(view: connection.View) -> policy.Row:
    return (
        view['host'],
        cells.YesNo(view['is_short']),
        base.in_mib(view['available_kib']),
        base.in_mib(view['low_watermark_kib']),
        base.in_mib(view['total_kib']),
        view['guests'],
        view['policies'],
        base.in_mib(view['relief_kib']),
        view['version'],
        view['words'],
    )


class ShowHost(connection.AgentCommand, show.ShowOne):
    """Show how a host stands, and what its agent works with."""

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Sheet:
        """Ask its agent."""
        with self.agent(parsed_args) as agent:
            view = agent.show_host()
        return policy.sheet(_fields(view))


def _fields(view: connection.View) -> Iterator[tuple[str, object]]:
    yield 'Host', view['host']
    yield 'Short', cells.YesNo(view['is_short'])
    yield 'Why', cells.Text(view['words'])
    yield 'Available MiB', base.in_mib(view['available_kib'])
    yield 'Low watermark MiB', base.in_mib(view['low_watermark_kib'])
    yield 'High watermark MiB', base.in_mib(view['high_watermark_kib'])
    yield 'Total MiB', base.in_mib(view['total_kib'])
    yield 'Stalled percent', _percent(view['stalled_share'])
    yield 'Falls MiB/s', base.in_mib(_whole(view['fall_kib_per_second']))
    yield 'Used up in seconds', cells.seconds(view['exhaustion_seconds'])
    yield 'Relief MiB', base.in_mib(view['relief_kib'])
    yield 'Guests', view['guests']
    yield 'Policies', view['policies']
    yield 'Version', view['version']
    yield 'Running since', cells.Instant(view['started_at'])
    yield 'Connection', view['connection_uri']
    yield 'Applier', view['applier']
    yield 'Planner', view['planner']
    yield 'Pressure sources', ', '.join(view['pressure_sources'])
    yield from _journal(view['journal'])
    yield from _notifications(view['notifications'])


def _journal(view: connection.View) -> Iterator[tuple[str, object]]:
    yield 'Journal', view['path']
    yield 'Journal failure', cells.Text(view['failure'])
    yield 'Journal waiting', view['waiting']


def _notifications(view: connection.View) -> Iterator[tuple[str, object]]:
    yield 'Notifications', cells.YesNo(view['enabled'])
    yield 'Notifications failure', cells.Text(view['failure'])
    yield 'Notifications waiting', base.Figure(view['waiting'])
    yield 'Notifications dropped', view['dropped']


def _percent(share: float | None) -> base.Figure:
    return base.Figure(None if share is None else round(100 * share, 1))


def _whole(rate_kib: float | None) -> int | None:
    """Return a rate as a size; in MiB its decimals are of no use."""
    if rate_kib is None:
        return None
    return round(rate_kib / units.KIB_PER_MIB) * units.KIB_PER_MIB
