# SPDX-License-Identifier: Apache-2.0
"""Finds planners by name, ours and those installed beside us."""

from collections.abc import Callable

from nova_balloon_timer import exception
from nova_balloon_timer import plugin
from nova_balloon_timer.planners import base

_NAMESPACE = 'nova_balloon_timer.planners'


def load(name: str) -> base.Planner:
    """Make the planner of that name.

    :raises PlannerNotFound: naming those that are installed
    """
    make: Callable[[], base.Planner] = plugin.find(
        _NAMESPACE, name, exception.PlannerNotFound
    )
    return make()
