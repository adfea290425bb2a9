# SPDX-License-Identifier: Apache-2.0
"""Sizes and durations as people write them.

Memory is an int in KiB everywhere, as in libvirt; durations are seconds.
"""

import math
import re

from nova_balloon_timer import exception

BYTES_PER_KIB = 1024
KIB_PER_MIB = 1024
KIB_PER_GIB = 1024 * KIB_PER_MIB

# NOTE: without ASCII the long s and the Kelvin sign would be units too.
_FLAGS = re.ASCII | re.IGNORECASE
_SIZE = re.compile(r'(\d+(?:\.\d+)?)\s*([kmgt])(?:i?b)?', _FLAGS)
_PERCENT = re.compile(r'(\d+(?:\.\d+)?)\s*%', _FLAGS)
# NOTE: lower case only: 768M is a size in the wrong place, not 12 hours.
_DURATION = re.compile(r'(?:(\d+(?:\.\d+)?)(ms|s|m|h))+', re.ASCII)
_DURATION_PART = re.compile(r'(\d+(?:\.\d+)?)(ms|s|m|h)', re.ASCII)

_KIB_PER_UNIT = {'k': 1, 'm': KIB_PER_MIB, 'g': KIB_PER_GIB, 't': 1024**3}
_SECONDS_PER_UNIT = {'ms': 0.001, 's': 1.0, 'm': 60.0, 'h': 3600.0}

# NOTE: one PiB and one year are beyond any guest and any balloon operation;
# a bound keeps '9' * 400 from becoming an infinity further down.
_LARGEST_KIB = 1024**4
_LONGEST_SECONDS = 366 * 24 * 3600.0


def parse_size_kib(text: str, whole_kib: int | None = None) -> int:
    """Read a size, as ``512M``, ``1.5GiB``, or a share of a whole, ``50%``.

    Units are binary: ``M``, ``MB`` and ``MiB`` are all 1024 KiB.

    :param whole_kib: what a percentage is of; None where none is allowed
    :returns: KiB, at least 1
    :raises InvalidSize: for anything else, zero and negative ones included
    """
    size_kib = _size_kib(text.strip(), whole_kib)
    if size_kib is None or not 1 <= size_kib <= _LARGEST_KIB:
        like = '512M or 2G' if whole_kib is None else '512M, 2G or 50%'
        raise exception.InvalidSize(text=text, like=like)
    return size_kib


def is_percentage(text: str) -> bool:
    """Tell whether a size is written as a share of something."""
    return _PERCENT.fullmatch(text.strip()) is not None


def _size_kib(text: str, whole_kib: int | None) -> int | None:
    if len(text) > 32:
        return None
    match = _SIZE.fullmatch(text)
    if match is not None:
        number, unit = match.groups()
        return int(float(number) * _KIB_PER_UNIT[unit.lower()])
    match = _PERCENT.fullmatch(text)
    if match is not None and whole_kib is not None:
        return int(float(match.group(1)) * whole_kib / 100)
    return None


def parse_duration_seconds(text: str) -> float:
    """Read a duration, as ``500ms``, ``2s``, ``1m30s``, ``1.5h``.

    :raises InvalidDuration: for anything else, zero and negative ones
        included
    """
    stripped = text.strip()
    seconds = 0.0
    if len(stripped) <= 32 and _DURATION.fullmatch(stripped):
        seconds = math.fsum(
            float(number) * _SECONDS_PER_UNIT[unit]
            for number, unit in _DURATION_PART.findall(stripped)
        )
    if not 0.001 <= seconds <= _LONGEST_SECONDS:
        raise exception.InvalidDuration(text=text)
    return seconds


def format_kib(size_kib: int) -> str:
    """Write a size in MiB, with a decimal only where it says something."""
    size_mib = size_kib / KIB_PER_MIB
    if abs(size_mib) >= 100 or size_kib % KIB_PER_MIB == 0:
        return f'{size_mib:.0f} MiB'
    return f'{size_mib:.1f} MiB'


def format_seconds(seconds: float) -> str:
    """Write a duration with the precision that a reader can use."""
    if seconds < 1:
        return f'{seconds * 1000:.0f} ms'
    if seconds < 60:
        return f'{seconds:.2f} s'
    # Round first, or 119.6 is '1 min 60 s'.
    minutes, rest = divmod((seconds + 0.5) // 1, 60)
    return f'{minutes:.0f} min {rest:.0f} s'
