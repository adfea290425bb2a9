# SPDX-License-Identifier: Apache-2.0
"""What is asked of the crank's thread, by one that has to answer soon."""

from collections.abc import Callable
from typing import TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import question
from nova_balloon_timer.agent import crank as agent_crank

_Answer = TypeVar('_Answer')

# A whole answer has a second, of which the bus needs some.
ANSWER_SECONDS = 0.9
STEP_SECONDS = 0.5


def ask(
    crank: agent_crank.HostCrank,
    function: Callable[[], _Answer],
    patience: question.Patience,
) -> _Answer:
    """Have the crank's thread call a function.

    :raises AgentBusy: it does not get round to it, and will not later
    """
    seconds = patience.share(STEP_SECONDS)
    try:
        return question.call(crank.call, function, seconds)
    except question.NotAnsweredError as error:
        raise exception.AgentBusy(
            why='its engine and controller do not answer'
        ) from error
