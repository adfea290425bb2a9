# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer guest list``."""

import argparse
from collections.abc import Iterator, Sequence

from nova_balloon_timer import assessment
from nova_balloon_timer import model
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import preparation
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import view as remote_view

_LOCAL_COLUMNS = (
    'Guest',
    'UUID',
    'Actual MiB',
    'Maximum MiB',
    'Usable MiB',
    'RSS MiB',
    'Could take MiB',
    'Could free MiB',
    'Why not',
)
_COLUMNS = (
    'Guest',
    'Server',
    *_LOCAL_COLUMNS[1:-1],
    'Priority',
    'Policy',
    'Why not',
)

_Row = tuple[object, ...]


class ListGuests(connection.AgentCommand, base.HostLister):
    """List the guests, what could be taken from each, and if nothing, why.

    "Could take" is how far the balloon may go under the configured floor and
    reserve; "could free" is what the host would gain at the most, because
    memory that a guest never touched costs the host nothing.

    The agent is asked, which also knows each guest's priority ("-" if it is
    excluded) and the policy that it has. With --local or --connect no agent
    and no message bus is needed: where a guest's statistics are off they are
    switched on meanwhile; one that gives none is waited for, three seconds by
    default.
    """

    connect_help = 'with --local: libvirt connection; implies --local'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add whom to ask."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--local',
            action='store_true',
            help='ask libvirt on this host instead of an agent',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[_Row]]:
        """Look at every guest at once; no balloon is moved."""
        if parsed_args.local or parsed_args.connect is not None:
            if parsed_args.host is not None:
                raise base.WrongUsage(
                    why='--host asks an agent, --local and --connect ask none'
                )
            return _LOCAL_COLUMNS, self._look(parsed_args)
        with self.agent(parsed_args) as agent:
            views = connection.every(agent.list_guests, 'guests')
            rows = [_row(it) for it in views]
        return _COLUMNS, sorted(rows, key=lambda row: (row[0], row[2]))

    def _look(self, parsed_args: argparse.Namespace) -> list[_Row]:
        applier = self.load_applier(parsed_args)
        guests = applier.list_guests()
        pool = self.make_pool(applier, len(guests))
        try:
            with preparation.Preparation(
                applier, pool, guests, self.options.statistics_wait_seconds
            ) as prepared:
                samples = prepared.look()
        finally:
            pool.close()
            applier.close()
        return list(self._rows(prepared.guests, samples))

    def _rows(
        self,
        guests: Sequence[model.Guest],
        samples: dict[str, model.BalloonSample],
    ) -> Iterator[_Row]:
        for guest in guests:
            sample = samples.get(guest.uuid)
            assessed = assessment.assess(
                guest, sample, self.defaults.guards(guest)
            )
            yield (
                guest.name,
                guest.uuid,
                base.attribute_in_mib(sample, 'actual_kib'),
                base.in_mib(guest.maximum_kib),
                base.attribute_in_mib(sample, 'usable_kib'),
                base.attribute_in_mib(sample, 'rss_kib'),
                base.in_mib(assessed.could_take_kib),
                base.in_mib(assessed.could_free_kib),
                '; '.join(refusal.words for refusal in assessed.refusals),
            )


def _row(view: connection.View) -> _Row:
    return (
        view['name'],
        cells.Text((view['instance'] or {}).get('display_name')),
        view['uuid'],
        base.in_mib(view['actual_kib']),
        base.in_mib(view['maximum_kib']),
        base.in_mib(view['usable_kib']),
        base.in_mib(view['rss_kib']),
        base.in_mib(view['could_take_kib']),
        base.in_mib(view['could_free_kib']),
        base.Figure(view['priority']),
        cells.Text(view['policy_uuid']),
        remote_view.why_not(view),
    )
