# SPDX-License-Identifier: Apache-2.0
"""What the subcommands share: exit codes, options, one line for an error."""

import argparse
from typing import TYPE_CHECKING

from cliff import columns
from cliff import command
from cliff import lister
from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import units
from nova_balloon_timer.agent import configured
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import loader
from nova_balloon_timer.appliers import pool

EXIT_ERROR = 1
EXIT_USAGE = 2
EXIT_OTHERWISE = 3


class WrongUsage(exception.InvalidConfiguration):
    """What was asked for on the command line makes no sense."""

    msg_fmt = '%(why)s'


_USAGE_ERRORS = (
    WrongUsage,
    exception.InvalidArgument,
    exception.InvalidSize,
    exception.InvalidDuration,
    exception.InvalidSegment,
    exception.InvalidPolicy,
)

if TYPE_CHECKING:
    _Base = command.Command
else:
    _Base = object


class OneLineErrors(_Base):
    """Says what went wrong in one line, and sets the exit code.

    A subclass may set ``exit_code`` where all went well.
    """

    exit_code = 0

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run the subcommand; our own errors end it without a traceback."""
        try:
            return super().run(parsed_args) or self.exit_code
        except exception.BalloonTimerError as error:
            words = ' '.join(str(error).splitlines())
            self.app.LOG.error('%s: %s', self.cmd_name, words)
            return exit_code_of(error)

    @property
    def conf(self) -> cfg.ConfigOpts:
        """Return the configuration of this process."""
        conf: cfg.ConfigOpts = self.app.conf  # type: ignore[attr-defined]
        return conf


def exit_code_of(error: exception.BalloonTimerError) -> int:
    """Tell wrong usage from what went wrong."""
    return EXIT_USAGE if isinstance(error, _USAGE_ERRORS) else EXIT_ERROR


class HostLister(OneLineErrors, lister.Lister):
    """A table of guests of one hypervisor."""

    connect_help = (
        'libvirt connection (default: [balloon_timer] connection_uri, '
        'qemu:///system)'
    )

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add where the hypervisor is."""
        parser = super().get_parser(prog_name)
        parser.add_argument('--connect', metavar='URI', help=self.connect_help)
        return parser

    @property
    def options(self) -> cfg.ConfigOpts.GroupAttr:
        """Return our group of the configuration."""
        return self.conf.balloon_timer  # type: ignore[no-any-return]

    @property
    def defaults(self) -> order.Defaults:
        """Return the configured guards."""
        return configured.defaults(self.options)

    def load_applier(
        self, parsed_args: argparse.Namespace, name: str | None = None
    ) -> applier_base.Applier:
        """Make the configured applier, connected."""
        uri = parsed_args.connect or self.options.connection_uri
        applier = loader.load(name or self.options.applier, uri)
        applier.connect()
        return applier

    def make_pool(
        self, applier: applier_base.Applier, guests: int
    ) -> pool.WorkerPool:
        """Start workers for so many guests."""
        return pool.WorkerPool(
            size=min(self.options.workers, max(2, guests)),
            most=self.options.max_workers,
            on_start=applier.connect,
            on_stop=applier.disconnect,
        )


def count_guests(number: int) -> str:
    """Return how many guests, in words."""
    return '1 guest' if number == 1 else f'{number} guests'


class Figure(columns.FormattableColumn[float | None]):
    """A number in a table; '-' where it is unknown, null for machines."""

    def human_readable(self) -> str:
        """Return what people read."""
        return '-' if self._value is None else str(self._value)

    def machine_readable(self) -> float | None:
        """Return what programs read."""
        return self._value


def in_mib(size_kib: int | None) -> Figure:
    """Return a size for a table, to a tenth of a MiB."""
    if size_kib is None:
        return Figure(None)
    return Figure(round(size_kib / units.KIB_PER_MIB, 1))


def attribute_in_mib(sample: model.BalloonSample | None, name: str) -> Figure:
    """Return one size of a sample for a table."""
    return in_mib(None if sample is None else getattr(sample, name))
