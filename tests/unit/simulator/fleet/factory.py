# SPDX-License-Identifier: Apache-2.0
"""Hosts and guests for tests, with the dull parts filled in."""

from typing import Any

from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.planners import default
from nova_balloon_timer.simulator.fleet import demand
from nova_balloon_timer.simulator.fleet import guest
from nova_balloon_timer.simulator.fleet import pattern
from nova_balloon_timer.simulator.fleet import run
from nova_balloon_timer.simulator.fleet import scenario
from tests.unit import base

GIB = base.GIB
MIB = base.MIB


def make_profile(
    name: str = 'web',
    *,
    use_kib: int = GIB // 4,
    touched_kib: int = GIB,
    use: pattern.Pattern | None = None,
    **more: Any,
) -> guest.FleetProfile:
    """Return a guest of 1 GiB, which touched all of it."""
    followed = use or pattern.Constant(size_kib=use_kib)

    def make_demand() -> demand.Demand:
        series = demand.Series()
        for at in range(0, 3601, 10):
            used_kib = int(followed.kib(at))
            series.add(at, used_kib, max(used_kib, touched_kib))
        return series.replay()

    fields: dict[str, Any] = {
        'uuid': base.uuid_of(name),
        'name': name,
        'maximum_kib': GIB,
        'actual_kib': GIB,
        'make_demand': make_demand,
    }
    return guest.FleetProfile(**(fields | more))


def make_variant(**more: Any) -> run.Variant:
    """Return the defaults of the configuration."""
    settings: dict[str, Any] = {'guards_of': base.make_defaults().guards}
    return run.Variant(
        name='test',
        settings=controller_settings.ControllerSettings(**(settings | more)),
        planner=default.DefaultPlanner(),
    )


def make_scenario(
    *profiles: guest.FleetProfile, **more: Any
) -> scenario.FleetScenario:
    """Return a host of 10 GiB that nothing else uses, for ten minutes."""
    fields: dict[str, Any] = {
        'name': 'test',
        'description': 'A test.',
        'seconds': 600.0,
        'tick_seconds': 10.0,
        'total_kib': 10 * GIB,
        'other': pattern.Constant(size_kib=0),
        'guests': profiles,
    }
    return scenario.FleetScenario(**(fields | more))
