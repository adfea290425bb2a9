# SPDX-License-Identifier: Apache-2.0
"""The message bus, by oslo.messaging's notifier.

Which drivers and topics are used is for the operator to say, in the options
that all of OpenStack has.
"""

from collections.abc import Callable
from importlib import metadata
from typing import Any

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.messaging import transport as oslo_transport
from nova_balloon_timer.notifier import letter

_GROUP = 'oslo_messaging_notifications'
# It sends nothing.
_NOOP = 'noop'
_DRIVERS = 'oslo.messaging.notify.drivers'

_UNVERSIONED = ('unversioned', 'both')
_VERSIONED = ('versioned', 'both')

# A message that cannot be written; it will not be any better later.
_DEFECTS = (TypeError, ValueError, LookupError)

# From the versioned form to the other.
Flatten = Callable[[letter.Payload], letter.Payload]


class _HonestTransport(
    oslo_transport.NotificationTransport,  # type: ignore[misc]
):
    """Remembers what the notifier's drivers keep to themselves.

    They log what went wrong, with the whole payload, and return as if it had
    been sent.
    """

    def __init__(self, transport: oslo_messaging.Transport) -> None:
        super().__init__(transport._driver)
        self._error: Exception | None = None

    def take_error(self) -> Exception | None:
        """Return what went wrong since this was asked before."""
        error, self._error = self._error, None
        return error

    def _send_notification(self, *arguments: Any, **options: Any) -> None:
        try:
            super()._send_notification(*arguments, **options)
        except Exception as error:  # noqa: BLE001 - told by whoever asks
            self._error = error


class MessageBus:
    """Sends letters in the forms that are configured.

    :param publisher_id: who sends them
    :param flatten: makes the unversioned form
    :param transport: that of the service that this process is of; None: one
        of our own is made
    :raises BusUnavailable: the configuration names no bus that there is
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        publisher_id: str,
        flatten: Flatten,
        transport: oslo_messaging.Transport | None = None,
    ) -> None:
        self._flatten = flatten
        self._transport = _HonestTransport(transport or _get_transport(conf))
        options = conf.notifications
        wanted = options.notification_format
        self._unversioned = self._versioned = None
        if wanted in _UNVERSIONED:
            self._unversioned = oslo_messaging.Notifier(
                self._transport, publisher_id, retry=0
            )
        if wanted in _VERSIONED:
            self._versioned = oslo_messaging.Notifier(
                self._transport,
                publisher_id,
                topics=options.versioned_notifications_topics,
                retry=0,
            )

    def send(self, sent: letter.Letter) -> None:
        """Send a letter, and wait until the broker has it.

        :raises BusUnavailable: it was not sent, or not in all its forms
        :raises Exception: it never can be: a defect
        """
        if self._unversioned is not None:
            self._notify(self._unversioned, sent, self._flatten(sent.payload))
        if self._versioned is not None:
            self._notify(self._versioned, sent, sent.payload)

    def _notify(
        self,
        notifier: oslo_messaging.Notifier,
        sent: letter.Letter,
        content: letter.Payload,
    ) -> None:
        self._transport.take_error()
        getattr(notifier, sent.priority)({}, sent.event_type, content)
        error = self._transport.take_error()
        if isinstance(error, _DEFECTS):
            raise error
        if error is not None:
            why = ' '.join(str(error).split()) or type(error).__name__
            raise exception.BusUnavailable(why=why) from error


def is_enabled(conf: cfg.ConfigOpts) -> bool:
    """Tell whether the configuration wants notifications to be sent.

    :raises BusUnavailable: it names no bus that there is
    """
    # NOTE: whoever makes a transport also registers its options.
    _get_transport(conf)
    drivers = [it for it in conf[_GROUP].driver if it]
    # NOTE: the notifier leaves out those that there are not, and so sends
    # nothing without a word.
    known = {it.name for it in metadata.entry_points(group=_DRIVERS)}
    for driver in drivers:
        if driver not in known:
            raise exception.BusUnavailable(
                why=f"[{_GROUP}] driver: there is no '{driver}'"
            )
    return any(driver != _NOOP for driver in drivers)


def _get_transport(conf: cfg.ConfigOpts) -> oslo_messaging.Transport:
    oslo_messaging.set_transport_defaults('nova')
    try:
        return oslo_messaging.get_notification_transport(conf)
    except (
        oslo_messaging.DriverLoadFailure,
        oslo_messaging.InvalidTransportURL,
    ) as error:
        raise exception.BusUnavailable(
            why=f'transport_url: {error}'
        ) from error
    except ValueError as error:
        # NOTE: what it says may quote a part of a password.
        raise exception.BusUnavailable(
            why='transport_url: its host or port is none'
        ) from error
