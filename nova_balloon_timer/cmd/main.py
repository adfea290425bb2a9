# SPDX-License-Identifier: Apache-2.0
"""The command ``nova-balloon-timer``."""

import argparse
from collections.abc import Sequence
from importlib import metadata
import signal
import sys
from typing import Any

from cliff import app
from cliff import commandmanager
from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.agent import configured
from nova_balloon_timer.cmd import configuration
from nova_balloon_timer.conf import opts


class BalloonTimerApp(app.App):
    """Finds the subcommands by entry point and reads the configuration.

    :param conf: None: the one of this process, as the libraries know it
    """

    def __init__(self, conf: cfg.ConfigOpts | None = None) -> None:
        super().__init__(
            description='Take memory back from guests in bounded time.',
            version=metadata.version(configuration.PROJECT),
            command_manager=commandmanager.CommandManager(
                'nova_balloon_timer.cli'
            ),
            deferred_help=True,
        )
        self.conf = cfg.CONF if conf is None else conf

    def build_option_parser(
        self, description: str | None, version: str | None, *args: Any
    ) -> argparse.ArgumentParser:
        """Add what all subcommands share."""
        parser = super().build_option_parser(description, version, *args)
        parser.add_argument(
            '--config-file',
            metavar='FILE',
            action='append',
            help='configuration to read; may be given more than once, and '
            'then nothing else is read. Default: nova-balloon-timer.conf in '
            '~/.nova-balloon-timer, ~, /etc/nova-balloon-timer or /etc; '
            'where there is none, nova.conf in ~/.nova, ~, /etc/nova or '
            '/etc, if it can be read',
        )
        return parser

    def initialize_app(self, argv: list[str]) -> None:
        """Read the configuration before any subcommand runs."""
        opts.register_opts(self.conf)
        opts.register_nova_opts(self.conf)
        logging.register_options(self.conf)
        files, folders = configuration.find()
        if self.options.config_file is not None:
            files, folders = self.options.config_file, []
        try:
            self.conf(
                [],
                project=configuration.PROJECT,
                default_config_files=files,
                default_config_dirs=folders,
            )
        except cfg.Error as error:
            raise exception.InvalidConfiguration(why=error) from error
        configured.check_values(self.conf.balloon_timer)


def main(
    argv: Sequence[str] | None = None, conf: cfg.ConfigOpts | None = None
) -> int:
    """Run the command and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return int(BalloonTimerApp(conf).run(arguments))
    except exception.BalloonTimerError as error:
        print(f'{configuration.PROJECT}: {error}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        # While the subcommands are loaded; later on, cliff sees to it.
        return 128 + signal.SIGINT
