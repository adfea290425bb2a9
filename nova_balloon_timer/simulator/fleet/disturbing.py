# SPDX-License-Identifier: Apache-2.0
"""Lets odd guests do what nobody asked of them: coming, going, growing."""

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator.fleet import desk as fleet_desk
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import looks as fleet_looks
from nova_balloon_timer.simulator.fleet import memory as fleet_memory
from nova_balloon_timer.simulator.fleet import tally as fleet_tally

_RESTLESS = (
    behaviour.Rebooting,
    behaviour.Regrowing,
    disturbance.ForeignController,
    disturbance.Paused,
)


def leaves_at(profile: fleet_guest.FleetProfile) -> float:
    """Return when a guest is gone."""
    return min(
        [profile.until_at, *(odd.leaves_at() for odd in profile.behaviours)]
    )


class Disturbing:
    """Those guests that do not only follow their balloon's target."""

    def __init__(
        self,
        profiles: tuple[fleet_guest.FleetProfile, ...],
        memory: fleet_memory.FleetMemory,
        desk: fleet_desk.Desk,
        looks: fleet_looks.Looks,
        tally: fleet_tally.Tally,
    ) -> None:
        self._memory = memory
        self._desk = desk
        self._looks = looks
        self._tally = tally
        self._coming = sorted(
            profiles, key=lambda it: (it.from_at, it.uuid), reverse=True
        )
        self._going = sorted(
            profiles, key=lambda it: (leaves_at(it), it.uuid), reverse=True
        )
        self._restless: dict[str, fleet_guest.FleetGuest] = {}
        self._rebooted: set[str] = set()

    def next_at(self) -> float:
        """Return when a guest comes or goes next."""
        instants = [float('inf')]
        if self._coming:
            instants.append(self._coming[-1].from_at)
        if self._going:
            instants.append(leaves_at(self._going[-1]))
        return min(instants)

    def step(self, begin_at: float, now: float) -> None:
        """Let time pass."""
        while self._coming and self._coming[-1].from_at <= now:
            self._come(self._coming.pop(), now)
        while self._going and leaves_at(self._going[-1]) <= now:
            self._go(self._going.pop(), now)
        for guest in list(self._restless.values()):
            self._stir(guest, begin_at, now)

    def _come(self, profile: fleet_guest.FleetProfile, now: float) -> None:
        guest = fleet_guest.FleetGuest(profile, now)
        self._memory.add(guest)
        self._looks.add(guest)
        self._desk.note(guest)
        if any(isinstance(odd, _RESTLESS) for odd in profile.behaviours):
            self._restless[profile.uuid] = guest
        if now > 0:
            self._desk.tell(message.GuestsChanged(), now)

    def _go(self, profile: fleet_guest.FleetProfile, now: float) -> None:
        guest = self._memory.guests.get(profile.uuid)
        if guest is None:
            return
        self._desk.break_off(
            guest, model.EndReason.GUEST_GONE, 'the guest is gone', now
        )
        guest.settle(now)
        self._memory.remove(guest)
        self._looks.remove(guest)
        self._restless.pop(profile.uuid, None)
        self._desk.below.discard(profile.uuid)
        self._tally.left(guest)
        self._desk.tell(message.GuestGone(guest_uuid=profile.uuid), now)

    def _stir(
        self, guest: fleet_guest.FleetGuest, begin_at: float, now: float
    ) -> None:
        is_still = guest.stands_still(now)
        if is_still is not bool(guest.guest.refusals):
            guest.pause(is_still)
            self._desk.tell(message.GuestsChanged(), now)
        for odd in guest.behaviours:
            foreign_kib = odd.foreign_target_kib(begin_at, now)
            if foreign_kib is not None:
                guest.target_kib = foreign_kib
                words = 'somebody else gave the guest another target'
                reason = model.EndReason.SUPERSEDED
                self._jump(guest, foreign_kib, reason, words, now)
            if odd.reboots_within(begin_at, now):
                self._rebooted.add(guest.profile.uuid)
                words = 'the guest took memory back by itself'
                reason = model.EndReason.DISTRESS
                full_kib = guest.profile.maximum_kib
                self._jump(guest, full_kib, reason, words, now)
        self._regrow(guest, begin_at, now)

    def _jump(
        self,
        guest: fleet_guest.FleetGuest,
        actual_kib: int,
        reason: model.EndReason,
        words: str,
        now: float,
    ) -> None:
        """Have the balloon somewhere else at once."""
        target_kib = guest.target_kib
        with self._memory.changing(guest):
            guest.move(now, min(actual_kib, guest.profile.maximum_kib))
        self._desk.break_off(guest, reason, words, now)
        guest.target_kib = target_kib
        self._desk.note(guest)

    def _regrow(
        self, guest: fleet_guest.FleetGuest, begin_at: float, now: float
    ) -> None:
        uuid = guest.profile.uuid
        if uuid in self._desk.flights:
            return  # the policy's own step sees to it
        if uuid in self._rebooted and guest.has_driver(now):
            # NOTE: the target persists, and the driver obeys it anew.
            self._rebooted.discard(uuid)
            self._jump(
                guest,
                guest.target_kib,
                model.EndReason.DISTRESS,
                'the guest was started anew',
                now,
            )
        rate = sum(
            odd.regrowth(begin_at, guest.actual_kib)
            for odd in guest.behaviours
        )
        grown_kib = int(rate * (now - begin_at))
        if grown_kib > 0:
            highest_kib = guest.profile.maximum_kib
            with self._memory.changing(guest):
                guest.move(now, min(guest.actual_kib + grown_kib, highest_kib))
            self._desk.note(guest)
