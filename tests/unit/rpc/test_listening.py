# SPDX-License-Identifier: Apache-2.0
"""What is answered to calls that no client of ours would send."""

from typing import Any

import oslo_messaging
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import listening
from nova_balloon_timer.rpc import transport
from tests.unit import base
from tests.unit.rpc import factory


class ListeningTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus = self.useFixture(factory.Bus())
        self.desk = factory.Desk()
        self.host = self.bus.serve(self.desk)
        made = transport.make(self.bus.conf)
        self.addCleanup(made.cleanup)
        self.transport = made

    def call(self, method: str, **target: Any) -> Any:
        client = oslo_messaging.get_rpc_client(
            self.transport,
            oslo_messaging.Target(topic=listening.TOPIC, server=self.host),
            timeout=base.PATIENCE_SECONDS,
        )
        return client.prepare(**target).call({}, method)

    def send(self, message: dict[str, Any]) -> Any:
        """Send a call in a form that a client does not even write."""
        target = oslo_messaging.Target(topic=listening.TOPIC, server=self.host)
        return self.transport._send(
            target,
            {},
            message,
            wait_for_reply=True,
            timeout=base.PATIENCE_SECONDS,
        )

    def check(self, kind: str, call: Any, *words: Any, **more: Any) -> None:
        """See a call refused, and nothing of it in the log."""
        self.desk.asked.clear()
        errors = (exception.BalloonTimerError, oslo_messaging.RemoteError)
        error = self.assertRaises(errors, call, *words, **more)
        seen = getattr(error, 'exc_type', type(error).__name__)
        self.assertIn(seen, (kind, f'{kind}_Remote'))
        self.assertEqual([], self.desk.asked)
        self.assertNotIn('Traceback', self.bus.log.output)
        self.assertEqual(self.host, self.call('show_host')['host'])


class MethodTestCase(testscenarios.WithScenarios, ListeningTestCase):
    scenarios = [
        (name or 'empty', {'name': name})
        for name in (
            '',
            'fly',
            'target',
            'is_closed',
            '_answer',
            '__class__',
            '__init__',
            'oslo_rpc_server_ping',
            'x' * 1024**2,
        )
    ]
    name: str

    def test_is_none(self) -> None:
        self.check('NoSuchMethod', self.call, self.name)


class TargetTestCase(ListeningTestCase):
    def test_a_version_to_come(self) -> None:
        for version in ('1.1', '2.0', '0.9', '1.9999'):
            self.check(
                'UnsupportedVersion', self.call, 'show_host', version=version
            )

    def test_a_namespace(self) -> None:
        self.check('InvalidArgument', self.call, 'show_host', namespace='nova')

    def test_a_caller_that_wants_to_hear_that_it_is_at_work(self) -> None:
        """oslo.messaging would have a thread tell it for ever."""
        client = oslo_messaging.get_rpc_client(
            self.transport,
            oslo_messaging.Target(topic=listening.TOPIC, server=self.host),
            timeout=base.PATIENCE_SECONDS,
            call_monitor_timeout=1,
        )
        self.check('NoSuchMethod', client.call, {}, 'fly')
        self.assertEqual(self.host, client.call({}, 'show_host')['host'])


class FormTestCase(testscenarios.WithScenarios, ListeningTestCase):
    scenarios = [
        (repr(message), {'message': message})
        for message in (
            {},
            {'method': None},
            {'method': 5},
            {'method': ['show_host']},
            {'method': {'a': 'show_host'}},
            {'method': 'show_host', 'args': []},
            {'method': 'show_host', 'args': 'limit=5'},
            {'method': 'show_host', 'args': None},
            {'method': 'show_host', 'version': 1.0},
            {'method': 'show_host', 'version': None},
            {'method': 'show_host', 'version': 'newest'},
            {'method': 'show_host', 'version': '1'},
            {'method': 'show_host', 'version': '1.0\n'},
            {'method': 'show_host', 'version': '9' * 5000 + '.0'},
            {'method': 'show_host', 'version': {'a': [[]]}},
            {'method': 'show_host', 'namespace': []},
        )
    ]
    message: dict[str, Any]

    def test_is_refused(self) -> None:
        self.check('InvalidArgument', self.send, self.message)
