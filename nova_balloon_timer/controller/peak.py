# SPDX-License-Identifier: Apache-2.0
"""What a guest needed lately: rises at once, falls slowly."""

import math

# For so long growth is foreseen: until the next look, and a policy's time.
_GROWTH_SECONDS = 5.0


class PeakUse:
    """The most that a guest's kernel and programs used, fading with time.

    As VMware ESX estimates active memory: a guest that used much a minute ago
    may use it again, one that did yesterday need not.
    """

    def __init__(self, half_life_seconds: float) -> None:
        self._half_life_seconds = half_life_seconds
        self._used_kib: int | None = None
        self._excess_kib = 0.0
        self._growth_kib = 0.0
        self._at = 0.0

    def observe(self, at: float, used_kib: int) -> None:
        """Learn what it uses now."""
        if self._used_kib is not None:
            halves = max(0.0, at - self._at) / self._half_life_seconds
            faded_kib = self._used_kib + self._excess_kib * math.pow(
                0.5, halves
            )
            self._excess_kib = max(0.0, faded_kib - used_kib)
            # A guest that grows goes on with it while it is asked; one that
            # stopped is not at once believed to have done so for good.
            seconds = max(1.0, at - self._at)
            rate = max(0.0, (used_kib - self._used_kib) / seconds)
            self._growth_kib = max(
                rate * _GROWTH_SECONDS, self._growth_kib / 2
            )
        self._used_kib = used_kib
        self._at = at

    @property
    def kib(self) -> int | None:
        """Return the peak as of the last look; None before the first."""
        if self._used_kib is None:
            return None
        return self._used_kib + round(max(self._excess_kib, self._growth_kib))
