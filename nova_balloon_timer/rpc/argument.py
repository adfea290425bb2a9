# SPDX-License-Identifier: Apache-2.0
"""Arguments of a call, which come from anybody who can reach the bus.

Nothing is believed of them: not that they are there, nor what they are, nor
how long. Whatever is wrong is an InvalidArgument, and what it quotes is short.
"""

from collections.abc import Mapping
import enum
import re
from typing import cast, TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import order
from nova_balloon_timer import timekeeping

_E = TypeVar('_E', bound=enum.Enum)

MOST_ITEMS = 1000
_DEFAULT_ITEMS = 100

# Names of guests and UUIDs; libvirt's own limit for names is shorter.
_LONGEST_NAME = 255
# Sizes and durations are no longer than half of it.
_LONGEST_SIZE = 64
_MOST_SEGMENTS = 64
_LONGEST_QUOTE = 40
_LONGEST_LINE = 1000

_UUID = re.compile(
    r'[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}',
    re.ASCII | re.IGNORECASE,
)


class Arguments:
    """What a call was given, by name; each is taken once.

    All methods raise InvalidArgument.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._left = dict(given)

    def name(self, name: str) -> str:
        """Take what an operator calls something."""
        return self._text(name, self._needed(name), _LONGEST_NAME)

    def name_or_none(self, name: str) -> str | None:
        """Take a name that may be left out."""
        value = self._left.pop(name, None)
        return (
            None if value is None else self._text(name, value, _LONGEST_NAME)
        )

    def size(self, name: str) -> str:
        """Take a size or duration, to be parsed by whoever knows how."""
        return self._text(name, self._needed(name), _LONGEST_SIZE)

    def size_or_none(self, name: str) -> str | None:
        """Take a size that may be left out."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        return self._text(name, value, _LONGEST_SIZE)

    def sizes(self, name: str) -> tuple[str, ...]:
        """Take a list of sizes; none if it is left out."""
        value = self._left.pop(name, None)
        if value is None:
            return ()
        if not isinstance(value, list):
            raise _invalid(name, 'it is not a list')
        if len(value) > _MOST_SEGMENTS:
            raise _invalid(
                name, f'it has {len(value)} items, above {_MOST_SEGMENTS}'
            )
        return tuple(self._text(name, it, _LONGEST_SIZE) for it in value)

    def uuid(self, name: str) -> str:
        """Take a UUID; its letters are small from then on."""
        return self._uuid(name, self._needed(name))

    def uuid_or_none(self, name: str) -> str | None:
        """Take a UUID that may be left out."""
        value = self._left.pop(name, None)
        return None if value is None else self._uuid(name, value)

    def choice_or_none(self, name: str, kind: type[_E]) -> _E | None:
        """Take a member of a closed set, that may be left out."""
        value = self._left.pop(name, None)
        if value is None:
            return None
        text = self._text(name, value, _LONGEST_NAME)
        for member in kind:
            if member.value == text:
                return member
        known = ', '.join(str(member.value) for member in kind)
        raise _invalid(name, f"'{readable(text)}' is not one of {known}")

    def limit(self) -> int:
        """Take how many items are wanted."""
        value = self._left.pop('limit', None)
        if value is None:
            return _DEFAULT_ITEMS
        # NOTE: to Python, True is an integer.
        if not isinstance(value, int) or isinstance(value, bool):
            raise _invalid('limit', 'it is not an integer')
        if not 1 <= value <= MOST_ITEMS:
            raise _invalid('limit', f'it is not within 1 and {MOST_ITEMS}')
        return value

    def mapping(self, name: str) -> dict[str, object]:
        """Take an object of anything."""
        value = self._needed(name)
        if not isinstance(value, dict):
            raise _invalid(name, 'it is not an object')
        return cast(dict[str, object], value)

    def order(self) -> order.Order:
        """Take what is asked of a guest.

        :raises InvalidSize: likewise InvalidDuration, InvalidSegment and
            InvalidPolicy, where it makes no sense
        """
        target = self.size('target')
        duration = self.size('duration')
        segments = self.sizes('segments')
        floor = self.size_or_none('floor')
        reserve = self.size_or_none('reserve')
        leash = self.size_or_none('leash')
        mode = self.choice_or_none('mode', timekeeping.Mode)
        self.finish()
        return order.parse(
            target=target,
            duration=duration,
            segments=segments,
            floor=floor,
            reserve=reserve,
            leash=leash,
            mode=mode,
        )

    def finish(self) -> None:
        """See that nothing else was given."""
        for name in self._left:
            raise _invalid(name, 'this call has no such argument')

    def _needed(self, name: str) -> object:
        value = self._left.pop(name, None)
        if value is None:
            raise _invalid(name, 'it is missing')
        return value

    def _text(self, name: str, value: object, longest: int) -> str:
        if not isinstance(value, str):
            raise _invalid(name, 'it is not a text')
        if not value:
            raise _invalid(name, 'it is empty')
        if len(value) > longest:
            raise _invalid(
                name, f'it has {len(value)} characters, above {longest}'
            )
        if not value.isprintable():
            raise _invalid(name, 'it has characters that nobody can read')
        return value

    def _uuid(self, name: str, value: object) -> str:
        text = self._text(name, value, _LONGEST_NAME)
        if _UUID.fullmatch(text) is None:
            raise _invalid(name, f"'{readable(text)}' is not a UUID")
        return text.lower()


def readable(text: str, longest: int = _LONGEST_QUOTE) -> str:
    """Return a text that comes from anywhere fit for a line."""
    shown = ''.join(it if it.isprintable() else '?' for it in text[:longest])
    return shown if len(text) <= longest else f'{shown}...'


def first_line(value: object) -> str:
    """Return the first line of what anything says, fit for an error."""
    lines = str(value).strip().splitlines()
    return readable(lines[0].rstrip() if lines else '', _LONGEST_LINE)


def _invalid(name: str, why: str) -> exception.InvalidArgument:
    return exception.InvalidArgument(name=readable(name), why=why)
