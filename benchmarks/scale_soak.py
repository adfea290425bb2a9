# SPDX-License-Identifier: Apache-2.0
"""Whether memory grows with what was done: ten minutes' work in one."""

import statistics
import time
from typing import Any

from benchmarks import scale_rig

Row = dict[str, Any]

# What comes before is the first use of code and heaps, and SQLite's cache of
# 2 MiB, which is full after some 2000 policies.
_WARM_UP = 1 / 2
_CHURN = 3


def soak(world: str, guests: int, seconds: float) -> Row:
    """Let the host be short and recover, and guests come and go.

    :returns: among others the growth by 1000 policies, fitted
    """
    options = scale_rig.HURRIED | {
        'longest_relief_seconds': 1.0,
        'list_seconds': 5.0,
        'respect_seconds': 0.0,
        'cool_down_seconds': 0.0,
    }
    with scale_rig.Subject(world, guests, options) as subject:
        subject.tell('hurry')
        subject.wait_known()
        end_at = time.monotonic() + seconds
        track: list[tuple[int, int]] = []
        while time.monotonic() < end_at:
            subject.first_order_seconds()
            subject.press(1.0)
            subject.relax(subject.has_all_back, 8.0)
            subject.tell(f'churn {_CHURN}')
            subject.tell('trim')
            policies = len(subject.ends())
            track.append((policies, subject.cost().rss_kib))
        cost = subject.cost()
        return {
            'world': world,
            'guests': guests,
            'cycles': len(track),
            'policies': track[-1][0],
            'guests that came': _CHURN * len(track),
            'RSS MiB first': round(track[0][1] / 1024, 2),
            'RSS MiB last': round(track[-1][1] / 1024, 2),
            'KiB by 1000 policies': _slope(track),
            'threads': cost.threads,
            'fds': cost.descriptors,
            'track': track,
        }


def _slope(track: list[tuple[int, int]]) -> float | None:
    late = track[int(_WARM_UP * len(track)) :]
    if len(late) < 3:
        return None
    slope, _ = statistics.linear_regression(
        [policies for policies, _ in late], [rss for _, rss in late]
    )
    return round(1000 * slope, 1)
