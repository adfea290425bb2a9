# SPDX-License-Identifier: Apache-2.0
"""Returning memory: only what is measured free, and to the neediest first."""

from collections.abc import Callable, Iterable
import math

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.controller import flight as controller_flight
from nova_balloon_timer.controller import host as controller_host
from nova_balloon_timer.controller import roster as controller_roster
from nova_balloon_timer.controller import settings as controller_settings

# Less is given in one piece rather than in ever smaller ones.
_SMALL_KIB = 64 * units.KIB_PER_MIB
_MOST_DOUBLINGS = 5
_MOST_AT_ONCE = 16

_SPARE = 'the host has memory to spare'
_LACK = 'it needs some of what was taken from it'

# What was read longer ago says nothing about what is free now.
_STALE_SECONDS = 60.0


class Giving:
    """Gives memory back in rounds, once the host is well.

    A round gives a part of what is available above the high watermark. Only
    when the guests had time to use it comes the next, so that pressure shows
    before all is given. Pressure that comes back soon after doubles the wait.
    """

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        make_uuid: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._make_uuid = make_uuid
        self._gave_at = -math.inf
        self._gave_before_at = -math.inf
        self._planned_at = math.inf
        self._ended_at = -math.inf
        self._is_blamed = False
        self._next_at = -math.inf
        self._relapses = 0

    def reload(self, settings: controller_settings.ControllerSettings) -> None:
        """Take other settings from now on."""
        self._settings = settings

    def note_pressure(self, now: float) -> None:
        """Learn that the host has become short."""
        if now - self._gave_at > self._settings.relapse_seconds:
            self._relapses = 0
        elif not self._is_blamed:
            self._relapses = min(self._relapses + 1, _MOST_DOUBLINGS)
            self._is_blamed = True

    def note_end(self, now: float, moved_kib: int | None) -> None:
        """Learn that a policy that returns memory ended, and what it gave."""
        if moved_kib == 0 and self._gave_at == self._planned_at:
            self._gave_at = self._gave_before_at
        self._ended_at = now
        self._next_at = now + self._settings.return_round_seconds

    def ready_at(self, host: controller_host.HostState) -> float:
        """Return from when on memory may be returned; infinity: not now."""
        if host.calm_since is None:
            return math.inf
        wait_seconds = math.ldexp(
            self._settings.settle_seconds, self._relapses
        )
        return max(self._next_at, host.calm_since + wait_seconds)

    def plan(
        self,
        host: controller_host.HostState,
        flights: controller_flight.Flights,
        needy: Iterable[controller_roster.GuestRecord],
        now: float,
    ) -> list[model.BalloonPolicy]:
        """Plan the next round.

        :param needy: guests below their full memory that may be given some
        """
        self._next_at = now + self._settings.return_round_seconds
        if not self._is_news(host, now):
            return []
        # NOTE: not only untouched pages: a guest may use at once all that it
        # is given, so all of it counts as spent until the next reading.
        spare_kib = host.spare_kib - flights.giving_kib()
        budget_kib = spare_kib
        if spare_kib > _SMALL_KIB:
            budget_kib = max(
                _SMALL_KIB, int(spare_kib * self._settings.return_share)
            )
        wanted = [(record, record.missing_kib) for record in needy]
        policies = self._share(wanted, budget_kib, _SPARE)
        if policies:
            self._gave_before_at = self._gave_at
            self._gave_at = self._planned_at = now
            self._is_blamed = False
        return policies

    def aid(
        self,
        host: controller_host.HostState,
        flights: controller_flight.Flights,
        lacking: Iterable[tuple[controller_roster.GuestRecord, int]],
        now: float,
    ) -> list[model.BalloonPolicy]:
        """Help guests that miss what was taken, though the host is not well.

        :param lacking: and what each should have, in KiB
        """
        if not self._is_news(host, now):
            return []
        budget_kib = host.above_low_kib - flights.giving_kib()
        return self._share(lacking, budget_kib, _LACK)

    def _is_news(self, host: controller_host.HostState, now: float) -> bool:
        """Tell whether what was given last is in the latest reading."""
        read_at = -math.inf if host.memory is None else host.memory.at
        return read_at > max(self._ended_at, now - _STALE_SECONDS)

    def _share(
        self,
        wanted: Iterable[tuple[controller_roster.GuestRecord, int]],
        budget_kib: int,
        why: str,
    ) -> list[model.BalloonPolicy]:
        """Give all they want to the neediest, as far as it goes."""
        policies: list[model.BalloonPolicy] = []
        for record, sample, wanted_kib in sorted(
            _looked_at(wanted), key=_plenty
        ):
            given_kib = wanted_kib
            if given_kib > budget_kib:
                given_kib = budget_kib - budget_kib % units.KIB_PER_MIB
            if len(policies) == _MOST_AT_ONCE or given_kib <= 0:
                break
            policies.append(self._give(record, sample, given_kib, why))
            budget_kib -= given_kib
        return policies

    def _give(
        self,
        record: controller_roster.GuestRecord,
        sample: model.BalloonSample,
        given_kib: int,
        why: str,
    ) -> model.BalloonPolicy:
        maximum_kib = record.guest.maximum_kib
        mode, mode_words = record.guest.terms.mode_of(self._settings.mode)
        return model.BalloonPolicy(
            uuid=self._make_uuid(),
            guest_uuid=record.guest.uuid,
            direction=model.Direction.DEFLATE,
            start_actual_kib=sample.actual_kib,
            target_kib=sample.actual_kib + given_kib,
            maximum_kib=maximum_kib,
            duration_seconds=self._settings.return_seconds,
            guards=self._settings.guards_of(record.guest),
            leash=self._settings.leash,
            mode=mode,
            mode_words=mode_words,
            origin=model.Origin.RETURN,
            explanation=f'{why}, and it has '
            f'{units.format_kib(sample.actual_kib)} of its '
            f'{units.format_kib(maximum_kib)}',
        )


_Looked = tuple[controller_roster.GuestRecord, model.BalloonSample, int]


def _looked_at(
    wanted: Iterable[tuple[controller_roster.GuestRecord, int]],
) -> list[_Looked]:
    return [
        (record, record.sample, wanted_kib)
        for record, wanted_kib in wanted
        if record.sample is not None
    ]


def _plenty(looked: _Looked) -> tuple[float, str]:
    """Order guests by how little they lack; who says nothing comes last."""
    record, sample, _ = looked
    share = math.inf
    if record.usable_kib is not None:
        share = record.usable_kib / max(1, sample.actual_kib)
    return share, record.guest.uuid
