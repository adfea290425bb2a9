# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer policy wait``."""

import argparse
from collections.abc import Iterable
import sys
from typing import TYPE_CHECKING

from cliff import lister

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import interruption
from nova_balloon_timer.cmd import outcome
from nova_balloon_timer.cmd import progress
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import policy
from nova_balloon_timer.cmd.remote import waiting

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

COLUMNS = ('Guest', 'Policy', *outcome.END_COLUMNS[1:])


class WaitingCommand(connection.AgentCommand, lister.Lister):
    """A command that may wait for policies, with bars or lines on stderr."""

    def wait_for(
        self,
        agent: 'rpc_api.HostAPI',
        policy_uuids: Iterable[str],
        known: Iterable[connection.View] = (),
    ) -> waiting.Waiter:
        """Wait until policies have ended, or a signal comes.

        :param known: what has been seen of them already
        """
        views = {view['uuid']: view for view in known}
        names = {it['guest_uuid']: it['guest_name'] for it in views.values()}
        waiter = waiting.Waiter(agent, policy_uuids, names, views)
        try:
            with (
                interruption.raising(),
                progress.display(names, sys.stderr) as display,
            ):
                waiter.wait(display)
        except interruption.Stopped as stopped:
            self.app.LOG.warning(
                '%s: %s ends the wait, not the policies; they go on to their '
                "deadlines, unless 'policy cancel' ends them",
                self.cmd_name,
                stopped.name,
            )
            self.exit_code = stopped.exit_code
        except exception.BalloonTimerError as error:
            # NOTE: which policies they are must be told all the same.
            waiter.failure = str(error)
            self.exit_code = base.EXIT_ERROR
            self.app.LOG.error('%s: %s', self.cmd_name, error)
        else:
            self.exit_code = _exit_code_of(waiter)
        return waiter


def _exit_code_of(waiter: waiting.Waiter) -> int:
    if waiter.errors:
        return base.EXIT_ERROR
    ends = waiter.reports.values()
    if all(outcome.ended_in_time(report) for report in ends):
        return 0
    return base.EXIT_OTHERWISE


def row(waiter: waiting.Waiter, policy_uuid: str) -> policy.Row:
    """Return what became of a policy."""
    view = waiter.views.get(policy_uuid, {})
    guest = view.get('guest_name')
    report = waiter.reports.get(policy_uuid)
    if report is not None:
        return with_policy(outcome.end_row(guest or '', report), policy_uuid)
    error = waiter.errors.get(policy_uuid)
    if error is not None:
        return with_policy(
            outcome.blank_row(cells.Text(guest), 'unknown', str(error)),
            policy_uuid,
        )
    if waiter.failure or not view:
        name = cells.Text(guest)
        blank = outcome.blank_row(name, 'unknown', waiter.failure)
        return with_policy(blank, policy_uuid)
    return _course_row(view)


def _course_row(view: connection.View) -> policy.Row:
    """Return the row of a policy that is under way."""
    unknown = base.Figure(None)
    return (
        view['guest_name'],
        view['uuid'],
        'under way',
        base.in_mib(view['start_kib']),
        unknown,
        base.in_mib(view['target_kib']),
        base.in_mib(view['moved_kib']),
        unknown,
        cells.seconds(view['elapsed_seconds'], 3),
        unknown,
        unknown,
        cells.Text(view['timed_by']),
        view['held_by'],
    )


def with_policy(end: outcome.Row, policy_uuid: str | None) -> policy.Row:
    """Put a policy's UUID, if there is one, behind its guest's name."""
    return (end[0], cells.Text(policy_uuid), *end[1:])


class WaitForPolicies(WaitingCommand):
    """Wait until policies have ended, and tell how.

    Ctrl-C ends the wait, not the policies. An agent that is away for a
    minute at the most, for a restart, is waited for.

    Exit code: 0 if all ended by target or deadline, 3 if some ended
    otherwise, 2 for wrong usage, 1 for an error, 130 after Ctrl-C.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add which."""
        parser = super().get_parser(prog_name)
        policy.add_policy(parser, several=True)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Table:
        """Wait for all of them."""
        uuids = list(dict.fromkeys(parsed_args.policies))
        with self.agent(parsed_args) as agent:
            waiter = self.wait_for(agent, uuids)
        if len(uuids) == 1:
            for error in waiter.errors.values():
                raise error
        return COLUMNS, [row(waiter, it) for it in uuids]
