# SPDX-License-Identifier: Apache-2.0
"""Errors that an agent sends, as the client raises them."""

import json
from typing import Any

import fixtures
import kombu.exceptions
from oslo_messaging import exceptions as messaging_exceptions
from oslo_messaging._drivers import common as messaging_common
from oslo_messaging.rpc import client as messaging_client
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.rpc import failure
from tests.unit import base

_Ours = exception.BalloonTimerError


def _sent(error: Exception) -> Any:
    """Return an error as oslo.messaging makes it of what is on the wire."""
    wire = messaging_common.serialize_remote_exception(
        (type(error), error, error.__traceback__)
    )
    return _received(wire)


def _received(wire: str) -> Any:
    return messaging_common.deserialize_remote_exception(
        wire, [exception.__name__]
    )


def _forged(**more: Any) -> str:
    fields = {
        'class': 'GuestBusy',
        'module': exception.__name__,
        'message': 'any',
        'tb': [],
        'args': [],
        'kwargs': {'guest': 'web-01', 'why': 'it hangs'},
    }
    return json.dumps(fields | more)


class OursTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (type(error).__name__, {'error': error})
        for error in (
            exception.InvalidSize(text='5X', like='512M'),
            exception.GuestNotFound(guest='web-01'),
            exception.GuestRefused(guest='web-01', why='it is paused'),
            exception.PolicyNotLive(uuid='2f1e', reason='target'),
            exception.AgentBusy(why='it is about to end'),
            exception.JournalNotReadable(path='/a', why='there is none'),
            exception.HostNotAnswering(host='a', seconds=5.0),
            exception.InvalidPolicy(why=None),
        )
    ]
    error: exception.BalloonTimerError

    def test_comes_as_it_was_sent(self) -> None:
        remote = _sent(self.error)
        self.assertNotEqual(str(self.error), str(remote))
        made = failure.of_call(remote, 'compute1', 5.0)
        self.assertIs(type(self.error), type(made))
        self.assertEqual(self.error.details, made.details)
        self.assertEqual(str(self.error), str(made))


class OthersTestCase(base.TestCase):
    def check(self, words: str, error: Exception) -> None:
        made = failure.of_call(error, 'compute1', 5.0)
        self.assertIs(exception.AgentFailed, type(made))
        self.assertIn("'compute1'", str(made))
        self.assertIn(words, str(made))
        self.assertTrue(str(made).isprintable(), str(made))

    def test_a_defect_of_the_agent(self) -> None:
        self.check('KeyError: ', _sent(KeyError('no\nsuch')))
        remote = messaging_client.RemoteError('Odd', 'one\ntwo', ['trace'])
        self.check('Odd: one', remote)
        self.check('None: ', messaging_client.RemoteError())

    def test_another_release(self) -> None:
        for kind in ('UnsupportedVersion', 'NoSuchMethod'):
            remote = messaging_client.RemoteError(kind, 'any')
            self.check('it is of another release', remote)

    def test_an_answer_that_is_none(self) -> None:
        self.check('its answer makes no sense', ValueError('no JSON'))
        self.check('its answer makes no sense', RecursionError())

    def test_nobody_answers(self) -> None:
        made = failure.of_call(
            messaging_exceptions.MessagingTimeout('any'), 'compute1', 5.0
        )
        self.assertIs(exception.HostNotAnswering, type(made))
        self.assertIn("'compute1' within 5 s", str(made))

    def test_the_bus_is_away(self) -> None:
        for error in (
            messaging_exceptions.MessageDeliveryFailure('Unable to\nconnect'),
            ConnectionRefusedError(111, 'Connection refused'),
            kombu.exceptions.OperationalError('timed out'),
        ):
            made = failure.of_call(error, 'compute1', 5.0)
            self.assertIs(exception.BusBroken, type(made))
            self.assertTrue(str(made).isprintable())


class ForgedTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('missing details', {'more': {'kwargs': {}}}),
        ('details that are none', {'more': {'kwargs': {'self': 1}}}),
        ('positional', {'more': {'args': [1, 2]}}),
        ('another module', {'more': {'module': 'os', 'class': 'system'}}),
        ('a class that is none', {'more': {'class': '__doc__'}}),
        (
            'a built-in',
            {'more': {'module': 'builtins', 'class': 'SystemExit'}},
        ),
        ('no class', {'more': {'class': None}}),
        ('screen', {'more': {'kwargs': {'guest': '\x1b[2J', 'why': 'a\nb'}}}),
        ('long', {'more': {'kwargs': {'guest': 'x' * 10**6, 'why': 'b'}}}),
        ('nested', {'more': {'kwargs': {'guest': [[{}]], 'why': {}}}}),
        ('percent', {'more': {'kwargs': {'guest': '%(guest)s%d', 'why': ''}}}),
    ]
    more: dict[str, Any]

    def test_is_an_error_in_a_line(self) -> None:
        self.useFixture(fixtures.FakeLogger())
        wire = _forged(**self.more)
        outcome = question.ask(
            lambda function: function(), lambda: _received(wire)
        )
        remote: Any = outcome.exception() or outcome.result()
        made = failure.of_call(remote, 'compute1', 5.0)
        self.assertIsInstance(made, _Ours)
        self.assertTrue(str(made).isprintable(), str(made))
        self.assertLess(len(str(made)), 3000)
