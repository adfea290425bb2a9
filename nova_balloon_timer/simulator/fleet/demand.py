# SPDX-License-Identifier: Apache-2.0
"""What a guest needs and what it would touch, by a pattern or a trace."""

import array
import math
import random
from typing import Protocol

from nova_balloon_timer.simulator.fleet import pattern as fleet_pattern


class Demand(Protocol):
    """A guest's demand; it is asked in the order of time."""

    def at(self, at: float) -> tuple[float, float]:
        """Return two sizes in KiB.

        :returns: what its kernel and programs need, and what it would cost
            the host with an empty balloon
        """


class Patterned:
    """Demand by a pattern, with some noise.

    :param touched_kib: what was touched at the start; touched pages stay
        touched unless a balloon takes them
    :param noise: up to which share of the demand it goes up and down
    """

    def __init__(
        self,
        pattern: fleet_pattern.Pattern,
        *,
        touched_kib: int,
        noise: float,
        chance: random.Random,
    ) -> None:
        self._pattern = pattern
        self._touched_kib = float(touched_kib)
        self._noise = noise
        self._waves = tuple(
            (math.tau / chance.uniform(low, high), chance.uniform(0, math.tau))
            for low, high in ((180.0, 900.0), (1200.0, 5400.0))
        )

    def at(self, at: float) -> tuple[float, float]:
        """Follow the pattern."""
        use_kib = self._pattern.kib(at)
        if self._noise:
            # NOTE: a function of time, so that all variants see the same.
            (quick, begin), (slow, other) = self._waves
            wave = math.sin(quick * at + begin) + math.sin(slow * at + other)
            use_kib *= 1 + self._noise * wave / 2
        if use_kib > self._touched_kib:
            self._touched_kib = use_kib
        return use_kib, self._touched_kib


class Series:
    """Sizes that were recorded at instants; straight lines in between."""

    __slots__ = ('_ats', '_touched_kib', '_used_kib')

    def __init__(self) -> None:
        self._ats = array.array('d')
        self._used_kib = array.array('q')
        self._touched_kib = array.array('q')

    def __len__(self) -> int:
        return len(self._ats)

    @property
    def last_at(self) -> float:
        """When the last was recorded; before the first: minus infinity."""
        return self._ats[-1] if self._ats else -math.inf

    @property
    def first_at(self) -> float:
        """When the first was recorded; infinity if there is none."""
        return self._ats[0] if self._ats else math.inf

    def add(self, at: float, used_kib: int, touched_kib: int) -> None:
        """Append; what is not later than the last is left out."""
        if at > self.last_at:
            self._ats.append(at)
            self._used_kib.append(used_kib)
            self._touched_kib.append(touched_kib)

    def replay(self) -> 'Replayed':
        """Begin at the beginning."""
        return Replayed(self._ats, self._used_kib, self._touched_kib)


class Replayed:
    """Demand as it was recorded."""

    __slots__ = ('_ats', '_index', '_touched_kib', '_used_kib')

    def __init__(
        self,
        ats: 'array.array[float]',
        used_kib: 'array.array[int]',
        touched_kib: 'array.array[int]',
    ) -> None:
        self._ats = ats
        self._used_kib = used_kib
        self._touched_kib = touched_kib
        self._index = 0

    def at(self, at: float) -> tuple[float, float]:
        """Interpolate; before the first and after the last it stands."""
        ats = self._ats
        if not ats:
            return 0.0, 0.0
        index = self._index
        last = len(ats) - 1
        while index < last and ats[index + 1] <= at:
            index += 1
        self._index = index
        used_kib = self._used_kib[index]
        touched_kib = self._touched_kib[index]
        if index == last or at <= ats[index]:
            return used_kib, touched_kib
        share = (at - ats[index]) / (ats[index + 1] - ats[index])
        return (
            used_kib + share * (self._used_kib[index + 1] - used_kib),
            touched_kib + share * (self._touched_kib[index + 1] - touched_kib),
        )
