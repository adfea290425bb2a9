# SPDX-License-Identifier: Apache-2.0
"""A host with guests for the controller, and what happens to them."""

from collections.abc import Iterable
import dataclasses
import itertools
from typing import Any, TypeVar

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import machine
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.planners import base as planner_base
from nova_balloon_timer.planners import default
from tests.unit import base

MIB = base.MIB
GIB = base.GIB

# Of the host: low watermark 1 GiB, high watermark 2 GiB.
TOTAL_KIB = 20 * GIB
RULE = situation.WatermarkRule(low='1G', high='2G')

# 2026-05-04 09:30:00 UTC.
UTC_OFFSET = 1_777_887_000.0

_NOT_NEEDED = base.make_refusal('not needed', model.Obstacle.NOT_NEEDED)

_Output = TypeVar('_Output')


def make_settings(**more: Any) -> controller_settings.ControllerSettings:
    """Return the defaults, with guards and watermarks of these tests."""
    fields: dict[str, Any] = {
        'guards_of': lambda guest: base.make_guards(),
        'watermarks': RULE,
    }
    return controller_settings.ControllerSettings(**(fields | more))


def make_reading(
    at: float, available_mib: float | None = None, **more: Any
) -> situation.PressureReading:
    """Return what meminfo says; short is below the low watermark."""
    memory = None
    is_pressing = False
    if available_mib is not None:
        memory = situation.HostMemory(
            at=at, total_kib=TOTAL_KIB, available_kib=int(available_mib * MIB)
        )
        is_pressing = available_mib < 1024
    fields: dict[str, Any] = {
        'source': 'meminfo',
        'at': at,
        'is_pressing': is_pressing,
        'words': f'{available_mib} MiB',
        'memory': memory,
    }
    return situation.PressureReading(**(fields | more))


@dataclasses.dataclass(slots=True)
class ToyGuest:
    """A guest of 1 GiB whose programs use 150 MiB."""

    name: str
    actual_kib: int = GIB
    used_kib: int = 150 * MIB
    rate_kib: int = 100 * MIB
    hangs: bool = False
    is_paused: bool = False
    is_there: bool = True
    run: model.BalloonPolicy | None = None
    started_at: float = 0.0

    @property
    def uuid(self) -> str:
        return base.uuid_of(self.name)


class TakeAll(planner_base.Planner):
    """Takes from each guest in turn what it can spare, until it is enough."""

    def __init__(self, seconds: float = 4.0) -> None:
        self.requests: list[situation.PlanRequest] = []
        self.seconds = seconds

    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        self.requests.append(request)
        need_kib = request.need_kib
        proposals = []
        left_out = []
        for candidate in request.candidates:
            taken_kib = min(need_kib, candidate.safe_kib)
            if candidate.left_alone or taken_kib < MIB:
                refusal = candidate.left_alone or _NOT_NEEDED
                left_out.append(
                    situation.LeftOut(
                        guest_uuid=candidate.guest.uuid,
                        words=refusal.words,
                        obstacle=refusal.obstacle,
                    )
                )
                continue
            need_kib -= taken_kib
            proposals.append(
                situation.Proposal(
                    guest_uuid=candidate.guest.uuid,
                    target_kib=candidate.actual_kib - taken_kib,
                    expected_freed_kib=taken_kib,
                    words='it can',
                )
            )
        return situation.Plan(
            duration_seconds=self.seconds,
            proposals=tuple(proposals),
            left_out=tuple(left_out),
            shortfall_kib=need_kib,
        )


