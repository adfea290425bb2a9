# SPDX-License-Identifier: Apache-2.0
"""How fast a guest moves, and what follows: its leash and its next look."""

import math

from nova_balloon_timer import model
from nova_balloon_timer.engine import settings as engine_settings

# NOTE: an average over a few looks follows a guest that slows down within a
# leash, and does not jump with each item of the driver.
_AVERAGE_SECONDS = 0.1

# NOTE: a look occupies QEMU's main loop, which also serves the balloon, for a
# millisecond or two: with twice as many, guests were a tenth slower.
_LOOKS_PER_LEASH = 2

# A guest that has used up most of its leash could have moved faster than it
# was let: what was measured is only a lower bound, so more is allowed, until
# the leash is no longer what holds the guest back.
_USED_UP = 4
_GROWTH = 2.0
_DECAY = 0.9
_LARGEST_GROWTH = 16.0


class Pace:
    """The rate at which a guest follows its target, while it moves."""

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        settings: engine_settings.EngineSettings,
    ) -> None:
        self._direction = balloon_policy.direction
        self._leash = balloon_policy.leash
        self._settings = settings
        self._last: model.BalloonSample | None = None
        self._idle_looks = 0
        self._allowed_rate = 0.0
        self.rate_kib_per_second = 0.0

    def observe(
        self, sample: model.BalloonSample, leashed_kib: int | None
    ) -> None:
        """Learn from the next sample.

        :param leashed_kib: the target until now, if the leash kept it from
            going further
        """
        last = self._last
        self._last = sample
        if last is None or sample.at <= last.at:
            return
        moved_kib = sample.actual_kib - last.actual_kib
        if self._direction is model.Direction.INFLATE:
            moved_kib = -moved_kib
        if moved_kib <= 0:
            self._idle_looks += 1
            return
        self._idle_looks = 0
        elapsed_seconds = sample.at - last.at
        rate = moved_kib / elapsed_seconds
        weight = 1 - math.exp(-elapsed_seconds / _AVERAGE_SECONDS)
        if self.rate_kib_per_second == 0:
            weight = 1.0
        self.rate_kib_per_second += weight * (rate - self.rate_kib_per_second)
        is_used_up = leashed_kib is not None and (
            abs(leashed_kib - sample.actual_kib) < self.leash_kib // _USED_UP
        )
        self._adapt(is_used_up)

    def _adapt(self, is_used_up: bool) -> None:
        measured = self.rate_kib_per_second
        change = _GROWTH if is_used_up else _DECAY
        self._allowed_rate = min(
            max(self._allowed_rate * change, measured),
            measured * _LARGEST_GROWTH,
        )

    @property
    def leash_kib(self) -> int:
        """How far the target may run ahead of actual now."""
        lead_kib = self._allowed_rate * self._leash.lead_seconds
        return max(self._leash.minimum_kib, int(lead_kib))

    def tapered_leash_kib(self, left_seconds: float) -> int:
        """Shorten the leash to what the guest can still move in time.

        So it runs out of target at its deadline by itself, and what is left
        to stop there is no more than the error of the estimate.

        :param left_seconds: until the deadline
        """
        if self.rate_kib_per_second == 0:
            return self.leash_kib
        possible_kib = int(self.rate_kib_per_second * max(0.0, left_seconds))
        possible_kib = max(self._settings.tolerance_kib, possible_kib)
        return min(self.leash_kib, possible_kib)

    @property
    def next_look_seconds(self) -> float:
        """When to look again: a few times within the present leash.

        A guest that does not move is looked at ever more rarely.
        """
        shortest = self._settings.poll_shortest_seconds
        longest = self._settings.poll_longest_seconds
        if self.rate_kib_per_second == 0:
            wanted = shortest
        else:
            leash_seconds = self.leash_kib / self._allowed_rate
            wanted = leash_seconds / _LOOKS_PER_LEASH
        wanted *= 2.0 ** min(max(0, self._idle_looks - 2), 8)
        return min(max(wanted, shortest), longest)
