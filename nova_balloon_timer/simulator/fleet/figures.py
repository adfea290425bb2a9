# SPDX-License-Identifier: Apache-2.0
"""Outcomes side by side: a line for each figure, a column for each run."""

from collections.abc import Callable, Sequence
import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome
from nova_balloon_timer.simulator.fleet import shortage

Value = float | None

_Outcome = fleet_outcome.Outcome
_Short = Callable[[shortage.ShortageSummary, float], float]

_SHORTAGES: tuple[tuple[str, _Short], ...] = (
    ('Short of memory, s', lambda short, _: round(short.seconds, 1)),
    (
        'Short of memory, % of the time',
        lambda short, whole: round(100 * short.seconds / whole, 3),
    ),
    ('Shortages', lambda short, _: short.times),
    ('Time to relief, median s', lambda it, _: round(it.quantile(0.5), 1)),
    ('Time to relief, p95 s', lambda it, _: round(it.quantile(0.95), 1)),
    ('Time to relief, longest s', lambda it, _: round(it.quantile(1.0), 1)),
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A line: its name, and a value for each column; None is meaningless."""

    name: str
    values: tuple[Value, ...]


def _mib(size_kib: float) -> float:
    return round(size_kib / units.KIB_PER_MIB)


def _percent(found: _Outcome, seconds: float) -> float:
    return round(100 * seconds / found.seconds, 2)


_OTHERS: tuple[tuple[str, Callable[[_Outcome], float]], ...] = (
    ('Plans', lambda it: it.plans),
    ('Plans that correct another', lambda it: it.corrections),
    ('Plans with nobody to ask', lambda it: it.plans_in_vain),
    ('Policies', lambda it: it.policies),
    ('Asked for, MiB', lambda it: _mib(it.asked_kib)),
    ('Taken, MiB', lambda it: _mib(it.taken_kib)),
    ('Freed on the host, MiB', lambda it: _mib(it.freed_kib)),
    ('Returned, MiB', lambda it: _mib(it.returned_kib)),
    (
        'Balloons, mean MiB a guest',
        lambda it: _mib(it.taken_kib_seconds / it.seconds / max(1, it.guests)),
    ),
    (
        'Below full memory, mean % of the time',
        lambda it: _percent(it, it.mean_below_seconds),
    ),
    (
        'Below full memory, longest % of the time',
        lambda it: _percent(it, max(it.below_seconds, default=0.0)),
    ),
    ('Below full memory at the end', lambda it: it.below_at_end),
    ('Guest harm, MiB s', lambda it: _mib(it.lacked_kib_seconds)),
    ('Guests harmed', lambda it: it.harmed),
    ('Reversals', lambda it: it.reversals),
    ('Reversals, most of a guest', lambda it: it.most_reversals),
    ('Flaps within 10 min', lambda it: it.flaps),
    ('Moved by somebody else', lambda it: it.foreign_changes),
)


def compare(outcomes: Sequence[_Outcome]) -> list[Figure]:
    """Return the figures, first of all what would be without ballooning.

    :param outcomes: of one scenario, at least one
    """
    found: list[Figure] = []
    first = outcomes[0]
    for name, weigh in _SHORTAGES:
        without = weigh(first.short_without, first.seconds)
        counts = [weigh(it.short, it.seconds) for it in outcomes]
        found.append(Figure(name=name, values=(without, *counts)))
    nothing = [first.nothing_without, *(it.nothing for it in outcomes)]
    found.append(
        Figure(
            name='Nothing available, s',
            values=tuple(round(it.seconds, 1) for it in nothing),
        )
    )
    for name, count in _OTHERS:
        counts = [count(it) for it in outcomes]
        found.append(Figure(name=name, values=(None, *counts)))
        if name == 'Policies':
            found += _ends(outcomes)
    return found


def _ends(outcomes: Sequence[_Outcome]) -> list[Figure]:
    """Return how policies ended; reasons that no run knows are left out."""
    found: list[Figure] = []
    for direction, words in (
        (model.Direction.INFLATE, 'took'),
        (model.Direction.DEFLATE, 'returned'),
    ):
        for reason in model.EndReason:
            counts = [it.ended(reason, direction) for it in outcomes]
            if any(counts):
                name = f'- {words}, ended by {reason.value}'
                found.append(Figure(name=name, values=(None, *counts)))
    return found
