# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import inspect
import threading
import time
from typing import Any

import fixtures
import kombu.exceptions
import oslo_messaging
from oslo_messaging._drivers import impl_fake

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import api
from nova_balloon_timer.rpc import endpoint
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.rpc import factory

_SLACK_SECONDS = 0.5


class APITestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus())
        self.desk = factory.Desk()
        self.host = self.bus.serve(self.desk)
        self.agents = api.AgentAPI(
            self.bus.conf, timeout_seconds=base.PATIENCE_SECONDS
        )
        self.addCleanup(self.agents.close)
        self.agent = self.agents.on(self.host)


class MethodTestCase(APITestCase):
    def test_all_that_a_desk_knows_can_be_asked_for(self) -> None:
        calls: dict[str, Callable[[], view.Json]] = {
            'create_policy': lambda: self.agent.create_policy(
                'web-01', '50%', '2s', ['1s=75%'], '25%', '0', '16M'
            ),
            'preview_policy': lambda: self.agent.preview_policy(
                'web-01', '50%', '2s'
            ),
            'list_policies': self.agent.list_policies,
            'show_policy': lambda: self.agent.show_policy(factory.POLICY),
            'cancel_policy': lambda: self.agent.cancel_policy(factory.POLICY),
            'show_host': self.agent.show_host,
            'list_guests': lambda: self.agent.list_guests(5, factory.POLICY),
            'list_history': lambda: self.agent.list_history(guest='web-01'),
            'show_history': lambda: self.agent.show_history(factory.POLICY),
            'list_events': lambda: self.agent.list_events(limit=7),
        }
        known = {it for it in dir(endpoint.Desk) if not it.startswith('_')}
        self.assertEqual(known, set(calls))
        for method, call in calls.items():
            self.assertEqual(method, call()['method'])
        self.assertEqual(list(calls), [it[0] for it in self.desk.asked])
        _, _, wanted = self.desk.asked[0]
        self.assertEqual(((1.0, '75%'),), wanted.segments)
        self.assertEqual(16 * base.MIB, wanted.leash_kib)

    def test_an_older_release_is_never_sent_more_than_it_knows(self) -> None:
        assert api.__doc__ is not None
        for name in dir(endpoint.Desk):
            if not name.startswith('_'):
                self.assertIn(name, api.__doc__)
        parameters = inspect.signature(api.HostAPI.create_policy).parameters
        self.assertEqual(
            [
                'self',
                'guest',
                'target',
                'duration',
                'segments',
                'floor',
                'reserve',
                'leash',
                'mode',
            ],
            list(parameters),
        )


class ErrorTestCase(APITestCase):
    def fail_with(self, error: Exception) -> None:
        def fail() -> view.Json:
            raise error

        self.desk.answers['show_host'] = fail

    def test_comes_over_the_wire_as_it_was_raised(self) -> None:
        for sent in (
            exception.PolicyNotLive(uuid=factory.POLICY, reason='target'),
            exception.GuestRefused(guest='web-01', why='it is paused'),
        ):
            self.fail_with(sent)
            error = self.assertRaises(type(sent), self.agent.show_host)
            self.assertIs(type(sent), type(error))
            self.assertEqual(sent.details, error.details)
            self.assertEqual(str(sent), str(error))
        self.assertNotIn('Traceback', self.bus.log.output)

    def test_a_defect_is_logged_there_and_told_here(self) -> None:
        self.fail_with(RuntimeError('one\ntwo'))
        error = self.assertRaises(exception.AgentFailed, self.agent.show_host)
        self.assertEqual(
            f"the agent of host '{self.host}' failed: RuntimeError: one",
            str(error),
        )
        self.assertEqual(1, self.bus.log.output.count('Traceback'))

    def test_arguments_are_checked_there(self) -> None:
        error = self.assertRaises(
            exception.InvalidSize, self.agent.create_policy, 'a', '5', '2s'
        )
        self.assertIn("'5' is not a size", str(error))
        self.assertRaises(
            exception.InvalidArgument, self.agent.list_events, limit=0
        )
        self.assertRaises(
            exception.InvalidArgument,
            self.agent.create_policy,
            'x' * 1024**2,
            '50%',
            '2s',
        )
        self.assertEqual([], self.desk.asked)

    def test_an_answer_that_is_no_object(self) -> None:
        nothings: list[Any] = [None, [], 'text', 5, True]
        for nothing in nothings:
            self.desk.answers['show_host'] = lambda answer=nothing: answer
            self.assertRaises(exception.AgentFailed, self.agent.show_host)

    def test_an_answer_that_a_terminal_would_obey(self) -> None:
        self.desk.answers['show_host'] = lambda: {
            'words': '\x1b[2Jwell',
            'share': float('nan'),
        }
        self.assertEqual(
            {'words': '\ufffd[2Jwell', 'share': None}, self.agent.show_host()
        )

    def test_an_answer_that_cannot_be_sent(self) -> None:
        endless: dict[str, Any] = {}
        endless['self'] = endless
        agent = api.AgentAPI(self.bus.conf, timeout_seconds=0.3).on(self.host)
        self.desk.answers['show_host'] = lambda: endless
        self.assertRaises(
            (exception.HostNotAnswering, exception.AgentFailed),
            agent.show_host,
        )


