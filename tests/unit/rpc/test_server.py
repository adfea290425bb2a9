# SPDX-License-Identifier: Apache-2.0

import threading
import time
from typing import Any

import fixtures
from oslo_messaging._drivers import impl_fake

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import api
from nova_balloon_timer.rpc import server
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.rpc import factory

# What close() may take at the most, and what a busy machine adds to it.
_CLOSE_SECONDS = 0.2
_SLACK_SECONDS = 0.3


class ServerTestCase(base.TestCase):
    def close(self, made: server.RPCServer) -> None:
        began_at = time.monotonic()
        made.close()
        self.assertLess(
            time.monotonic() - began_at, _CLOSE_SECONDS + _SLACK_SECONDS
        )
        self.assertEqual(
            [],
            [
                thread.name
                for thread in threading.enumerate()
                if thread is not threading.main_thread() and not thread.daemon
            ],
        )


class BrokerAwayTestCase(ServerTestCase):
    """The bus cannot be listened to; oslo.messaging waits, or gives up."""

    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus('fake:/'))
        self.made = server.RPCServer(
            self.bus.conf, factory.Desk(), host='compute1'
        )

    def listen_by(self, listen: Any) -> None:
        self.useFixture(
            fixtures.MockPatchObject(
                impl_fake.FakeDriver,
                'listen',
                autospec=True,
                side_effect=listen,
            )
        )

    def test_neither_start_nor_close_waits_for_it(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)
        begun = threading.Event()

        def wait(*words: Any) -> None:
            begun.set()
            over.wait(base.PATIENCE_SECONDS)

        self.listen_by(wait)
        began_at = time.monotonic()
        self.made.start()
        self.assertLess(time.monotonic() - began_at, 0.1 + _SLACK_SECONDS)
        self.assertTrue(begun.wait(base.PATIENCE_SECONDS))
        self.close(self.made)

    def test_it_is_tried_again_and_told_once(self) -> None:
        self.useFixture(
            fixtures.MockPatchObject(server, '_FIRST_PAUSE_SECONDS', 0.01)
        )
        listened: list[None] = []
        listen = impl_fake.FakeDriver.listen

        def fail(*words: Any) -> Any:
            listened.append(None)
            if len(listened) < 4:
                raise ConnectionError('refused\nat all')
            return listen(*words)

        self.listen_by(fail)
        self.made.start()
        self.bus.wait_for_words('RPC is served as compute1')
        words = 'RPC cannot be served yet: ConnectionError: refused'
        self.assertEqual(1, self.bus.log.output.count(words))
        self.close(self.made)

    def test_what_makes_no_sense_is_told(self) -> None:
        self.bus.conf.set_override('transport_url', 'carrier-pigeon://')
        self.made.start()
        self.bus.wait_for_words('No RPC is served: the message bus cannot be')
        self.assertNotIn('Traceback', self.bus.log.output)
        self.close(self.made)


class CloseTestCase(ServerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus())
        self.desk = factory.Desk('compute1')
        self.made = server.RPCServer(
            self.bus.conf, self.desk, host='close-test'
        )
        self.made.start()
        self.bus.wait_for_words('RPC is served as close-test')
        self.agents = api.AgentAPI(self.bus.conf, timeout_seconds=2.0)
        self.addCleanup(self.agents.close)

    def test_nothing_is_answered_any_more(self) -> None:
        agent = self.agents.on('close-test')
        agent.show_host()
        self.close(self.made)
        self.desk.asked.clear()
        self.assertRaises(
            (exception.AgentBusy, exception.HostNotAnswering), agent.show_host
        )
        self.assertEqual([], self.desk.asked)

    def test_a_call_at_work_is_not_waited_for(self) -> None:
        begun, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def wait() -> view.Json:
            begun.set()
            over.wait(base.PATIENCE_SECONDS)
            return {}

        self.desk.answers['show_host'] = wait
        caller = threading.Thread(
            target=lambda: self.assertRaises(
                exception.HostNotAnswering,
                self.agents.on('close-test').show_host,
            ),
            daemon=True,
        )
        caller.start()
        self.assertTrue(begun.wait(base.PATIENCE_SECONDS))
        self.close(self.made)
        caller.join(base.PATIENCE_SECONDS)


class OverloadTestCase(ServerTestCase):
    def test_one_slow_call_holds_up_no_other(self) -> None:
        bus = self.useFixture(factory.Bus())
        desk = factory.Desk()
        over = threading.Event()
        self.addCleanup(over.set)
        begun = threading.Semaphore(0)

        def wait() -> view.Json:
            begun.release()
            over.wait(base.PATIENCE_SECONDS)
            return {}

        desk.answers['list_events'] = wait
        agents = api.AgentAPI(bus.conf, timeout_seconds=base.PATIENCE_SECONDS)
        self.addCleanup(agents.close)
        agent = agents.on(bus.serve(desk))
        callers = [
            threading.Thread(target=agent.list_events) for _ in range(7)
        ]
        for caller in callers:
            caller.start()
        for _ in range(7):
            self.assertTrue(begun.acquire(timeout=base.PATIENCE_SECONDS))
        self.assertEqual('show_host', agent.show_host()['method'])
        over.set()
        for caller in callers:
            caller.join(base.PATIENCE_SECONDS)
