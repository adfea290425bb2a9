# SPDX-License-Identifier: Apache-2.0
"""Values out of an untrusted JSON file, each checked where it is read."""

from collections.abc import Callable
import datetime
import enum
from typing import NoReturn, TypeVar

from nova_balloon_timer import exception

_T = TypeVar('_T')
_E = TypeVar('_E', bound=enum.Enum)

_LONGEST_TEXT = 64 * 1024
_LARGEST_NUMBER = 1e12
_MOST_SHOWN = 40


class Field:
    """A value in the file, and where it stands in it."""

    def __init__(self, value: object, source: str, where: str = '') -> None:
        self._value = value
        self._source = source
        self._where = where

    def complain(self, why: str) -> NoReturn:
        """Reject the file because of this value.

        :raises InvalidRunFile: always
        """
        where = self._where or 'the file'
        raise exception.InvalidRunFile(
            source=self._source, why=f'{where} {why}'
        )

    def get(self, name: str) -> 'Field':
        """Return a member of this object."""
        if not isinstance(self._value, dict):
            self._mismatch('an object')
        if name not in self._value:
            self.complain(f"has no '{name}'")
        where = f'{self._where}.{name}' if self._where else name
        return Field(self._value[name], self._source, where)

    def items(self, most: int) -> 'list[Field]':
        """Return the members of this list."""
        if not isinstance(self._value, list):
            self._mismatch('a list')
        if len(self._value) > most:
            self.complain(f'has {len(self._value)} entries; {most} is most')
        return [
            Field(value, self._source, f'{self._where}[{index}]')
            for index, value in enumerate(self._value)
        ]

    def or_none(self, read: 'Callable[[Field], _T]') -> _T | None:
        """Read this value, or None where nothing is known."""
        return None if self._value is None else read(self)

    def integer(
        self,
        lowest: float = -_LARGEST_NUMBER,
        highest: float = _LARGEST_NUMBER,
    ) -> int:
        """Read a whole number."""
        # NOTE: to Python, True is an int.
        if not isinstance(self._value, int) or isinstance(self._value, bool):
            self._mismatch('a whole number')
        self._check_bounds(self._value, lowest, highest)
        return self._value

    def size_kib(self) -> int:
        """Read an amount of memory."""
        return self.integer(lowest=0)

    def number(
        self,
        lowest: float = -_LARGEST_NUMBER,
        highest: float = _LARGEST_NUMBER,
    ) -> float:
        """Read a finite number."""
        value = self._value
        if not isinstance(value, int | float) or isinstance(value, bool):
            self._mismatch('a number')
        self._check_bounds(value, lowest, highest)
        return float(value)

    def boolean(self) -> bool:
        """Read true or false."""
        if not isinstance(self._value, bool):
            self._mismatch('true or false')
        return self._value

    def text(self) -> str:
        """Read a text that can be written again."""
        if not isinstance(self._value, str):
            self._mismatch('a text')
        if len(self._value) > _LONGEST_TEXT:
            self.complain(f'is longer than {_LONGEST_TEXT} characters')
        try:
            self._value.encode('utf-8')
        except UnicodeEncodeError:
            self.complain('is not valid Unicode')
        return self._value

    def choice(self, kind: type[_E]) -> _E:
        """Read a member of a closed set."""
        text = self.text()
        for member in kind:
            if member.value == text:
                return member
        known = ', '.join(str(member.value) for member in kind)
        self.complain(f'is {_shown(text)}, not one of {known}')

    def instant(self) -> datetime.datetime:
        """Read an instant in UTC, as ``2026-05-01T12:00:00.000000+00:00``."""
        text = self.text()
        try:
            # NOTE: Python 3.10 does not know the Z.
            instant = datetime.datetime.fromisoformat(
                text[:-1] + '+00:00' if text.endswith('Z') else text
            )
        except ValueError:
            self._mismatch('an ISO 8601 instant')
        if instant.utcoffset() != datetime.timedelta(0):
            self._mismatch('an instant in UTC')
        return instant.astimezone(datetime.timezone.utc)

    def _check_bounds(
        self, value: float, lowest: float, highest: float
    ) -> None:
        if not lowest <= value <= highest:
            self.complain(
                f'is {_shown(value)}, not between {lowest:g} and {highest:g}'
            )

    def _mismatch(self, wanted: str) -> NoReturn:
        self.complain(f'is {_shown(self._value)}, not {wanted}')


def _shown(value: object) -> str:
    """Show a value of the file in a line, whatever it holds."""
    if isinstance(value, dict):
        return 'an object'
    if isinstance(value, list):
        return 'a list'
    if value is None or isinstance(value, bool):
        return {None: 'null', True: 'true', False: 'false'}[value]
    if isinstance(value, int) and abs(value) > _LARGEST_NUMBER:
        return 'a huge number'
    shown = ascii(value)
    return shown if len(shown) <= _MOST_SHOWN else shown[:_MOST_SHOWN] + '...'
