# SPDX-License-Identifier: Apache-2.0
"""Calls that may hang, waited for no longer than a while."""

from collections.abc import Callable
import threading
from typing import Generic, TypeVar

_T = TypeVar('_T')


class Overdue(Exception):
    """A call has not come back."""


class Call(Generic[_T]):
    """A call in a thread of its own, begun when its result is first wanted.

    Whoever asks again gets the same result, or error, at once. A call that
    hangs does not keep the process from ending.
    """

    def __init__(
        self, function: Callable[[], _T], longest_seconds: float
    ) -> None:
        self._function = function
        self._longest_seconds = longest_seconds
        self._thread: threading.Thread | None = None
        self._results: list[_T] = []
        self._error: Exception | None = None

    def result(self) -> _T:
        """Return what the call returns, or raise what it raises.

        :raises Overdue: it takes too long
        """
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, daemon=True)
            self._thread.start()
            self._thread.join(self._longest_seconds)
        if self._error is not None:
            raise self._error
        if not self._results:
            raise Overdue
        return self._results[0]

    def _run(self) -> None:
        try:
            self._results.append(self._function())
        except Exception as error:  # noqa: BLE001  raised again by result()
            self._error = error
