# SPDX-License-Identifier: Apache-2.0
"""Looks at an agent again and again, in a thread of its own.

The screen goes on, and keys are heeded, while an answer does not come.
"""

from collections.abc import Callable
import datetime
import queue
import threading
from typing import TYPE_CHECKING

from nova_balloon_timer import exception
from nova_balloon_timer.cmd.remote import connection
from nova_balloon_timer.cmd.watch import state as watch_state

if TYPE_CHECKING:
    from nova_balloon_timer.rpc import api as rpc_api

News = watch_state.Snapshot | watch_state.Failure | watch_state.Told

# No screen shows more.
_MOST_ITEMS = 1000
_MOST_EVENTS = 50


def look(agent: 'rpc_api.HostAPI') -> watch_state.Snapshot:
    """Look once.

    :raises BalloonTimerError: no answer, or none of use
    """
    host = agent.show_host()
    guests = agent.list_guests(limit=_MOST_ITEMS, marker=None)['guests']
    policies = agent.list_policies(limit=_MOST_ITEMS, marker=None)['policies']
    return watch_state.Snapshot(
        at=_now(),
        host=host,
        guests=tuple(sorted(guests, key=lambda it: str(it['name']))),
        policies=tuple(sorted(policies, key=_by_guest)),
        events=_events(agent),
    )


def _events(agent: 'rpc_api.HostAPI') -> tuple[connection.View, ...]:
    """Look what happened; a journal that fails hides nothing else."""
    try:
        return tuple(agent.list_events(limit=_MOST_EVENTS)['events'])
    except exception.JournalError as error:
        at = _now().isoformat()
        return ({'at': at, 'kind': 'not known', 'words': str(error)},)


def _by_guest(view: dict[str, object]) -> tuple[str, str]:
    return str(view['guest_name']), str(view['uuid'])


class Poller:
    """Keeps looking from its start to its stop.

    :param interval_seconds: from the end of one look to the next
    """

    def __init__(
        self, agent: 'rpc_api.HostAPI', interval_seconds: float
    ) -> None:
        self._agent = agent
        self._interval_seconds = interval_seconds
        self._news: queue.SimpleQueue[News | Exception] = queue.SimpleQueue()
        self._to_cancel: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._awake = threading.Event()
        self._is_over = False
        # NOTE: a call that hangs must not keep the process from ending.
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Have it end with the call that is under way, if any."""
        self._is_over = True
        self._awake.set()

    def cancel(self, policy_uuid: str) -> None:
        """Have a policy cancelled, and look at once what came of it."""
        self._to_cancel.put(policy_uuid)
        self._awake.set()

    def news(self) -> list[News]:
        """Return what was learned since the last time.

        A defect of ours that ended the thread is raised here.
        """
        found: list[News] = []
        while True:
            try:
                one = self._news.get_nowait()
            except queue.Empty:
                return found
            if isinstance(one, Exception):
                raise one
            found.append(one)

    def _run(self) -> None:
        try:
            while not self._is_over:
                self._awake.clear()
                self._cancel_all()
                self._news.put(_tried(lambda: look(self._agent)))
                self._awake.wait(self._interval_seconds)
        except Exception as error:  # noqa: BLE001  raised again by news()
            self._news.put(error)

    def _cancel_all(self) -> None:
        while not self._to_cancel.empty():
            policy_uuid = self._to_cancel.get()
            try:
                view = self._agent.cancel_policy(policy_uuid)
            except exception.BalloonTimerError as error:
                words = str(error)
            else:
                words = f'the policy of {view["guest_name"]} is cancelled'
            self._news.put(watch_state.Told(words=words))


def _tried(
    what: Callable[[], watch_state.Snapshot],
) -> watch_state.Snapshot | watch_state.Failure:
    try:
        return what()
    except exception.BalloonTimerError as error:
        return watch_state.Failure(at=_now(), words=str(error))


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)
