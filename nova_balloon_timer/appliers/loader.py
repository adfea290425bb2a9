# SPDX-License-Identifier: Apache-2.0
"""Finds appliers by name, ours and those installed beside us."""

from collections.abc import Callable
from typing import cast

from stevedore import driver
from stevedore import exception as stevedore_exception
from stevedore import extension

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import base

_NAMESPACE = 'nova_balloon_timer.appliers'


def load(name: str, uri: str) -> base.Applier:
    """Make the applier of that name.

    :raises ApplierNotFound: naming those that are installed
    """
    try:
        plugins: driver.DriverManager[base.Applier] = driver.DriverManager(
            _NAMESPACE, name, warn_on_missing_entrypoint=False
        )
    except stevedore_exception.NoMatches as error:
        known = extension.ExtensionManager[base.Applier](_NAMESPACE).names()
        raise exception.ApplierNotFound(
            name=name, known=', '.join(sorted(known))
        ) from error
    return cast('Callable[[str], base.Applier]', plugins.driver)(uri)
