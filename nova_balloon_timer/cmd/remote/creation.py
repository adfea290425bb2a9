# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer policy create`` and ``policy preview``."""

import argparse
from typing import Any, TYPE_CHECKING

from cliff import lister

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import interruption
from nova_balloon_timer.cmd import order_options
from nova_balloon_timer.cmd import outcome
from nova_balloon_timer.cmd.remote import attempt
from nova_balloon_timer.cmd.remote import cells
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.remote import policy
from nova_balloon_timer.cmd.remote import view as remote_view
from nova_balloon_timer.cmd.remote import wait

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

_CREATE_COLUMNS = (
    'Guest',
    'Policy',
    'Result',
    'Start MiB',
    'Target MiB',
    'Seconds',
    'Supersedes',
    'Detail',
)


def _arguments(parsed_args: argparse.Namespace) -> dict[str, Any]:
    """Return what is asked of each guest.

    :raises BalloonTimerError: it makes no sense, whatever the guest
    """
    order_options.order_of(parsed_args)
    for name in parsed_args.guests:
        if parsed_args.guests.count(name) > 1:
            raise base.WrongUsage(why=f'guest {name} is named twice')
    return {
        'target': parsed_args.target,
        'duration': parsed_args.duration,
        'segments': parsed_args.segment,
        'floor': parsed_args.floor,
        'reserve': parsed_args.reserve,
        'leash': parsed_args.leash,
        'mode': parsed_args.mode,
    }


class CreatePolicies(wait.WaitingCommand):
    """Have the agent of a host take memory from guests, or give it back.

    Each guest gets a policy of its own, in place of one that it has; what
    goes wrong with one does not keep the others from theirs. The agent
    carries them out, and goes on without this command. Where no answer came,
    look at 'policy list' before asking again.

    Exit code: 0 if all were made, and with --wait ended by target or
    deadline; 3 if some ended otherwise or were refused, 2 for wrong usage, 1
    for an error, 130 after Ctrl-C.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        order_options.add_to(parser)
        parser.add_argument(
            '--wait',
            action='store_true',
            help='show how they do, and return when all have ended; Ctrl-C '
            'ends the wait, not the policies',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Table:
        """Make the policies, and wait for them if that is wanted."""
        arguments = _arguments(parsed_args)
        with self.agent(parsed_args) as agent:
            creator = _Creator(agent, arguments)
            with interruption.raising():
                attempts = attempt.each(parsed_args.guests, creator.create)
            code = attempt.exit_code_of(attempts)
            self.exit_code = code
            made = [it.answer['policy'] for it in attempts if it.answer]
            if not parsed_args.wait or code > base.EXIT_OTHERWISE:
                return _CREATE_COLUMNS, [_create_row(it) for it in attempts]
            waiter = self.wait_for(agent, [it['uuid'] for it in made], made)
        self.exit_code = attempt.worst((self.exit_code, code))
        return wait.COLUMNS, [
            wait.row(waiter, it.answer['policy']['uuid'])
            if it.answer
            else wait.with_policy(
                outcome.blank_row(it.name, it.what, it.words), None
            )
            for it in attempts
        ]


class _Creator:
    """Makes one policy a guest, by whatever name it goes."""

    def __init__(
        self, agent: 'rpc_api.HostAPI', arguments: dict[str, Any]
    ) -> None:
        self._agent = agent
        self._arguments = arguments
        self._done: set[str] = set()

    def create(self, guest: str) -> connection.View:
        """Have a policy made, unless the guest just got one.

        :raises WrongUsage: it did
        :raises Unanswered: it may have been made
        :raises BalloonTimerError: there is none
        """
        if guest in self._done or guest.lower() in self._done:
            raise base.WrongUsage(why=f'guest {guest} is named twice')
        answer: connection.View
        try:
            answer = self._agent.create_policy(guest, **self._arguments)
        except (exception.BusBroken, exception.HostNotAnswering) as error:
            raise attempt.Unanswered(why=error) from error
        made = answer['policy']
        self._done |= {made['guest_uuid'], made['guest_name']}
        return answer


def _create_row(made: attempt.Attempt) -> policy.Row:
    if made.answer is None:
        blanks = (base.Figure(None),) * 3
        none = cells.Text(None)
        return (made.name, none, made.what, *blanks, none, made.words)
    view = made.answer['policy']
    return (
        view['guest_name'],
        view['uuid'],
        'created',
        base.in_mib(view['start_kib']),
        base.in_mib(view['target_kib']),
        view['duration_seconds'],
        cells.Text(made.answer['superseded']),
        view['explanation'],
    )


class PreviewPolicies(connection.AgentCommand, lister.Lister):
    """Say what 'policy create' would do and what to expect, and do nothing.

    Expected is what becomes of a simulated guest that is in the same state,
    and moves as quickly as an idle one.

    Exit code: 0 if none would be refused, 3 if some would, 2 for wrong
    usage, 1 for an error.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        order_options.add_to(parser)
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> policy.Table:
        """Ask guest by guest."""
        arguments = _arguments(parsed_args)
        with self.agent(parsed_args) as agent:
            attempts = attempt.each(
                parsed_args.guests,
                lambda guest: agent.preview_policy(guest, **arguments),
            )
        code = attempt.exit_code_of(attempts)
        if any(it.answer and it.answer['policy'] is None for it in attempts):
            code = attempt.worst((code, base.EXIT_OTHERWISE))
        self.exit_code = code
        return outcome.PLAN_COLUMNS, [_preview_row(it) for it in attempts]


def _preview_row(made: attempt.Attempt) -> policy.Row:
    blanks = (base.Figure(None),) * (len(outcome.PLAN_COLUMNS) - 3)
    if made.answer is None:
        return (made.name, made.what, *blanks, made.words)
    view = made.answer['policy']
    if view is None:
        return (made.name, 'refuse', *blanks, made.answer['refusal'])
    expected = made.answer['expected'] or {}
    words = '-'
    if expected:
        words = f'{expected["reason"]}: {expected["detail"]}'
    return (
        view['guest_name'],
        view['direction'],
        base.in_mib(view['start_kib']),
        base.in_mib(view['target_kib']),
        base.in_mib(view['floor_kib']),
        base.in_mib(view['reserve_kib']),
        base.in_mib(made.answer['could_take_kib']),
        base.in_mib(expected.get('actual_end_kib')),
        base.in_mib(expected.get('freed_kib')),
        outcome.timed_by(remote_view.timing_of(view)),
        words,
    )
