# SPDX-License-Identifier: Apache-2.0
"""Values of a host scenario: as in other scenarios, but over days.

As there, the unit at the end of a field's name says how its value is written,
and the rest is its key: ``peak_at`` is ``peak: 14h``.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import field as scenario_field
from nova_balloon_timer.simulator import parameter

Field = scenario_field.Field
_Made = TypeVar('_Made')

_LARGEST_KIB = 64 * 2**30
_LONGEST_SECONDS = 31 * 24 * 3600.0
_PER_SECONDS = {'/s': 1, '/m': 60, '/h': 3600}
_LARGEST_NUMBER = 10**9


def size_kib(found: Field, whole_kib: int | None = None) -> int:
    """Read a size, as ``512M`` or a share of a whole; ``0`` is none."""
    text = found.text()
    if text == '0':
        return 0
    try:
        read_kib = units.parse_size_kib(text, whole_kib)
    except exception.InvalidSize as error:
        found.complain(str(error))
    if read_kib > _LARGEST_KIB:
        found.complain(f'is above {units.format_kib(_LARGEST_KIB)}')
    return read_kib


def rate(found: Field) -> int:
    """Read a rate in KiB a second, as ``400M``, or ``100M/h``."""
    text = found.text()
    seconds = _PER_SECONDS.get(text[-2:], 0)
    if not seconds:
        return size_kib(found)
    try:
        return units.parse_size_kib(text[:-2]) // seconds
    except exception.InvalidSize as error:
        found.complain(str(error))


def seconds(found: Field) -> float:
    """Read a duration, as ``2s`` or ``36h``."""
    try:
        read_seconds = units.parse_duration_seconds(found.text())
    except exception.InvalidDuration as error:
        found.complain(str(error))
    if read_seconds > _LONGEST_SECONDS:
        found.complain(f'is above {_LONGEST_SECONDS / 86400:.0f} days')
    return read_seconds


def instant(found: Field) -> float:
    """Read a time since the start, or a span that may be none."""
    return 0.0 if found.text() == '0s' else seconds(found)


def whole(found: Field) -> int:
    """Read a number from 0."""
    text = found.text()
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        found.complain('must be a whole number from 0')
    return int(text)


def share(found: Field) -> float:
    """Read a percentage as a share, at most 1."""
    text = found.text()
    if not units.is_percentage(text):
        found.complain('must be a percentage')
    read_share = float(text.strip()[:-1]) / 100
    if read_share > 1:
        found.complain('is above 100%')
    return read_share


def _reasons(found: Field) -> tuple[model.EndReason, ...]:
    return found.choices(model.EndReason)


# Longest ending first.
_READERS: tuple[tuple[str, Callable[[Field], Any]], ...] = (
    ('_kib_per_second', rate),
    ('_mib_seconds', whole),
    ('_seconds', instant),
    ('_at', instant),
)
_BY_NAME: dict[str, Callable[[Field], Any]] = {
    'at': instant,
    'all_full_at_end': Field.truth,
    'ends': _reasons,
    'no_ends': _reasons,
}


def make(kind: type[_Made], entry: Field, whole_kib: int) -> _Made:
    """Make a dataclass from a map that has its fields and no others.

    :param whole_kib: what percentages are of
    :raises InvalidScenario: with one line that says what is wrong
    """
    return parameter.fill(
        kind, entry, lambda name: _key_and_reader(name, whole_kib)
    )


def _key_and_reader(
    name: str, whole_kib: int
) -> tuple[str, Callable[[Field], Any]]:
    read = _BY_NAME.get(name)
    if read is not None:
        return name.replace('_', '-'), read
    for ending, reader in _READERS:
        if name.endswith(ending):
            return name.removesuffix(ending).replace('_', '-'), reader
    if name.endswith('_kib'):
        key = name.removesuffix('_kib').replace('_', '-')
        return key, lambda found: size_kib(found, whole_kib)
    return name.replace('_', '-'), whole
