# SPDX-License-Identifier: Apache-2.0
"""Cells of tables: for people in words, for programs as they came."""

from collections.abc import Mapping, Sequence
import datetime
from typing import Any

from cliff import columns

from nova_balloon_timer import units
from nova_balloon_timer.cmd import base

_MS_PER_SECOND = 1000


class Instant(columns.FormattableColumn[str | None]):
    """An instant in UTC; '-' where there was none."""

    def human_readable(self) -> str:
        """Return what people read: to the second."""
        if self._value is None:
            return '-'
        return short_instant(self._value)

    def machine_readable(self) -> str | None:
        """Return what programs read: ISO 8601, to the microsecond."""
        return self._value


class Text(columns.FormattableColumn[str | None]):
    """A text; '-' where there is none."""

    def human_readable(self) -> str:
        """Return what people read."""
        return self._value or '-'

    def machine_readable(self) -> str | None:
        """Return what programs read."""
        return self._value


class YesNo(columns.FormattableColumn[bool | None]):
    """True or false; '-' where it is unknown."""

    def human_readable(self) -> str:
        """Return what people read."""
        if self._value is None:
            return '-'
        return 'yes' if self._value else 'no'

    def machine_readable(self) -> bool | None:
        """Return what programs read."""
        return self._value


_Items = Sequence[Mapping[str, Any]]


class Segments(columns.FormattableColumn[_Items]):
    """The stages of a policy, and what was reached where that is known."""

    def human_readable(self) -> str:
        """Return what people read, as they would write it."""
        return ', '.join(_segment(it) for it in self._value) or '-'

    def machine_readable(self) -> list[Mapping[str, Any]]:
        """Return what programs read."""
        return list(self._value)


class Curve(columns.FormattableColumn[_Items]):
    """The points of a policy, which only programs read."""

    def human_readable(self) -> str:
        """Return what people read."""
        return f'{len(self._value)} points (-f json, or --save)'

    def machine_readable(self) -> list[Mapping[str, Any]]:
        """Return what programs read."""
        return list(self._value)


def _segment(segment: Mapping[str, Any]) -> str:
    at = units.format_seconds(segment['until_seconds'])
    words = f'{at}={units.format_kib(segment["target_kib"])}'
    if 'actual_kib' in segment:
        words += f' (was {units.format_kib(segment["actual_kib"])})'
    return words


def short_instant(text: str) -> str:
    """Write an instant of the wire to the second."""
    try:
        instant = datetime.datetime.fromisoformat(text)
    except ValueError:
        return text
    return f'{instant:%Y-%m-%d %H:%M:%S}'


def seconds(value: float | None, decimals: int = 1) -> base.Figure:
    """Return a duration for a table."""
    return base.Figure(None if value is None else round(value, decimals))


def milliseconds(value_seconds: float | None) -> base.Figure:
    """Return a short duration for a table."""
    if value_seconds is None:
        return base.Figure(None)
    return base.Figure(round(value_seconds * _MS_PER_SECOND, 1))
