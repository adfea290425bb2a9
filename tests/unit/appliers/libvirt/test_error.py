# SPDX-License-Identifier: Apache-2.0

from typing import Any

import libvirt
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import error as libvirt_error
from tests.unit import base
from tests.unit.appliers.libvirt import fake


def _translate(
    raised: Exception, guest: str | None = 'web-01'
) -> exception.ApplierError:
    try:
        with libvirt_error.translated(fake.URI, guest):
            raise raised
    except exception.ApplierError as error:
        return error


def _code(
    name: str,
    kind: type[exception.ApplierError],
    *,
    without_guest: type[exception.ApplierError] | None = None,
    message: str = 'so it is',
    domain: str = 'QEMU',
    label: str = '',
) -> Any:
    return (
        label or name,
        {
            'raised': fake.error(
                getattr(libvirt, f'VIR_ERR_{name}'),
                message,
                getattr(libvirt, f'VIR_FROM_{domain}'),
            ),
            'kind': kind,
            'without_guest': without_guest or exception.HypervisorUnavailable,
        },
    )


_DENIED: dict[str, Any] = {
    'kind': exception.HypervisorDenied,
    'without_guest': exception.HypervisorDenied,
}
_BUSY: dict[str, Any] = {
    'kind': exception.GuestBusy,
    'without_guest': exception.GuestBusy,
}


class CodeTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        _code('NO_DOMAIN', exception.GuestNotFound),
        _code('OPERATION_INVALID', exception.GuestNotRunning),
        _code('INVALID_ARG', exception.TargetRejected),
        _code('OPERATION_TIMEOUT', **_BUSY),
        _code('AGENT_UNRESPONSIVE', **_BUSY),
        _code('AUTH_FAILED', **_DENIED),
        _code('AUTH_CANCELLED', **_DENIED),
        _code('AUTH_UNAVAILABLE', **_DENIED),
        _code('ACCESS_DENIED', **_DENIED),
        _code('OPERATION_DENIED', **_DENIED),
        _code(
            'SYSTEM_ERROR',
            **_DENIED,
            label='the socket is closed to us',
            message="Failed to connect socket to '/run/libvirt/libvirt-sock': "
            'Permission denied',
            domain='RPC',
        ),
        _code('OPERATION_FAILED', exception.HypervisorError),
        _code('NO_SUPPORT', exception.HypervisorError),
        _code('CONFIG_UNSUPPORTED', exception.HypervisorError),
        _code(
            'INTERNAL_ERROR',
            exception.HypervisorError,
            message='internal error: unable to execute QEMU command',
        ),
        _code(
            'SYSTEM_ERROR',
            exception.HypervisorError,
            label="a guest's own system error",
            message='cannot set memory: Device or resource busy',
        ),
        _code(
            'SYSTEM_ERROR',
            exception.HypervisorUnavailable,
            label='libvirtd went away in a call',
            message='Cannot recv data: Connection reset by peer',
            domain='RPC',
        ),
        _code(
            'INTERNAL_ERROR',
            exception.HypervisorUnavailable,
            label='the call after that',
            message='internal error: client socket is closed',
            domain='RPC',
        ),
        _code(
            'INTERNAL_ERROR',
            exception.HypervisorUnavailable,
            label='end of file',
            message='internal error: End of file from qemu monitor',
        ),
        _code(
            'RPC',
            exception.HypervisorUnavailable,
            domain='REMOTE',
        ),
        _code(
            'NO_CONNECT',
            exception.HypervisorUnavailable,
            domain='NONE',
        ),
        _code(
            'INVALID_CONN',
            exception.HypervisorUnavailable,
            domain='NONE',
        ),
    ]
    raised: libvirt.libvirtError
    kind: type[exception.ApplierError]
    without_guest: type[exception.ApplierError]

    def test_becomes_ours(self) -> None:
        error = _translate(self.raised)
        self.assertIs(self.kind, type(error))
        self.assertIs(self.raised, error.__cause__)

    def test_becomes_ours_where_it_is_no_guests(self) -> None:
        self.assertIs(self.without_guest, type(_translate(self.raised, None)))

    def test_keeps_its_words(self) -> None:
        for guest in ('web-01', None):
            error = _translate(self.raised, guest)
            if not isinstance(error, exception.GuestNotFound):
                self.assertIn(str(self.raised), str(error))


class TranslatedTestCase(base.TestCase):
    def test_an_error_without_a_code_has_a_class_too(self) -> None:
        raised = fake.error(None, 'who knows')
        error = _translate(raised)
        self.assertIs(exception.HypervisorError, type(error))
        self.assertIn('who knows', str(error))
        error = _translate(raised, None)
        self.assertIs(exception.HypervisorUnavailable, type(error))

    def test_every_code_of_libvirt_has_a_class(self) -> None:
        for name in dir(libvirt):
            if name.startswith('VIR_ERR_'):
                raised = fake.error(getattr(libvirt, name))
                for guest in ('web-01', None):
                    self.assertIsInstance(
                        _translate(raised, guest), exception.ApplierError
                    )

    def test_names_the_guest(self) -> None:
        raised = fake.error(libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual("there is no guest 'web-01'", str(_translate(raised)))

    def test_a_guest_without_a_name_is_a_guest(self) -> None:
        raised = fake.error(libvirt.VIR_ERR_NO_DOMAIN)
        self.assertEqual("there is no guest ''", str(_translate(raised, '')))

    def test_a_name_that_libvirt_cannot_take_is_nobodys(self) -> None:
        name = 'web-\udcff'
        try:
            name.encode()
        except UnicodeEncodeError as raised:
            error = _translate(raised, name)
        self.assertIs(exception.GuestNotFound, type(error))

    def test_names_the_hypervisor(self) -> None:
        raised = fake.error(libvirt.VIR_ERR_NO_CONNECT)
        self.assertIn(fake.URI, str(_translate(raised, None)))

    def test_leaves_other_errors_alone(self) -> None:
        for raised in (
            ZeroDivisionError(),
            exception.GuestBusy(guest='', why=''),
        ):
            caught = self.assertRaises(type(raised), _translate_raw, raised)
            self.assertIs(raised, caught)

    def test_does_nothing_where_nothing_happens(self) -> None:
        with libvirt_error.translated(fake.URI):
            pass


def _translate_raw(raised: Exception) -> None:
    with libvirt_error.translated(fake.URI, 'web-01'):
        raise raised
