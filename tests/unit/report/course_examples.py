# SPDX-License-Identifier: Apache-2.0
"""A host that runs short: a hog eats, guests give, and get it back."""

from collections.abc import Callable, Sequence
import dataclasses
import datetime

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.report import saved_run
from tests.unit.report import examples

MIB = units.KIB_PER_MIB
GIB = units.KIB_PER_GIB
BEGUN_AT = datetime.datetime(2026, 5, 4, 9, 30, tzinfo=datetime.timezone.utc)
_STARTED_AT = 86_400.25
_SECONDS = 60.0
_STEP_SECONDS = 0.25
_Kind = saved_run.MarkKind
_MARKS = (
    (
        5.0,
        _Kind.PRESSURE_STARTED,
        'available memory 1020 MiB is below the low watermark 1024 MiB',
    ),
    (
        5.02,
        _Kind.RELIEF_PLANNED,
        '2228 MiB are asked of cache-02, web-01 and build-03 within 8 s',
    ),
    (
        10.4,
        _Kind.RELIEF_CORRECTED,
        'build-03 stalled 584 MiB short; they are asked of database-04',
    ),
    (
        17.7,
        _Kind.PRESSURE_ENDED,
        'available memory stayed above the high watermark for 5 s',
    ),
    (
        21.5,
        _Kind.FOREIGN_CHANGE,
        'somebody else moved batch-09 from 1024 MiB to 1280 MiB',
    ),
)


def make_guests() -> list[examples.FakeGuest]:
    """Make four guests; build-03 soon has no more to give."""
    return [
        _guest('web-01', 2 * GIB, lambda given_kib: 420.0 * MIB),
        _guest('cache-02', 4 * GIB, lambda given_kib: 110.0 * MIB),
        _guest(
            'build-03',
            3 * GIB,
            lambda given_kib: 350.0 * MIB if given_kib < 216 * MIB else 500.0,
        ),
        _guest('database-04', 2 * GIB, lambda given_kib: 260.0 * MIB),
    ]


def _guest(
    name: str, actual_kib: int, speed: Callable[[int], float]
) -> examples.FakeGuest:
    return examples.FakeGuest(
        name=name,
        actual_kib=actual_kib,
        rss_kib=int(actual_kib * 0.92),
        usable_kib=int(actual_kib * 0.7),
        speed=speed,
    )


def _asked(
    guest: examples.FakeGuest, target_kib: int, seconds: float
) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid=f'relief-{guest.name}',
        guest_uuid=guest.uuid,
        direction=model.Direction.INFLATE,
        start_actual_kib=guest.actual_kib,
        target_kib=target_kib,
        maximum_kib=guest.actual_kib,
        duration_seconds=seconds,
        guards=model.Guards(floor_kib=512 * MIB, reserve_kib=128 * MIB),
        origin=model.Origin.PRESSURE,
        explanation='the host is 1600 MiB short',
    )


def _returned(
    guest: examples.FakeGuest, start_kib: int, maximum_kib: int
) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid=f'return-{guest.name}',
        guest_uuid=guest.uuid,
        direction=model.Direction.DEFLATE,
        start_actual_kib=start_kib,
        target_kib=maximum_kib,
        maximum_kib=maximum_kib,
        duration_seconds=10.0,
        guards=model.Guards(floor_kib=512 * MIB, reserve_kib=0),
        origin=model.Origin.RETURN,
        explanation='the host has recovered',
    )


def make_run() -> saved_run.SavedRun:
    """Run a shortage of 13 s and what follows."""
    guests = make_guests()
    web, cache, build, database = guests
    host = examples.Host(guests)
    for seconds, policy in (
        (5.05, _asked(web, 1434 * MIB, 4.0)),
        (5.05, _asked(cache, 3282 * MIB, 5.0)),
        (5.05, _asked(build, 2272 * MIB, 8.0)),
        (10.45, _asked(database, 1464 * MIB, 4.0)),
        (34.0, _returned(web, 1434 * MIB, 2 * GIB)),
        (36.5, _returned(database, 1464 * MIB, 2 * GIB)),
        (40.0, _returned(cache, 3544 * MIB, 4 * GIB)),
        (46.0, _returned(build, 2856 * MIB, 3 * GIB)),
    ):
        host.at(_STARTED_AT + seconds, message.PolicyRequested(policy=policy))
    run = saved_run.from_reports(
        host.run(),
        guest_names={guest.uuid: guest.name for guest in guests},
        host='compute-17.example.org',
        wall_clock=saved_run.WallClock(monotonic_at=_STARTED_AT, utc=BEGUN_AT),
    )
    return dataclasses.replace(run, course=_course(run))


def _course(run: saved_run.SavedRun) -> saved_run.HostCourse:
    return saved_run.HostCourse(
        total_kib=16 * GIB,
        low_watermark_kib=1 * GIB,
        high_watermark_kib=1536 * MIB,
        points=tuple(
            saved_run.HostPoint(
                at=utc(number * _STEP_SECONDS),
                available_kib=_available_kib(run, number * _STEP_SECONDS),
            )
            for number in range(int(_SECONDS / _STEP_SECONDS) + 1)
        ),
        marks=tuple(
            saved_run.Mark(at=utc(seconds), kind=kind, words=words)
            for seconds, kind, words in _MARKS
        ),
    )


def utc(seconds: float) -> datetime.datetime:
    """Count from the begin of the record."""
    return BEGUN_AT + datetime.timedelta(seconds=seconds)


def _available_kib(run: saved_run.SavedRun, seconds: float) -> int:
    """What a hog leaves that eats for a while, and what guests gave."""
    eaten_mib = 250.0 * min(max(seconds - 1.0, 0.0), 7.2)
    if seconds > 26.0:
        eaten_mib -= min((seconds - 26.0) * 400.0, 1700.0)
    wobble_mib = 14.0 * ((seconds * 7.3) % 1.0 - 0.5)
    given_kib = sum(_given_kib(saved, utc(seconds)) for saved in run.policies)
    free_kib = int((2020.0 - eaten_mib + wobble_mib) * MIB) + given_kib
    return max(free_kib, 90 * MIB)


def _given_kib(saved: saved_run.SavedPolicy, at: datetime.datetime) -> int:
    passed = (at - saved.started_at).total_seconds()
    sizes = [
        point.rss_kib
        for point in saved.report.curve
        if point.rss_kib is not None and point.at <= passed
    ]
    return sizes[0] - sizes[-1] if sizes else 0


def without(
    run: saved_run.SavedRun, kinds: Sequence[saved_run.MarkKind]
) -> saved_run.SavedRun:
    """Leave out some of the marks."""
    assert run.course is not None
    marks = tuple(it for it in run.course.marks if it.kind not in kinds)
    return dataclasses.replace(
        run, course=dataclasses.replace(run.course, marks=marks)
    )
