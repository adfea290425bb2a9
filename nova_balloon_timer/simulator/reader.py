# SPDX-License-Identifier: Apache-2.0
"""Reads scenario files, which may come from anybody."""

import pathlib

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import document
from nova_balloon_timer.simulator import expectation
from nova_balloon_timer.simulator import field as scenario_field
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import parameter
from nova_balloon_timer.simulator import scenario

_SCENARIOS = pathlib.Path(__file__).parent / 'scenarios'
_MOST = 64
_DEFAULT_USED_KIB = 128 * units.KIB_PER_MIB
_Field = scenario_field.Field


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the project."""
    return document.shipped(_SCENARIOS)


def load(name_or_path: str) -> scenario.Scenario:
    """Read a shipped scenario by its name, or a file by its path.

    :raises InvalidScenario: with one line that says what is wrong
    """
    name, content = document.read(_SCENARIOS, name_or_path)
    return parse(content, name_or_path, name=name)


def parse(content: bytes, source: str, *, name: str) -> scenario.Scenario:
    """Read a scenario.

    :param source: what complaints call the file
    :raises InvalidScenario: with one line that says what is wrong
    """
    root = _Field(document.parse(content, source), source)
    root.check_keys(('description', 'guests', 'policies'), ('events', 'clock'))
    guests = tuple(
        _guest(guest_name, entry)
        for guest_name, entry in root.get('guests').entries(_MOST)
    )
    plans = _plans(root.get('policies'), guests)
    cancellations, recovered_at = _events(root.find('events'), plans)
    return scenario.Scenario(
        name=name,
        description=root.get('description').text(),
        guests=guests,
        plans=plans,
        cancellations=cancellations,
        recovered_at=recovered_at,
        timers_late_seconds=_timers_late_seconds(root.find('clock')),
    )


def _guest(name: str, entry: _Field) -> simulated_guest.GuestProfile:
    entry.check_name(name)
    entry.check_keys(
        ('maximum',),
        (
            'actual',
            'used',
            'touched',
            'swap',
            'statistics',
            'behaviours',
        ),
    )
    maximum_kib = entry.get('maximum').size_kib()
    actual_kib = _size_within(entry, 'actual', maximum_kib, maximum_kib)
    used_kib = min(_DEFAULT_USED_KIB, maximum_kib)
    swap = entry.find('swap')
    behaviours = entry.find('behaviours')
    return simulated_guest.GuestProfile(
        name=name,
        uuid=scenario.guest_uuid(name),
        maximum_kib=maximum_kib,
        actual_kib=actual_kib,
        used_kib=_size_within(entry, 'used', maximum_kib, used_kib),
        touched_kib=_size_within(entry, 'touched', maximum_kib, actual_kib),
        swaps=swap is not None and swap.truth(),
        statistics_seconds=_statistics_seconds(entry.find('statistics')),
        behaviours=tuple(
            _behaviour(item)
            for item in (behaviours.items(_MOST) if behaviours else ())
        ),
    )


def _size_within(
    entry: _Field, key: str, maximum_kib: int, default_kib: int
) -> int:
    found = entry.find(key)
    if found is None:
        return default_kib
    size_kib = found.size_kib()
    if size_kib > maximum_kib:
        found.complain("is above the guest's maximum")
    return size_kib


def _statistics_seconds(entry: _Field | None) -> float | None:
    if entry is None:
        return 1.0
    return None if entry.text() == 'none' else entry.seconds()


def _behaviour(entry: _Field) -> behaviour.Behaviour:
    kind, parameters = entry.only_entry()
    if kind not in disturbance.KINDS:
        known = ', '.join(sorted(disturbance.KINDS))
        entry.complain(f'{kind[:40]!a} is none of: {known}')
    return parameter.make(disturbance.KINDS[kind], parameters)


def _plans(
    entry: _Field, guests: tuple[simulated_guest.GuestProfile, ...]
) -> tuple[scenario.PolicyPlan, ...]:
    by_name = {guest.name: guest for guest in guests}
    plans: list[scenario.PolicyPlan] = []
    for item in entry.items(_MOST):
        plan = _plan(item, f'policy-{len(plans) + 1}')
        if plan.guest not in by_name:
            item.get('guest').complain('there is no such guest')
        if plan.name in [earlier.name for earlier in plans]:
            item.complain(f'there are two policies {plan.name}')
        try:
            guest = simulated_guest.SimulatedGuest(by_name[plan.guest])
            scenario.make_policy(plan, guest)
        except exception.InvalidPolicy as error:
            item.complain(str(error))
        plans.append(plan)
    return tuple(plans)


def _plan(item: _Field, default_name: str) -> scenario.PolicyPlan:
    item.check_keys(
        ('guest', 'target', 'duration', 'floor', 'expect'),
        ('name', 'reserve', 'at', 'start', 'segments', 'origin'),
    )
    name = item.find('name')
    reserve = item.find('reserve')
    at = item.find('at')
    start = item.find('start')
    origin = item.find('origin')
    segments = item.find('segments')
    return scenario.PolicyPlan(
        name=name.name() if name else default_name,
        guest=item.get('guest').name(),
        target_kib=item.get('target').size_kib(),
        duration_seconds=item.get('duration').seconds(),
        floor_kib=item.get('floor').size_kib(),
        reserve_kib=reserve.size_or_none_kib() if reserve else 0,
        at=at.instant() if at else 0.0,
        start_kib=start.size_kib() if start else None,
        segments=tuple(
            _segment(segment)
            for segment in (segments.items(_MOST) if segments else ())
        ),
        origin=origin.choice(model.Origin)
        if origin
        else model.Origin.OPERATOR,
        expect=_expectation(item.get('expect')),
    )


def _segment(item: _Field) -> model.Segment:
    item.check_keys(('until', 'target'))
    return model.Segment(
        until_seconds=item.get('until').seconds(),
        target_kib=item.get('target').size_kib(),
    )


def _expectation(entry: _Field) -> expectation.Expectation:
    return parameter.make(expectation.Expectation, entry)


def _events(
    entry: _Field | None, plans: tuple[scenario.PolicyPlan, ...]
) -> tuple[tuple[scenario.Cancellation, ...], tuple[float, ...]]:
    cancellations: list[scenario.Cancellation] = []
    recovered_at: list[float] = []
    for item in entry.items(_MOST) if entry else ():
        kind, event = item.only_entry()
        match kind:
            case 'cancel':
                cancellation = parameter.make(scenario.Cancellation, event)
                if cancellation.policy not in [plan.name for plan in plans]:
                    event.get('policy').complain('there is no such policy')
                cancellations.append(cancellation)
            case 'host-recovered':
                event.check_keys(('at',))
                recovered_at.append(event.get('at').instant())
            case _:
                item.complain('is none of: cancel, host-recovered')
    return tuple(cancellations), tuple(recovered_at)


def _timers_late_seconds(entry: _Field | None) -> float:
    if entry is None:
        return 0.0
    entry.check_keys(('timers-late',))
    return entry.get('timers-late').seconds()