class SilenceTestCase(base.TestCase):
    """Whatever the bus does, the caller waits no longer than told."""

    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus('fake:/'))
        self.agents = api.AgentAPI(self.bus.conf, timeout_seconds=0.3)
        self.addCleanup(self.agents.close)
        self.over = threading.Event()
        self.addCleanup(self.over.set)
        self.sent: list[str] = []

    def send_by(self, send: Callable[[str], Any]) -> None:
        """Have something else done with what is sent to a topic."""

        def take(driver: Any, target: Any, *words: Any, **more: Any) -> Any:
            self.sent.append(target.topic)
            return send(target.topic)

        self.useFixture(
            fixtures.MockPatchObject(
                impl_fake.FakeDriver, 'send', autospec=True, side_effect=take
            )
        )

    def wait(self, topic: str) -> None:
        self.over.wait(base.PATIENCE_SECONDS)

    def check(self, kind: type[Exception], words: str) -> None:
        for call in (self.agents.on('compute1').show_host, self.list_hosts):
            began_at = time.monotonic()
            error = self.assertRaises(kind, call)
            self.assertLess(time.monotonic() - began_at, 0.3 + _SLACK_SECONDS)
            self.assertIn(words, str(error))
            self.assertTrue(str(error).isprintable())

    def list_hosts(self) -> Any:
        return self.agents.list_hosts(wait_seconds=0.05, longest_seconds=0.1)

    def test_a_broker_that_accepts_and_never_answers(self) -> None:
        self.send_by(self.wait)
        self.check(
            exception.BusUnavailable, 'the broker: no answer within 0.3 s'
        )

    def test_what_was_given_up_is_not_sent_when_it_goes_on(self) -> None:
        self.send_by(self.wait)
        self.assertRaises(
            exception.BusUnavailable, self.agents.on('compute1').show_host
        )
        before = threading.enumerate()
        self.over.set()
        for thread in before:
            if thread.name == 'balloon-rpc-call':
                thread.join(base.PATIENCE_SECONDS)
        self.assertEqual(['balloon_timer_nowhere'], self.sent)

    def test_a_broker_that_is_away(self) -> None:
        def refuse(topic: str) -> None:
            raise kombu.exceptions.OperationalError('[Errno 111] refused\n')

        self.send_by(refuse)
        self.check(exception.BusUnavailable, 'the broker: [Errno 111] refused')
        self.assertEqual({'balloon_timer_nowhere'}, set(self.sent))

    def test_a_connection_that_broke_is_made_anew(self) -> None:
        def refuse_once(topic: str) -> Any:
            if len(self.sent) == 1:
                raise oslo_messaging.MessageDeliveryFailure('it broke')
            return {'host': 'compute1'}

        self.send_by(refuse_once)
        self.assertEqual(
            {'host': 'compute1'}, self.agents.on('compute1').show_host()
        )

    def test_a_broker_that_dies_in_a_call(self) -> None:
        def die(topic: str) -> None:
            if topic == 'balloon_timer':
                raise oslo_messaging.MessageDeliveryFailure('it died')

        self.send_by(die)
        self.check(exception.BusUnavailable, 'it died')

    def test_a_call_that_is_never_answered(self) -> None:
        def wait(topic: str) -> None:
            if topic == 'balloon_timer':
                self.wait(topic)

        self.send_by(wait)
        began_at = time.monotonic()
        error = self.assertRaises(
            exception.HostNotAnswering, self.agents.on('compute1').show_host
        )
        self.assertLess(time.monotonic() - began_at, 0.3 + _SLACK_SECONDS)
        self.assertIn("'compute1' within 0.3 s", str(error))

    def test_nobody_listens(self) -> None:
        self.assertRaises(
            exception.HostNotAnswering, self.agents.on('nobody').show_host
        )
        self.assertEqual([], self.list_hosts())


class ConfigurationTestCase(base.TestCase):
    def test_without_a_bus_there_is_no_client(self) -> None:
        self.assertRaises(
            exception.BusNotConfigured, api.AgentAPI, factory.make_conf()
        )

    def test_nor_with_one_that_makes_no_sense(self) -> None:
        bus = self.useFixture(factory.Bus('carrier-pigeon://'))
        self.assertRaises(exception.BusUnavailable, api.AgentAPI, bus.conf)
