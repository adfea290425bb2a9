# SPDX-License-Identifier: Apache-2.0
"""What a trace of a host holds: one record a line, in JSON.

The first line is the header. A guest is told once, and has a number from then
on; its samples are lists, because there are many::

    {"trace": {"version": 1, "host": "cmp-7", "began_at": ..., ...}}
    {"host": {"at": 0.0, "total_kib": ..., "available_kib": ...}}
    {"guest": {"number": 1, "uuid": ..., "name": ..., "maximum_kib": ...}}
    {"sample": [1, 0.01, 4194304, 2097152, 3145728]}
    {"gone": {"number": 1, "at": 60.0}}

Instants are seconds since the trace began, sizes are KiB; null is unknown.
"""

import dataclasses
import json
import math
from typing import Any

VERSION = 1

# 64 TiB: no guest is that large, and a file may hold anything.
LARGEST_KIB = 2**36
LARGEST_HOST_KIB = 2**40
LONGEST_SECONDS = 366 * 24 * 3600.0
_MOST_GUESTS = 100_000
_LONGEST_TEXT = 500


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a trace begins with.

    :param began_at: UTC, seconds since the epoch
    :param interval_seconds: between two samples of a guest
    """

    host: str
    began_at: float
    interval_seconds: float


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostSeen:
    """The host's memory, or that of the cgroup of its guests."""

    at: float
    total_kib: int
    available_kib: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestFound:
    """A guest that is there from now on.

    :param refusal: why it cannot be ballooned, in words; empty if it can
    """

    number: int
    uuid: str
    name: str
    maximum_kib: int
    refusal: str = ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestSampled:
    """A guest's balloon, and what the guest costs the host."""

    number: int
    at: float
    actual_kib: int
    usable_kib: int | None
    rss_kib: int | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestLeft:
    """A guest that is not there any more."""

    number: int
    at: float


Record = Header | HostSeen | GuestFound | GuestSampled | GuestLeft

_KINDS: dict[str, type] = {
    'host': HostSeen,
    'guest': GuestFound,
    'gone': GuestLeft,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(record: Record) -> str:
    """Return a record's line, its end included."""
    content: Any
    match record:
        case GuestSampled():
            name = 'sample'
            content = [
                record.number,
                round(record.at, 3),
                record.actual_kib,
                record.usable_kib,
                record.rss_kib,
            ]
        case Header():
            name = 'trace'
            content = {'version': VERSION, **dataclasses.asdict(record)}
        case _:
            name = _NAMES[type(record)]
            content = dataclasses.asdict(record)
    return json.dumps({name: content}, separators=(',', ':')) + '\n'


def decode(line: bytes) -> Record:
    """Read a line that may hold anything.

    :raises ValueError: with what is wrong, in words
    """
    try:
        whole = json.loads(line)
    except RecursionError as error:
        raise ValueError('it is nested too deeply') from error
    except ValueError as error:
        raise ValueError('it is not JSON') from error
    if not isinstance(whole, dict) or len(whole) != 1:
        raise ValueError('it is not one record')
    [(name, content)] = whole.items()
    if name == 'sample':
        return _sample(content)
    if not isinstance(content, dict):
        raise ValueError('its record is no object')
    if name == 'trace':
        return _header(content)
    return _other(name, content)


def _header(content: dict[str, Any]) -> Header:
    version = content.get('version')
    if version != VERSION:
        raise ValueError(
            f'its version is {version!r:.40}; version {VERSION} can be read'
        )
    interval_seconds = _number(content, 'interval_seconds', LONGEST_SECONDS)
    if interval_seconds <= 0:
        raise ValueError('interval_seconds is not above zero')
    return Header(
        host=_text(content, 'host'),
        began_at=_number(content, 'began_at', 2.0**40),
        interval_seconds=interval_seconds,
    )


def _sample(content: Any) -> GuestSampled:
    if not isinstance(content, list) or len(content) != 5:
        raise ValueError('a sample has five figures')
    number, at, actual_kib, usable_kib, rss_kib = content
    if not _is_int(number, _MOST_GUESTS):
        raise ValueError("a sample's guest is no number")
    if not _is_float(at, LONGEST_SECONDS):
        raise ValueError("a sample's time is no number of seconds")
    if not _is_int(actual_kib, LARGEST_KIB):
        raise ValueError("a sample's memory is no size")
    for size_kib in (usable_kib, rss_kib):
        if size_kib is not None and not _is_int(size_kib, LARGEST_KIB):
            raise ValueError("one of a sample's sizes is none")
    return GuestSampled(
        number=number,
        at=float(at),
        actual_kib=actual_kib,
        usable_kib=usable_kib,
        rss_kib=rss_kib,
    )


def _other(name: str, content: dict[str, Any]) -> Record:
    match name:
        case 'host':
            return HostSeen(
                at=_number(content, 'at', LONGEST_SECONDS),
                total_kib=_whole(content, 'total_kib', LARGEST_HOST_KIB),
                available_kib=_whole(
                    content, 'available_kib', LARGEST_HOST_KIB
                ),
            )
        case 'guest':
            return GuestFound(
                number=_whole(content, 'number', _MOST_GUESTS),
                uuid=_text(content, 'uuid'),
                name=_text(content, 'name'),
                maximum_kib=_whole(content, 'maximum_kib', LARGEST_KIB),
                refusal=str(content.get('refusal', ''))[:_LONGEST_TEXT],
            )
        case 'gone':
            return GuestLeft(
                number=_whole(content, 'number', _MOST_GUESTS),
                at=_number(content, 'at', LONGEST_SECONDS),
            )
    raise ValueError(f'{name!r:.40} is no kind of record')


def _is_int(value: Any, highest: int) -> bool:
    return type(value) is int and 0 <= value <= highest


def _is_float(value: Any, highest: float) -> bool:
    return (
        type(value) in (int, float)
        and math.isfinite(value)
        and 0 <= value <= highest
    )


def _whole(content: dict[str, Any], name: str, highest: int) -> int:
    value = content.get(name)
    if not _is_int(value, highest):
        raise ValueError(f'{name} is {value!r:.40}')
    return int(content[name])


def _number(content: dict[str, Any], name: str, highest: float) -> float:
    value = content.get(name)
    if not _is_float(value, highest):
        raise ValueError(f'{name} is {value!r:.40}')
    return float(content[name])


def _text(content: dict[str, Any], name: str) -> str:
    value = content.get(name)
    if not isinstance(value, str) or not value or len(value) > _LONGEST_TEXT:
        raise ValueError(f'{name} is no text')
    return value
