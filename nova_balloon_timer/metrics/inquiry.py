# SPDX-License-Identifier: Apache-2.0
"""Asks the thread that turns the crank, but does not wait for it for long."""

from collections.abc import Callable, Generator
from concurrent import futures
from typing import Generic, TypeVar

from oslo_log import log as logging

LOG = logging.getLogger(__name__)

_Answer = TypeVar('_Answer')

# Finds an answer bit by bit: between two steps the thread does other things.
Steps = Generator[None, None, _Answer]


class Inquiry(Generic[_Answer]):
    """One question, asked again and again.

    :param call: has the other thread call a function, as soon as it can
    :param question: returns the steps that lead to the answer; that thread
        takes them, one a call
    """

    def __init__(
        self,
        call: Callable[[Callable[[], None]], None],
        question: Callable[[], Steps[_Answer]],
        limit_seconds: float,
    ) -> None:
        self._call = call
        self._question = question
        self._limit_seconds = limit_seconds

    def ask(self) -> _Answer | None:
        """Return the answer; None: there was none within the limit."""
        outcome: futures.Future[_Answer | None] = futures.Future()
        steps = self._question()

        def go_on() -> None:
            if outcome.cancelled():
                return
            is_over, answer = _step(steps)
            if not is_over:
                self._call(go_on)
            elif outcome.set_running_or_notify_cancel():
                outcome.set_result(answer)

        self._call(go_on)
        futures.wait([outcome], self._limit_seconds)
        return None if outcome.cancel() else outcome.result()


def _step(steps: Steps[_Answer]) -> tuple[bool, _Answer | None]:
    """Take one step; return whether it was the last, and the answer then."""
    try:
        next(steps)
    except StopIteration as end:
        return True, end.value
    except Exception:
        # NOTE: a defect here is none of the thread that was asked.
        LOG.exception('A question of the metrics failed')
        return True, None
    return False, None
