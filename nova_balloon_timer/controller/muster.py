# SPDX-License-Identifier: Apache-2.0
"""Who may be asked for memory now, and who may be given some."""

from collections.abc import Set
import heapq

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import flight as controller_flight
from nova_balloon_timer.controller import roster as controller_roster
from nova_balloon_timer.controller import settings as controller_settings

_UNDER_WAY = model.Refusal(
    obstacle=model.Obstacle.UNDER_WAY, words='a policy is under way'
)


class Muster:
    """Goes through the roster with one question.

    :param utc_offset: what added to ``now`` makes seconds since the epoch
    """

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        roster: controller_roster.Roster,
        flights: controller_flight.Flights,
        utc_offset: float,
    ) -> None:
        self._settings = settings
        self._roster = roster
        self._flights = flights
        self._utc_offset = utc_offset

    def reload(self, settings: controller_settings.ControllerSettings) -> None:
        """Take other settings from now on."""
        self._settings = settings

    def candidates(
        self, now: float, replaceable: Set[str]
    ) -> tuple[situation.Candidate, ...]:
        """Describe all guests to a planner.

        :param replaceable: guests whose policy under way does not count
        """
        candidates = []
        for record in self._roster:
            priority = self._settings.rank(record.guest)
            left_alone = self._why_left_alone(
                record, now, priority, replaceable
            )
            if isinstance(priority, str):
                priority = 1.0
            candidates.append(
                self._roster.candidate(record, left_alone, priority)
            )
        return tuple(candidates)

    def obstacle_of(
        self, record: controller_roster.GuestRecord, now: float
    ) -> model.Obstacle | None:
        """Tell what keeps a guest from being asked; None if nothing does."""
        if isinstance(self._settings.rank(record.guest), str):
            return model.Obstacle.EXCLUDED
        if record.guest.uuid in self._flights:
            return model.Obstacle.UNDER_WAY
        obstacle, _ = self._roster.obstacle_of(
            record, now, now + self._utc_offset
        )
        return obstacle

    def standings(
        self, now: float, after: str, most: int
    ) -> list[situation.GuestStanding]:
        """Describe guests to an operator, in the order of their UUIDs.

        :param after: only those whose UUID is greater
        :param most: so many of these
        """
        uuids = (it.guest.uuid for it in self._roster if it.guest.uuid > after)
        records = map(self._roster.find, heapq.nsmallest(most, uuids))
        return [self._standing(it, now) for it in records if it is not None]

    def needy(self, now: float) -> list[controller_roster.GuestRecord]:
        """Return the guests below their full memory that may be given some."""
        return [
            record
            for record in self._roster
            # NOTE: the cheap question first; it is asked at each reading.
            if record.missing_kib and self._may_be_given(record, now)
        ]

    def lacking(
        self, now: float
    ) -> list[tuple[controller_roster.GuestRecord, int]]:
        """Return the guests that miss what was taken, and how much."""
        lacking = []
        for record in self.needy(now):
            guards = self._settings.guards_of(record.guest)
            lack_kib = record.lack_kib(guards.reserve_kib)
            if lack_kib > 0:
                lacking.append((record, lack_kib))
        return lacking

    def _standing(
        self, record: controller_roster.GuestRecord, now: float
    ) -> situation.GuestStanding:
        guest = record.guest
        priority = self._settings.rank(guest)
        flight = self._flights.find(guest.uuid)
        return situation.GuestStanding(
            guest=guest,
            guards=self._settings.guards_of(guest),
            sample=record.sample,
            usable_kib=record.usable_kib,
            traits=record.traits,
            priority=None if isinstance(priority, str) else priority,
            left_alone=self._why_left_alone(record, now, priority, set()),
            policy_uuid=None if flight is None else flight.balloon_policy.uuid,
        )

    def _may_be_given(
        self, record: controller_roster.GuestRecord, now: float
    ) -> bool:
        return (
            not record.guest.refusals
            and record.guest.uuid not in self._flights
            and now >= max(record.respected_until, record.given_again_at)
            and not record.hangs(now)
            and not isinstance(self._settings.rank(record.guest), str)
        )

    def _why_left_alone(
        self,
        record: controller_roster.GuestRecord,
        now: float,
        priority: float | str,
        replaceable: Set[str],
    ) -> model.Refusal | None:
        if isinstance(priority, str):
            return model.Refusal(
                obstacle=model.Obstacle.EXCLUDED, words=priority
            )
        guest_uuid = record.guest.uuid
        if guest_uuid in self._flights and guest_uuid not in replaceable:
            return _UNDER_WAY
        return self._roster.why_left_alone(record, now, now + self._utc_offset)
