# SPDX-License-Identifier: Apache-2.0
"""How host, guests and policies stand at one moment, counted.

It is taken by the thread that owns them, which has deadlines to meet: so here
is counted, a few guests at a time, and what becomes of the figures is somebody
else's business.
"""

import collections
from collections.abc import Callable, Mapping
import dataclasses
import enum

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import flight as controller_flight
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.controller import roster as controller_roster
from nova_balloon_timer.engine import machine as engine_machine
from nova_balloon_timer.engine import states
from nova_balloon_timer.metrics import inquiry

# Guests that are counted at a time, which takes a millisecond.
_PORTION = 100


class GuestState(enum.Enum):
    """What is with a guest's balloon; the first that fits."""

    INFLATING = 'inflating'
    DEFLATING = 'deflating'
    UNABLE = 'unable'
    UNSEEN = 'unseen'
    REDUCED = 'reduced'
    FULL = 'full'


PolicyKind = tuple[states.State, model.Direction]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """All that the scrape of a moment needs of the crank.

    :param read_at: when each source told last, by its name
    :param stalled_share: None where no source counts stalls
    :param left_alone: guests of which nothing may be asked, by the reason
    :param full_kib: what the guests would have with empty balloons
    :param missing_kib: what they have less than that, as far as it is known
    """

    is_short: bool
    memory: situation.HostMemory | None
    watermarks: situation.Watermarks | None
    stalled_share: float | None
    fall_kib_per_second: float
    read_at: Mapping[str, float]
    guests: Mapping[GuestState, int]
    left_alone: Mapping[model.Obstacle, int]
    full_kib: int
    missing_kib: int
    policies: Mapping[PolicyKind, int]


NOTHING = Snapshot(
    is_short=False,
    memory=None,
    watermarks=None,
    stalled_share=None,
    fall_kib_per_second=0.0,
    read_at={},
    guests={},
    left_alone={},
    full_kib=0,
    missing_kib=0,
    policies={},
)


def take(
    controller: controller_machine.Controller,
    engine: engine_machine.Engine,
    clock: Callable[[], float],
) -> inquiry.Steps[Snapshot]:
    """Count everything; only the thread that owns both may."""
    guests: collections.Counter[GuestState] = collections.Counter()
    left_alone: collections.Counter[model.Obstacle] = collections.Counter()
    full_kib = missing_kib = 0
    now = clock()
    for number, record in enumerate(tuple(controller.roster), 1):
        lack_kib = record.missing_kib
        flight = controller.flights.find(record.guest.uuid)
        guests[_state_of(record, lack_kib, flight)] += 1
        full_kib += record.guest.maximum_kib
        missing_kib += lack_kib
        obstacle = controller.muster.obstacle_of(record, now)
        if obstacle is not None:
            left_alone[obstacle] += 1
        if number % _PORTION == 0:
            yield
    host = controller.host
    return Snapshot(
        is_short=host.is_short,
        memory=host.memory,
        watermarks=host.watermarks,
        stalled_share=host.stalled_share,
        fall_kib_per_second=host.fall_kib_per_second,
        read_at={it.source: it.at for it in host.readings},
        guests=guests,
        left_alone=left_alone,
        full_kib=full_kib,
        missing_kib=missing_kib,
        policies=collections.Counter(
            (run.state, run.balloon_policy.direction)
            for run in (*engine.runs, *(it.ended for it in engine.freezes))
        ),
    )


def _state_of(
    record: controller_roster.GuestRecord,
    missing_kib: int,
    flight: controller_flight.Flight | None,
) -> GuestState:
    if flight is not None:
        return GuestState.INFLATING if flight.takes else GuestState.DEFLATING
    if record.guest.refusals:
        return GuestState.UNABLE
    if record.sample is None:
        return GuestState.UNSEEN
    return GuestState.REDUCED if missing_kib else GuestState.FULL
