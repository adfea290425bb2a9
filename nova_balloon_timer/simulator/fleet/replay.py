# SPDX-License-Identifier: Apache-2.0
"""Makes a scenario of a trace that was recorded on a host.

What matters is what the guests need: their use, and what they touched. What
the host spends outside guests is what is left of its memory.
"""

import bisect
from collections.abc import Callable
import dataclasses
import pathlib

from nova_balloon_timer import exception
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator.fleet import demand
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern
from nova_balloon_timer.simulator.fleet import scenario
from nova_balloon_timer.trace import reader as trace_reader
from nova_balloon_timer.trace import record

_LONGEST_TICK_SECONDS = 60.0
_SHORTEST_TICK_SECONDS = 5.0
# Progress is told once in so many records.
_STRIDE = 20_000

Progress = Callable[[float], None]


@dataclasses.dataclass(slots=True, kw_only=True)
class _Guest:
    found: record.GuestFound
    series: demand.Series
    until_at: float
    first_kib: int | None = None
    touched_kib: int = 0
    has_told: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Recorded(pattern.Pattern):
    """What the host spent outside guests, as it was recorded."""

    ats: list[float]
    sizes_kib: list[int]

    def kib(self, at: float) -> float:
        """Return what was seen last."""
        index = bisect.bisect_right(self.ats, at) - 1
        return self.sizes_kib[max(0, index)] if self.ats else 0.0


class _Replay:
    """Takes the records in."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._guests: dict[int, _Guest] = {}
        self._left: list[_Guest] = []
        self._other = Recorded(ats=[], sizes_kib=[])
        self._touched_kib = 0
        self._total_kib = 0
        self._last_at = 0.0

    def take(self, one: record.Record) -> None:
        match one:
            case record.GuestSampled():
                self._sampled(one)
            case record.HostSeen():
                self._host(one)
            case record.GuestFound():
                before = self._guests.pop(one.number, None)
                if before is not None:
                    self._left.append(before)
                self._guests[one.number] = _Guest(
                    found=one, series=demand.Series(), until_at=float('inf')
                )
            case record.GuestLeft():
                guest = self._guests.pop(one.number, None)
                if guest is not None:
                    guest.until_at = one.at
                    self._touched_kib -= guest.touched_kib
                    self._left.append(guest)

    def _sampled(self, one: record.GuestSampled) -> None:
        guest = self._guests.get(one.number)
        if guest is None:
            return
        maximum_kib = guest.found.maximum_kib
        actual_kib = min(one.actual_kib, maximum_kib)
        touched_kib = actual_kib if one.rss_kib is None else one.rss_kib
        used_kib = min(touched_kib, actual_kib)
        if one.usable_kib is not None:
            guest.has_told = True
            used_kib = max(0, actual_kib - one.usable_kib)
        if guest.first_kib is None:
            guest.first_kib = actual_kib
        self._touched_kib += touched_kib - guest.touched_kib
        guest.touched_kib = touched_kib
        guest.series.add(one.at, used_kib, min(touched_kib, maximum_kib))
        self._last_at = max(self._last_at, one.at)

    def _host(self, one: record.HostSeen) -> None:
        self._total_kib = max(self._total_kib, one.total_kib)
        self._last_at = max(self._last_at, one.at)
        if self._other.ats and one.at <= self._other.ats[-1]:
            return
        spent_kib = one.total_kib - one.available_kib - self._touched_kib
        self._other.ats.append(one.at)
        self._other.sizes_kib.append(spent_kib)

    def scenario(self, header: record.Header) -> scenario.FleetScenario:
        guests = [*self._left, *self._guests.values()]
        profiles = [
            _profile(number, guest)
            for number, guest in enumerate(guests, start=1)
            if len(guest.series) and guest.found.maximum_kib >= 1024
        ]
        if self._total_kib == 0 or self._last_at <= 0:
            raise exception.InvalidTrace(
                source=self._path, why='it has no time in it'
            )
        tick_seconds = min(
            max(header.interval_seconds, _SHORTEST_TICK_SECONDS),
            _LONGEST_TICK_SECONDS,
            self._last_at,
        )
        return scenario.FleetScenario(
            name=self._path.name,
            description=f'recorded on {header.host}',
            seconds=self._last_at,
            tick_seconds=tick_seconds,
            total_kib=self._total_kib,
            other=self._other,
            guests=tuple(profiles),
            began_at=header.began_at,
        )


def load(
    path: pathlib.Path, progress: Progress | None = None
) -> tuple[scenario.FleetScenario, bool]:
    """Read a trace.

    :returns: the scenario, and whether the file was cut off
    :raises InvalidTrace: with one line that says what is wrong
    """
    with trace_reader.TraceReader(path) as reader:
        replay = _Replay(path)
        for count, one in enumerate(reader):
            replay.take(one)
            if progress is not None and count % _STRIDE == 0:
                progress(reader.share)
        return replay.scenario(reader.header), reader.is_cut


def _profile(number: int, guest: _Guest) -> fleet_guest.FleetProfile:
    found = guest.found
    first_at = guest.series.first_at
    behaviours: tuple[behaviour.Behaviour, ...] = ()
    if not guest.has_told:
        behaviours = (behaviour.DriverNotLoaded(),)
    return fleet_guest.FleetProfile(
        # NOTE: one that left and came back is another guest here.
        uuid=f'{found.uuid}#{number}',
        name=found.name,
        maximum_kib=found.maximum_kib,
        actual_kib=found.maximum_kib,
        make_demand=guest.series.replay,
        behaviours=behaviours,
        refusal=found.refusal,
        from_at=first_at if first_at > 1.0 else 0.0,
        until_at=guest.until_at,
    )
