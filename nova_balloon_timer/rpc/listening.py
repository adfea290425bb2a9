# SPDX-License-Identifier: Apache-2.0
"""oslo.messaging's server, made to bear whatever comes over the bus."""

from collections.abc import Callable
import re
from typing import Any, TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.messaging import rpc_server as messaging_server
from nova_balloon_timer.rpc import argument
from nova_balloon_timer.rpc import executor

TOPIC = 'balloon_timer'
REPLY_TOPIC = 'balloon_timer_reply'

_Method = TypeVar('_Method', bound=Callable[..., Any])

_VERSION = re.compile(r'\d{1,4}(\.\d{1,4}){1,2}', re.ASCII)


def expose(method: _Method) -> _Method:
    """Let a method be called over the bus."""
    exposed: _Method = oslo_messaging.expose(method)
    return exposed


def make(
    transport: Any, endpoint: object, *, topic: str, name: str
) -> 'ListeningServer':
    """Make a server, which listens once it is started.

    :param endpoint: only what it exposes can be called
    :param name: by which calls are sent to this server and no other
    """
    server: ListeningServer = oslo_messaging.get_rpc_server(
        transport,
        oslo_messaging.Target(topic=topic, server=name),
        [endpoint],
        access_policy=oslo_messaging.ExplicitRPCAccessPolicy,
        server_cls=ListeningServer,
    )
    return server


def expected() -> Exception:
    """Return what has the error that is being handled sent to the caller.

    It keeps that one; where in our code it came from, which oslo.messaging
    would send too, is nobody's affair on the bus.
    """
    made: Any = oslo_messaging.ExpectedException()
    kind, error, _ = made.exc_info
    error.__cause__ = None
    made.exc_info = (kind, error, None)
    sent: Exception = made
    return sent


class ListeningServer(messaging_server.RPCServer):  # type: ignore[misc]
    """Answers in daemon threads, and refuses nonsense without a traceback."""

    def __init__(
        self, transport: Any, target: Any, dispatcher: Any, _: Any = None
    ) -> None:
        super().__init__(transport, target, CalmDispatcher(dispatcher))
        self._executor_cls = executor.DaemonExecutor


class CalmDispatcher:
    """Checks the form of a call before it is dispatched.

    :param dispatcher: oslo.messaging's own, which expects a good one
    """

    def __init__(self, dispatcher: Any) -> None:
        self._dispatcher = dispatcher

    def dispatch(self, incoming: Any) -> Any:
        """Have a call made; what is wrong with it is its caller's affair."""
        # NOTE: or a thread would tell the caller all the time that we are
        # still at work, and never end where there is no such method.
        incoming.client_timeout = None
        try:
            _check_form(incoming.message)
            return self._dispatcher.dispatch(incoming)
        except (
            exception.BalloonTimerError,
            oslo_messaging.NoSuchMethod,
            oslo_messaging.UnsupportedVersion,
        ):
            raise expected() from None


def _check_form(message: dict[str, object]) -> None:
    """See that a call has the form that oslo.messaging's clients give it.

    :raises InvalidArgument: it has not
    """
    if not isinstance(message.get('method'), str):
        raise exception.InvalidArgument(
            name='method', why='it is missing, or not a text'
        )
    if not isinstance(message.get('args', {}), dict):
        raise exception.InvalidArgument(name='args', why='it is not an object')
    version = message.get('version', '1.0')
    if not isinstance(version, str) or not _VERSION.fullmatch(version):
        raise exception.InvalidArgument(
            name='version',
            why=f"'{argument.readable(str(version))}' is not a version",
        )
    if message.get('namespace') is not None:
        raise exception.InvalidArgument(
            name='namespace', why='there are none here'
        )
