# SPDX-License-Identifier: Apache-2.0
"""What the commands share that ask an agent over the message bus."""

import argparse
from collections.abc import Callable, Iterator
import contextlib
import logging
import math
from typing import Any, TYPE_CHECKING
import uuid

from oslo_config import types
from oslo_utils import uuidutils

from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd.remote import answer

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

# What an agent tells: an object of JSON.
View = dict[str, Any]

_TIMEOUT_SECONDS = 5.0
_LONGEST_SECONDS = 600.0
_PAGE_ITEMS = 1000
# Nobody has so much; it is an agent that does not come to an end.
_MOST_PAGES = 10_000

_CHATTY = (
    'amqp',
    'kombu',
    'oslo',
    'oslo_messaging',
    'oslo_service',
    'stevedore',
)


class BusCommand(base.OneLineErrors):
    """A command that needs the message bus."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add how long to wait."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--timeout',
            metavar='SECONDS',
            type=seconds,
            default=_TIMEOUT_SECONDS,
            help='how long to wait for an answer (default: %(default)g)',
        )
        return parser

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Run it; an answer that cannot be read ends it in a line, too."""
        try:
            return super().run(parsed_args)
        except answer.MISFITS as error:
            if self.app.options.debug:
                raise
            told = answer.AnswerInvalid(why=repr(error))
            self.app.LOG.error('%s: %s', self.cmd_name, told)
            return base.EXIT_ERROR

    @contextlib.contextmanager
    def agents(
        self, parsed_args: argparse.Namespace
    ) -> Iterator['rpc_api.AgentAPI']:
        """Lend what reaches all agents.

        :raises BalloonTimerError: there is no message bus, or none that works
        """
        with self._quiet():
            # NOTE: it takes half a second, which whoever wants help saves.
            from nova_balloon_timer.rpc import api as rpc_api

            agents = rpc_api.AgentAPI(
                self.conf, timeout_seconds=parsed_args.timeout
            )
            try:
                yield agents
            finally:
                agents.close()

    @contextlib.contextmanager
    def _quiet(self) -> Iterator[None]:
        """Keep to ourselves what libraries have to say of a message bus.

        We say it in one line, unless --debug asks for all.
        """
        loggers = [logging.getLogger(name) for name in _CHATTY]
        before = [logger.level for logger in loggers]
        if not self.app.options.debug:
            for logger in loggers:
                logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, before, strict=True):
                logger.setLevel(level)


class AgentCommand(BusCommand):
    """A command that asks the agent of one host."""

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add whom to ask."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--host',
            metavar='NAME',
            type=_host,
            help='whose agent to ask (default: [DEFAULT] host, this host)',
        )
        return parser

    def host_of(self, parsed_args: argparse.Namespace) -> str:
        """Return the name of the host that is meant."""
        return str(parsed_args.host or self.conf.host)

    @contextlib.contextmanager
    def agent(
        self, parsed_args: argparse.Namespace
    ) -> Iterator['rpc_api.HostAPI']:
        """Lend what asks the agent that is meant.

        :raises BalloonTimerError: there is no message bus, or none that works
        """
        with self.agents(parsed_args) as agents:
            yield agents.on(self.host_of(parsed_args))


def every(
    fetch: Callable[..., View],
    key: str,
    most: int | None = None,
    marker: str | None = None,
) -> Iterator[View]:
    """Give the items of all pages, one after the other.

    :param fetch: takes ``limit`` and ``marker``
    :param key: under which a page has its items
    :param most: so many at the most; None: all
    :param marker: the item before the first; None: from the beginning
    :raises AnswerInvalid: they have no end
    """
    seen = {marker}
    left = math.inf if most is None else most
    while left > 0:
        limit = int(min(left, _PAGE_ITEMS))
        page = fetch(limit=limit, marker=marker)
        yield from page[key][:limit]
        left -= len(page[key])
        marker = page['next_marker']
        if marker is None or not page[key]:
            break
        if marker in seen or len(seen) > _MOST_PAGES:
            raise answer.AnswerInvalid(why='its pages have no end')
        seen.add(marker)


def count(text: str) -> int:
    """Read how many, for argparse."""
    if not text.isascii() or not text.isdigit() or not 0 < int(text) < 10**9:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a whole number above zero"
        )
    return int(text)


def policy_uuid(text: str) -> str:
    """Read a policy's UUID, for argparse."""
    if not uuidutils.is_uuid_like(text):
        raise argparse.ArgumentTypeError(f"'{text}' is not a UUID")
    return str(uuid.UUID(text))


def seconds(text: str) -> float:
    """Read a time to wait, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.1 <= value <= _LONGEST_SECONDS:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not a number of seconds from 0.1 to "
            f'{_LONGEST_SECONDS:g}'
        )
    return value


def _host(text: str) -> str:
    try:
        return str(types.HostDomain()(text))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"'{text}' is not the name of a host"
        ) from error
