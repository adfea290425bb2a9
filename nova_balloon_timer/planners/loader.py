# SPDX-License-Identifier: Apache-2.0
"""Finds planners by name, ours and those installed beside us."""

from collections.abc import Callable
from typing import cast

from stevedore import driver
from stevedore import exception as stevedore_exception
from stevedore import extension

from nova_balloon_timer import exception
from nova_balloon_timer.planners import base

_NAMESPACE = 'nova_balloon_timer.planners'


def load(name: str) -> base.Planner:
    """Make the planner of that name.

    :raises PlannerNotFound: naming those that are installed
    """
    try:
        plugins: driver.DriverManager[base.Planner] = driver.DriverManager(
            _NAMESPACE, name, warn_on_missing_entrypoint=False
        )
    except stevedore_exception.NoMatches as error:
        known = extension.ExtensionManager[base.Planner](_NAMESPACE).names()
        raise exception.PlannerNotFound(
            name=name, known=', '.join(sorted(known))
        ) from error
    return cast('Callable[[], base.Planner]', plugins.driver)()
