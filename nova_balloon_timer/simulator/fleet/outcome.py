# SPDX-License-Identifier: Apache-2.0
"""What came of a run, in figures."""

from collections.abc import Mapping
import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer.simulator.fleet import shortage


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run of a whole host.

    :param seconds: simulated
    :param short: below the low watermark by more than is worth an operation
    :param nothing: no memory available at all: the host swaps or kills
    :param pressures: how often the controller said that the host is short
    :param plans_in_vain: plans that found nobody to ask
    :param reversals: policies that send a guest the other way
    :param flaps: taken, given and taken again within ten minutes
    :param below_seconds: of each guest, with less than its full memory
    :param lacked_kib_seconds: need of guests that exceeded what they had
    :param harmed: guests that lacked something
    :param below_at_end: guests that were not full at the end
    """

    scenario: str
    seconds: float
    guests: int
    short: shortage.ShortageSummary
    short_without: shortage.ShortageSummary
    nothing: shortage.ShortageSummary
    nothing_without: shortage.ShortageSummary
    pressures: int
    plans: int
    corrections: int
    plans_in_vain: int
    asked_kib: int
    taken_kib: int
    freed_kib: int
    returned_kib: int
    foreign_changes: int
    ends: Mapping[tuple[model.Direction, model.EndReason], int]
    reversals: int
    most_reversals: int
    flaps: int
    below_seconds: tuple[float, ...]
    taken_kib_seconds: float
    lacked_kib_seconds: float
    harmed: int
    below_at_end: int

    def ended(
        self,
        reason: model.EndReason,
        direction: model.Direction = model.Direction.INFLATE,
    ) -> int:
        """Return how many policies ended so."""
        return self.ends.get((direction, reason), 0)

    @property
    def policies(self) -> int:
        """How many policies there were."""
        return sum(self.ends.values())

    @property
    def mean_below_seconds(self) -> float:
        """For how long a guest had less than its full memory."""
        return sum(self.below_seconds) / max(1, self.guests)
