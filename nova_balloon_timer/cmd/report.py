# SPDX-License-Identifier: Apache-2.0
"""The command that draws a saved run."""

import argparse
import pathlib

from cliff import command

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base
from nova_balloon_timer.report import page
from nova_balloon_timer.report import run_file


class Report(base.OneLineErrors, command.Command):
    """Draw a saved run as an HTML page that needs nothing else."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Say what may follow the command."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            'run',
            metavar='RUN.json',
            type=pathlib.Path,
            help='the run, as another command saved it',
        )
        parser.add_argument(
            '-o',
            '--output',
            metavar='FILE.html',
            type=pathlib.Path,
            help='the page to write; default: beside the run, as RUN.html',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Write the page and print where it is."""
        source: pathlib.Path = parsed_args.run
        destination: pathlib.Path = parsed_args.output or source.with_suffix(
            '.html'
        )
        run = run_file.load(source)
        if destination.resolve() == source.resolve():
            raise exception.OutputNotWritable(
                path=destination, why='it is the saved run'
            )
        page.write(destination, run)
        print(destination)
