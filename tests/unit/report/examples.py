# SPDX-License-Identifier: Apache-2.0
"""A run to draw: the real engine on guests that stand in for real ones."""

from collections.abc import Callable
import dataclasses
import datetime
import heapq
import itertools

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.engine import machine
from nova_balloon_timer.report import saved_run

MIB = units.KIB_PER_MIB
GIB = units.KIB_PER_GIB
_CALL_SECONDS = 0.0015
_ITEM_KIB = MIB
_MOST_TURNS = 100_000
_STARTED_AT = 86_400.25


@dataclasses.dataclass(slots=True, kw_only=True)
class FakeGuest:
    """A guest that follows its target at its own speed.

    :param speed: KiB a second, by how much it has given already
    :param suffers_below_kib: it swaps in when its actual is below
    """

    name: str
    actual_kib: int
    rss_kib: int
    usable_kib: int
    speed: Callable[[int], float]
    suffers_below_kib: int = 0
    answers: bool = True
    uuid: str = ''
    target_kib: int = 0
    _at: float = _STARTED_AT
    _exact_kib: float = 0.0
    _start_kib: int = 0
    _swapped_kib: float = 0.0
    _statistics: model.GuestStatistics | None = None

    def __post_init__(self) -> None:
        self.uuid = f'00000000-0000-4000-8000-{abs(hash_of(self.name)):012d}'
        self.target_kib = self._start_kib = self.actual_kib
        self._exact_kib = float(self.actual_kib)

    def move(self, now: float) -> None:
        """Let the driver work until now."""
        while self._at < now:
            step_seconds = min(0.001, now - self._at)
            self._at += step_seconds
            way_kib = self.target_kib - self._exact_kib
            given_kib = abs(int(self._exact_kib) - self._start_kib)
            reach_kib = self.speed(given_kib) * step_seconds
            self._exact_kib += max(-reach_kib, min(reach_kib, way_kib))
            if self._exact_kib < self.suffers_below_kib:
                self._swapped_kib += 40 * MIB * step_seconds
        whole_kib = round(self._exact_kib / _ITEM_KIB) * _ITEM_KIB
        self.actual_kib = whole_kib

    def sample(self, now: float) -> model.BalloonSample:
        """Look at it."""
        self.move(now)
        given_kib = self._start_kib - self.actual_kib
        if self._statistics is None or self._statistics.updated_at < int(now):
            self._statistics = model.GuestStatistics(
                updated_at=int(now),
                usable_kib=max(0, self.usable_kib - given_kib),
                swap_in_kib=int(self._swapped_kib),
                major_faults=0,
            )
        # The first fifth was never touched: taking it frees nothing.
        relief_kib = max(0, int((given_kib - abs(given_kib) * 0.2) * 0.9))
        if given_kib < 0:
            relief_kib = int(given_kib * 0.6)
        return model.BalloonSample(
            at=now,
            actual_kib=self.actual_kib,
            rss_kib=self.rss_kib - relief_kib,
            statistics=self._statistics,
        )


def hash_of(name: str) -> int:
    """Make a number of a name, the same in every process."""
    return int.from_bytes(name.encode()[:4], 'big')


class Host:
    """Turns the crank of an engine, in simulated time."""

    def __init__(self, guests: list[FakeGuest]) -> None:
        self._guests = {guest.uuid: guest for guest in guests}
        self._engine = machine.Engine()
        self._events: list[tuple[float, int, message.Event]] = []
        self._order = itertools.count()
        self.reports: list[model.EndReport] = []

    def at(self, now: float, event: message.Event) -> None:
        """Let something happen at an instant."""
        heapq.heappush(self._events, (now, next(self._order), event))

    def run(self) -> list[model.EndReport]:
        """Turn it until everything is over."""
        for _ in range(_MOST_TURNS):
            timer_at = self._engine.next_timer()
            if not self._events and timer_at is None:
                return self.reports
            if self._events and (
                timer_at is None or self._events[0][0] <= timer_at
            ):
                now, _, event = heapq.heappop(self._events)
                actions = self._engine.handle(event, now)
            else:
                assert timer_at is not None
                now = timer_at + 0.0002
                actions = self._engine.handle_timer(now)
            for action in actions:
                self._carry_out(action, now)
        raise AssertionError('the engine does not come to rest')

    def _carry_out(self, action: message.Action, now: float) -> None:
        if isinstance(action, message.ReportEnd):
            self.reports.append(action.report)
        if not isinstance(
            action,
            message.ReadBalloon | message.SetTarget | message.FreezeBalloon,
        ):
            return
        guest = self._guests[action.guest_uuid]
        done_at = now + _CALL_SECONDS
        if not guest.answers:
            return
        if isinstance(action, message.ReadBalloon):
            self.at(
                done_at,
                message.BalloonSampled(
                    guest_uuid=guest.uuid, sample=guest.sample(done_at)
                ),
            )
        elif isinstance(action, message.SetTarget):
            guest.move(done_at)
            guest.target_kib = action.target_kib
        else:
            self._freeze(guest, action, done_at)

    def _freeze(
        self, guest: FakeGuest, action: message.FreezeBalloon, now: float
    ) -> None:
        before = guest.sample(now)
        target_kib = before.actual_kib
        if action.at_kib is not None:
            target_kib = action.at_kib
        target_kib = max(target_kib, action.lowest_kib)
        guest.move(now + 0.003)
        guest.target_kib = min(target_kib, action.highest_kib)
        after_at = now + 0.0045
        frozen = message.BalloonFrozen(
            guest_uuid=guest.uuid,
            target_kib=guest.target_kib,
            before=before,
            after=guest.sample(after_at),
        )
        self.at(after_at, frozen)


