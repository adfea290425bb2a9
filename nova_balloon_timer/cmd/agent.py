# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer agent``."""

import argparse
import os

from cliff import command
from oslo_config import cfg

from nova_balloon_timer.cmd import base

_QUIET_LEVELS = ('nova_balloon_timer=WARNING', 'oslo_service=WARNING')


class Agent(base.OneLineErrors, command.Command):
    """Look after this host until told to end.

    Takes memory from guests when the host runs short and returns it when it
    is well again. SIGTERM freezes what is under way and ends within 2 s;
    SIGHUP reads the options again that may change.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--connect',
            metavar='URI',
            help='libvirt connection (default: [balloon_timer] '
            'connection_uri, qemu:///system)',
        )
        parser.add_argument(
            '--state-path',
            metavar='FOLDER',
            help='where the journal is (default: [balloon_timer] state_path)',
        )
        parser.add_argument(
            '--dry-run',
            action='store_true',
            help='decide and log, but move no balloon; keeps a journal of its '
            "own, in the folder 'dry-run' of the state path",
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> int:
        """Check the configuration, then serve."""
        # NOTE: whoever runs any command loads this module, but need not wait
        # for all that an agent is made of.
        from nova_balloon_timer.agent import service

        conf: cfg.ConfigOpts = self.app.conf  # type: ignore[attr-defined]
        self._override_logging(conf)
        overrides = {
            'connection_uri': parsed_args.connect,
            'state_path': parsed_args.state_path,
            'applier': 'noop' if parsed_args.dry_run else None,
        }
        for name, value in overrides.items():
            if value:
                conf.set_override(name, value, 'balloon_timer')
        return service.run(conf)

    def _override_logging(self, conf: cfg.ConfigOpts) -> None:
        """Have the global options do for a service what they say."""
        given = self.app.options
        if given.log_file:
            conf.set_override('log_file', os.path.abspath(given.log_file))
        if given.debug or given.verbose_level > 1:
            conf.set_override('debug', True)
        elif given.verbose_level == 0:
            levels = [*conf.default_log_levels, *_QUIET_LEVELS]
            conf.set_override('default_log_levels', levels)
