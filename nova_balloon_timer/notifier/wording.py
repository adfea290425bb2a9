# SPDX-License-Identifier: Apache-2.0
"""Texts of others, made fit for the message bus.

They come from guests, libvirt and operators, and may hold anything: control
characters, halves of characters, a megabyte.
"""

import bisect
import json

_ELLIPSIS = '...'


def tidy(text: str, longest_bytes: int) -> str:
    """Return a printable line that JSON writes in so many bytes at most.

    What is not printable becomes a space or the replacement character; what
    is too long is cut.
    """
    head = text[:longest_bytes]
    if not head.isprintable():
        head = ''.join(map(_printable, head))
    if len(head) == len(text) and _written_bytes(head) <= longest_bytes:
        return head
    room_bytes = longest_bytes - len(_ELLIPSIS)
    length = bisect.bisect_right(
        range(1, len(head) + 1),
        room_bytes,
        key=lambda end: _written_bytes(head[:end]),
    )
    return head[:length] + _ELLIPSIS


def _printable(character: str) -> str:
    if character.isprintable():
        return character
    return ' ' if character.isspace() else '\N{REPLACEMENT CHARACTER}'


def _written_bytes(text: str) -> int:
    return len(json.dumps(text)) - len('""')