def _even(mib_per_second: float) -> Callable[[int], float]:
    return lambda given_kib: mib_per_second * MIB


def _slowing(mib_per_second: float, every_kib: int) -> Callable[[int], float]:
    return lambda given_kib: (
        mib_per_second * MIB / (1 + (given_kib / every_kib) ** 2)
    )


def _requests(
    guests: list[FakeGuest],
) -> list[tuple[float, model.BalloonPolicy]]:
    web, cache, build, database, router, gone = guests
    return [
        (
            0.0,
            _balloon_policy(
                web, 2 * GIB, 896 * MIB, 2.0, 512 * MIB, 256 * MIB
            ),
        ),
        (
            0.02,
            _balloon_policy(cache, 4 * GIB, 2 * GIB, 5.0, 2 * GIB, 1024 * MIB),
        ),
        (
            0.05,
            _balloon_policy(
                build, 3 * GIB, 1 * GIB, 6.0, 768 * MIB, 128 * MIB
            ),
        ),
        (0.1, _returning(database)),
        (
            0.1,
            _balloon_policy(
                router, 512 * MIB, 384 * MIB, 1.0, 256 * MIB, 64 * MIB
            ),
        ),
        (
            0.2,
            _balloon_policy(gone, 1 * GIB, 640 * MIB, 1.5, 512 * MIB, 0),
        ),
    ]


def _balloon_policy(
    guest: FakeGuest,
    maximum_kib: int,
    target_kib: int,
    duration_seconds: float,
    floor_kib: int,
    reserve_kib: int,
) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid=f'policy-of-{guest.uuid}',
        guest_uuid=guest.uuid,
        direction=model.Direction.INFLATE,
        start_actual_kib=guest.actual_kib,
        target_kib=target_kib,
        maximum_kib=maximum_kib,
        duration_seconds=duration_seconds,
        guards=model.Guards(floor_kib=floor_kib, reserve_kib=reserve_kib),
        origin=model.Origin.PRESSURE,
        explanation='the host is 1530 MiB short; '
        f'{guest.name} has {units.format_kib(guest.usable_kib)} to spare',
    )


def _returning(guest: FakeGuest) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid=f'policy-of-{guest.uuid}',
        guest_uuid=guest.uuid,
        direction=model.Direction.DEFLATE,
        start_actual_kib=guest.actual_kib,
        target_kib=2 * GIB,
        maximum_kib=2 * GIB,
        duration_seconds=4.0,
        guards=model.Guards(floor_kib=512 * MIB, reserve_kib=0),
        segments=(
            model.Segment(until_seconds=1.0, target_kib=1280 * MIB),
            model.Segment(until_seconds=2.5, target_kib=1664 * MIB),
        ),
        origin=model.Origin.RETURN,
        explanation='the neediest guest gets its memory back in stages',
    )


def make_run() -> saved_run.SavedRun:
    """Run six policies of every kind that looks different."""
    guests = [
        FakeGuest(
            name='web-01',
            actual_kib=2 * GIB,
            rss_kib=1800 * MIB,
            usable_kib=1500 * MIB,
            speed=_even(840),
        ),
        FakeGuest(
            name='cache-02',
            actual_kib=4 * GIB,
            rss_kib=3600 * MIB,
            usable_kib=2300 * MIB,
            speed=_even(420),
        ),
        FakeGuest(
            name='build-03',
            actual_kib=3 * GIB,
            rss_kib=2900 * MIB,
            usable_kib=2200 * MIB,
            speed=_slowing(600, 900 * MIB),
            suffers_below_kib=1900 * MIB,
        ),
        FakeGuest(
            name='database-04',
            actual_kib=1 * GIB,
            rss_kib=1010 * MIB,
            usable_kib=180 * MIB,
            speed=_even(420),
        ),
        FakeGuest(
            name='router-05',
            actual_kib=512 * MIB,
            rss_kib=180 * MIB,
            usable_kib=300 * MIB,
            speed=_even(420),
            answers=False,
        ),
        FakeGuest(
            name='batch-06',
            actual_kib=1 * GIB,
            rss_kib=900 * MIB,
            usable_kib=700 * MIB,
            speed=_even(180),
        ),
    ]
    host = Host(guests)
    for seconds, balloon_policy in _requests(guests):
        host.at(
            _STARTED_AT + seconds,
            message.PolicyRequested(policy=balloon_policy),
        )
    return saved_run.from_reports(
        host.run(),
        guest_names={guest.uuid: guest.name for guest in guests},
        host='compute-17.example.org',
        wall_clock=saved_run.WallClock(
            monotonic_at=_STARTED_AT,
            utc=datetime.datetime(
                2026, 5, 4, 9, 30, 12, 250000, tzinfo=datetime.timezone.utc
            ),
        ),
    )
