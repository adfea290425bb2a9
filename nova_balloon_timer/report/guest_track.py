# SPDX-License-Identifier: Apache-2.0
"""The policies of one guest, one after the other."""

from collections.abc import Iterable
import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import thinning
from nova_balloon_timer.report import time_axis


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One policy on the shared time axis.

    :param points: when, and what was seen; at least one
    :param ended: when it ended, and what the guest had then
    """

    report: model.EndReport
    points: tuple[tuple[float, model.CurvePoint], ...]
    ended: tuple[float, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    """A guest, and its policies in the order of their starts."""

    name: str
    stretches: tuple[Stretch, ...]

    @property
    def moved_kib(self) -> int:
        """How much its balloon moved, there and back."""
        return sum(
            abs(stretch.report.moved_kib or 0) for stretch in self.stretches
        )


def tracks(run: saved_run.SavedRun, most_points: int) -> list[Track]:
    """Sort policies by guest, the guest that was asked first on top.

    :param most_points: roughly how many to keep of each guest
    """
    of_guest: dict[str, list[saved_run.SavedPolicy]] = {}
    for saved in sorted(run.policies, key=lambda saved: saved.started_at):
        uuid = saved.report.policy.guest_uuid
        of_guest.setdefault(uuid, []).append(saved)
    return [
        Track(
            name=policies[-1].guest_name,
            stretches=_stretches(policies, most_points),
        )
        for policies in of_guest.values()
    ]


def _stretches(
    policies: Iterable[saved_run.SavedPolicy], most_points: int
) -> tuple[Stretch, ...]:
    policies = list(policies)
    share = max(most_points // len(policies), 20)
    return tuple(_stretch(saved, share) for saved in policies)


def _stretch(saved: saved_run.SavedPolicy, most_points: int) -> Stretch:
    report = saved.report
    curve = sorted(report.curve, key=lambda point: point.at)
    if not curve:
        curve = [model.CurvePoint(at=0.0, actual_kib=report.actual_start_kib)]
    chosen = thinning.kept([point.actual_kib for point in curve], most_points)
    points = tuple(
        (time_axis.milliseconds(saved.started_at, point.at), point)
        for point in (curve[index] for index in chosen)
    )
    return Stretch(
        report=report,
        points=points,
        ended=(
            time_axis.milliseconds(saved.started_at, report.ended_at),
            _actual_kib(curve, report.ended_at),
        ),
    )


def _actual_kib(curve: Iterable[model.CurvePoint], at: float) -> int:
    """Return what was seen last when a policy ended."""
    first, *rest = curve
    found = first.actual_kib
    for point in rest:
        if point.at > at:
            break
        found = point.actual_kib
    return found


def held(
    track: Track, axis: time_axis.TimeAxis
) -> list[tuple[float, int | None]]:
    """Return the line of what a guest was left with between its policies.

    Nobody looked then: it is what was seen last. None interrupts the line.
    """
    line: list[tuple[float, int | None]] = []
    at, size_kib = axis.first, track.stretches[0].points[0][1].actual_kib
    for stretch in track.stretches:
        begin, first = stretch.points[0]
        line += [(at, size_kib), (begin, size_kib)]
        line += [(begin, first.actual_kib), (begin, None)]
        end, last = stretch.points[-1]
        at, size_kib = end, last.actual_kib
    return [*line, (at, size_kib), (axis.last, size_kib)]
