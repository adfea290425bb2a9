# SPDX-License-Identifier: Apache-2.0
"""Questions to other threads, and how long to wait for an answer."""

from collections.abc import Callable
from concurrent import futures
import time
from typing import TypeVar

_Answer = TypeVar('_Answer')
Submit = Callable[[Callable[[], None]], None]


class NotAnsweredError(Exception):
    """The other thread did not get round to it in time."""


def ask(
    submit: Submit, function: Callable[[], _Answer]
) -> futures.Future[_Answer]:
    """Have another thread call a function.

    :param submit: hands a call to that thread
    :returns: what comes of it, errors too; once it is cancelled, the
        function is not called any more
    """
    outcome: futures.Future[_Answer] = futures.Future()

    def answer() -> None:
        # NOTE: not when nobody waits for it any more.
        if not outcome.set_running_or_notify_cancel():
            return
        try:
            result = function()
        except Exception as error:  # noqa: BLE001
            # Whoever asked is told.
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    submit(answer)
    return outcome


def call(
    submit: Submit, function: Callable[[], _Answer], seconds: float
) -> _Answer:
    """Have another thread call a function that never waits.

    :param seconds: in which the call must begin
    :raises NotAnsweredError: it did not, and will not later
    """
    outcome = ask(submit, function)
    futures.wait([outcome], seconds)
    if outcome.cancel():
        raise NotAnsweredError
    # NOTE: it is being called: what it does is done.
    return outcome.result()


class Patience:
    """The time that is left for everything that one answer takes."""

    def __init__(
        self, seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._clock = clock
        self._until = clock() + seconds

    @property
    def is_over(self) -> bool:
        """Tell whether no time is left."""
        return self._clock() >= self._until

    def share(self, most_seconds: float) -> float:
        """Return how long one step may take."""
        return max(0.0, min(most_seconds, self._until - self._clock()))
