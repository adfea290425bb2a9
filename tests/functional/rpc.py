# SPDX-License-Identifier: Apache-2.0
"""What the tests of the RPC share: an agent on the bus, and its clients."""

from collections.abc import Callable
import pathlib
import socket
import time
from typing import Any

from oslo_config import cfg
from oslo_messaging import conffixture
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import api
from nova_balloon_timer.rpc import transport
from tests.functional import agent
from tests.functional import base
from tests.functional import bus
from tests.functional import lab

HOST = 'compute-lab'
TOPIC = 'balloon_timer'
SERVED = f'RPC is served as {HOST} '

# What every answer may take, and what a machine that is busy adds to it.
ANSWER_SECONDS = 1.0
SLACK_SECONDS = 0.5

# Holds the balloon at 64 MiB for long, so that there is something to see.
LONG: dict[str, Any] = {
    'target': '300M',
    'duration': '60s',
    'segments': ['40s=448M'],
}

_REPLY_TOPIC = 'balloon_timer_reply'
_QUEUES = (
    TOPIC,
    f'{TOPIC}.{HOST}',
    _REPLY_TOPIC,
    f'{_REPLY_TOPIC}.{socket.gethostname()}',
)


class RPCTest(agent.AgentTest):
    """A test with a broker, and one agent that is connected to it."""

    def setUp(self) -> None:
        super().setUp()
        self.broker = bus.shared()
        self.speak(bus.options(self.broker))

    def speak(self, groups: bus.Groups) -> None:
        """Choose how agent and clients speak on the bus."""
        # NOTE: queues that are there are not made otherwise.
        bus.clear(self.broker, *_QUEUES)
        groups['DEFAULT']['host'] = HOST
        self.groups = groups

    def serve(self, *balloons: base.Balloon) -> agent.RunningAgent:
        """Start an agent, and wait until it can be asked."""
        running = self.begin_agent(*balloons)
        running.wait_said(SERVED)
        for balloon in balloons:
            self.wait_known(balloon)
        return running

    def make_conf(self) -> cfg.ConfigOpts:
        """Make what a client is configured with."""
        return client_conf(self, self.folder, self.groups)

    def reach(self, timeout_seconds: float = 5.0) -> api.AgentAPI:
        """Make a client."""
        agents = api.AgentAPI(
            self.make_conf(), timeout_seconds=timeout_seconds
        )
        self.addCleanup(agents.close)
        return agents

    def raw_client(self, **target: Any) -> Any:
        """Make a client of oslo.messaging's own, which checks nothing."""
        made = transport.make(self.make_conf())
        self.addCleanup(made.cleanup)
        fields = {'topic': TOPIC, 'server': HOST, **target}
        return oslo_messaging.get_rpc_client(
            made, oslo_messaging.Target(**fields), timeout=10.0
        )

    def timed(self, call: Callable[[], Any]) -> Any:
        """See that an answer does not take too long."""
        began_at = time.monotonic()
        try:
            return call()
        finally:
            self.assertLess(
                time.monotonic() - began_at, ANSWER_SECONDS + SLACK_SECONDS
            )

    def wait_for_state(
        self, client: api.HostAPI, policy_uuid: str, *states: str
    ) -> api.Json:
        """Wait until a policy is in one of these states."""
        seen: api.Json = {}

        def is_there() -> bool:
            seen.update(client.show_policy(policy_uuid))
            return seen['state'] in states

        lab.wait_until(is_there, f'{policy_uuid} is {states}')
        return seen


def client_conf(
    test: testtools.TestCase, folder: pathlib.Path, groups: bus.Groups
) -> cfg.ConfigOpts:
    """Make what a client in a test is configured with."""
    path = folder / 'client.conf'
    path.write_text(bus.ini(groups))
    conf = cfg.ConfigOpts()
    conf(
        ['--config-file', str(path)],
        project='client',
        default_config_dirs=[],
    )
    # NOTE: oslo.messaging's client wants options that only the
    # configuration of the process has.
    test.useFixture(conffixture.ConfFixture(conf))
    return conf


def wait_answered(
    client: api.HostAPI, timeout_seconds: float = 60
) -> api.Json:
    """Wait until the agent answers."""
    seen: api.Json = {}

    def answers() -> bool:
        try:
            seen.update(client.show_host())
        except (exception.BusUnavailable, exception.HostNotAnswering):
            return False
        return True

    lab.wait_until(answers, 'an answer', timeout_seconds)
    return seen
