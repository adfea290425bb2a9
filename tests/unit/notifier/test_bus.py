# SPDX-License-Identifier: Apache-2.0

from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.messaging import transport as oslo_transport
from nova_balloon_timer.notifier import bus
from nova_balloon_timer.notifier import letter
from tests.unit import base
from tests.unit.agent import factory
from tests.unit.notifier import post_office

_NOTIFICATIONS = 'oslo_messaging_notifications'


def _flatten(payload: letter.Payload) -> letter.Payload:
    return {'flat': payload['number']}


class BusTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.error: Exception | None = None
        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_messaging.transport.NotificationTransport'
                '._send_notification',
                self._send,
            )
        )

    def _send(
        self,
        transport: object,
        target: oslo_messaging.Target,
        context: object,
        message: dict[str, Any],
        **options: Any,
    ) -> None:
        if self.error is not None:
            raise self.error
        self.assertEqual(0, options['retry'])
        self.sent.append((target.topic, message))

    def make(
        self, kind: str = 'both', driver: str = 'messagingv2', **more: str
    ) -> bus.MessageBus:
        configuration = self.useFixture(
            factory.Configuration(
                groups={
                    'DEFAULT': {'transport_url': 'fake:///'} | more,
                    'notifications': {'notification_format': kind},
                    _NOTIFICATIONS: {'driver': driver},
                }
            )
        )
        self.is_enabled = bus.is_enabled(configuration.conf)
        return bus.MessageBus(
            configuration.conf, 'nova-balloon-timer:compute1', _flatten
        )

    def topics(self, kind: str) -> list[str]:
        self.make(kind).send(post_office.make_letter(1, priority='warn'))
        return [topic for topic, _ in self.sent]


class FormTestCase(BusTestCase):
    def test_unversioned(self) -> None:
        self.assertEqual(['notifications.warn'], self.topics('unversioned'))

    def test_versioned(self) -> None:
        self.assertEqual(
            ['versioned_notifications.warn'], self.topics('versioned')
        )

    def test_both(self) -> None:
        self.assertEqual(
            ['notifications.warn', 'versioned_notifications.warn'],
            self.topics('both'),
        )
        flat, versioned = (message for _, message in self.sent)
        self.assertEqual({'flat': 1}, flat['payload'])
        self.assertEqual({'number': 1}, versioned['payload'])
        for message in (flat, versioned):
            self.assertEqual('balloon_policy.create', message['event_type'])
            self.assertEqual('WARN', message['priority'])
            self.assertEqual(
                'nova-balloon-timer:compute1', message['publisher_id']
            )


class FailureTestCase(BusTestCase):
    def test_is_told_to_whoever_sends_and_not_to_the_log(self) -> None:
        made = self.make()
        self.error = oslo_messaging.MessageDeliveryFailure('it is\naway')
        error = self.assertRaises(
            exception.BusUnavailable, made.send, post_office.make_letter(1)
        )
        self.assertIn('it is away', str(error))
        self.assertEqual('', self.log.output)

    def test_is_over_when_it_is_over(self) -> None:
        made = self.make()
        self.error = OSError()
        error = self.assertRaises(
            exception.BusUnavailable, made.send, post_office.make_letter(1)
        )
        self.assertIn('OSError', str(error))
        self.error = None
        made.send(post_office.make_letter(1))
        self.assertEqual(2, len(self.sent))

    def test_one_that_can_never_be_sent_is_a_defect(self) -> None:
        made = self.make()
        self.error = TypeError('no JSON')
        self.assertRaises(TypeError, made.send, post_office.make_letter(1))

    def test_oslo_messaging_sends_by_what_we_listen_at(self) -> None:
        # NOTE: it is a private name.
        self.assertTrue(
            callable(oslo_transport.NotificationTransport._send_notification)
        )
        self.make().send(post_office.make_letter(1))
        self.assertEqual(2, len(self.sent))


class ConfigurationTestCase(BusTestCase):
    def test_is_enabled_by_a_driver(self) -> None:
        for driver, is_enabled in (
            ('messagingv2', True),
            ('log', True),
            ('noop', False),
            ('', False),
        ):
            self.make(driver=driver)
            self.assertIs(is_enabled, self.is_enabled, driver)

    def test_a_driver_that_there_is_not_is_an_error(self) -> None:
        error = self.assertRaises(
            exception.BusUnavailable, self.make, driver='messagingV2'
        )
        self.assertIn("driver: there is no 'messagingV2'", str(error))

    def test_a_wrong_url_is_an_error_of_ours(self) -> None:
        for url, words in (
            ('nonsense', 'transport_url: No scheme'),
            ('gopher://', 'gopher'),
            ('rabbit://me:secret@host:port/', 'port'),
            ('rabbit://me:secret/@host/', 'port'),
        ):
            error = self.assertRaises(
                exception.BusUnavailable, self.make, transport_url=url
            )
            self.assertIn(words, str(error))
            self.assertNotIn('secret', str(error))
