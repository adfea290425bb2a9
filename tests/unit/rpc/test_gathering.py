# SPDX-License-Identifier: Apache-2.0

import socket
import threading
import time
from typing import Any

import oslo_messaging

from nova_balloon_timer.rpc import api
from nova_balloon_timer.rpc import gathering
from nova_balloon_timer.rpc import listening
from nova_balloon_timer.rpc import transport
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.rpc import factory


class GatheringTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus())
        self.agents = api.AgentAPI(self.bus.conf)
        self.addCleanup(self.agents.close)

    def test_all_hosts_that_answer_are_listed_by_name(self) -> None:
        names = [self.bus.serve(factory.Desk()) for _ in range(5)]
        found = self.agents.list_hosts(wait_seconds=0.5)
        self.assertEqual(sorted(names), [it['host'] for it in found])
        self.assertEqual({'show_host'}, {it['method'] for it in found})

    def test_one_that_cannot_answer_hides_no_other(self) -> None:
        well, ill = factory.Desk(), factory.Desk()

        def fail() -> view.Json:
            raise RuntimeError('ill')

        ill.answers['show_host'] = fail
        name = self.bus.serve(well)
        self.bus.serve(ill)
        found = self.agents.list_hosts(wait_seconds=0.5)
        self.assertEqual([name], [it['host'] for it in found])

    def test_one_that_is_late_is_waited_for(self) -> None:
        slow = factory.Desk()

        def answer() -> view.Json:
            time.sleep(0.4)
            return {'host': slow.host}

        slow.answers['show_host'] = answer
        names = [self.bus.serve(it) for it in (factory.Desk(), slow)]
        found = self.agents.list_hosts(wait_seconds=1.0)
        self.assertEqual(sorted(names), [it['host'] for it in found])

    def test_is_over_when_nothing_more_comes_or_its_time_is_up(self) -> None:
        begin = time.monotonic()
        self.assertEqual([], self.agents.list_hosts(wait_seconds=0.1))
        self.assertLess(time.monotonic() - begin, 3.0)
        begin = time.monotonic()
        self.agents.list_hosts(wait_seconds=30.0, longest_seconds=0.1)
        self.assertLess(time.monotonic() - begin, 3.0)

    def test_two_may_ask_at_once(self) -> None:
        names = [self.bus.serve(factory.Desk()) for _ in range(2)]
        answers: list[list[str]] = []

        def ask() -> None:
            agents = api.AgentAPI(self.bus.conf)
            found = agents.list_hosts(wait_seconds=0.5)
            answers.append([it['host'] for it in found])
            agents.close()

        threads = [threading.Thread(target=ask) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([sorted(names)] * 2, answers)


class StrangerTestCase(base.TestCase):
    """What anybody may send to somebody who waits for answers."""

    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus())
        self.endpoint = gathering.ReportEndpoint(factory.POLICY)
        made = transport.make(self.bus.conf)
        self.addCleanup(made.cleanup)
        server = listening.make(
            made,
            self.endpoint,
            topic=listening.REPLY_TOPIC,
            name=socket.gethostname(),
        )
        server.start(override_pool_size=1)
        self.addCleanup(server.wait)
        self.addCleanup(server.stop)
        self.client = oslo_messaging.get_rpc_client(
            made,
            oslo_messaging.Target(topic=listening.REPLY_TOPIC, fanout=True),
        )

    def test_only_answers_to_the_question_are_taken(self) -> None:
        nonsense: list[dict[str, Any]] = [
            {},
            {'request_id': factory.POLICY},
            {'request_id': factory.POLICY, 'host': 'compute1'},
            {'request_id': factory.POLICY, 'host': {}},
            {'request_id': factory.POLICY, 'host': {'host': 5}},
            {'request_id': factory.POLICY, 'host': {'host': 'a\nb'}},
            {'request_id': factory.POLICY, 'host': {'host': 'x' * 10**6}},
            {'request_id': [], 'host': {'host': 'compute1'}},
            {'request_id': base.uuid_of('else'), 'host': {'host': 'other'}},
        ]
        good = {
            'request_id': factory.POLICY,
            'host': {'host': 'compute1', 'words': '\x1b[2J'},
        }
        for given in (*nonsense, good):
            self.client.cast({}, 'host_reported', **given)
        found = self.endpoint.hosts.get(timeout=base.PATIENCE_SECONDS)
        self.assertEqual({'host': 'compute1', 'words': '\ufffd[2J'}, found)
        self.assertTrue(self.endpoint.hosts.empty())
        self.assertNotIn('Traceback', self.bus.log.output)
