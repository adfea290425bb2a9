# SPDX-License-Identifier: Apache-2.0
"""Instants by key, earliest first; a key has at most one."""

from collections.abc import Iterator
import heapq


class TimerQueue:
    """A heap whose outdated entries are dropped when they surface."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str]] = []
        self._due_at: dict[str, float] = {}

    def set(self, key: str, at: float) -> None:
        """Make this the key's only instant."""
        if self._due_at.get(key) != at:
            self._due_at[key] = at
            heapq.heappush(self._heap, (at, key))

    def discard(self, key: str) -> None:
        """Forget a key; one that has no instant is ignored."""
        self._due_at.pop(key, None)

    def earliest(self) -> float | None:
        """Return the next instant, or None if there is none."""
        while self._heap:
            at, key = self._heap[0]
            if self._due_at.get(key) == at:
                return at
            heapq.heappop(self._heap)
        return None

    def each_due(self, now: float) -> Iterator[str]:
        """Remove, one by one, the keys whose instant has come."""
        while (at := self.earliest()) is not None and at <= now:
            _, key = heapq.heappop(self._heap)
            del self._due_at[key]
            yield key
