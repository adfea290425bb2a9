# SPDX-License-Identifier: Apache-2.0
"""From what an operator asks for to a policy for each guest."""

from collections.abc import Sequence
import dataclasses

from oslo_utils import uuidutils

from nova_balloon_timer import assessment
from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Defaults:
    """Guards of guests for which the operator names none.

    :param mode: who keeps the clock, likewise
    """

    floor_percent: int
    reserve_percent: int
    reserve_minimum_kib: int
    leash: model.Leash
    mode: timekeeping.Mode = timekeeping.Mode.AUTO

    def guards(self, guest: model.Guest) -> model.Guards:
        """Return a guest's guards, by its terms where these say something."""
        reserve_kib = guest.maximum_kib * self.reserve_percent // 100
        if self.reserve_percent > 0:
            reserve_kib = max(reserve_kib, self.reserve_minimum_kib)
        floor_kib = guest.terms.floor_kib
        if floor_kib is None:
            floor_kib = guest.maximum_kib * self.floor_percent // 100
        return model.Guards(
            floor_kib=min(floor_kib, guest.maximum_kib),
            reserve_kib=reserve_kib,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A timed operation as the operator writes it, for any guest.

    Sizes stay text, because a percentage means another size for each guest.

    :param mode: who shall keep the clock; None: as is configured
    """

    target: str
    duration_seconds: float
    segments: tuple[tuple[float, str], ...] = ()
    floor: str | None = None
    reserve: str | None = None
    leash_kib: int | None = None
    mode: timekeeping.Mode | None = None


def parse(
    *,
    target: str,
    duration: str,
    segments: Sequence[str] = (),
    floor: str | None = None,
    reserve: str | None = None,
    leash: str | None = None,
    mode: timekeeping.Mode | None = None,
) -> Order:
    """Check everything that can be checked without a guest.

    :raises InvalidSize: a size does not parse, or is not above zero
    :raises InvalidDuration: likewise
    :raises InvalidSegment: a segment is not TIME=SIZE
    :raises InvalidPolicy: segments are out of order or beyond the duration,
        or the leash is too short
    """
    for size in (target, floor):
        if size is not None:
            units.parse_size_kib(size, units.KIB_PER_GIB)
    if reserve is not None and not _is_zero(reserve):
        units.parse_size_kib(reserve, units.KIB_PER_GIB)
    order = Order(
        target=target,
        duration_seconds=units.parse_duration_seconds(duration),
        segments=tuple(_parse_segment(segment) for segment in segments),
        floor=floor,
        reserve=reserve,
        leash_kib=None if leash is None else units.parse_size_kib(leash),
        mode=mode,
    )
    model.check_segment_times(
        [until_seconds for until_seconds, _ in order.segments],
        order.duration_seconds,
    )
    if order.leash_kib is not None and order.leash_kib < units.KIB_PER_MIB:
        raise exception.InvalidPolicy(why='the leash must be 1 MiB or more')
    return order


def _parse_segment(text: str) -> tuple[float, str]:
    until, separator, size = text.partition('=')
    if not separator:
        raise exception.InvalidSegment(text=text)
    units.parse_size_kib(size, units.KIB_PER_GIB)
    return units.parse_duration_seconds(until), size


def _is_zero(text: str) -> bool:
    return text.rstrip(' %kKmMgGiIbB').lstrip() == '0'


def guards_for(
    order: Order, guest: model.Guest, defaults: Defaults
) -> model.Guards:
    """Return the order's guards where it names some, else the defaults."""
    guards = defaults.guards(guest)
    whole_kib = guest.maximum_kib
    if order.floor is not None:
        floor_kib = units.parse_size_kib(order.floor, whole_kib)
        guards = dataclasses.replace(guards, floor_kib=floor_kib)
    if order.reserve is not None:
        reserve_kib = 0
        if not _is_zero(order.reserve):
            reserve_kib = units.parse_size_kib(order.reserve, whole_kib)
        guards = dataclasses.replace(guards, reserve_kib=reserve_kib)
    return guards


def check_sizes(order: Order, guest: model.Guest) -> None:
    """Reject what this guest can never have, however it stands.

    :raises InvalidPolicy: naming the guest and the size
    """
    whole_kib = guest.maximum_kib
    target_kib = units.parse_size_kib(order.target, whole_kib)
    stages_kib = [
        units.parse_size_kib(size, whole_kib) for _, size in order.segments
    ]
    sizes = {'target': target_kib, 'segment': max(stages_kib, default=0)}
    if order.floor is not None:
        sizes['floor'] = units.parse_size_kib(order.floor, whole_kib)
    for name, size_kib in sizes.items():
        if size_kib > whole_kib:
            raise exception.InvalidPolicy(
                why=f'guest {guest.name}: the {name} '
                f'{units.format_kib(size_kib)} is above its maximum of '
                f'{units.format_kib(whole_kib)}'
            )
    way_kib = [*stages_kib, target_kib]
    if way_kib not in (sorted(way_kib), sorted(way_kib, reverse=True)):
        raise exception.InvalidPolicy(
            why=f'guest {guest.name}: the segments and the target go back and '
            'forth: each must be on the way to the next'
        )


def refuse_clock(words: str) -> model.Refusal:
    """Return why a guest is left alone that should keep the clock."""
    return model.Refusal(
        obstacle=model.Obstacle.NO_GUEST_CLOCK,
        words=f'it cannot keep the clock: {words}',
    )


def make_policy(
    order: Order,
    guest: model.Guest,
    sample: model.BalloonSample | None,
    defaults: Defaults,
) -> model.BalloonPolicy | model.Refusal:
    """Make a guest's policy, or say why it is left alone.

    :param sample: None if the guest could not be read
    :raises InvalidPolicy: the order contradicts itself for this guest
    """
    guards = guards_for(order, guest, defaults)
    whole_kib = guest.maximum_kib
    if guest.refusals or sample is None:
        return assessment.assess(guest, sample, guards).refusals[0]
    wanted_mode = order.mode or defaults.mode
    mode, mode_words = guest.terms.mode_of(wanted_mode)
    if wanted_mode is timekeeping.Mode.GUEST and mode is not wanted_mode:
        return refuse_clock(mode_words)
    target_kib = units.parse_size_kib(order.target, whole_kib)
    direction = model.Direction.DEFLATE
    if target_kib < sample.actual_kib:
        direction = model.Direction.INFLATE
        refusal = _refuse_to_take(order, guest, sample, guards)
        if refusal is not None:
            return refusal
    return model.BalloonPolicy(
        uuid=uuidutils.generate_uuid(),
        guest_uuid=guest.uuid,
        direction=direction,
        start_actual_kib=sample.actual_kib,
        target_kib=target_kib,
        maximum_kib=whole_kib,
        duration_seconds=order.duration_seconds,
        guards=guards,
        segments=_segments_for(order, whole_kib),
        leash=_leash_for(order, defaults),
        mode=mode,
        mode_words=mode_words,
        explanation='asked for by an operator',
    )


def _segments_for(order: Order, whole_kib: int) -> tuple[model.Segment, ...]:
    return tuple(
        model.Segment(
            until_seconds=until_seconds,
            target_kib=units.parse_size_kib(size, whole_kib),
        )
        for until_seconds, size in order.segments
    )


def _leash_for(order: Order, defaults: Defaults) -> model.Leash:
    if order.leash_kib is None:
        return defaults.leash
    return model.Leash(minimum_kib=order.leash_kib, lead_seconds=0)


def _refuse_to_take(
    order: Order,
    guest: model.Guest,
    sample: model.BalloonSample,
    guards: model.Guards,
) -> model.Refusal | None:
    target_kib = units.parse_size_kib(order.target, guest.maximum_kib)
    if order.floor is None and target_kib < guards.floor_kib:
        return _below_floor(target_kib, sample, guards)
    refusals = assessment.assess(guest, sample, guards).refusals
    return refusals[0] if refusals else None


def _below_floor(
    target_kib: int, sample: model.BalloonSample, guards: model.Guards
) -> model.Refusal:
    room_kib = max(0, sample.actual_kib - guards.floor_kib)
    return model.Refusal(
        obstacle=model.Obstacle.NO_ROOM,
        words=f'the target {units.format_kib(target_kib)} is below its floor '
        f'of {units.format_kib(guards.floor_kib)}; it has '
        f'{units.format_kib(sample.actual_kib)}, so at most '
        f'{units.format_kib(room_kib)} could be taken',
    )
