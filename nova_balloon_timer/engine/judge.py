# SPDX-License-Identifier: Apache-2.0
"""Whether a sample ends a policy, and why."""

import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.engine import guard
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import stall as engine_stall
from nova_balloon_timer.engine import states

# So many of the driver's items may be under way when a target changes.
_ITEMS_UNDER_WAY = 2
_ITEMS_OF_REGROWTH = 4
_FOREIGN_LOOKS = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Why a policy ends now, in words, and where to freeze its balloon.

    :param freeze_at_kib: None: where it stands
    """

    trigger: states.Trigger
    detail: str
    freeze_at_kib: int | None = None


def ahead_kib(direction: model.Direction, one_kib: int, other_kib: int) -> int:
    """Return how much further one is in a direction than the other.

    :returns: at least 0
    """
    if direction is model.Direction.INFLATE:
        return max(0, other_kib - one_kib)
    return max(0, one_kib - other_kib)


class Judge:
    """Weighs each sample of one policy."""

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        settings: engine_settings.EngineSettings,
    ) -> None:
        self._balloon_policy = balloon_policy
        self._settings = settings
        self._direction = balloon_policy.direction
        self._distress = guard.DistressDetector(balloon_policy.guards)
        self._stall = engine_stall.StallDetector(balloon_policy, settings)
        self._furthest_kib: int | None = None
        self._handed_kib = 0
        self._least_kib: int | None = None
        self._first_kib: int | None = None
        self._foreign_looks = 0

    def note_target(self, target_kib: int) -> None:
        """Learn of a target that was given."""
        furthest_kib = self._furthest_kib
        if furthest_kib is None or ahead_kib(
            self._direction, target_kib, furthest_kib
        ):
            self._furthest_kib = target_kib
        self._handed_kib = target_kib

    def note_outage(self) -> None:
        """Learn that the guest could not be reached: no fault of its own."""
        self._stall.hold()

    def weigh(
        self, sample: model.BalloonSample, deadline_at: float, is_held: bool
    ) -> Verdict | None:
        """Decide whether a sample ends the policy.

        :param is_held: a segment or a guard keeps the balloon where it is
        """
        # NOTE: first, so that it sees every statistic.
        distress = self._distress.observe(sample)
        return (
            self._weigh_target(sample)
            or self._weigh_foreign(sample)
            or self._weigh_distress(sample, distress)
            or self._weigh_stall(sample, deadline_at, is_held)
        )

    @property
    def suspects_another(self) -> bool:
        """Tell whether somebody else may have given a target just now."""
        return self._foreign_looks > 0

    def already_met(self, sample: model.BalloonSample) -> Verdict | None:
        """Decide whether nothing is to be done, before the first target."""
        target_kib = self._balloon_policy.target_kib
        short_kib = ahead_kib(self._direction, target_kib, sample.actual_kib)
        # A guest that is given memory gets the last bit of it, too.
        is_given = self._direction is model.Direction.DEFLATE
        if short_kib > (0 if is_given else self._settings.tolerance_kib):
            return None
        return Verdict(
            trigger=states.Trigger.TARGET_REACHED,
            detail=f'it was at {units.format_kib(sample.actual_kib)} already',
        )

    def _weigh_target(self, sample: model.BalloonSample) -> Verdict | None:
        target_kib = self._balloon_policy.target_kib
        actual_kib = sample.actual_kib
        tolerance_kib = self._settings.tolerance_kib
        short_kib = ahead_kib(self._direction, target_kib, actual_kib)
        beyond_kib = ahead_kib(self._direction, actual_kib, target_kib)
        is_past = beyond_kib > tolerance_kib
        # A guest that takes back more than it is given has what it was to
        # have; frozen there, it is not squeezed again by a lower target.
        inflates = self._direction is model.Direction.INFLATE
        if short_kib > tolerance_kib or (is_past and inflates):
            return None
        if inflates and self._furthest_kib is not None:
            # It was sent so far by somebody else, and may only pass by here.
            not_ours_kib = ahead_kib(
                self._direction, target_kib, self._furthest_kib
            )
            if not_ours_kib > tolerance_kib:
                return None
        return Verdict(
            trigger=states.Trigger.TARGET_REACHED,
            detail=f'reached {units.format_kib(target_kib)}',
            freeze_at_kib=None if is_past else target_kib,
        )

    def _weigh_foreign(self, sample: model.BalloonSample) -> Verdict | None:
        """See that the balloon is where no target of ours sent it.

        One look may be a slip, or a lie; two in a row are believed.
        """
        if self._first_kib is None:
            self._first_kib = sample.actual_kib
        beyond_kib = 0
        if self._direction is model.Direction.DEFLATE:
            beyond_kib = self._first_kib - sample.actual_kib
        elif self._furthest_kib is not None:
            beyond_kib = self._furthest_kib - sample.actual_kib
        if beyond_kib <= _ITEMS_UNDER_WAY * self._settings.tolerance_kib:
            self._foreign_looks = 0
            return None
        self._foreign_looks += 1
        if self._foreign_looks < _FOREIGN_LOOKS:
            return None
        return Verdict(
            trigger=states.Trigger.YIELDED,
            detail='somebody else gave the guest another target: it stands '
            f'at {units.format_kib(sample.actual_kib)}',
        )

    def _weigh_distress(
        self, sample: model.BalloonSample, distress: str | None
    ) -> Verdict | None:
        if self._direction is model.Direction.DEFLATE:
            return None
        actual_kib = sample.actual_kib
        least_kib = self._least_kib
        if least_kib is None or actual_kib < least_kib:
            self._least_kib = least_kib = actual_kib
        # A target that was taken back lets the guest come back to it.
        regrown_kib = actual_kib - max(least_kib, self._handed_kib)
        if regrown_kib > _ITEMS_OF_REGROWTH * self._settings.tolerance_kib:
            distress = (
                f'the guest took {units.format_kib(regrown_kib)} back by '
                'itself, or somebody gave it to it'
            )
        if distress is None:
            return None
        taken_kib = self._balloon_policy.start_actual_kib - actual_kib
        give_back_kib = int(taken_kib * self._settings.give_back_fraction)
        return Verdict(
            trigger=states.Trigger.DISTRESSED,
            detail=distress,
            freeze_at_kib=actual_kib + max(0, give_back_kib),
        )

    def _weigh_stall(
        self, sample: model.BalloonSample, deadline_at: float, is_held: bool
    ) -> Verdict | None:
        if is_held:
            self._stall.hold()
            return None
        words = self._stall.observe(sample, deadline_at)
        if words is None:
            return None
        return Verdict(trigger=states.Trigger.STALLED, detail=words)
