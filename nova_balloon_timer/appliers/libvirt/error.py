# SPDX-License-Identifier: Apache-2.0
"""Every libvirtError becomes one of our exceptions, here."""

from collections.abc import Iterator
import contextlib

import libvirt

from nova_balloon_timer import exception

# NOTE: numbers as in libvirt's virterror.h. Error 38 (a system call) and 1
# (internal) also stand for a connection that broke; see _is_connection_gone.
_UNAVAILABLE = {
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_INVALID_CONN,
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_INTERNAL_ERROR,
    libvirt.VIR_ERR_SYSTEM_ERROR,
}
_DENIED = {
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_AUTH_CANCELLED,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_OPERATION_DENIED,
}
_BUSY = {
    libvirt.VIR_ERR_OPERATION_TIMEOUT,
    libvirt.VIR_ERR_AGENT_UNRESPONSIVE,
}
_RPC_DOMAINS = {
    libvirt.VIR_FROM_RPC,
    libvirt.VIR_FROM_REMOTE,
    libvirt.VIR_FROM_NONE,
}
_GUEST_ERRORS: dict[int, type[exception.ApplierError]] = {
    libvirt.VIR_ERR_NO_DOMAIN: exception.GuestNotFound,
    libvirt.VIR_ERR_OPERATION_INVALID: exception.GuestNotRunning,
    libvirt.VIR_ERR_INVALID_ARG: exception.TargetRejected,
}


@contextlib.contextmanager
def translated(uri: str, guest: str | None = None) -> Iterator[None]:
    """Raise our exceptions instead of libvirt's.

    :param guest: whose call it is; None for one that is no guest's
    """
    try:
        yield
    except UnicodeEncodeError as error:  # no guest is called so
        raise exception.GuestNotFound(guest=guest) from error
    except libvirt.libvirtError as error:
        raise _translate(error, uri, guest) from error


def _translate(
    error: libvirt.libvirtError, uri: str, guest: str | None
) -> exception.ApplierError:
    code = error.get_error_code()
    why = error.get_error_message() or str(error)
    if code in _DENIED or 'Permission denied' in why:
        return exception.HypervisorDenied(uri=uri, why=why)
    if code in _BUSY:
        return exception.GuestBusy(guest=guest, why=why)
    if code in _GUEST_ERRORS and guest is not None:
        return _GUEST_ERRORS[code](guest=guest, why=why)
    if guest is None or _is_connection_gone(error):
        return exception.HypervisorUnavailable(uri=uri, why=why)
    return exception.HypervisorError(guest=guest, why=why)


def _is_connection_gone(error: libvirt.libvirtError) -> bool:
    """Tell a broken connection from a guest's own trouble.

    A call in flight fails with a system error of the RPC layer when the
    daemon goes; the calls after it say that the socket is closed.
    """
    if error.get_error_code() not in _UNAVAILABLE:
        return False
    message = error.get_error_message() or ''
    return (
        error.get_error_domain() in _RPC_DOMAINS
        or 'closed' in message
        or 'end of file' in message.lower()
    )


def is_of_connection(error: libvirt.libvirtError) -> bool:
    """Tell it without regard to words, which may be a guest's."""
    return (
        error.get_error_code() in _UNAVAILABLE
        and error.get_error_domain() in _RPC_DOMAINS
    )
