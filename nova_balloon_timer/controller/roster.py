# SPDX-License-Identifier: Apache-2.0
"""The host's guests, and what is known of each."""

from collections.abc import Iterator, Sequence
import dataclasses
import math

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.controller import learning
from nova_balloon_timer.controller import peak
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.engine import guard

# The driver's item; a smaller movement is none.
_TOLERANCE_KIB = units.KIB_PER_MIB

# A look takes milliseconds.
_PATIENCE_SECONDS = 5.0

# How often a guest that tells no statistics is asked for them again.
_STATISTICS_SECONDS = 60.0

_MOST_REMEMBERED = 10_000

# How long a guest is not given anything that took nothing; it doubles.
_VAIN_SECONDS = 30.0
_LONGEST_VAIN_SECONDS = 3600.0

_Obstacle = model.Obstacle
_WORDS = {
    _Obstacle.NOT_LOOKED_AT: 'it was not looked at yet, or does not answer',
    _Obstacle.UNREADABLE: 'its hypervisor does not answer',
    _Obstacle.AIDED: 'it was given what it missed',
    _Obstacle.RESPECTED: 'its balloon was moved by somebody else, which is '
    'respected',
    _Obstacle.COOL_DOWN: 'it did not deliver',
}


class GuestRecord:
    """One guest."""

    def __init__(
        self,
        guest: model.Guest,
        traits: situation.GuestTraits,
        settings: controller_settings.ControllerSettings,
    ) -> None:
        self.guest = guest
        self.traits = traits
        self.sample: model.BalloonSample | None = None
        self.is_awaited = False
        self.awaited_since = 0.0
        self.aided_until = -math.inf
        self.given_again_at = -math.inf
        self.vain_gifts = 0
        self.statistics_asked_at = -math.inf
        self.respected_until = -math.inf
        self._usable = guard.UsableMemory()
        self._peak = peak.PeakUse(settings.peak_half_life_seconds)
        self._settled_kib: int | None = None
        self._full_kib: int | None = None
        self._moved_at: int | None = None
        self._told_at: int | None = None
        self._tellings = 0

    @property
    def usable_kib(self) -> int | None:
        """Return what it could give now, less what it gave since it told."""
        return self._usable.now_kib

    @property
    def peak_use_kib(self) -> int | None:
        """Return the most that it used lately.

        None before it told twice: whoever told but once may be growing.
        """
        return self._peak.kib if self._tellings > 1 else None

    @property
    def missing_kib(self) -> int:
        """Return what it has less than its full memory."""
        if self.sample is None:
            return 0
        if self.sample.actual_kib == self._full_kib:
            return 0
        return max(0, self.guest.maximum_kib - self.sample.actual_kib)

    def lack_kib(self, reserve_kib: int) -> int:
        """Return what it misses of what was taken from it.

        It does when less than its reserve is usable; it then should have
        twice that, or it would soon miss some again.
        """
        usable_kib = self.usable_kib
        if usable_kib is None or usable_kib >= reserve_kib:
            return 0
        return min(self.missing_kib, 2 * reserve_kib - usable_kib)

    def hangs(self, now: float) -> bool:
        """Tell whether it does not answer, for all that is known."""
        return self.is_awaited and now - self.awaited_since > _PATIENCE_SECONDS

    def observe(self, sample: model.BalloonSample) -> None:
        """Take a look in.

        What the guest uses is learned from what it told since its balloon
        came to rest: before that, movement would be taken for use.
        """
        before, self.sample = self.sample, sample
        self._usable.observe(sample)
        told = sample.statistics
        if told is None or told.usable_kib is None:
            return
        if before is not None and before.actual_kib != sample.actual_kib:
            self._moved_at = told.updated_at
        if self._moved_at is None or told.updated_at > self._moved_at:
            if told.updated_at != self._told_at:
                self._tellings += 1
            self._told_at = told.updated_at
            self._peak.observe(
                sample.at, max(0, sample.actual_kib - told.usable_kib)
            )

    def must_be_reminded(
        self, sample: model.BalloonSample, now: float
    ) -> bool:
        """Tell whether it is time to have it tell its statistics, again.

        Its driver may have come late, or somebody has set its period back.
        """
        since_seconds = now - self.statistics_asked_at
        if sample.statistics or since_seconds < _STATISTICS_SECONDS:
            return False
        self.statistics_asked_at = now
        # NOTE: at first not: it was asked when it was listed.
        return not math.isinf(since_seconds)

    def note_gift(self, moved_kib: int | None, now: float) -> None:
        """Learn whether it took what it was given; if not, wait longer.

        Its driver may be unloaded, or its hypervisor hang.
        """
        if moved_kib:
            self.vain_gifts = 0
            return
        seconds = min(
            math.ldexp(_VAIN_SECONDS, self.vain_gifts), _LONGEST_VAIN_SECONDS
        )
        self.vain_gifts = min(self.vain_gifts + 1, 16)
        self.given_again_at = now + seconds

    def drift(self, sample: model.BalloonSample) -> tuple[int, int] | None:
        """Compare with where its balloon was left.

        :returns: where it was and where it is, if somebody else moved it
        """
        before_kib = self._settled_kib
        self._settled_kib = sample.actual_kib
        if before_kib is None:
            return None
        if abs(sample.actual_kib - before_kib) <= _TOLERANCE_KIB:
            return None
        return before_kib, sample.actual_kib

    def settle(self, actual_kib: int | None) -> None:
        """Note where a policy left its balloon; None: nobody knows."""
        self._settled_kib = actual_kib

    def fill(self, actual_kib: int) -> None:
        """Note that more than this it does not take, though it may."""
        if self.guest.maximum_kib - actual_kib <= _TOLERANCE_KIB:
            self._full_kib = actual_kib


