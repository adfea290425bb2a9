# SPDX-License-Identifier: Apache-2.0
"""What the agent costs at rest, between the watermarks, and under pressure."""

from collections.abc import Callable, Sequence
import contextlib
import itertools
import statistics
import time
from typing import Any

from benchmarks import figure
from benchmarks import scale_ledger
from benchmarks import scale_rig

Row = dict[str, Any]

_ENTRY = scale_ledger.Entry
_SLICES = 6
_ONSETS = 5

_REST = 'rest %: mean/min/max'
_BAND = 'band %: mean/min/max'
_LISTING = 'listing CPU ms'
_RSS = 'RSS MiB more'
_PRESSURE = 'CPU %'
_MORE = 'RSS MiB more'

REST_FITTED = (_REST, _BAND, _RSS)
PRESSURE_FITTED = (_PRESSURE,)


def rest_and_band(
    world: str, counts: Sequence[int], seconds: float
) -> list[Row]:
    """Measure all sizes side by side, as none has much to do.

    The time at rest has one listing, as a minute has in earnest.
    """
    options = {'list_seconds': seconds}
    with contextlib.ExitStack() as stack:
        subjects = [
            stack.enter_context(scale_rig.Subject(world, count, options))
            for count in counts
        ]
        for subject in subjects:
            subject.wait_known()
        rest = _shares(subjects, scale_rig.WELL, seconds)
        held = [_held_kib(subject) for subject in subjects]
        band = _shares(subjects, scale_rig.BAND, seconds / 4)
        rows = []
        for number, subject in enumerate(subjects):
            cost = subject.cost()
            listings = max(1, subject.ledger[_ENTRY.LISTINGS])
            listing_ms = subject.ledger[_ENTRY.LISTING_US] / listings / 1000
            rows.append(
                {
                    'guests': subject.guests,
                    _REST: rest[number],
                    _BAND: band[number],
                    _LISTING: round(listing_ms, 1),
                    'RSS MiB': round(cost.rss_kib / 1024, 1),
                    _RSS: round((held[number] - held[0]) / 1024, 2),
                    'threads': cost.threads,
                    'fds': cost.descriptors,
                }
            )
    return rows


def pressure(world: str, counts: Sequence[int], seconds: float) -> list[Row]:
    """Measure a host that is short and falls shorter, one size at a time."""
    rows: list[Row] = []
    held: list[int] = []
    for count in counts:
        with scale_rig.Subject(world, count, scale_rig.HURRIED) as subject:
            subject.wait_known()
            held.append(_held_kib(subject))
            row = _press(subject, seconds)
            orders = _onsets(subject) if count else []
            subject.tell('trim')
            row['reading to order ms: n/median/p95/max'] = figure.spread(
                [1000 * seconds for seconds in orders], 0.95
            )
            late = [late for _, late in subject.ends() if late is not None]
            row['late ms: n/median/p99/max'] = figure.spread(
                [1000 * seconds for seconds in late]
            )
            cost = subject.cost()
            row['threads'] = cost.threads
            row['fds'] = cost.descriptors
            row['RSS MiB after'] = round(cost.rss_kib / 1024, 1)
            rows.append(row)
    return rows


def _press(subject: scale_rig.Subject, seconds: float) -> Row:
    before, looks = subject.cost(), subject.ledger[_ENTRY.LOOKS]
    subject.press(seconds)
    after = subject.cost()
    policies = len(subject.ends())
    used_seconds = after.cpu_seconds - before.cpu_seconds
    share = used_seconds / (after.at - before.at)
    return {
        'guests': subject.guests,
        _PRESSURE: round(100 * share, 2),
        'policies': policies,
        'CPU ms a policy': round(1000 * used_seconds / max(1, policies), 2),
        'looks': subject.ledger[_ENTRY.LOOKS] - looks,
        'MiB taken': subject.ledger[_ENTRY.TAKEN_KIB] // 1024,
        'RSS MiB peak': round(after.rss_kib / 1024, 1),
    }


def _onsets(subject: scale_rig.Subject) -> list[float]:
    """Let the host become short again and again."""
    found = []
    subject.tell('hurry')
    for _ in range(_ONSETS):
        subject.relax(subject.has_all_back, 5.0)
        took_seconds = subject.first_order_seconds()
        if took_seconds is not None:
            found.append(took_seconds)
        subject.press(0.5)
    return found


def _held_kib(subject: scale_rig.Subject) -> int:
    """Return what the agent holds beyond what its host is made of."""
    subject.tell('trim')
    return subject.cost().rss_kib - subject.before.rss_kib


def _shares(
    subjects: Sequence[scale_rig.Subject], available: float, seconds: float
) -> list[Row]:
    """Return the shares of a core, in percent: mean, least and most."""
    for subject in subjects:
        subject.available(available)
    time.sleep(1.0)
    read: Callable[[], list[scale_rig.Cost]] = lambda: [
        subject.cost() for subject in subjects
    ]
    costs = [read()]
    for _ in range(_SLICES):
        time.sleep(seconds / _SLICES)
        costs.append(read())
    return [_spread(list(track)) for track in zip(*costs, strict=True)]


def _spread(track: Sequence[scale_rig.Cost]) -> Row:
    shares = [
        100 * (after.cpu_seconds - before.cpu_seconds) / (after.at - before.at)
        for before, after in itertools.pairwise(track)
    ]
    return {
        'mean': round(statistics.fmean(shares), 2),
        'min': round(min(shares), 2),
        'max': round(max(shares), 2),
    }
