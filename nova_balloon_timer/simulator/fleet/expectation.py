# SPDX-License-Identifier: Apache-2.0
"""What a scenario of a whole host expects of its run."""

from collections.abc import Iterator
import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Bounds; None leaves a figure open.

    :param short_seconds: all shortages together at the most
    :param longest_short_seconds: each one at the most
    :param short_without_seconds: without ballooning, at the least
    :param harm_mib_seconds: lack of all guests at the most
    :param all_full_at_end: every guest has its full memory at the end
    :param ends: each of these reasons ended some policy
    :param no_ends: none of these did
    """

    short_seconds: float | None = None
    longest_short_seconds: float | None = None
    short_without_seconds: float | None = None
    harm_mib_seconds: float | None = None
    harmed: int | None = None
    flaps: int | None = None
    most_reversals: int | None = None
    policies: int | None = None
    corrections_at_least: int | None = None
    plans_in_vain_at_least: int | None = None
    foreign_changes_at_least: int | None = None
    all_full_at_end: bool | None = None
    ends: tuple[model.EndReason, ...] = ()
    no_ends: tuple[model.EndReason, ...] = ()

    def compare(self, found: fleet_outcome.Outcome) -> tuple[str, ...]:
        """Say what is not as expected, a line each; none if all is."""
        return tuple(self._complaints(found))

    def _complaints(self, found: fleet_outcome.Outcome) -> Iterator[str]:
        short = found.short
        lacked = found.lacked_kib_seconds / units.KIB_PER_MIB
        without = found.short_without.seconds
        yield from _at_most('short', short.seconds, self.short_seconds)
        yield from _at_most(
            'longest-short', short.longest_seconds, self.longest_short_seconds
        )
        yield from _at_least(
            'short-without', without, self.short_without_seconds
        )
        yield from _at_most('harm', lacked, self.harm_mib_seconds)
        for name in ('harmed', 'flaps', 'most_reversals', 'policies'):
            value = getattr(found, name)
            yield from _at_most(_key(name), value, getattr(self, name))
        for name in ('corrections', 'plans_in_vain', 'foreign_changes'):
            lowest = getattr(self, f'{name}_at_least')
            yield from _at_least(_key(name), getattr(found, name), lowest)
        if self.all_full_at_end and found.below_at_end:
            yield (
                f'all-full-at-end: {found.below_at_end} guests have less than '
                'their full memory'
            )
        yield from self._compare_ends(found)

    def _compare_ends(self, found: fleet_outcome.Outcome) -> Iterator[str]:
        reasons = {reason for _, reason in found.ends}
        for reason in self.ends:
            if reason not in reasons:
                yield f'ends: no policy ended by {reason.value}'
        for reason in self.no_ends:
            if reason in reasons:
                yield f'no-ends: a policy ended by {reason.value}'


def _key(name: str) -> str:
    return name.replace('_', '-')


def _at_most(key: str, found: float, highest: float | None) -> Iterator[str]:
    if highest is not None and found > highest + 1e-6:
        yield f'{key}: {found:.6g}, expected {highest:.6g} at most'


def _at_least(key: str, found: float, lowest: float | None) -> Iterator[str]:
    if lowest is not None and found < lowest - 1e-6:
        yield f'{key}: {found:.6g}, expected {lowest:.6g} at least'
