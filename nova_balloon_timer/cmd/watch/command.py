# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer watch``."""

import argparse
import contextlib
import dataclasses
import datetime
import io
import sys
import time
from typing import TYPE_CHECKING

from cliff import command
import rich.console
import rich.live

from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import interruption
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.watch import gauge
from nova_balloon_timer.cmd.watch import keyboard
from nova_balloon_timer.cmd.watch import paper
from nova_balloon_timer.cmd.watch import poller
from nova_balloon_timer.cmd.watch import screen
from nova_balloon_timer.cmd.watch import state as watch_state

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

_INTERVAL_SECONDS = 1.0

# How soon the screen shows what was learned; its clock goes once a second.
_GLANCE_SECONDS = 0.1
_REDRAW_SECONDS = 1.0


class Watch(connection.AgentCommand, command.Command):
    """Watch a host, its guests, policies and events on a live screen.

    Arrow keys, or j and k, select a policy; c cancels it, after a question;
    q ends. An agent that does not answer is waited for.

    Exit code: 0 after q, 2 for wrong usage, 1 for an error, 130 after Ctrl-C.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add how often to look."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--interval',
            metavar='SECONDS',
            type=connection.seconds,
            default=_INTERVAL_SECONDS,
            help='how long to rest between two looks (default: %(default)g)',
        )
        parser.add_argument(
            '--once',
            action='store_true',
            help='print one picture, with everything in it, and end; needs '
            'no terminal',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Watch until told to end."""
        if isinstance(sys.stdout, io.TextIOWrapper):
            # NOTE: a name that a terminal cannot write must not end us.
            sys.stdout.reconfigure(errors='replace')
        console = rich.console.Console(file=sys.stdout, highlight=False)
        if parsed_args.once:
            return self._print_once(parsed_args, console)
        is_seen = console.is_terminal and not console.is_dumb_terminal
        if not is_seen or not sys.stdin.isatty():
            raise base.WrongUsage(
                why='there is no terminal to watch on; --once prints one '
                'picture'
            )
        with self.agent(parsed_args) as agent:
            state = watch_state.State(host=self.host_of(parsed_args))
            try:
                with interruption.raising():
                    _watch(agent, state, console, parsed_args.interval)
            except interruption.Stopped as stopped:
                return stopped.exit_code
        return 0

    def _print_once(
        self, parsed_args: argparse.Namespace, console: rich.console.Console
    ) -> int:
        with self.agent(parsed_args) as agent:
            snapshot = poller.look(agent)
        state = watch_state.take_in(
            watch_state.State(host=self.host_of(parsed_args)), snapshot
        )
        state = dataclasses.replace(state, selected=None)
        sheet = _sheet_of(console, height=None)
        console.print(screen.draw(state, sheet, snapshot.at), soft_wrap=True)
        return 0


def _sheet_of(
    console: rich.console.Console, height: int | None
) -> paper.Paper:
    return paper.Paper(
        width=console.width,
        height=height,
        glyphs=gauge.glyphs_for(console.encoding),
    )


def _watch(
    agent: 'rpc_api.HostAPI',
    state: watch_state.State,
    console: rich.console.Console,
    interval_seconds: float,
) -> None:
    """Show what is learned and heed keys, until it is over."""
    looking = poller.Poller(agent, interval_seconds)
    with contextlib.ExitStack() as undo:
        undo.callback(looking.stop)
        keys = undo.enter_context(keyboard.Keyboard(sys.stdin.fileno()))
        live = rich.live.Live(console=console, screen=True, auto_refresh=False)
        # NOTE: first, as a signal may come while the screen is taken.
        undo.callback(live.stop)
        live.start()
        looking.start()
        shown, shown_at = None, 0.0
        while not state.is_over:
            for one in looking.news():
                state = watch_state.take_in(state, one)
            is_old = time.monotonic() - shown_at >= _REDRAW_SECONDS
            if state is not shown or is_old:
                now = datetime.datetime.now(datetime.timezone.utc)
                sheet = _sheet_of(console, height=console.height)
                live.update(screen.draw(state, sheet, now), refresh=True)
                shown, shown_at = state, time.monotonic()
            for key in keys.read(_GLANCE_SECONDS):
                state, to_cancel = watch_state.press(state, key)
                if to_cancel is not None:
                    looking.cancel(to_cancel)
