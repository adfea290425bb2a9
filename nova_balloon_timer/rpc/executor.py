# SPDX-License-Identifier: Apache-2.0
"""The threads that answer calls; a process that ends does not wait for them.

oslo.messaging's own executor would: a thread that sends an answer waits for as
long as the broker hangs.
"""

import collections
from collections.abc import Callable
from concurrent import futures
import dataclasses
import threading
import time
from typing import Any

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

# Whoever called has given up by then.
_STALE_SECONDS = 5.0
_MOST_WAITING = 1000


@dataclasses.dataclass(frozen=True, slots=True)
class _Call:
    function: Callable[..., object]
    arguments: tuple[Any, ...]
    taken_at: float


class DaemonExecutor:
    """Does what oslo.messaging asks of an executor, in daemon threads.

    A call that waited for too long is not made any more.

    :param max_workers: threads at the most; each is started when needed
    """

    def __init__(
        self,
        max_workers: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._most = max_workers
        self._clock = clock
        self._calls: collections.deque[_Call] = collections.deque()
        self._changed = threading.Condition()
        self._threads = 0
        self._idle = 0
        self._is_closed = False
        self._is_overrun = False

    def submit(
        self, function: Callable[..., object], *arguments: Any
    ) -> futures.Future[None]:
        """Have a function called; what becomes of it is not told."""
        call = _Call(function, arguments, self._clock())
        with self._changed:
            is_full = len(self._calls) >= _MOST_WAITING
            if not (is_full or self._is_closed):
                self._calls.append(call)
                if len(self._calls) > self._idle and (
                    self._threads < self._most
                ):
                    self._add_thread()
                self._changed.notify()
        if is_full:
            self._complain()
        return futures.Future()

    def shutdown(self, wait: bool = True) -> None:
        """Take nothing more; what waits is not done.

        :param wait: until what has been begun is done
        """
        with self._changed:
            self._is_closed = True
            self._calls.clear()
            self._changed.notify_all()
            if wait:
                self._changed.wait_for(lambda: self._threads == 0)

    def _add_thread(self) -> None:
        self._threads += 1
        threading.Thread(
            target=self._work, name='balloon-rpc-worker', daemon=True
        ).start()

    def _work(self) -> None:
        while (call := self._take()) is not None:
            try:
                call.function(*call.arguments)
            except Exception:
                LOG.exception('A call could not be answered')
            # NOTE: nothing of it is kept while there is nothing to do.
            del call

    def _take(self) -> _Call | None:
        with self._changed:
            while True:
                self._idle += 1
                self._changed.wait_for(lambda: self._calls or self._is_closed)
                self._idle -= 1
                if self._is_closed:
                    self._threads -= 1
                    self._changed.notify_all()
                    return None
                call = self._calls.popleft()
                if self._clock() - call.taken_at <= _STALE_SECONDS:
                    self._is_overrun = False
                    return call
                self._complain()

    def _complain(self) -> None:
        """Say that calls are not made, once until one is again."""
        if not self._is_overrun:
            LOG.warning('More is called than can be answered: calls are lost')
        self._is_overrun = True
