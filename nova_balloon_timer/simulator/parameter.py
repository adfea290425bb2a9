# SPDX-License-Identifier: Apache-2.0
"""Makes a dataclass from a map, by the names of its fields.

The unit at the end of a field's name says how its value is written, the rest
is its key: ``limit_kib`` is ``limit: 512M``, ``until_at`` is ``until: 2s``.
"""

from collections.abc import Callable
import dataclasses
from typing import Any, TypeVar

from nova_balloon_timer import model
from nova_balloon_timer.simulator import field as scenario_field

_Field = scenario_field.Field
_Made = TypeVar('_Made')
Read = Callable[[_Field], Any]

# Longest ending first.
_READERS: tuple[tuple[str, Read], ...] = (
    ('_kib_per_second', _Field.size_kib),
    ('_seconds', _Field.seconds),
    ('_kib', _Field.size_kib),
    ('_at', _Field.instant),
)
_READERS_BY_NAME: dict[str, Read] = {
    'at': _Field.instant,
    'actual_end_kib': _Field.bounds_kib,
    'freed_kib': _Field.bounds_kib,
    'moved_after_deadline_kib': _Field.size_or_none_kib,
    'confirmed': _Field.truth,
    'policy': _Field.name,
    'reason': lambda found: found.choices(model.EndReason),
    'says': _Field.text,
}


def make(kind: type[_Made], entry: _Field) -> _Made:
    """Make one, from a map that has its fields and no others.

    :raises InvalidScenario: with one line that says what is wrong
    """
    return fill(kind, entry, _key_and_reader)


def fill(
    kind: type[_Made],
    entry: _Field,
    key_and_reader: Callable[[str], tuple[str, Read]],
) -> _Made:
    """Make one, with the keys and readers that a caller has for its fields.

    :raises InvalidScenario: with one line that says what is wrong
    """
    required = []
    readers: dict[str, tuple[str, Read]] = {}
    for field in dataclasses.fields(kind):  # type: ignore[arg-type]
        key, read = key_and_reader(field.name)
        readers[key] = (field.name, read)
        if field.default is dataclasses.MISSING:
            required.append(key)
    entry.check_keys(required, readers)
    values = {}
    for key, (name, read) in readers.items():
        found = entry.find(key)
        if found is not None:
            values[name] = read(found)
    return kind(**values)


def _key_and_reader(name: str) -> tuple[str, Read]:
    key = name
    read = _READERS_BY_NAME.get(name)
    for ending, read_ending in _READERS:
        if name.endswith(ending):
            key = name.removesuffix(ending)
            read = read or read_ending
            break
    if read is None:
        raise TypeError(f'{name} has no unit in its name')
    return key.replace('_', '-'), read
