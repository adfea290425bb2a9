# SPDX-License-Identifier: Apache-2.0
"""What can befall a guest from outside: its hypervisor and other people."""

import dataclasses
import math

from nova_balloon_timer.simulator import behaviour


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paused(behaviour.Interval):
    """Nothing moves; orders return at once and take effect afterwards."""

    def stands_still(self, at: float) -> bool:
        """Stop the processors while it holds."""
        return self.holds(at)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frozen(behaviour.Interval):
    """A QEMU that hangs: nothing moves, and no call returns."""

    def stands_still(self, at: float) -> bool:
        """Stop the processors while it holds."""
        return self.holds(at)

    def answers_at(self, at: float) -> float:
        """Answer when it is over."""
        return self.until_at if self.holds(at) else at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gone(behaviour.Behaviour):
    """Is shut off, destroyed or migrated away."""

    at: float

    def leaves_at(self) -> float:
        """Leave then."""
        return self.at


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Unavailable(behaviour.Interval):
    """The hypervisor cannot be reached; the guest itself goes on."""

    def fails(self, at: float) -> bool:
        """Fail while it holds."""
        return self.holds(at)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refusing(behaviour.Interval):
    """The hypervisor says no, and will not say anything else."""

    def refuses(self, at: float) -> bool:
        """Refuse while it holds."""
        return self.holds(at)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ForeignController(behaviour.Behaviour):
    """Somebody else sets a target, once or again and again."""

    at: float
    target_kib: int
    every_seconds: float = math.inf

    def foreign_target_kib(self, begin_at: float, end_at: float) -> int | None:
        """Set it at the time given, and in each round after."""
        if end_at <= self.at:
            return None
        rounds = 0
        if begin_at > self.at and math.isfinite(self.every_seconds):
            rounds = math.ceil((begin_at - self.at) / self.every_seconds)
        due_at = self.at
        if rounds:
            due_at += rounds * self.every_seconds
        return self.target_kib if begin_at <= due_at < end_at else None


KINDS: dict[str, type[behaviour.Behaviour]] = {
    'driver-not-loaded': behaviour.DriverNotLoaded,
    'foreign-controller': ForeignController,
    'frozen': Frozen,
    'gone': Gone,
    'growing': behaviour.Growing,
    'ideal': behaviour.Ideal,
    'lower-limit': behaviour.LowerLimit,
    'lying': behaviour.Lying,
    'paused': Paused,
    'rebooting': behaviour.Rebooting,
    'refusing': Refusing,
    'regrowing': behaviour.Regrowing,
    'slow': behaviour.Slow,
    'stuck': behaviour.Stuck,
    'stuttering': behaviour.Stuttering,
    'unavailable': Unavailable,
    'upper-limit': behaviour.UpperLimit,
}
