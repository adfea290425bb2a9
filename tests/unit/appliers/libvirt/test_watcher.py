# SPDX-License-Identifier: Apache-2.0

import threading

import fixtures
import libvirt
import testscenarios

from nova_balloon_timer import message
from nova_balloon_timer.appliers.libvirt import watcher
from tests.unit import base
from tests.unit.appliers.libvirt import fake

_UUID = base.uuid_of('web-01')
_CHANGED = message.GuestsChanged()
_GONE = message.GuestGone(guest_uuid=_UUID)
_LIFECYCLE = libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE
_BALLOON = libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE


class WatcherTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.libvirt = self.useFixture(fake.FakeLibvirt())
        self.domain = self.libvirt.add()
        self.takings = threading.Semaphore(0)
        self.events: list[message.Event | message.GuestsChanged] = []

    def take(self, event: message.Event | message.GuestsChanged) -> None:
        self.events.append(event)
        self.takings.release()

    def watch(self) -> watcher.Watcher:
        watching = watcher.Watcher(fake.URI, self.take)
        self.addCleanup(watching.close)
        return watching

    def wait_watching(self) -> fake.FakeConnection:
        """Wait until a connection is opened and its callbacks are there."""
        self.wait(self.libvirt.opened)
        connection = self.libvirt.connections[-1]
        self.wait(connection.registered)
        # What happened before is for a listing to find out.
        self.wait(self.takings)
        self.assertEqual(_CHANGED, self.events.pop())
        return connection

    def wait(self, semaphore: threading.Semaphore) -> None:
        self.assertTrue(semaphore.acquire(timeout=base.PATIENCE_SECONDS))


class EventTestCase(testscenarios.WithScenarios, WatcherTestCase):
    scenarios = [
        ('stopped', {'event': 'STOPPED', 'told': [_GONE]}),
        ('crashed', {'event': 'CRASHED', 'told': [_GONE]}),
        # Its definition is deleted; it goes on running until it stops.
        ('undefined', {'event': 'UNDEFINED', 'told': []}),
        ('defined', {'event': 'DEFINED', 'told': [_CHANGED]}),
        ('started', {'event': 'STARTED', 'told': [_CHANGED]}),
        ('suspended', {'event': 'SUSPENDED', 'told': [_CHANGED]}),
        ('resumed', {'event': 'RESUMED', 'told': [_CHANGED]}),
        ('shutting down', {'event': 'SHUTDOWN', 'told': []}),
    ]
    event: str
    told: list[message.Event | message.GuestsChanged]

    def test_of_a_guests_life_is_passed_on_if_it_ends(self) -> None:
        self.watch()
        connection = self.wait_watching()
        number = getattr(libvirt, f'VIR_DOMAIN_EVENT_{self.event}')
        connection.callbacks[_LIFECYCLE](
            connection, self.domain, number, 0, None
        )
        self.assertEqual(self.told, self.events)


class ConnectionTestCase(WatcherTestCase):
    def test_tells_that_a_balloon_moved_but_not_how_far(self) -> None:
        self.watch()
        connection = self.wait_watching()
        connection.callbacks[_BALLOON](
            connection, self.domain, 512 * base.MIB, None
        )
        self.assertEqual(
            [message.BalloonChanged(guest_uuid=_UUID)], self.events
        )

    def test_opens_a_broken_connection_anew(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.watch()
        first = self.wait_watching()
        assert first.on_closed is not None
        first.on_closed(first, 0, None)
        second = self.wait_watching()
        self.assertTrue(first.is_closed)
        self.assertFalse(second.is_closed)
        self.assertEqual({_LIFECYCLE, _BALLOON}, set(second.callbacks))
        self.assertIn(fake.URI, log.output)

    def test_tries_again_while_libvirt_is_away(self) -> None:
        self.libvirt.errors = [
            fake.error(libvirt.VIR_ERR_NO_CONNECT),
            fake.error(libvirt.VIR_ERR_AUTH_FAILED),
        ]
        self.watch()
        self.wait_watching()
        self.assertEqual(1, len(self.libvirt.connections))

    def test_closes_its_connection(self) -> None:
        watching = self.watch()
        connection = self.wait_watching()
        watching.close()
        self.wait(connection.closed)
        self.assertIsNone(connection.on_closed)

    def test_may_be_closed_while_libvirt_is_away(self) -> None:
        self.libvirt.errors = [fake.error(libvirt.VIR_ERR_NO_CONNECT)] * 50
        watching = self.watch()
        self.wait(self.libvirt.refused)
        watching.close()
        self.assertEqual([], self.libvirt.connections)
