# SPDX-License-Identifier: Apache-2.0
"""Finds appliers by name, ours and those installed beside us."""

from collections.abc import Callable

from nova_balloon_timer import exception
from nova_balloon_timer import plugin
from nova_balloon_timer.appliers import base

_NAMESPACE = 'nova_balloon_timer.appliers'


def load(name: str, uri: str) -> base.Applier:
    """Make the applier of that name.

    :raises ApplierNotFound: naming those that are installed
    """
    make: Callable[[str], base.Applier] = plugin.find(
        _NAMESPACE, name, exception.ApplierNotFound
    )
    return make(uri)
