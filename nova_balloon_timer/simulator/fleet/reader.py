# SPDX-License-Identifier: Apache-2.0
"""Reads scenarios of whole hosts, which may come from anybody."""

from collections.abc import Callable
import dataclasses
import functools
import pathlib
import random
import uuid

from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import document
from nova_balloon_timer.simulator.fleet import demand
from nova_balloon_timer.simulator.fleet import expectation
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern as fleet_pattern
from nova_balloon_timer.simulator.fleet import scenario
from nova_balloon_timer.simulator.fleet import value

_SCENARIOS = pathlib.Path(__file__).parent.parent / 'scenarios' / 'hosts'
_MOST_GROUPS = 64
_MOST_GUESTS = 20_000
_NAMESPACE = uuid.UUID('3e1f7cf0-7c1e-4c3b-9a55-4f6d8b0c2a11')

# What a coarse guest can be; the engine's scenarios know some more.
_KINDS = {
    name: kind
    for name, kind in disturbance.KINDS.items()
    if name not in ('frozen', 'ideal', 'refusing', 'slow', 'unavailable')
}
_OPTIONAL = (
    'count',
    'actual',
    'touched',
    'noise',
    'inflate',
    'deflate',
    'refill',
    'odd',
    'refusal',
    'from',
    'until',
)


def shipped() -> list[str]:
    """Return the names of the host scenarios that come with the project."""
    return document.shipped(_SCENARIOS)


def load(name_or_path: str, seed: int = 0) -> scenario.FleetScenario:
    """Read a shipped scenario by its name, or a file by its path.

    :raises InvalidScenario: with one line that says what is wrong
    """
    name, content = document.read(_SCENARIOS, name_or_path)
    return parse(content, name_or_path, name=name, seed=seed)


def parse(
    content: bytes, source: str, *, name: str, seed: int = 0
) -> scenario.FleetScenario:
    """Read a scenario.

    :param source: what complaints call the file
    :param seed: of what differs among the members of a group
    :raises InvalidScenario: with one line that says what is wrong
    """
    root = value.Field(document.parse(content, source), source)
    root.check_keys(
        ('description', 'duration', 'total', 'groups'),
        ('tick', 'other', 'options', 'expect'),
    )
    total_kib = value.size_kib(root.get('total'))
    seconds = value.seconds(root.get('duration'))
    tick = root.find('tick')
    options = root.find('options')
    expect = root.find('expect')
    return scenario.FleetScenario(
        name=name,
        description=root.get('description').text(),
        seconds=seconds,
        tick_seconds=value.seconds(tick) if tick else min(60.0, seconds),
        total_kib=total_kib,
        other=_pattern(root.find('other'), total_kib),
        guests=_groups(root.get('groups'), seed),
        options={
            key: found.text()
            for key, found in (
                options.entries(_MOST_GROUPS) if options else ()
            )
        },
        expect=value.make(expectation.Expectation, expect, total_kib)
        if expect
        else expectation.Expectation(),
    )


def _groups(
    groups: value.Field, seed: int
) -> tuple[fleet_guest.FleetProfile, ...]:
    profiles: list[fleet_guest.FleetProfile] = []
    for name, entry in groups.entries(_MOST_GROUPS):
        entry.check_name(name)
        entry.check_keys(('maximum', 'use'), _OPTIONAL)
        count_field = entry.find('count')
        count = value.whole(count_field) if count_field else 1
        if len(profiles) + count > _MOST_GUESTS:
            entry.complain(f'more than {_MOST_GUESTS} guests')
        profiles += _group(name, entry, count, seed)
    return tuple(profiles)


def _group(
    name: str, entry: value.Field, count: int, seed: int
) -> list[fleet_guest.FleetProfile]:
    first = _profile(entry)
    pattern = _pattern(entry.get('use'), first.maximum_kib)
    touched = entry.find('touched')
    touched_kib = first.maximum_kib
    if touched:
        touched_kib = value.size_kib(touched, first.maximum_kib)
    noise_field = entry.find('noise')
    noise = value.share(noise_field) if noise_field else 0.0
    made = []
    for number in range(1, count + 1):
        member = f'{name}-{number}' if count > 1 else name
        made.append(
            dataclasses.replace(
                first,
                uuid=str(uuid.uuid5(_NAMESPACE, member)),
                name=member,
                make_demand=_maker(
                    f'{seed} {member}', pattern, touched_kib, noise
                ),
            )
        )
    return made


def _maker(
    seed: str, pattern: fleet_pattern.Pattern, touched_kib: int, noise: float
) -> Callable[[], demand.Demand]:
    def make() -> demand.Demand:
        chance = random.Random(seed)  # noqa: S311
        place = chance.uniform(-1.0, 1.0)
        return demand.Patterned(
            fleet_pattern.shifted(pattern, place),
            touched_kib=touched_kib,
            noise=noise,
            chance=chance,
        )

    return make


def _profile(entry: value.Field) -> fleet_guest.FleetProfile:
    maximum_kib = value.size_kib(entry.get('maximum'))
    if maximum_kib < 1024:
        entry.get('maximum').complain('is below 1 MiB')
    size = functools.partial(value.size_kib, whole_kib=maximum_kib)
    readers: dict[str, tuple[str, Callable[[value.Field], object]]] = {
        'actual': ('actual_kib', size),
        'inflate': ('inflate_kib_per_second', value.rate),
        'deflate': ('deflate_kib_per_second', value.rate),
        'refill': ('refill_kib_per_second', value.rate),
        'refusal': ('refusal', value.Field.text),
        'from': ('from_at', value.instant),
        'until': ('until_at', value.seconds),
        'odd': ('behaviours', _behaviours),
    }
    values: dict[str, object] = {'actual_kib': maximum_kib}
    for key, (name, read) in readers.items():
        found = entry.find(key)
        if found is not None:
            values[name] = read(found)
    return fleet_guest.FleetProfile(
        uuid='',
        name='',
        maximum_kib=maximum_kib,
        make_demand=demand.Series().replay,
        **values,  # type: ignore[arg-type]
    )


def _behaviours(entry: value.Field) -> tuple[behaviour.Behaviour, ...]:
    made: list[behaviour.Behaviour] = []
    for item in entry.items(len(_KINDS)):
        kind, parameters = item.only_entry()
        if kind not in _KINDS:
            known = ', '.join(sorted(_KINDS))
            item.complain(f'{kind[:40]!a} is none of: {known}')
        made.append(value.make(_KINDS[kind], parameters, 0))
    return tuple(made)


def _pattern(
    entry: value.Field | None, whole_kib: int
) -> fleet_pattern.Pattern:
    if entry is None:
        return fleet_pattern.Constant(size_kib=0)
    kind, parameters = entry.only_entry()
    found = fleet_pattern.PATTERNS.get(kind)
    if found is not None:
        made = value.make(found, parameters, whole_kib)
        _check_spans(made, entry)
        return made
    if kind[:1].isdigit():
        return fleet_pattern.Constant(
            size_kib=value.size_kib(entry, whole_kib)
        )
    known = ', '.join(sorted(fleet_pattern.PATTERNS))
    entry.complain(f'{kind[:40]!a} is no size, and none of: {known}')


def _check_spans(pattern: fleet_pattern.Pattern, entry: value.Field) -> None:
    """Reject what would be divided by."""
    for name in ('period_seconds', 'every_seconds', 'ramp_seconds'):
        if getattr(pattern, name, 1.0) <= 0:
            key = name.removesuffix('_seconds')
            entry.complain(f'{key} must be above zero')
