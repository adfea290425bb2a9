# SPDX-License-Identifier: Apache-2.0
"""When a guest moves too slowly to be worth waiting for."""

import collections

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.engine import settings as engine_settings


class StallDetector:
    """Judges the rate of the last seconds against the time that is left."""

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        settings: engine_settings.EngineSettings,
    ) -> None:
        distance_kib = abs(
            balloon_policy.start_actual_kib - balloon_policy.target_kib
        )
        self._worth_kib = max(
            settings.tolerance_kib,
            int(distance_kib * settings.stall_fraction),
        )
        self._direction = balloon_policy.direction
        self._window_seconds = settings.stall_window_seconds
        self._looks: collections.deque[tuple[float, int]] = collections.deque()

    def hold(self) -> None:
        """Start over: it is not the guest that keeps the balloon back."""
        self._looks.clear()

    def observe(
        self, sample: model.BalloonSample, deadline_at: float
    ) -> str | None:
        """Compare with the window before.

        :returns: what is wrong in words, or None
        """
        self._looks.append((sample.at, sample.actual_kib))
        begin_at = sample.at - self._window_seconds
        while len(self._looks) > 1 and self._looks[1][0] <= begin_at:
            self._looks.popleft()
        first_at, first_kib = self._looks[0]
        if first_at > begin_at:
            return None
        moved_kib = sample.actual_kib - first_kib
        if self._direction is model.Direction.INFLATE:
            moved_kib = -moved_kib
        rate = moved_kib / (sample.at - first_at)
        # NOTE: shortly before the deadline no rate could move much any more;
        # what counts then is what the guest did in a whole window.
        left_seconds = max(deadline_at - sample.at, self._window_seconds)
        if rate * left_seconds >= self._worth_kib:
            return None
        return (
            f'moved {units.format_kib(moved_kib)} in the last '
            f'{units.format_seconds(sample.at - first_at)}'
        )
