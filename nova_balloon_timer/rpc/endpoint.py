# SPDX-License-Identifier: Apache-2.0
"""What can be called over the message bus: checked, answered, measured."""

from collections.abc import Callable
import functools
import threading
import time
from typing import Any, Protocol

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import order
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import argument
from nova_balloon_timer.rpc import listening
from nova_balloon_timer.rpc import view

LOG = logging.getLogger(__name__)

VERSION = '1.0'

# Calls that are worked on at once, and how long one more waits for its turn.
_MOST_AT_ONCE = 8
_TURN_SECONDS = 0.1


class Desk(Protocol):
    """Whoever knows the answers; any thread may ask.

    Each answer is there within a second. Every method raises only
    BalloonTimerError for what the caller has to know; all else is a defect.
    """

    def create_policy(self, guest: str, wanted: order.Order) -> view.Json:
        """Have a guest ballooned; answered when that is in the journal."""

    def preview_policy(self, guest: str, wanted: order.Order) -> view.Json:
        """Say what an order would come to, and move nothing."""

    def list_policies(self, limit: int, marker: str | None) -> view.Json:
        """Describe the policies under way, by UUID."""

    def show_policy(self, policy_uuid: str) -> view.Json:
        """Describe a policy that is under way or has ended."""

    def cancel_policy(self, policy_uuid: str) -> view.Json:
        """End a policy that is under way."""

    def show_host(self) -> view.Json:
        """Describe the host, and the agent."""

    def list_guests(self, limit: int, marker: str | None) -> view.Json:
        """Describe the guests, by UUID."""

    def list_history(
        self, limit: int, marker: str | None, guest: str | None
    ) -> view.Json:
        """Describe policies that have ended, the newest first."""

    def show_history(self, policy_uuid: str) -> view.Json:
        """Describe a policy that has ended with its curve."""

    def list_events(self, limit: int) -> view.Json:
        """Describe what happened on the host, the newest first."""


class Meter(Protocol):
    """Whoever counts the calls; called by the thread that answers."""

    def observe(self, method: str, seconds: float, error: str) -> None:
        """Learn of a call that was answered.

        :param error: the name of the error's class; empty if there was none
        """


def _answers(
    method: Callable[
        ['BalloonTimerEndpoint', argument.Arguments], view.Json | None
    ],
) -> Callable[..., view.Json | None]:
    """Let a method be called over the bus, with its arguments by name."""

    @functools.wraps(method)
    def answer(
        self: 'BalloonTimerEndpoint', context: object, /, **given: Any
    ) -> view.Json | None:
        return self._answer(method, given)

    return listening.expose(answer)


class BalloonTimerEndpoint:
    """The methods that can be called, and no others.

    API version history:

        1.0 - Initial version: create_policy, preview_policy, list_policies,
              show_policy, cancel_policy, show_host, list_guests,
              list_history, show_history, list_events, report_host.

    A method, an argument that may be left out, or a key of an answer that is
    added, makes it 1.1; whatever breaks a caller makes it 2.0.

    :param report: sends what was asked for by ``report_host``
    """

    target = oslo_messaging.Target(version=VERSION)

    def __init__(
        self,
        desk: Desk,
        report: Callable[[str, view.Json], None],
        *,
        host: str,
        meter: Meter | None = None,
    ) -> None:
        self._desk = desk
        self._report = report
        self._host = host
        self._meter = meter
        self._turns = threading.Semaphore(_MOST_AT_ONCE)
        self.is_closed = False

    @_answers
    def create_policy(self, arguments: argument.Arguments) -> view.Json:
        """Have a guest ballooned."""
        guest = arguments.name('guest')
        return self._desk.create_policy(guest, arguments.order())

    @_answers
    def preview_policy(self, arguments: argument.Arguments) -> view.Json:
        """Say what an order would come to."""
        guest = arguments.name('guest')
        return self._desk.preview_policy(guest, arguments.order())

    @_answers
    def list_policies(self, arguments: argument.Arguments) -> view.Json:
        """Describe the policies under way."""
        limit, marker = arguments.limit(), arguments.uuid_or_none('marker')
        arguments.finish()
        return self._desk.list_policies(limit, marker)

    @_answers
    def show_policy(self, arguments: argument.Arguments) -> view.Json:
        """Describe a policy."""
        policy_uuid = arguments.uuid('policy')
        arguments.finish()
        return self._desk.show_policy(policy_uuid)

    @_answers
    def cancel_policy(self, arguments: argument.Arguments) -> view.Json:
        """End a policy."""
        policy_uuid = arguments.uuid('policy')
        arguments.finish()
        return self._desk.cancel_policy(policy_uuid)

    @_answers
    def show_host(self, arguments: argument.Arguments) -> view.Json:
        """Describe the host."""
        arguments.finish()
        return self._desk.show_host()

    @_answers
    def list_guests(self, arguments: argument.Arguments) -> view.Json:
        """Describe the guests."""
        limit, marker = arguments.limit(), arguments.uuid_or_none('marker')
        arguments.finish()
        return self._desk.list_guests(limit, marker)

    @_answers
    def list_history(self, arguments: argument.Arguments) -> view.Json:
        """Describe policies that have ended."""
        limit, marker = arguments.limit(), arguments.uuid_or_none('marker')
        guest = arguments.name_or_none('guest')
        arguments.finish()
        return self._desk.list_history(limit, marker, guest)

    @_answers
    def show_history(self, arguments: argument.Arguments) -> view.Json:
        """Describe a policy that has ended with its curve."""
        policy_uuid = arguments.uuid('policy')
        arguments.finish()
        return self._desk.show_history(policy_uuid)

    @_answers
    def list_events(self, arguments: argument.Arguments) -> view.Json:
        """Describe what happened on the host."""
        limit = arguments.limit()
        arguments.finish()
        return self._desk.list_events(limit)

    @_answers
    def report_host(self, arguments: argument.Arguments) -> None:
        """Send a description of the host to all who wait for one."""
        request_id = arguments.uuid('request_id')
        arguments.finish()
        self._report(request_id, self._desk.show_host())

    def _answer(
        self,
        method: Callable[..., view.Json | None],
        given: dict[str, Any],
    ) -> view.Json | None:
        """Answer, or raise what the caller will see, and have it counted."""
        began_at = time.monotonic()
        error = ''
        try:
            return self._try(method, given)
        except exception.BalloonTimerError as failure:
            error = type(failure).__name__
            raise listening.expected() from None
        finally:
            self._measure(method.__name__, time.monotonic() - began_at, error)

    def _try(
        self,
        method: Callable[..., view.Json | None],
        given: dict[str, Any],
    ) -> view.Json | None:
        if self.is_closed:
            raise exception.AgentBusy(why='it is about to end')
        if not self._turns.acquire(timeout=_TURN_SECONDS):
            raise exception.AgentBusy(why='too much is asked at once')
        try:
            return method(self, argument.Arguments(given))
        except exception.BalloonTimerError:
            raise
        except Exception as defect:
            LOG.exception('The call %s failed', method.__name__)
            why = f'{type(defect).__name__}: {argument.first_line(defect)}'
        finally:
            self._turns.release()
        raise exception.AgentFailed(host=self._host, why=why)

    def _measure(self, method: str, seconds: float, error: str) -> None:
        if self._meter is None:
            return
        try:
            self._meter.observe(method, seconds, error)
        except Exception:
            LOG.exception('A call could not be counted')
