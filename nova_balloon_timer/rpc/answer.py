# SPDX-License-Identifier: Apache-2.0
"""Answers to a call, which come from anybody who can reach the bus.

They end up on terminals and in JSON. A terminal would obey some characters
instead of showing them, and JSON knows no number that is not finite.
"""

import math


def tidy(answer: object) -> object:
    """Return an answer without what nobody could read.

    What is not finite is unknown; our own agents send no such thing.

    :raises RecursionError: it is nested without end
    """
    match answer:
        case str():
            return _readable(answer)
        case float():
            return answer if math.isfinite(answer) else None
        case dict():
            return {
                _readable(str(name)): tidy(value)
                for name, value in answer.items()
            }
        case list():
            return [tidy(item) for item in answer]
        case _:
            return answer


def _readable(text: str) -> str:
    if text.isprintable():
        return text
    return ''.join(_shown(one) for one in text)


def _shown(one: str) -> str:
    if one.isprintable():
        return one
    return ' ' if one.isspace() else '\ufffd'
