# SPDX-License-Identifier: Apache-2.0

import threading

import libvirt

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import session
from tests.unit import base
from tests.unit.appliers.libvirt import fake

_UUID = base.uuid_of('web-01')
_GONE = fake.error(
    libvirt.VIR_ERR_SYSTEM_ERROR,
    'Cannot recv data: Connection reset by peer',
    libvirt.VIR_FROM_RPC,
)


class SessionTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.libvirt = self.useFixture(fake.FakeLibvirt())
        self.domain = self.libvirt.add()
        self.sessions = session.Sessions(fake.URI)

    def raise_inside(self, raised: Exception) -> None:
        with self.sessions.domain(_UUID):
            raise raised

    def touch(self) -> session.Domain:
        with self.sessions.domain(_UUID) as domain:
            return domain


class OpenTestCase(SessionTestCase):
    def test_opens_once(self) -> None:
        self.assertIs(self.sessions.open(), self.sessions.open())
        self.assertEqual(1, len(self.libvirt.connections))

    def test_opens_only_when_asked(self) -> None:
        self.assertEqual([], self.libvirt.connections)

    def test_each_thread_has_its_own(self) -> None:
        ours = self.sessions.open()
        theirs: list[object] = []
        thread = threading.Thread(
            target=lambda: theirs.append(self.sessions.open())
        )
        thread.start()
        thread.join(base.PATIENCE_SECONDS)
        self.assertEqual(self.libvirt.connections, [ours, *theirs])
        self.assertIsNot(ours, theirs[0])

    def test_says_who_cannot_be_reached(self) -> None:
        self.libvirt.errors = [
            fake.error(libvirt.VIR_ERR_NO_CONNECT, 'no connection driver')
        ]
        error = self.assertRaises(
            exception.HypervisorUnavailable, self.sessions.open
        )
        self.assertEqual(
            f'{fake.URI} cannot be reached: no connection driver', str(error)
        )

    def test_says_who_refuses_us(self) -> None:
        self.libvirt.errors = [
            fake.error(libvirt.VIR_ERR_AUTH_FAILED, 'authentication failed')
        ]
        self.assertRaises(exception.HypervisorDenied, self.sessions.open)

    def test_tries_again_when_asked_again(self) -> None:
        self.libvirt.errors = [_GONE]
        self.assertRaises(exception.HypervisorUnavailable, self.sessions.open)
        self.sessions.open()
        self.assertEqual(1, len(self.libvirt.connections))


class DomainTestCase(SessionTestCase):
    def test_is_looked_up_once(self) -> None:
        self.assertIs(self.touch(), self.touch())
        (connection,) = self.libvirt.connections
        self.assertEqual([_UUID], connection.lookups)
        self.assertEqual([('maxMemory',)], self.domain.calls)

    def test_knows_its_maximum(self) -> None:
        domain = self.touch()
        self.assertEqual(base.GIB, domain.maximum_kib)
        self.assertIs(self.domain, domain.handle)

    def test_that_is_unknown_is_not_found(self) -> None:
        del self.libvirt.domains[_UUID]
        error = self.assertRaises(exception.GuestNotFound, self.touch)
        self.assertIn(_UUID, str(error))

    def test_that_appears_later_is_found(self) -> None:
        del self.libvirt.domains[_UUID]
        self.assertRaises(exception.GuestNotFound, self.touch)
        self.libvirt.add()
        self.touch()
        self.assertEqual(1, len(self.libvirt.connections))

    def test_that_went_is_looked_up_anew(self) -> None:
        old = self.touch()
        self.assertRaises(
            exception.GuestNotFound,
            self.raise_inside,
            fake.error(libvirt.VIR_ERR_NO_DOMAIN),
        )
        self.assertIsNot(old, self.touch())

    def test_that_is_busy_keeps_its_handle(self) -> None:
        old = self.touch()
        self.assertRaises(
            exception.GuestBusy,
            self.raise_inside,
            fake.error(libvirt.VIR_ERR_OPERATION_TIMEOUT),
        )
        self.assertIs(old, self.touch())

    def test_a_failed_lookup_leaves_nothing_behind(self) -> None:
        self.domain.errors = [fake.error(libvirt.VIR_ERR_OPERATION_TIMEOUT)]
        self.assertRaises(exception.GuestBusy, self.touch)
        self.assertEqual(base.GIB, self.touch().maximum_kib)

    def test_our_own_errors_pass(self) -> None:
        self.assertRaises(
            ZeroDivisionError, self.raise_inside, ZeroDivisionError()
        )


class BrokenTestCase(SessionTestCase):
    def test_a_broken_connection_is_closed_and_opened_anew(self) -> None:
        old = self.touch()
        self.assertRaises(
            exception.HypervisorUnavailable, self.raise_inside, _GONE
        )
        (connection,) = self.libvirt.connections
        self.assertTrue(connection.is_closed)
        self.assertIsNot(old, self.touch())
        self.assertEqual(2, len(self.libvirt.connections))

    def test_it_does_not_wait_while_libvirt_is_away(self) -> None:
        self.touch()
        self.libvirt.errors = [_GONE, _GONE]
        for raised in (_GONE, _GONE, _GONE):
            self.assertRaises(
                exception.HypervisorUnavailable, self.raise_inside, raised
            )
        self.touch()
        self.assertEqual(2, len(self.libvirt.connections))

    def test_a_guests_trouble_leaves_the_connection_alone(self) -> None:
        self.assertRaises(
            exception.HypervisorError,
            self.raise_inside,
            fake.error(libvirt.VIR_ERR_OPERATION_FAILED),
        )
        (connection,) = self.libvirt.connections
        self.assertFalse(connection.is_closed)


class CloseTestCase(SessionTestCase):
    def test_closes_and_may_be_opened_again(self) -> None:
        old = self.touch()
        self.sessions.close()
        (connection,) = self.libvirt.connections
        self.assertTrue(connection.is_closed)
        self.assertIsNot(old, self.touch())

    def test_without_a_connection_does_nothing(self) -> None:
        self.sessions.close()
        self.sessions.close()
        self.assertEqual([], self.libvirt.connections)

    def test_of_one_thread_leaves_the_others_alone(self) -> None:
        self.touch()
        thread = threading.Thread(target=self.sessions.close)
        thread.start()
        thread.join(base.PATIENCE_SECONDS)
        (connection,) = self.libvirt.connections
        self.assertFalse(connection.is_closed)
