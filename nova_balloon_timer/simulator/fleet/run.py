# SPDX-License-Identifier: Apache-2.0
"""Runs a whole host: the real controller and planner, and coarse guests.

Time goes in steps: fine ones while policies are under way, coarse ones while
all is well, and one exactly where memory becomes short.
"""

from collections.abc import Callable
import dataclasses
import random
import uuid

from nova_balloon_timer import message
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.planners import base as planner_base
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.simulator.fleet import course as fleet_course
from nova_balloon_timer.simulator.fleet import desk as fleet_desk
from nova_balloon_timer.simulator.fleet import disturbing as fleet_disturbing
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import looks as fleet_looks
from nova_balloon_timer.simulator.fleet import memory as fleet_memory
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome
from nova_balloon_timer.simulator.fleet import scenario as fleet_scenario
from nova_balloon_timer.simulator.fleet import sense as fleet_sense
from nova_balloon_timer.simulator.fleet import tally as fleet_tally

_FLIGHT_SECONDS = 0.2
_SHORT_SECONDS = 0.5
_TENSE_SECONDS = 5.0
_REST_SECONDS = 5.0
# What is about to be short is looked at as closely as a real host's source
# would look.
_CLOSE_SECONDS = 0.1
_NEAR = 1.1
# What is left at the low watermark would last for less than that.
_QUICKLY_SECONDS = 60.0
_MOST_POLICIES = 300

Progress = Callable[[float], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What is tried on a scenario.

    :param pressure_settle_seconds: how long it must be better to be over
    """

    name: str
    settings: controller_settings.ControllerSettings
    planner: planner_base.Planner
    pressure_settle_seconds: float = 5.0


class FleetRun:
    """One run; it begins with everything quiet, at zero.

    :param check: sees every policy before it starts, and may raise
    """

    def __init__(
        self,
        scenario: fleet_scenario.FleetScenario,
        variant: Variant,
        *,
        check: fleet_desk.Check | None = None,
    ) -> None:
        self._scenario = scenario
        self.now = 0.0
        settings = variant.settings
        self.memory = fleet_memory.FleetMemory(
            scenario.total_kib, scenario.other, 0.0
        )
        self._sense = fleet_sense.FleetSense(
            scenario.total_kib,
            settings.watermarks,
            variant.pressure_settle_seconds,
        )
        self._low_kib = self._sense.marks.low_kib
        self._limit_kib = self._low_kib - settings.least_need_kib
        self.tally = fleet_tally.Tally(self._limit_kib)
        self._course = fleet_course.Course(_MOST_POLICIES)
        self.controller = controller_machine.Controller(
            settings,
            variant.planner,
            make_uuid=_uuids(),
            now=0.0,
            utc_offset=scenario.began_at,
        )
        self.desk = fleet_desk.Desk(
            self.controller, self.memory, self.tally, self._course, check
        )
        self._looks = fleet_looks.Looks(
            settings.looks_per_second,
            settings.look_shortest_seconds,
            self._look,
        )
        self._disturbing = fleet_disturbing.Disturbing(
            scenario.guests, self.memory, self.desk, self._looks, self.tally
        )
        self._tick_at = 0.0
        self._ticked_at = 0.0

    def run(self, progress: Progress | None = None) -> fleet_outcome.Outcome:
        """Run to the end."""
        self._begin()
        whole_seconds = self._scenario.seconds
        while self.now < whole_seconds:
            until_at = self._next()
            self._step(until_at)
            if self.now >= self._tick_at:
                self._tick()
                if progress is not None:
                    progress(self.now / whole_seconds)
        for guest in self.memory.guests.values():
            guest.settle(self.now)
        return self.tally.outcome(
            self._scenario.name, self.now, self.memory.guests.values()
        )

    def saved(self) -> saved_run.SavedRun:
        """Return it for the report, after :meth:`run`."""
        names = {it.uuid: it.name for it in self._scenario.guests}
        return self._course.saved(
            f'{self._scenario.name} (simulated)',
            self._scenario.began_at,
            self._scenario.total_kib,
            self._sense.marks,
            names,
        )

    def _begin(self) -> None:
        self._disturbing.step(0.0, 0.0)
        self._tick()
        self.desk.list_guests(0.0)
        for guest in self.memory.guests.values():
            self._look(guest)
        self._available_kib = self.memory.available_kib(0.0)
        self._read()
        self.desk.follow(self.controller.handle_timer(0.0), 0.0)

    def _tick(self) -> None:
        now = self.now
        whole_seconds = self._scenario.tick_seconds
        self._tick_at = (round(now / whole_seconds) + 1) * whole_seconds
        self.memory.tick(now, self._tick_at)
        self._ticked_at = now

    def _next(self) -> float:
        now = self.now
        latest_at = min(self._tick_at, self._scenario.seconds)
        coming_at = self._disturbing.next_at()
        if coming_at > now:
            latest_at = min(latest_at, coming_at)
        if self.desk.flights:
            return min(latest_at, now + _FLIGHT_SECONDS)
        pause_seconds = _REST_SECONDS
        if self._available_kib < self._limit_kib or self._falls_quickly():
            pause_seconds = _SHORT_SECONDS
        elif self._is_tense() or self.desk.below:
            pause_seconds = _TENSE_SECONDS
        latest_at = min(latest_at, now + pause_seconds)
        for size_kib in (self._low_kib, self._limit_kib):
            falls_at = self.memory.falls_to(size_kib - 1, now)
            latest_at = min(latest_at, max(falls_at, now + _CLOSE_SECONDS))
        return latest_at

    def _falls_quickly(self) -> bool:
        """Tell whether the trend must be known well: it decides on hurry."""
        fall = self.memory.fall_kib_per_second
        return self._is_tense() and fall * _QUICKLY_SECONDS > self._low_kib

    def _is_tense(self) -> bool:
        return self._available_kib < self._sense.marks.high_kib * _NEAR

    def _step(self, until_at: float) -> None:
        begin_at, before_kib = self.now, self._available_kib
        self.now = until_at
        self.desk.step(until_at)
        self._disturbing.step(begin_at, until_at)
        after_kib = self.memory.available_kib(until_at)
        self._available_kib = after_kib
        self.tally.host(begin_at, until_at, before_kib, after_kib)
        self._course.host(until_at, after_kib)
        self._without(begin_at, until_at)
        is_tense = self._is_tense()
        is_short = after_kib < self._limit_kib or bool(self.desk.flights)
        self._looks.run(until_at, is_tense, is_short)
        self._read()
        # NOTE: with nobody to give anything to, waking the controller costs
        # a walk over all guests and does nothing but its own looks.
        if is_tense or self.desk.below or until_at >= self._tick_at:
            self.desk.follow(self.controller.handle_timer(until_at), until_at)

    def _without(self, begin_at: float, until_at: float) -> None:
        before_kib, after_kib = self.memory.untouched_kib
        seconds = self._tick_at - self._ticked_at
        slope = (after_kib - before_kib) / seconds
        self.tally.host_without(
            begin_at,
            until_at,
            before_kib + slope * (begin_at - self._ticked_at),
            before_kib + slope * (until_at - self._ticked_at),
        )

    def _look(self, guest: fleet_guest.FleetGuest) -> None:
        self.desk.look(guest, self.now)

    def _read(self) -> None:
        reading = self._sense.read(self.now, self._available_kib)
        self.desk.tell(message.PressureRead(reading=reading), self.now)


def _uuids() -> Callable[[], str]:
    chance = random.Random(0)  # noqa: S311

    def make() -> str:
        return str(uuid.UUID(int=chance.getrandbits(128), version=4))

    return make