class Host:
    """A controller, and a clock that stands until it is moved."""

    def __init__(
        self,
        *names: str,
        planner: planner_base.Planner | None = None,
        remembered: controller_settings.Remembered | None = None,
        **settings: Any,
    ) -> None:
        numbers = itertools.count(1)
        self.now = 1000.0
        self.settings = make_settings(**settings)
        self.planner = planner or default.DefaultPlanner()
        self.controller = machine.Controller(
            self.settings,
            self.planner,
            make_uuid=lambda: f'policy-{next(numbers)}',
            now=self.now,
            utc_offset=UTC_OFFSET,
            remembered=remembered,
        )
        if names:
            self.now -= 1
            self.list_guests(*names)
            for name in names:
                self.look(name)
            # Nothing is asked of guests that were looked at but once.
            self.now += 1
            for name in names:
                self.look(name)

    def handle(
        self, event: message.Event | message.HostEvent | message.ReportEnd
    ) -> machine.Outputs:
        """Hand an event in."""
        return self.controller.handle(event, self.now)

    def turn(self) -> machine.Outputs:
        """Let the timer ring now."""
        return self.controller.handle_timer(self.now)

    def wait(self, seconds: float) -> machine.Outputs:
        """Let so much time pass, and ring whenever it is due.

        Looks that are asked for meanwhile fail at once.
        """
        until = self.now + seconds
        outputs: machine.Outputs = []
        while self.controller.next_timer() <= until:
            self.now = max(self.now, self.controller.next_timer())
            rung = self.turn()
            for look in pick(rung, message.LookAtGuest):
                self.handle(
                    message.GuestLooked(
                        guest_uuid=look.guest_uuid, sample=None
                    )
                )
            outputs += rung
        self.now = until
        return outputs

    def list_guests(self, *names: str, **more: Any) -> machine.Outputs:
        """Have these guests listed."""
        guests = tuple(base.make_guest(name, **more) for name in names)
        return self.handle(message.GuestsListed(guests=guests))

    def look(
        self, name: str, actual_mib: float = 1024, **more: Any
    ) -> machine.Outputs:
        """Have a guest looked at."""
        return self.handle(
            message.GuestLooked(
                guest_uuid=base.uuid_of(name),
                sample=self.sample(actual_mib, **more),
            )
        )

    def move(self, name: str, actual_mib: float) -> machine.Outputs:
        """Have a guest's policy sampled."""
        return self.handle(
            message.BalloonSampled(
                guest_uuid=base.uuid_of(name), sample=self.sample(actual_mib)
            )
        )

    def sample(self, actual_mib: float, **more: Any) -> model.BalloonSample:
        """Return a look at a guest that uses 200 MiB itself."""
        fields: dict[str, Any] = {
            'at': self.now,
            'actual_kib': int(actual_mib * MIB),
            'rss_kib': int(actual_mib * MIB),
            'statistics': base.make_statistics(
                updated_at=int(self.now),
                usable_kib=max(0, int((actual_mib - 200) * MIB)),
            ),
        }
        return model.BalloonSample(**(fields | more))

    def read(
        self, available_mib: float | None = None, **more: Any
    ) -> machine.Outputs:
        """Have the host's memory read now."""
        reading = make_reading(self.now, available_mib, **more)
        return self.handle(message.PressureRead(reading=reading))

    def end(
        self,
        balloon_policy: model.BalloonPolicy,
        reason: model.EndReason = model.EndReason.TARGET,
        actual_mib: float | None = None,
        **more: Any,
    ) -> machine.Outputs:
        """Have a policy end, at its target unless it is said where."""
        end_kib = balloon_policy.target_kib
        if actual_mib is not None:
            end_kib = int(actual_mib * MIB)
        moved_kib = abs(balloon_policy.start_actual_kib - end_kib)
        fields: dict[str, Any] = {
            'policy': balloon_policy,
            'reason': reason,
            'started_at': self.now - 1,
            'deadline_at': self.now - 1 + balloon_policy.duration_seconds,
            'ended_at': self.now,
            'actual_start_kib': balloon_policy.start_actual_kib,
            'actual_end_kib': end_kib,
            'moved_kib': moved_kib,
            'freed_kib': moved_kib,
        }
        report = base.make_report(**(fields | more))
        return self.handle(message.ReportEnd(report=report))


def pick(outputs: Iterable[object], kind: type[_Output]) -> list[_Output]:
    """Return the outputs of one kind."""
    return [output for output in outputs if isinstance(output, kind)]


def policies(outputs: machine.Outputs) -> list[model.BalloonPolicy]:
    """Return the policies that are to run."""
    return [it.policy for it in pick(outputs, message.PolicyRequested)]


def planned(outputs: machine.Outputs) -> message.ReliefPlanned:
    """Return the one plan."""
    (notice,) = pick(outputs, message.ReliefPlanned)
    return notice
