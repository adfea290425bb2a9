# SPDX-License-Identifier: Apache-2.0
"""What became of memory that a stuck guest was to give."""

from typing import Any

from benchmarks.relief import evidence
from benchmarks.relief import group as bench_group
from benchmarks.relief import hostwatch
from benchmarks.relief import trial as bench_trial
from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run

Row = dict[str, Any]

_LOW_KIB = bench_group.LOW_MIB * 1024
# A correction's end is told as late as any other.
_GRACE_SECONDS = 0.1
_KIB = 1024


def correction(trial: bench_trial.Trial, book: evidence.Evidence) -> Row:
    """Look at what became of what the victim did not deliver."""
    failed = [
        it
        for it in book.of(model.Origin.PRESSURE)
        if it.guest_name == bench_group.VICTIM
        and trial.stuck_at is not None
        and it.started_at <= trial.stuck_at + _GRACE_SECONDS <= it.ended_at
    ]
    if not failed:
        return {'stuck': False}
    lost = failed[0]
    made = [it for it in book.corrections if it.started_at >= lost.started_at]
    in_time = [
        it for it in made if it.ended_at <= lost.deadline_at + _GRACE_SECONDS
    ]
    return {
        'stuck': True,
        'stuck_reason': lost.reason.value,
        'stuck_found_seconds': seconds(trial.stuck_at, lost.ended_at),
        'stuck_left_seconds': seconds(lost.ended_at, lost.deadline_at),
        'undelivered_mib': (lost.asked_kib - lost.moved_kib) // _KIB,
        'corrections': len(made),
        'correction_marks': book.count(saved_run.MarkKind.RELIEF_CORRECTED),
        'corrections_in_time': len(in_time),
        'corrected_mib': sum(it.moved_kib for it in made) // _KIB,
        'others_mib': _others_mib(trial, book, lost),
        'short_at_end_of_stuck_mib': _short_mib(trial.watch, lost.ended_at),
        'short_at_deadline_mib': _short_mib(trial.watch, lost.deadline_at),
    }


def _others_mib(
    trial: bench_trial.Trial, book: evidence.Evidence, lost: evidence.Policy
) -> int:
    """Sum up what others gave after it was stuck, and in time."""
    since = trial.stuck_at or lost.started_at
    return (
        sum(
            it.moved_kib
            for it in book.of(model.Origin.PRESSURE)
            if it.guest_name != bench_group.VICTIM
            and since <= it.started_at
            and it.ended_at <= lost.deadline_at + _GRACE_SECONDS
        )
        // _KIB
    )


def _short_mib(watch: hostwatch.HostWatch, at: float) -> int | None:
    available_kib = watch.at(at)
    if available_kib is None:
        return None
    return max(0, _LOW_KIB - available_kib) // _KIB


def seconds(begin: float | None, end: float | None) -> float | None:
    """Return the time between two instants, if there were both."""
    if begin is None or end is None:
        return None
    return round(end - begin, 3)
