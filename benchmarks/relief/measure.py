# SPDX-License-Identifier: Apache-2.0
"""From what was seen in a trial to figures."""

from collections.abc import Sequence
from typing import Any

from benchmarks import figure
from benchmarks.relief import balloons as bench_balloons
from benchmarks.relief import evidence
from benchmarks.relief import group as bench_group
from benchmarks.relief import stuck
from benchmarks.relief import trial as bench_trial
from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run
from tools.lab import domain

Row = dict[str, Any]

_LOW_KIB = bench_group.LOW_MIB * 1024
_KIB = 1024


def pass_ms(reports: Sequence[domain.HogReport]) -> float | None:
    """Return the 95th percentile of the passes' means, second by second."""
    means = [report.mean_milliseconds for report in reports]
    return figure.quantile(means, 0.95)


def row(trial: bench_trial.Trial) -> Row:
    """Sum up a trial; ``None`` where nothing happened."""
    setting = trial.setting
    found: Row = {
        'guests': setting.guests,
        'kind': setting.kind,
        'eat_mib': setting.eat_mib,
        'eat_mib_per_second': setting.eat_mib_per_second,
        'least_available_mib': trial.watch.least_kib(trial.eat_at) // _KIB,
        'swap_mib': trial.swap_kib // _KIB,
        'longest_gap_ms': round(
            trial.watch.longest_gap_ms(trial.eat_at, trial.stop_at), 1
        ),
        'oom_lines': trial.oom_lines,
        'cell_kills': trial.cell_kills,
    }
    found |= _harm(trial)
    if setting.kind == 'bare':
        return found
    book = evidence.Evidence(trial.journal, trial.begin_at)
    found |= _latency(trial, book)
    found |= _relief(trial, book)
    if setting.kind != 'plain':
        found |= stuck.correction(trial, book)
    found |= _aftermath(trial, book)
    return found


def _harm(trial: bench_trial.Trial) -> Row:
    # The first has filled it.
    before = trial.passes[1 : trial.passes_before]
    after = trial.passes[trial.passes_before :]
    before_ms, after_ms = pass_ms(before), pass_ms(after)
    ratio = None
    if before_ms and after_ms:
        ratio = round(after_ms / before_ms, 3)
    return {
        'pass_p95_before_ms': before_ms,
        'pass_p95_after_ms': after_ms,
        'pass_ratio': ratio,
        'pass_worst_ms': max(
            (report.max_milliseconds for report in after), default=None
        ),
    }


def _latency(trial: bench_trial.Trial, book: evidence.Evidence) -> Row:
    """Measure from three events to the first order that QEMU was given."""
    order_at = bench_balloons.first_fall_at(
        list(trial.balloons.values()), trial.eat_at
    )
    low_at = trial.watch.below_at(_LOW_KIB, trial.eat_at)
    hit_at = trial.watch.hit_at(trial.eat_at)
    told_at = book.mark_at(saved_run.MarkKind.PRESSURE_STARTED, trial.eat_at)
    first_at = min(
        (at for at in (low_at, hit_at) if at is not None), default=None
    )
    return {
        'low_to_order_ms': _ms(low_at, order_at),
        'hit_to_order_ms': _ms(hit_at, order_at),
        'told_to_order_ms': _ms(told_at, order_at),
        'event_to_told_ms': _ms(first_at, told_at),
        'event_to_order_ms': _ms(first_at, order_at),
        'order_at': order_at,
        'low_at': low_at,
    }


def _relief(trial: bench_trial.Trial, book: evidence.Evidence) -> Row:
    taken = [
        it
        for it in book.of(model.Origin.PRESSURE)
        if it.started_at >= trial.eat_at
    ]
    spells = trial.watch.spells(_LOW_KIB, trial.eat_at, trial.stop_at)
    lengths = [end - begin for begin, end in spells]
    first = taken[0] if taken else None
    planned_seconds = order_seconds = None
    if first is not None:
        planned_seconds = first.deadline_at - first.started_at
    if first is not None and spells:
        order_seconds = spells[0][1] - first.started_at
    return {
        'relief_seconds': _round(lengths[0] if lengths else None),
        'order_to_relief_seconds': _round(order_seconds),
        'planned_seconds': _round(planned_seconds),
        'relief_share': None
        if not planned_seconds or order_seconds is None
        else round(order_seconds / planned_seconds, 3),
        'spells': len(spells),
        'longest_spell_seconds': _round(max(lengths, default=None)),
        'short_seconds': _round(sum(lengths)),
        'past_deadline_seconds': _past_deadline(taken, spells),
        'plans': book.count(saved_run.MarkKind.RELIEF_PLANNED, trial.eat_at),
        'policies': len(taken),
        'asked_mib': sum(it.asked_kib for it in taken) // _KIB,
        'moved_mib': sum(it.moved_kib for it in taken) // _KIB,
        'freed_mib': sum(it.freed_kib or 0 for it in taken) // _KIB,
        'reasons': sorted(it.reason.value for it in taken),
        'late_ms': [
            round(it.lateness_seconds * 1000, 1)
            for it in taken
            if it.lateness_seconds is not None
        ],
    }


def _past_deadline(
    taken: Sequence[evidence.Policy], spells: Sequence[tuple[float, float]]
) -> float | None:
    """Compare the end of the last spell with the latest deadline by then."""
    if not spells:
        return None
    well_at = spells[-1][1]
    deadlines = [it.deadline_at for it in taken if it.started_at <= well_at]
    return stuck.seconds(max(deadlines, default=None), well_at)


def _aftermath(trial: bench_trial.Trial, book: evidence.Evidence) -> Row:
    given_at = next(
        (
            it.started_at
            for it in book.of(model.Origin.RETURN)
            if it.started_at >= trial.stop_at
        ),
        None,
    )
    watched = [
        balloon
        for name, balloon in trial.balloons.items()
        if name != bench_group.DRIVERLESS
    ]
    return {
        'full_seconds': stuck.seconds(trial.stop_at, trial.full_at),
        'not_full': bench_balloons.lacking(watched),
        'flaps': sum(
            max(0, balloon.reversals(trial.eat_at) - 1) for balloon in watched
        ),
        'turns_after_return': sum(
            balloon.reversals(given_at) for balloon in watched
        )
        if given_at is not None
        else None,
        'pressure_after_return': book.count(
            saved_run.MarkKind.PRESSURE_STARTED, given_at
        )
        if given_at is not None
        else None,
        'calm_watched_seconds': round(trial.setting.calm_seconds),
        'foreign_changes': book.count(saved_run.MarkKind.FOREIGN_CHANGE),
        'driverless_orders': len(
            trial.balloons[bench_group.DRIVERLESS].orders
        ),
        'unended': book.unended,
        'agent_stop_seconds': _round(trial.stop_seconds),
        'trouble': trial.trouble,
    }


def _ms(begin: float | None, end: float | None) -> float | None:
    if begin is None or end is None:
        return None
    return round((end - begin) * 1000, 1)


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
