# SPDX-License-Identifier: Apache-2.0
"""What a policy's samples looked like, in bounded memory."""

import itertools

from nova_balloon_timer import model

_MOST_POINTS = 2048


class Curve:
    """Points of a policy; when full, the older half is thinned out.

    A policy of an hour then costs as much memory as one of a second. The
    newest points, which tell how it ended, keep their full resolution.
    """

    def __init__(self) -> None:
        self._points: list[model.CurvePoint] = []

    @property
    def points(self) -> tuple[model.CurvePoint, ...]:
        """The points so far, oldest first."""
        return tuple(self._points)

    @property
    def first(self) -> model.CurvePoint:
        """The oldest point; there must be one."""
        return self._points[0]

    @property
    def last(self) -> model.CurvePoint | None:
        """The newest point; None before there is any."""
        return self._points[-1] if self._points else None

    def add(self, sample: model.BalloonSample, target_kib: int | None) -> None:
        """Append a sample and the target that stood when it was read."""
        self._points.append(
            model.CurvePoint(
                at=sample.at,
                actual_kib=sample.actual_kib,
                target_kib=target_kib,
                usable_kib=sample.usable_kib,
                rss_kib=sample.rss_kib,
            )
        )
        if len(self._points) > _MOST_POINTS:
            half = _MOST_POINTS // 2
            self._points[1:half] = self._points[1:half:2]

    def actual_at(self, at: float, longest_gap_seconds: float) -> float | None:
        """Interpolate what the guest had at an instant.

        :returns: KiB; None if nobody looked shortly before and after
        """
        for before, after in itertools.pairwise(self._points):
            if before.at <= at <= after.at:
                if after.at - before.at > longest_gap_seconds:
                    return None
                return _between(before, after, at)
        return None

    def last_movement_at(self) -> float | None:
        """Return when the balloon was last seen to have moved."""
        for later, earlier in itertools.pairwise(reversed(self._points)):
            if earlier.actual_kib != later.actual_kib:
                return later.at
        return None


def _between(
    before: model.CurvePoint, after: model.CurvePoint, at: float
) -> float:
    if after.at == before.at:
        return before.actual_kib
    share = (at - before.at) / (after.at - before.at)
    return before.actual_kib + share * (after.actual_kib - before.actual_kib)
