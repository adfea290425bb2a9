# SPDX-License-Identifier: Apache-2.0
"""Counts what a run did to the host and to its guests."""

import collections
from collections.abc import Iterable

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import outcome as fleet_outcome
from nova_balloon_timer.simulator.fleet import shortage

FLAP_SECONDS = 600.0
# Less lack than this, in all, is not worth to be called harm.
_HARM_KIB_SECONDS = float(units.KIB_PER_MIB)
_TOLERANCE_KIB = units.KIB_PER_MIB


class _Way:
    """The directions in which one guest was sent."""

    __slots__ = ('last', 'reversals', 'turned_at')

    def __init__(self) -> None:
        self.last: model.Direction | None = None
        self.turned_at: float | None = None
        self.reversals = 0


class Tally:
    """Takes in what happens, as it happens.

    :param limit_kib: less available memory than this is a shortage
    """

    def __init__(self, limit_kib: float) -> None:
        self.with_ballooning = shortage.Shortage(limit_kib)
        self.without = shortage.Shortage(limit_kib)
        self.nothing_with = shortage.Shortage(0.0)
        self.nothing_without = shortage.Shortage(0.0)
        self._ends: collections.Counter[
            tuple[model.Direction, model.EndReason]
        ] = collections.Counter()
        self._ways: dict[str, _Way] = {}
        self._flaps = 0
        self._plans = 0
        self._corrections = 0
        self._in_vain = 0
        self._asked_kib = 0
        self._taken_kib = 0
        self._freed_kib = 0
        self._returned_kib = 0
        self._foreign = 0
        self._pressures = 0
        self._gone: list[fleet_guest.FleetGuest] = []

    def host(
        self, begin_at: float, end_at: float, before: float, after: float
    ) -> None:
        """Take in how available memory went, in KiB."""
        self.with_ballooning.add(begin_at, end_at, before, after)
        self.nothing_with.add(begin_at, end_at, before, after)

    def host_without(
        self, begin_at: float, end_at: float, before: float, after: float
    ) -> None:
        """Take in how it would have gone without ballooning."""
        self.without.add(begin_at, end_at, before, after)
        self.nothing_without.add(begin_at, end_at, before, after)

    def noticed(self, notice: message.Notice) -> None:
        """Take in what the controller tells."""
        match notice:
            case message.ReliefPlanned():
                self._plans += 1
                self._corrections += notice.corrects
                self._in_vain += not notice.plan.proposals
            case message.PressureStarted():
                self._pressures += 1
            case message.ForeignChange():
                self._foreign += 1

    def started(self, balloon_policy: model.BalloonPolicy, now: float) -> None:
        """Take in that a guest is sent some way."""
        way = self._ways.setdefault(balloon_policy.guest_uuid, _Way())
        direction = balloon_policy.direction
        if way.last not in (None, direction):
            way.reversals += 1
            inflates = direction is model.Direction.INFLATE
            if (
                inflates
                and way.turned_at is not None
                and now - way.turned_at <= FLAP_SECONDS
            ):
                self._flaps += 1
        if direction is model.Direction.INFLATE:
            way.turned_at = now
        way.last = direction

    def ended(self, report: model.EndReport) -> None:
        """Take in how a policy ended."""
        direction = report.policy.direction
        self._ends[direction, report.reason] += 1
        moved_kib = report.moved_kib or 0
        if direction is model.Direction.DEFLATE:
            self._returned_kib += moved_kib
            return
        self._asked_kib += report.actual_start_kib - report.policy.target_kib
        self._taken_kib += moved_kib
        self._freed_kib += report.freed_kib or 0

    def left(self, guest: fleet_guest.FleetGuest) -> None:
        """Take in that a guest is not there any more."""
        self._gone.append(guest)

    def outcome(
        self,
        scenario: str,
        seconds: float,
        present: Iterable[fleet_guest.FleetGuest],
    ) -> fleet_outcome.Outcome:
        """Sum it all up."""
        staying = list(present)
        guests = [*staying, *self._gone]
        reversals = [way.reversals for way in self._ways.values()]
        return fleet_outcome.Outcome(
            scenario=scenario,
            seconds=seconds,
            guests=len(guests),
            short=self.with_ballooning.summary(),
            short_without=self.without.summary(),
            nothing=self.nothing_with.summary(),
            nothing_without=self.nothing_without.summary(),
            pressures=self._pressures,
            plans=self._plans,
            corrections=self._corrections,
            plans_in_vain=self._in_vain,
            asked_kib=self._asked_kib,
            taken_kib=self._taken_kib,
            freed_kib=self._freed_kib,
            returned_kib=self._returned_kib,
            foreign_changes=self._foreign,
            ends=dict(self._ends),
            reversals=sum(reversals),
            most_reversals=max(reversals, default=0),
            flaps=self._flaps,
            below_seconds=tuple(guest.below_seconds for guest in guests),
            taken_kib_seconds=sum(it.taken_kib_seconds for it in guests),
            lacked_kib_seconds=sum(it.lacked_kib_seconds for it in guests),
            harmed=sum(
                it.lacked_kib_seconds > _HARM_KIB_SECONDS for it in guests
            ),
            below_at_end=sum(
                it.profile.maximum_kib - it.actual_kib > _TOLERANCE_KIB
                for it in staying
            ),
        )
