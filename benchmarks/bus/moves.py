# SPDX-License-Identifier: Apache-2.0
"""Small moves of balloons: down from full, and back up.

Some reach their targets, some do not.
"""

from collections.abc import Sequence
import random
from typing import Any

from benchmarks import rig as bench_rig
from tools.lab import guest as lab_guest

Order = dict[str, Any]

_KIB = 1024
_NEAR_MIB = (32, 160)
# No move takes from a guest what its working set needs.
_FAR_KIB = 560 * _KIB
_SECONDS = (0.15, 0.8)

# Back to all that it had, in good time.
UP = (bench_rig.FULL_KIB, 5.0)


def draw_down(draw: random.Random) -> tuple[int, float]:
    """Draw a target in KiB, and a duration in seconds."""
    seconds = draw.uniform(*_SECONDS)
    if draw.random() < 0.5:
        return bench_rig.FULL_KIB - draw.randint(*_NEAR_MIB) * _KIB, seconds
    return _FAR_KIB, seconds


class Rounds:
    """Orders for all guests at once: down, and up, and down."""

    def __init__(self, rig: bench_rig.Rig, seed: int) -> None:
        self._rig = rig
        self._random = random.Random(seed)  # noqa: S311
        self._is_down = False

    def draw(self, guests: Sequence[lab_guest.Guest]) -> list[Order]:
        """Order each guest the other way than before."""
        self._is_down = not self._is_down
        return [self._order(guest) for guest in guests]

    def _order(self, guest: lab_guest.Guest) -> Order:
        target_kib, seconds = draw_down(self._random) if self._is_down else UP
        return {
            'guest_uuid': guest.uuid,
            'start_kib': self._rig.observers[guest.uuid].look(),
            'target_kib': target_kib,
            'maximum_kib': bench_rig.FULL_KIB,
            'duration_seconds': seconds,
            'reserve_kib': 0,
            'leash_kib': 16 * _KIB,
            'lead_seconds': 0.1,
        }
