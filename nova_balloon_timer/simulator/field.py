# SPDX-License-Identifier: Apache-2.0
"""A value in a scenario, with the way to it; every complaint names both."""

from collections.abc import Collection
import enum
from typing import NoReturn, TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import units
from nova_balloon_timer.simulator import document

_LONGEST_TEXT = 500
_LARGEST_KIB = 1024 * units.KIB_PER_GIB
_LONGEST_SECONDS = 600.0
_Choice = TypeVar('_Choice', bound=enum.Enum)


class Field:
    """A value and where it stands."""

    def __init__(
        self, value: document.Value, source: str, path: str = ''
    ) -> None:
        self._value = value
        self._source = source
        self.path = path

    def complain(self, why: str) -> NoReturn:
        """Reject the value.

        :raises InvalidScenario: always
        """
        words = f'{self.path}: {why}' if self.path else why
        raise exception.InvalidScenario(source=self._source, why=words)

    def check_keys(
        self, required: Collection[str], optional: Collection[str] = ()
    ) -> None:
        """Reject what is no map, lacks a key or has one too many."""
        mapping = self._mapping()
        for key in required:
            if key not in mapping:
                self.complain(f"'{key}' is missing")
        known = sorted({*required, *optional})
        for key in mapping:
            if key not in known:
                self.complain(
                    f'{_quote(key)} is unknown; known are: '
                    f'{", ".join(known) or "none"}'
                )

    def get(self, key: str) -> 'Field':
        """Return a key's value."""
        return self._below(self._mapping()[key], key)

    def find(self, key: str) -> 'Field | None':
        """Return a key's value, or None if it is not there."""
        mapping = self._mapping()
        return self._below(mapping[key], key) if key in mapping else None

    def entries(self, most: int) -> 'list[tuple[str, Field]]':
        """Return a map's keys and values."""
        mapping = self._mapping()
        if len(mapping) > most:
            self.complain(f'more than {most} entries')
        return [
            (key, self._below(value, key)) for key, value in mapping.items()
        ]

    def items(self, most: int) -> 'list[Field]':
        """Return the items of a list."""
        value = self._value
        if not isinstance(value, list):
            self.complain(f'must be a list, not {_quote(value)}')
        if len(value) > most:
            self.complain(f'more than {most} items')
        return [
            Field(item, self._source, f'{self.path}[{number}]')
            for number, item in enumerate(value)
        ]

    def only_entry(self) -> 'tuple[str, Field]':
        """Read ``kind`` or ``kind: {...}``."""
        if isinstance(self._value, str):
            return self._value, self._below({}, self._value[:32])
        entries = self.entries(1)
        if not entries:
            self.complain('must name a kind')
        key, field = entries[0]
        if field._value == '':
            field._value = {}
        return key, field

    def text(self) -> str:
        """Read words."""
        value = self._value
        if not isinstance(value, str):
            self.complain(f'must be words, not {_quote(value)}')
        if not value.strip() or len(value) > _LONGEST_TEXT:
            self.complain(f'must have 1 to {_LONGEST_TEXT} characters')
        if not value.isprintable():
            self.complain('must be one line of printable characters')
        return value

    def name(self) -> str:
        """Read a short name."""
        name = self.text()
        self.check_name(name)
        return name

    def check_name(self, name: str) -> None:
        """Reject what is no short name."""
        if len(name) > 64 or not name.replace('-', '').isalnum():
            self.complain(
                f'{_quote(name)} is no name: up to 64 letters, digits and '
                'dashes'
            )

    def truth(self) -> bool:
        """Read true or false."""
        value = self._value
        if value not in ('true', 'false'):
            self.complain(f'must be true or false, not {_quote(value)}')
        return value == 'true'

    def choice(self, choices: type[_Choice]) -> _Choice:
        """Read a member of an enumeration."""
        for member in choices:
            if member.value == self._value:
                return member
        known = ', '.join(str(member.value) for member in choices)
        self.complain(f'{_quote(self._value)} is none of: {known}')

    def choices(self, choices: type[_Choice]) -> tuple[_Choice, ...]:
        """Read a member of an enumeration, or a list of some."""
        if not isinstance(self._value, list):
            return (self.choice(choices),)
        items = self.items(len(choices))
        if not items:
            self.complain('must name one at least')
        return tuple(item.choice(choices) for item in items)

    def size_kib(self) -> int:
        """Read a size, as ``512M``."""
        try:
            size_kib = units.parse_size_kib(self.text())
        except exception.InvalidSize as error:
            self.complain(str(error))
        if size_kib > _LARGEST_KIB:
            self.complain(f'is above {units.format_kib(_LARGEST_KIB)}')
        return size_kib

    def size_or_none_kib(self) -> int:
        """Read a size; ``none`` is 0."""
        return 0 if self._value == 'none' else self.size_kib()

    def seconds(self) -> float:
        """Read a duration above zero, as ``2s``."""
        try:
            seconds = units.parse_duration_seconds(self.text())
        except exception.InvalidDuration as error:
            self.complain(str(error))
        if seconds > _LONGEST_SECONDS:
            longest = units.format_seconds(_LONGEST_SECONDS)
            self.complain(f'is above {longest}')
        return seconds

    def instant(self) -> float:
        """Read a time since the scenario's start; ``0s`` is its start."""
        return 0.0 if self._value == '0s' else self.seconds()

    def bounds_kib(self) -> tuple[int, int]:
        """Read a size, or a list of the smallest and the largest."""
        if not isinstance(self._value, list):
            size_kib = self.size_or_none_kib()
            return size_kib, size_kib
        items = self.items(2)
        if len(items) != 2:
            self.complain('must be a size, or the smallest and the largest')
        lowest, highest = (item.size_or_none_kib() for item in items)
        if lowest > highest:
            self.complain('the smallest comes first')
        return lowest, highest

    def _mapping(self) -> dict[str, document.Value]:
        if not isinstance(self._value, dict):
            self.complain(f'must be a map, not {_quote(self._value)}')
        return self._value

    def _below(self, value: document.Value, key: str) -> 'Field':
        key = key if key.isprintable() else ascii(key)
        path = f'{self.path}.{key[:64]}' if self.path else key[:64]
        return Field(value, self._source, path)


def _quote(value: document.Value) -> str:
    if isinstance(value, str):
        return ascii(value) if len(value) <= 40 else f'{value[:40]!a}...'
    return 'a list' if isinstance(value, list) else 'a map'
