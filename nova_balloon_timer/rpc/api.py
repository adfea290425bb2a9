# SPDX-License-Identifier: Apache-2.0
"""The client's side of the RPC: methods as if the agent were here.

API version history:

    1.0 - Initial version: create_policy, preview_policy, list_policies,
          show_policy, cancel_policy, show_host, list_guests, list_history,
          show_history, list_events; report_host, which list_hosts sends.

No call is sent that needs more than version 1.0: an agent of an older release
of the same major version understands all of them.
"""

from collections.abc import Sequence
from typing import Any

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.rpc import answer as rpc_answer
from nova_balloon_timer.rpc import connection as rpc_connection
from nova_balloon_timer.rpc import failure
from nova_balloon_timer.rpc import gathering
from nova_balloon_timer.rpc import listening

Json = dict[str, Any]

# A pooled connection may have died since it was used last.
_RETRIES = 1


class AgentAPI:
    """The agents that can be reached over the message bus.

    :param timeout_seconds: no call takes longer, whatever the bus does
    :raises BusNotConfigured: transport_url is not set
    :raises BusUnavailable: it makes no sense
    """

    def __init__(
        self, conf: cfg.ConfigOpts, *, timeout_seconds: float = 5.0
    ) -> None:
        self._timeout_seconds = timeout_seconds
        self._connection = rpc_connection.Connection(conf)
        self._client = self._connection.client(listening.TOPIC, retry=_RETRIES)
        self._gathering = gathering.Gathering(self._connection, self._client)

    def on(self, host: str) -> 'HostAPI':
        """Return the agent of one host."""
        return HostAPI(
            self._connection, self._client, host, self._timeout_seconds
        )

    def list_hosts(
        self, wait_seconds: float = 1.0, longest_seconds: float = 5.0
    ) -> list[Json]:
        """Return what ``show_host`` says on each host that answers, by name.

        :param wait_seconds: when nobody answers for so long, that was all
        :param longest_seconds: nobody is waited for longer
        :raises BusUnavailable: the bus cannot be reached
        """
        return self._gathering.gather(
            wait_seconds, longest_seconds, self._timeout_seconds
        )

    def close(self) -> None:
        """Give the connection back."""
        self._gathering.close()
        self._connection.close()


class HostAPI:
    """The agent of one host.

    Every method may raise HostNotAnswering, BusUnavailable, AgentFailed,
    AgentBusy and InvalidArgument, beside what it names.
    """

    def __init__(
        self,
        connection: rpc_connection.Connection,
        client: Any,
        host: str,
        timeout_seconds: float,
    ) -> None:
        self._connection = connection
        self._client = client
        self._host = host
        self._timeout_seconds = timeout_seconds

    def create_policy(
        self,
        guest: str,
        target: str,
        duration: str,
        segments: Sequence[str] = (),
        floor: str | None = None,
        reserve: str | None = None,
        leash: str | None = None,
        mode: str | None = None,
    ) -> Json:
        """Have a guest ballooned.

        :raises BalloonTimerError: InvalidSize, InvalidDuration,
            InvalidSegment, InvalidPolicy, GuestNotFound, GuestRefused,
            GuestBusy
        """
        return self._call(
            'create_policy',
            guest=guest,
            target=target,
            duration=duration,
            segments=list(segments),
            floor=floor,
            reserve=reserve,
            leash=leash,
            mode=mode,
        )

    def preview_policy(
        self,
        guest: str,
        target: str,
        duration: str,
        segments: Sequence[str] = (),
        floor: str | None = None,
        reserve: str | None = None,
        leash: str | None = None,
        mode: str | None = None,
    ) -> Json:
        """Say what :meth:`create_policy` would come to, and move nothing.

        :raises BalloonTimerError: as there, but for GuestRefused
        """
        return self._call(
            'preview_policy',
            guest=guest,
            target=target,
            duration=duration,
            segments=list(segments),
            floor=floor,
            reserve=reserve,
            leash=leash,
            mode=mode,
        )

    def list_policies(
        self, limit: int = 100, marker: str | None = None
    ) -> Json:
        """Describe the policies under way, by UUID."""
        return self._call('list_policies', limit=limit, marker=marker)

    def show_policy(self, policy: str) -> Json:
        """Describe a policy that is under way or has ended.

        :raises PolicyNotFound: there is none
        """
        return self._call('show_policy', policy=policy)

    def cancel_policy(self, policy: str) -> Json:
        """End a policy that is under way.

        :raises PolicyNotFound: there is none
        :raises PolicyNotLive: it has ended
        """
        return self._call('cancel_policy', policy=policy)

    def show_host(self) -> Json:
        """Describe the host, and its agent."""
        return self._call('show_host')

    def list_guests(self, limit: int = 100, marker: str | None = None) -> Json:
        """Describe the guests, by UUID."""
        return self._call('list_guests', limit=limit, marker=marker)

    def list_history(
        self,
        limit: int = 100,
        marker: str | None = None,
        guest: str | None = None,
    ) -> Json:
        """Describe policies that have ended, the newest first.

        :raises JournalError: the journal cannot be read
        """
        return self._call(
            'list_history', limit=limit, marker=marker, guest=guest
        )

    def show_history(self, policy: str) -> Json:
        """Describe a policy that has ended with its curve.

        :raises PolicyNotFound: there is none
        :raises JournalError: the journal cannot be read
        """
        return self._call('show_history', policy=policy)

    def list_events(self, limit: int = 100) -> Json:
        """Describe what happened on the host, the newest first.

        :raises JournalError: the journal cannot be read
        """
        return self._call('list_events', limit=limit)

    def _call(self, method: str, **arguments: Any) -> Json:
        """Call the agent.

        :raises BalloonTimerError: whatever went wrong
        """
        host, seconds = self._host, self._timeout_seconds

        def call(left_seconds: float) -> object:
            context = self._client.prepare(server=host, timeout=left_seconds)
            return rpc_answer.tidy(context.call({}, method, **arguments))

        try:
            answer = self._connection.within(seconds, call)
        except question.NotAnsweredError as error:
            raise exception.HostNotAnswering(
                host=host, seconds=f'{seconds:g}'
            ) from error
        except exception.BusUnavailable:
            raise
        except Exception as error:
            raise failure.of_call(error, host, seconds) from error
        if not isinstance(answer, dict):
            raise exception.AgentFailed(
                host=host, why='its answer makes no sense: it is no object'
            )
        return answer
