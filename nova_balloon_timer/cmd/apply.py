# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer apply``."""

import argparse
import pathlib
import sys

from nova_balloon_timer import exception
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import order_options
from nova_balloon_timer.cmd import outcome
from nova_balloon_timer.cmd import preparation
from nova_balloon_timer.cmd import progress
from nova_balloon_timer.cmd import stopper
from nova_balloon_timer.report import output
from nova_balloon_timer.report import run_file


class Apply(base.HostLister):
    """Take memory from guests, or give it back, in bounded time.

    Each guest's operation ends at its target or its deadline, whichever is
    first, and says which. Ctrl-C freezes every balloon where it is.

    Exit code: 0 if all ended by target or deadline, 3 if some ended
    otherwise or were refused, 2 for wrong usage, 1 for an error.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        order_options.add_to(parser)
        add = parser.add_argument
        add(
            '--dry-run',
            action='store_true',
            help='say what would be done and what to expect, and move no '
            'balloon; expected is what becomes of a simulated guest that is '
            'in the same state and moves as quickly as an idle one',
        )
        add(
            '--save',
            metavar='RUN.json',
            type=pathlib.Path,
            help="keep the run, for 'nova-balloon-timer report'",
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[outcome.Row]]:
        """Check everything, then run the policies and tell how they ended."""
        with stopper.Stopper() as self._stopper:
            return self._apply(parsed_args)

    def _apply(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[outcome.Row]]:
        wanted = order_options.order_of(parsed_args)
        if parsed_args.save is not None:
            if parsed_args.dry_run:
                raise exception.InvalidPolicy(
                    why='--dry-run makes no run that --save could keep'
                )
            output.check_writable(parsed_args.save)
        # NOTE: in a dry run not even a defect of ours could move a balloon.
        name = 'noop' if parsed_args.dry_run else None
        applier = self.load_applier(parsed_args, name)
        guests = preparation.find_guests(applier, parsed_args.guests, wanted)
        pool = self.make_pool(applier, len(guests))
        try:
            with preparation.Preparation(
                applier, pool, guests, self.options.statistics_wait_seconds
            ) as prepared:
                plan = prepared.plan(
                    wanted, self.defaults, asks_clocks=parsed_args.dry_run
                )
                if parsed_args.dry_run:
                    return self._tell_plan(plan)
                return self._run(parsed_args, plan, applier, pool)
        finally:
            pool.close()
            applier.close()

    def _tell_plan(
        self, plan: preparation.Plan
    ) -> tuple[tuple[str, ...], list[outcome.Row]]:
        if plan.refusals:
            self.exit_code = base.EXIT_OTHERWISE
        return outcome.PLAN_COLUMNS, outcome.plan_rows(plan)

    def _run(
        self,
        parsed_args: argparse.Namespace,
        plan: preparation.Plan,
        applier: applier_base.Applier,
        pool: applier_pool.WorkerPool,
    ) -> tuple[tuple[str, ...], list[outcome.Row]]:
        with progress.display(plan.names, sys.stderr) as display:
            recorder = outcome.Recorder(display)
            crank = manager.Manager(applier, pool, recorder)
            applier.watch(crank.post)
            for balloon_policy in plan.policies:
                crank.post(message.PolicyRequested(policy=balloon_policy))
            self._stopper.on_stop(lambda: _cancel(crank, plan))
            crank.run_until_idle()
        if parsed_args.save is not None:
            run = outcome.saved_run_of(plan, recorder.reports)
            run_file.save(parsed_args.save, run)
        if plan.refusals or not recorder.all_ended_in_time:
            self.exit_code = base.EXIT_OTHERWISE
        if crank.has_failed:
            self.exit_code = base.EXIT_ERROR
        return outcome.END_COLUMNS, outcome.end_rows(plan, recorder.reports)


def _cancel(crank: manager.Manager, plan: preparation.Plan) -> None:
    for made in plan.policies:
        crank.post(message.PolicyCancelled(policy_uuid=made.uuid))
