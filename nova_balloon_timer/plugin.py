# SPDX-License-Identifier: Apache-2.0
"""Finds plug-ins by name, ours and those installed beside us."""

from typing import Any

from stevedore import driver
from stevedore import exception as stevedore_exception
from stevedore import extension

from nova_balloon_timer import exception


def find(
    namespace: str, name: str, missing: type[exception.BalloonTimerError]
) -> Any:
    """Return what an entry point names; it is not called.

    :param missing: raised if there is none, with those that are installed
    """
    try:
        plugins: driver.DriverManager[Any] = driver.DriverManager(
            namespace, name, warn_on_missing_entrypoint=False
        )
    except stevedore_exception.NoMatches as error:
        known = extension.ExtensionManager[Any](namespace).names()
        raise missing(name=name, known=', '.join(sorted(known))) from error
    return plugins.driver
