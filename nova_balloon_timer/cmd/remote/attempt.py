# SPDX-License-Identifier: Apache-2.0
"""One request for each of several things: none undoes or hides another."""

from collections.abc import Callable, Iterable, Sequence
import dataclasses

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import interruption
from nova_balloon_timer.cmd.remote import connection


class Unanswered(exception.BalloonTimerError):
    """What was asked for may be done all the same."""

    msg_fmt = (
        "%(why)s (whether the policy was made is not known: see 'policy list')"
    )


# Who does not get through once does not ask again and again.
_NOBODY_THERE = (
    exception.BusNotConfigured,
    exception.BusUnavailable,
    exception.HostNotAnswering,
    Unanswered,
)
_NOT_DONE = (exception.GuestRefused, exception.PolicyNotLive)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of one request.

    :param what: in a word, for a table
    :param words: why, where it is not what was asked for
    :param exit_code: what it means for the command's
    """

    name: str
    answer: connection.View | None = None
    what: str = 'done'
    words: str = ''
    exit_code: int = 0


def each(
    names: Sequence[str], ask: Callable[[str], connection.View]
) -> list[Attempt]:
    """Ask for each, whatever comes of the others.

    :raises BalloonTimerError: nothing else is to be told: there was only one,
        or nobody answered from the beginning
    """
    attempts: list[Attempt] = []
    for name in names:
        try:
            attempts.append(Attempt(name=name, answer=ask(name)))
        except _NOT_DONE as error:
            attempts.append(
                Attempt(
                    name=name,
                    what='refused',
                    words=_why(error),
                    exit_code=base.EXIT_OTHERWISE,
                )
            )
        except exception.BalloonTimerError as error:
            is_hopeless = isinstance(error, _NOBODY_THERE)
            if len(names) == 1 or (is_hopeless and not attempts):
                raise
            attempts.append(_failed(name, error))
            if is_hopeless:
                break
        except interruption.Stopped as stopped:
            attempts.append(_stopped(name, stopped))
            break
    rest = names[len(attempts) :]
    return [*attempts, *(_unasked(name, attempts[-1]) for name in rest)]


def exit_code_of(attempts: Sequence[Attempt]) -> int:
    """Return what they mean together for the command's exit code."""
    return worst(attempt.exit_code for attempt in attempts)


def worst(codes: Iterable[int]) -> int:
    """Let an interruption go before an error, and that before a refusal."""
    found = set(codes)
    if max(found, default=0) > base.EXIT_OTHERWISE:
        return max(found)
    ranks = (base.EXIT_ERROR, base.EXIT_USAGE, base.EXIT_OTHERWISE)
    return next((code for code in ranks if code in found), 0)


def _why(error: exception.BalloonTimerError) -> str:
    return str(error.details.get('why', error))


def _failed(name: str, error: exception.BalloonTimerError) -> Attempt:
    return Attempt(
        name=name,
        what='unknown' if isinstance(error, Unanswered) else 'error',
        words=str(error),
        exit_code=base.exit_code_of(error),
    )


def _stopped(name: str, stopped: interruption.Stopped) -> Attempt:
    return Attempt(
        name=name,
        what='unknown',
        words=f'{stopped.name} came before the answer',
        exit_code=stopped.exit_code,
    )


def _unasked(name: str, last: Attempt) -> Attempt:
    return Attempt(
        name=name,
        what='not asked',
        words=f'given up after {last.name}',
        exit_code=last.exit_code,
    )
