# SPDX-License-Identifier: Apache-2.0
"""What libvirt tells by itself: guests that end, balloons that moved.

It only makes us see things sooner. No deadline depends on it: QEMU limits
balloon events to one a second, and events are lost while libvirtd is away.
"""

import contextlib
import threading

import libvirt
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers.libvirt import error as libvirt_error

LOG = logging.getLogger(__name__)

_FIRST_RETRY_SECONDS = 0.1
_LONGEST_RETRY_SECONDS = 10.0

_loop_lock = threading.Lock()
_loop_started = False

# NOTE: not UNDEFINED, which deletes a definition: its guest runs on.
_ENDED = (
    libvirt.VIR_DOMAIN_EVENT_STOPPED,
    libvirt.VIR_DOMAIN_EVENT_CRASHED,
)
_CHANGED = (
    libvirt.VIR_DOMAIN_EVENT_DEFINED,
    libvirt.VIR_DOMAIN_EVENT_STARTED,
    libvirt.VIR_DOMAIN_EVENT_SUSPENDED,
    libvirt.VIR_DOMAIN_EVENT_RESUMED,
)


def start_event_loop() -> None:
    """Run libvirt's event loop in a thread of this process, once.

    It must be there before the first connection that wants events.
    """
    global _loop_started  # noqa: PLW0603
    with _loop_lock:
        if _loop_started:
            return
        libvirt.virEventRegisterDefaultImpl()
        threading.Thread(
            target=_run_event_loop, name='libvirt-events', daemon=True
        ).start()
        _loop_started = True


def adopt_event_loop() -> None:
    """Rely on the event loop that somebody else in this process runs.

    There can be but one.
    """
    global _loop_started  # noqa: PLW0603
    with _loop_lock:
        _loop_started = True


def _run_event_loop() -> None:
    while True:
        try:
            libvirt.virEventRunDefaultImpl()
        except libvirt.libvirtError:
            LOG.exception("libvirt's event loop failed")


class Watcher:
    """A connection of its own that carries events, reopened when it broke."""

    def __init__(self, uri: str, sink: base.Sink) -> None:
        self._uri = uri
        self._sink = sink
        self._broken = threading.Event()
        self._closed = False
        self._connection: libvirt.virConnect | None = None
        self._listeners: list[int] = []
        threading.Thread(
            target=self._keep_open, name='balloon-watcher', daemon=True
        ).start()

    def close(self) -> None:
        """Stop watching."""
        self._closed = True
        self._broken.set()

    def _keep_open(self) -> None:
        retry_seconds = _FIRST_RETRY_SECONDS
        while True:
            # NOTE: cleared before the test, or a close() in between is lost.
            self._broken.clear()
            if self._closed:
                break
            try:
                self._open()
            except exception.ApplierError as error:
                LOG.debug('No events: %s', error)
                self._broken.wait(retry_seconds)
                retry_seconds = min(2 * retry_seconds, _LONGEST_RETRY_SECONDS)
                continue
            retry_seconds = _FIRST_RETRY_SECONDS
            # What happened while nobody listened is found by a listing.
            self._sink(message.GuestsChanged())
            self._broken.wait()
        self._release()

    def _open(self) -> None:
        self._release()
        with libvirt_error.translated(self._uri):
            connection = libvirt.open(self._uri)
            self._connection = connection
            connection.registerCloseCallback(self._on_closed, None)
        with contextlib.suppress(libvirt.libvirtError):
            connection.setKeepAlive(5, 3)  # a driver in-process has none
        for event, listener in (
            (libvirt.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._on_lifecycle),
            (
                libvirt.VIR_DOMAIN_EVENT_ID_BALLOON_CHANGE,
                self._on_balloon_change,
            ),
        ):
            # A driver that does not know an event goes without.
            with contextlib.suppress(libvirt.libvirtError):
                self._listeners.append(
                    connection.domainEventRegisterAny(
                        None, event, listener, None
                    )
                )

    def _release(self) -> None:
        """Close the connection; as long as somebody listens, it stays."""
        connection = self._connection
        listeners = self._listeners
        self._connection = None
        self._listeners = []
        if connection is None:
            return
        for listener in listeners:
            with contextlib.suppress(libvirt.libvirtError):
                connection.domainEventDeregisterAny(listener)
        with contextlib.suppress(libvirt.libvirtError):
            connection.unregisterCloseCallback()
        with contextlib.suppress(libvirt.libvirtError):
            connection.close()

    def _on_closed(
        self, connection: object, reason: int, opaque: object
    ) -> None:
        LOG.warning('The connection to %s broke; opening it again', self._uri)
        self._broken.set()

    def _on_lifecycle(
        self,
        connection: object,
        domain: libvirt.virDomain,
        event: int,
        detail: int,
        opaque: object,
    ) -> None:
        if event in _ENDED:
            self._sink(message.GuestGone(guest_uuid=domain.UUIDString()))
        elif event in _CHANGED:
            self._sink(message.GuestsChanged())

    def _on_balloon_change(
        self,
        connection: object,
        domain: libvirt.virDomain,
        actual_kib: int,
        opaque: object,
    ) -> None:
        self._sink(message.BalloonChanged(guest_uuid=domain.UUIDString()))
