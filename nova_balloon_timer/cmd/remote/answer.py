# SPDX-License-Identifier: Apache-2.0
"""What an agent tells, where it is not what its release should tell."""

from collections.abc import Iterator
import contextlib

from nova_balloon_timer import exception

# What reading it raises then. No ValueError: that is wrong usage to cliff.
MISFITS = (
    AttributeError,
    IndexError,
    KeyError,
    OverflowError,
    TypeError,
)


class AnswerInvalid(exception.BalloonTimerError):
    """An agent, of another release perhaps, tells what we cannot read."""

    msg_fmt = "the agent's answer makes no sense: %(why)s"


@contextlib.contextmanager
def checked() -> Iterator[None]:
    """Read an answer.

    :raises AnswerInvalid: it makes no sense
    """
    try:
        yield
    except (exception.InvalidPolicy, ValueError, *MISFITS) as error:
        raise AnswerInvalid(why=repr(error)) from error
