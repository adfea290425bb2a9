# SPDX-License-Identifier: Apache-2.0
"""A message bus in memory, and somebody who answers what is asked there."""

from collections.abc import Callable
import itertools
import time
from typing import Any

import fixtures
from oslo_config import cfg
from oslo_messaging import conffixture

from nova_balloon_timer import order
from nova_balloon_timer.rpc import server
from nova_balloon_timer.rpc import view
from tests.unit import base

# The driver for RabbitMQ, with a broker in this process behind it.
MEMORY_URL = 'kombu+memory:////'

POLICY = '2f1e9a44-6c0b-4f0e-8a57-0d9e8c7b6a51'

_numbers = itertools.count()


def make_conf() -> cfg.ConfigOpts:
    """Return a configuration of nothing."""
    conf = cfg.ConfigOpts()
    conf([], project='none', default_config_files=[], default_config_dirs=[])
    return conf


class Desk:
    """Answers with what it was asked, or as it is told.

    :ivar asked: each call's name and arguments
    :ivar answers: what is called instead, by the name of the call
    """

    def __init__(self, host: str = 'compute1') -> None:
        self.host = host
        self.asked: list[tuple[Any, ...]] = []
        self.answers: dict[str, Callable[[], view.Json]] = {}

    def create_policy(self, guest: str, wanted: order.Order) -> view.Json:
        return self._answer('create_policy', guest, wanted)

    def preview_policy(self, guest: str, wanted: order.Order) -> view.Json:
        return self._answer('preview_policy', guest, wanted)

    def list_policies(self, limit: int, marker: str | None) -> view.Json:
        return self._answer('list_policies', limit, marker)

    def show_policy(self, policy_uuid: str) -> view.Json:
        return self._answer('show_policy', policy_uuid)

    def cancel_policy(self, policy_uuid: str) -> view.Json:
        return self._answer('cancel_policy', policy_uuid)

    def show_host(self) -> view.Json:
        return self._answer('show_host')

    def list_guests(self, limit: int, marker: str | None) -> view.Json:
        return self._answer('list_guests', limit, marker)

    def list_history(
        self, limit: int, marker: str | None, guest: str | None
    ) -> view.Json:
        return self._answer('list_history', limit, marker, guest)

    def show_history(self, policy_uuid: str) -> view.Json:
        return self._answer('show_history', policy_uuid)

    def list_events(self, limit: int) -> view.Json:
        return self._answer('list_events', limit)

    def _answer(self, *asked: Any) -> view.Json:
        self.asked.append(asked)
        name = asked[0]
        if name in self.answers:
            return self.answers[name]()
        return {'host': self.host, 'method': name}


class Meter:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str]] = []

    def observe(self, method: str, seconds: float, error: str) -> None:
        if not 0 <= seconds < base.PATIENCE_SECONDS:
            raise AssertionError(f'{method} took {seconds} s')
        self.told.append((method, error))


class Bus(fixtures.Fixture):
    """A bus to which nobody but this test is connected."""

    def __init__(self, url: str = MEMORY_URL) -> None:
        super().__init__()
        self._url = url

    def _setUp(self) -> None:
        self.log = self.useFixture(fixtures.FakeLogger())
        self.conf = make_conf()
        self.useFixture(conffixture.ConfFixture(self.conf, self._url))

    def serve(self, desk: Desk, meter: Meter | None = None) -> str:
        """Have a desk answer; return the name of its host."""
        host = f'compute-{next(_numbers)}'
        desk.host = host
        made = server.RPCServer(self.conf, desk, host=host, meter=meter)
        made.start()
        self.addCleanup(made.close)
        self.wait_for_words(f'RPC is served as {host} ')
        return host

    def wait_for_words(self, words: str) -> None:
        """Wait until the log says something."""
        until = time.monotonic() + base.PATIENCE_SECONDS
        while words not in self.log.output:
            if time.monotonic() > until:
                raise AssertionError(f'no {words!r} in {self.log.output}')
            time.sleep(0.005)