class Roster:
    """The records, by UUID, and what is remembered of guests from before."""

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        remembered: controller_settings.Remembered,
    ) -> None:
        self._settings = settings
        self._remembered = dict(remembered)
        self._former_names: dict[str, str] = {}
        self._records: dict[str, GuestRecord] = {}

    def __len__(self) -> int:
        return len(self._records)

    def __iter__(self) -> Iterator[GuestRecord]:
        return iter(self._records.values())

    def find(self, guest_uuid: str) -> GuestRecord | None:
        """Return a guest's record."""
        return self._records.get(guest_uuid)

    def find_named(self, name_or_uuid: str) -> GuestRecord | None:
        """Return the record of a guest by what an operator calls it."""
        record = self._records.get(name_or_uuid.lower())
        if record is not None:
            return record
        for record in self._records.values():
            if record.guest.name == name_or_uuid:
                return record
        return self._find_instance(name_or_uuid)

    def _find_instance(self, display_name: str) -> GuestRecord | None:
        """Return the guest that its owner calls so; None if several do."""
        found = [
            record
            for record in self._records.values()
            if record.guest.instance is not None
            and record.guest.instance.display_name == display_name
        ]
        return found[0] if len(found) == 1 else None

    def name_of(self, guest_uuid: str) -> str:
        """Return what people call a guest; its UUID if nobody knows."""
        record = self._records.get(guest_uuid)
        if record is None:
            return self._former_names.get(guest_uuid, guest_uuid)
        return record.guest.name

    def drop(self, guest_uuid: str) -> None:
        """Forget a guest that is gone, but for what was learned of it."""
        record = self._records.pop(guest_uuid, None)
        if record is None:
            return
        # The latest is the last to be forgotten.
        self._remembered.pop(guest_uuid, None)
        self._remembered[guest_uuid] = record.traits
        self._former_names[guest_uuid] = record.guest.name
        for known in (self._remembered, self._former_names):
            if len(known) > _MOST_REMEMBERED:
                del known[next(iter(known))]

    def reload(self, settings: controller_settings.ControllerSettings) -> None:
        """Take other settings for guests that come."""
        self._settings = settings

    def take(self, guests: Sequence[model.Guest]) -> list[GuestRecord]:
        """Take a listing in.

        :returns: those that are new, or can be ballooned from now on
        """
        found = {guest.uuid: guest for guest in guests}
        for guest_uuid in self._records.keys() - found.keys():
            self.drop(guest_uuid)
        able = []
        for guest_uuid, guest in found.items():
            record = self._records.get(guest_uuid)
            was_able = record is not None and not record.guest.refusals
            if record is None:
                traits = self._remembered.get(
                    guest_uuid, situation.GuestTraits()
                )
                record = GuestRecord(guest, traits, self._settings)
                self._records[guest_uuid] = record
            record.guest = guest
            if not guest.refusals and not was_able:
                able.append(record)
        return able

    def withdraw(self, guest_uuid: str, refusal: model.Refusal) -> None:
        """Note that a guest is not to be touched, until a listing says so."""
        record = self._records.get(guest_uuid)
        if record is None:
            return
        others = [
            it
            for it in record.guest.refusals
            if it.obstacle is not refusal.obstacle
        ]
        record.guest = dataclasses.replace(
            record.guest, refusals=(refusal, *others)
        )

    def candidate(
        self,
        record: GuestRecord,
        left_alone: model.Refusal | None,
        priority: float,
    ) -> situation.Candidate:
        """Describe a guest to a planner."""
        sample = record.sample
        return situation.Candidate(
            guest=record.guest,
            guards=self._settings.guards_of(record.guest),
            actual_kib=0 if sample is None else sample.actual_kib,
            usable_kib=record.usable_kib,
            rss_kib=None if sample is None else sample.rss_kib,
            peak_use_kib=record.peak_use_kib,
            traits=record.traits,
            priority=priority,
            left_alone=left_alone,
        )

    def why_left_alone(
        self, record: GuestRecord, now: float, now_utc: float
    ) -> model.Refusal | None:
        """Say why nothing may be asked of a guest; None if it may."""
        obstacle, seconds = self.obstacle_of(record, now, now_utc)
        if obstacle is None:
            return None
        if record.guest.refusals:
            return record.guest.refusals[0]
        words = _WORDS[obstacle]
        if seconds > 0:
            words += f'; it is left alone for another {seconds:.0f} s'
        return model.Refusal(obstacle=obstacle, words=words)

    def obstacle_of(
        self, record: GuestRecord, now: float, now_utc: float
    ) -> tuple[model.Obstacle | None, float]:
        """Tell what keeps a guest from being asked, without words.

        :returns: None if nothing does; and for how many seconds it will, 0
            where nobody knows
        """
        if record.guest.refusals:
            return record.guest.refusals[0].obstacle, 0.0
        if record.sample is None:
            return _Obstacle.NOT_LOOKED_AT, 0.0
        if record.hangs(now):
            return _Obstacle.UNREADABLE, 0.0
        if record.aided_until > now:
            return _Obstacle.AIDED, record.aided_until - now
        if record.respected_until > now:
            return _Obstacle.RESPECTED, record.respected_until - now
        seconds = learning.cool_down_left(
            record.traits, now_utc, self._settings
        )
        return _Obstacle.COOL_DOWN if seconds > 0 else None, seconds
