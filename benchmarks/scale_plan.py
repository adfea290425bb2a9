# SPDX-License-Identifier: Apache-2.0
"""How long it takes from a pressure reading to policies, in CPU time."""

import random
import time
import uuid

from benchmarks import scale_host
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.controller import machine
from nova_balloon_timer.controller import settings
from nova_balloon_timer.planners import base
from nova_balloon_timer.planners import default

_GUARDS = model.Guards(
    floor_kib=512 * units.KIB_PER_MIB, reserve_kib=128 * units.KIB_PER_MIB
)


class _Timed(base.Planner):
    """The default planner, and what it took."""

    def __init__(self) -> None:
        self._planner = default.DefaultPlanner()
        self.seconds = 0.0

    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        begin = time.thread_time()
        plan = self._planner.plan(request)
        self.seconds += time.thread_time() - begin
        return plan


def measure(guests: int, share: float, rounds: int) -> dict[str, list[float]]:
    """Plan the same relief on fresh controllers.

    :param share: of the host's memory, which it lacks
    :returns: milliseconds of the planner alone, and of all from a reading to
        policies
    """
    alone: list[float] = []
    whole: list[float] = []
    for number in range(rounds):
        planner = _Timed()
        controller = _make(guests, planner, number)
        reading = _reading(guests, share)
        begin = time.thread_time()
        outputs = controller.handle(message.PressureRead(reading=reading), 9.0)
        whole.append((time.thread_time() - begin) * 1000)
        alone.append(planner.seconds * 1000)
        asked = [
            it for it in outputs if isinstance(it, message.PolicyRequested)
        ]
        if not asked:
            raise RuntimeError('no guest was asked')
    return {'planner': alone, 'whole': whole}


def _make(guests: int, planner: _Timed, seed: int) -> machine.Controller:
    controller = machine.Controller(
        settings.ControllerSettings(guards_of=lambda _: _GUARDS),
        planner,
        make_uuid=lambda: str(uuid.uuid4()),
        now=0.0,
    )
    chance = random.Random(seed)  # noqa: S311
    listed = tuple(
        model.Guest(
            uuid=str(uuid.UUID(int=number)),
            name=f'guest{number}',
            maximum_kib=scale_host.GUEST_KIB,
        )
        for number in range(guests)
    )
    controller.handle(message.GuestsListed(guests=listed), 1.0)
    for guest in listed:
        looked = message.GuestLooked(
            guest_uuid=guest.uuid, sample=_sample(chance)
        )
        controller.handle(looked, 2.0)
    return controller


def _sample(chance: random.Random) -> model.BalloonSample:
    full_kib = scale_host.GUEST_KIB
    return model.BalloonSample(
        at=2.0,
        actual_kib=full_kib,
        rss_kib=chance.randrange(full_kib // 2, full_kib),
        statistics=model.GuestStatistics(
            updated_at=1, usable_kib=chance.randrange(full_kib // 2, full_kib)
        ),
    )


def _reading(guests: int, share: float) -> situation.PressureReading:
    total_kib = guests * scale_host.GUEST_KIB
    return situation.PressureReading(
        source='meminfo',
        at=9.0,
        is_pressing=True,
        words='short',
        memory=situation.HostMemory(
            at=9.0,
            total_kib=total_kib,
            available_kib=int((0.05 - share) * total_kib),
        ),
    )
