# SPDX-License-Identifier: Apache-2.0
"""Clients, agents and brokers that end, hang or are not there."""

import json
import os
import signal
import time
from typing import Any
import uuid

import kombu
import testscenarios

from nova_balloon_timer import exception
from tests.functional import agent
from tests.functional import bus
from tests.functional import lab
from tests.functional import rpc

# A listener tries again to connect every few seconds, a client sooner.
_BACK_SECONDS = 60


class DyingClientTest(testscenarios.WithScenarios, rpc.RPCTest):
    """Whoever called is gone before the answer comes."""

    scenarios = [
        ('its queue stays', {'expires': True}),
        ('its queue is gone', {'expires': False}),
    ]
    expires: bool

    def test_costs_nobody_else_anything(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)
        # So that no answer comes before the client is dead.
        os.kill(running.pid, signal.SIGSTOP)
        self.addCleanup(_wake, running.pid)
        arguments = {'guest': alder.name, **rpc.LONG}
        self.call_and_die('create_policy', arguments)
        for _ in range(10):
            self.call_and_die('show_host', {})
        os.kill(running.pid, signal.SIGCONT)
        alder.wait_at(448)
        for _ in range(20):
            self.timed(client.show_host)
        (made,) = client.list_policies()['policies']
        self.timed(lambda: client.cancel_policy(made['uuid']))
        self.wait_for_state(client, made['uuid'], 'ended')
        self.assert_at(448, alder)
        sent_at = time.monotonic()
        self.assertEqual(0, running.stop().code)
        self.assertLess(
            time.monotonic() - sent_at,
            agent.STOP_SECONDS + agent.SLACK_SECONDS,
        )
        self.assertEqual([], running.said('Traceback'))

    def call_and_die(self, method: str, arguments: dict[str, Any]) -> None:
        """Call as oslo.messaging's client does, and end."""
        number = uuid.uuid4().hex
        call = {
            'method': method,
            'args': arguments,
            'version': '1.0',
            '_msg_id': number,
            '_reply_q': f'reply_{number}',
            '_timeout': None,
            '_unique_id': number,
        }
        body = {'oslo.version': '2.0', 'oslo.message': json.dumps(call)}
        url = self.broker.url.replace('rabbit://', 'amqp://')
        with kombu.Connection(
            url, transport_options={'confirm_publish': True}
        ) as connection:
            channel = connection.default_channel
            kombu.Queue(
                f'reply_{number}',
                channel=channel,
                durable=False,
                exclusive=not self.expires,
                expires=60 if self.expires else None,
            ).declare()
            kombu.Producer(channel).publish(
                body,
                exchange=bus.EXCHANGE,
                routing_key=f'{rpc.TOPIC}.{rpc.HOST}',
            )


class AgentGoneTest(rpc.RPCTest):
    def test_is_told_and_is_answered_when_it_is_back(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        agents = self.reach(timeout_seconds=2.0)
        client = agents.on(rpc.HOST)
        client.show_host()
        running.kill()
        begin = time.monotonic()
        error = self.assertRaises(
            exception.HostNotAnswering,
            client.create_policy,
            alder.name,
            '300M',
            '10s',
        )
        self.assertIn(f"'{rpc.HOST}' within 2 s", str(error))
        self.assertLess(time.monotonic() - begin, 2.0 + rpc.SLACK_SECONDS)
        self.assertEqual([], agents.list_hosts(wait_seconds=0.2))
        again = self.relaunch()
        again.wait_said(rpc.SERVED)
        self.assertEqual(rpc.HOST, client.show_host()['host'])
        # What was not answered in time is not done later.
        self.assertEqual([], client.list_policies()['policies'])
        self.assert_unmoved(alder)


class BrokerTest(rpc.RPCTest):
    def test_is_answered_again_after_a_restart(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)
        made = client.create_policy(alder.name, **rpc.LONG)['policy']
        alder.wait_at(448)
        self.broker.restart()
        rpc.wait_answered(client, _BACK_SECONDS)
        self.assertEqual('running', client.show_policy(made['uuid'])['state'])
        client.cancel_policy(made['uuid'])
        self.wait_for_state(client, made['uuid'], 'ended')
        self.assertEqual([], running.said('Traceback'))

    def test_may_come_after_the_agent(self) -> None:
        self.broker.stop()
        (alder,) = self.warm('alder')
        running = self.begin_agent(alder)
        client = self.reach(timeout_seconds=2.0).on(rpc.HOST)
        begin = time.monotonic()
        error = self.assertRaises(exception.BusUnavailable, client.show_host)
        self.assertLess(time.monotonic() - begin, 2.0 + rpc.SLACK_SECONDS)
        self.assertIn('Connection refused', str(error))
        self.press(running, alder)
        self.host.available_mib = agent.PLENTY_MIB
        self.broker.start()
        running.wait_said(rpc.SERVED)
        self.assertEqual(rpc.HOST, rpc.wait_answered(client)['host'])
        self.assertEqual([], running.said('Traceback'))

    def test_that_hangs_costs_no_deadline_and_no_stop(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        agents = self.reach(timeout_seconds=2.0)
        client = agents.on(rpc.HOST)
        made = client.create_policy(alder.name, '300M', '3s', ['2900ms=448M'])[
            'policy'
        ]
        alder.wait_at(448)
        self.broker.freeze()
        self.addCleanup(self.broker.thaw)
        for call in (client.show_host, agents.list_hosts):
            begin = time.monotonic()
            self.assertRaises(
                (exception.BusUnavailable, exception.HostNotAnswering), call
            )
            self.assertLess(time.monotonic() - begin, 2.0 + rpc.SLACK_SECONDS)
        lab.wait_until(lambda: bool(running.history()), 'the end')
        (past,) = running.history()
        self.assertEqual(made['uuid'], past.uuid)
        self.assertLess(past.lateness_seconds or 0, 0.2)
        sent_at = time.monotonic()
        result = running.stop()
        self.assertEqual(0, result.code)
        self.assertLess(
            time.monotonic() - sent_at,
            agent.STOP_SECONDS + agent.SLACK_SECONDS,
        )
        self.assertEqual([], running.said('Traceback'))

    def test_that_hangs_with_an_answer_under_way_keeps_no_process(
        self,
    ) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach(timeout_seconds=2.0).on(rpc.HOST)
        client.show_host()
        # The agent takes a call and cannot answer it any more.
        os.kill(running.pid, signal.SIGSTOP)
        self.addCleanup(_wake, running.pid)
        self.assertRaises(exception.HostNotAnswering, client.show_host)
        self.broker.freeze()
        self.addCleanup(self.broker.thaw)
        os.kill(running.pid, signal.SIGCONT)
        running.wait_ready()
        sent_at = time.monotonic()
        self.assertEqual(0, running.stop().code)
        self.assertLess(
            time.monotonic() - sent_at,
            agent.STOP_SECONDS + agent.SLACK_SECONDS,
        )


def _wake(pid: int) -> None:
    """Let a process go on, if it is there."""
    try:
        os.kill(pid, signal.SIGCONT)
    except ProcessLookupError:
        return
