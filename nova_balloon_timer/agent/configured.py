# SPDX-License-Identifier: Apache-2.0
"""From the configuration to the settings that the parts know."""

from collections.abc import Mapping, Sequence
import fnmatch
import functools
import math
import pathlib

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.pressure import base as pressure_base

Options = cfg.ConfigOpts.GroupAttr

_MOST_RANKED = 10_000


def defaults(options: Options) -> order.Defaults:
    """Return the guards of guests for which nobody names any."""
    return order.Defaults(
        floor_percent=options.floor_percent,
        reserve_percent=options.reserve_percent,
        reserve_minimum_kib=options.reserve_minimum_mib * units.KIB_PER_MIB,
        leash=model.Leash(
            minimum_kib=options.leash_mib * units.KIB_PER_MIB,
            lead_seconds=options.leash_seconds,
        ),
        mode=timekeeping.Mode(options.mode),
    )


def watermarks(options: Options) -> situation.WatermarkRule:
    """Return the watermarks.

    :raises InvalidConfiguration: a text is no size, or low is above high
    """
    for name in ('low_watermark', 'high_watermark'):
        _check_watermark(name, options[name])
    rule = situation.WatermarkRule(
        low=options.low_watermark, high=options.high_watermark
    )
    # NOTE: a size and a share can be compared on a real host only.
    if units.is_percentage(rule.low) == units.is_percentage(rule.high):
        rule.of(units.KIB_PER_GIB)
    return rule


def _check_watermark(name: str, text: str) -> None:
    try:
        size_kib = units.parse_size_kib(text, units.KIB_PER_GIB)
    except exception.InvalidSize as error:
        raise exception.InvalidConfiguration(why=f'{name}: {error}') from error
    if units.is_percentage(text) and size_kib >= units.KIB_PER_GIB:
        raise exception.InvalidConfiguration(
            why=f'{name} {text} is all of the memory or more, which no host '
            'has available'
        )


def pressure_settings(options: Options) -> pressure_base.PressureSettings:
    """Return where sources look, and from when on memory is short.

    :raises InvalidConfiguration: the values make no sense
    """
    if options.stall_calm_percent > options.stall_percent:
        raise exception.InvalidConfiguration(
            why=f'stall_calm_percent {options.stall_calm_percent:g} is above '
            f'stall_percent {options.stall_percent:g}'
        )
    return pressure_base.PressureSettings(
        proc_root=pathlib.Path(options.proc_root),
        sys_root=pathlib.Path(options.sys_root),
        cgroup=options.cgroup.lstrip('/') or None,
        watermarks=watermarks(options),
        stall_percent=options.stall_percent,
        calm_percent=options.stall_calm_percent,
        window_seconds=options.stall_window_seconds,
        settle_seconds=options.pressure_settle_seconds,
    )


def controller_settings_of(
    options: Options,
) -> controller_settings.ControllerSettings:
    """Return how the controller weighs a host and its guests.

    :raises InvalidConfiguration: the values make no sense
    """
    check_values(options)
    _check_order(options, 'shortest_relief_seconds', 'longest_relief_seconds')
    _check_order(options, 'cool_down_seconds', 'cool_down_longest_seconds')
    guards = defaults(options)
    return controller_settings.ControllerSettings(
        guards_of=guards.guards,
        rank=_ranking(
            options.excluded_guests, _priorities(options.guest_priorities)
        ),
        watermarks=watermarks(options),
        leash=guards.leash,
        mode=guards.mode,
        shortest_seconds=options.shortest_relief_seconds,
        longest_seconds=options.longest_relief_seconds,
        least_need_kib=options.least_relief_mib * units.KIB_PER_MIB,
        stall_step_percent=options.stall_step_percent,
        settle_seconds=options.return_settle_seconds,
        return_seconds=options.return_seconds,
        return_round_seconds=options.return_round_seconds,
        return_share=options.return_share_percent / 100,
        respect_seconds=options.respect_seconds,
        cool_down_seconds=options.cool_down_seconds,
        cool_down_longest_seconds=options.cool_down_longest_seconds,
        list_seconds=options.list_seconds,
        looks_per_second=options.looks_per_second,
    )


def check_values(options: Options) -> None:
    """See that no option was emptied: oslo.config makes None of 'workers ='.

    :raises InvalidConfiguration: naming the first that has no value
    """
    for name in options:
        if options[name] is None:
            raise exception.InvalidConfiguration(why=f'{name} has no value')


def _check_order(options: Options, smaller: str, larger: str) -> None:
    if options[smaller] > options[larger]:
        raise exception.InvalidConfiguration(
            why=f'{smaller} {options[smaller]:g} is above '
            f'{larger} {options[larger]:g}'
        )


def _priorities(texts: Mapping[str, str]) -> dict[str, float]:
    priorities = {}
    for pattern, text in texts.items():
        try:
            priority = float(text)
        except ValueError:
            priority = math.nan
        if not 0 < priority < math.inf:
            raise exception.InvalidConfiguration(
                why=f"guest_priorities: '{text}' of {pattern} is not a "
                'number above zero'
            )
        priorities[pattern] = priority
    return priorities


def _ranking(
    excluded: Sequence[str], priorities: Mapping[str, float]
) -> controller_settings.Ranking:
    # NOTE: all guests are ranked at every plan.
    @functools.lru_cache(maxsize=_MOST_RANKED)
    def rank(guest_uuid: str, name: str) -> float | str | None:
        for pattern in excluded:
            if _fits(guest_uuid, name, pattern):
                return f"it is excluded by '{pattern}' in excluded_guests"
        for pattern, priority in priorities.items():
            if _fits(guest_uuid, name, pattern):
                return priority
        return None

    def rank_by_terms(guest: model.Guest) -> float | str:
        # NOTE: what is said of this host's guests by name is meant for them
        # more closely than terms, which many guests share.
        named = rank(guest.uuid, guest.name)
        return guest.terms.priority or 1.0 if named is None else named

    return rank_by_terms


def _fits(guest_uuid: str, name: str, pattern: str) -> bool:
    return guest_uuid == pattern.lower() or fnmatch.fnmatchcase(name, pattern)
