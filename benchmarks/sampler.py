# SPDX-License-Identifier: Apache-2.0
"""Tells in which functions a process spends its CPU time."""

import collections
import sys
import threading
import time
from types import FrameType

_STEP_SECONDS = 0.002

# Threads whose innermost function is one of these wait, and use nothing.
_WAITING = {
    '_obey',
    '_run_event_loop',
    '_wait',
    'acquire',
    'get',
    'join',
    'virEventRunDefaultImpl',
    'wait',
}


class Sampler:
    """Looks at all threads every 2 ms in which CPU time was used."""

    def __init__(self) -> None:
        self._own: collections.Counter[str] = collections.Counter()
        self._within: collections.Counter[str] = collections.Counter()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin anew."""
        self._own.clear()
        self._within.clear()
        self._stopped.clear()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()

    def top(self, count: int = 25) -> dict[str, list[tuple[str, float]]]:
        """Return the shares of functions, without and with what they call."""
        total = max(1, self._own.total())
        return {
            name: [
                (function, round(hits / total, 3))
                for function, hits in counter.most_common(count)
            ]
            for name, counter in (('own', self._own), ('in', self._within))
        }

    def _run(self) -> None:
        while not self._stopped.is_set():
            used_seconds = time.process_time() - time.thread_time()
            time.sleep(_STEP_SECONDS)
            now_used_seconds = time.process_time() - time.thread_time()
            if now_used_seconds - used_seconds > _STEP_SECONDS / 10:
                self._look()

    def _look(self) -> None:
        me = threading.get_ident()
        for ident, innermost in sys._current_frames().items():
            if ident != me and innermost.f_code.co_name not in _WAITING:
                self._own[_name(innermost)] += 1
                self._within.update(_callers(innermost))


def _callers(frame: FrameType | None) -> set[str]:
    names = set()
    while frame is not None:
        names.add(_name(frame))
        frame = frame.f_back
    return names


def _name(frame: FrameType) -> str:
    module = frame.f_globals.get('__name__', '?')
    return f'{module}.{frame.f_code.co_name}'
