# SPDX-License-Identifier: Apache-2.0
"""Instances with the dull parts filled in."""

from typing import Any

from nova_balloon_timer import ownership
from nova_balloon_timer.nova import instance as nova_instance
from tests.unit import base


def make_instance(
    name: str = 'web-01', **more: Any
) -> nova_instance.NovaInstance:
    """Return an active instance whose flavor enables its balloon."""
    fields: dict[str, Any] = {
        'uuid': base.uuid_of(name),
        'name': name,
        'display_name': f'my {name}',
        'project_id': 'a-project',
        'host': 'compute-1',
        'flavor_name': 'small',
        'vm_state': 'active',
        'specs': {'balloon:enabled': 'true'},
    }
    return nova_instance.NovaInstance(**(fields | more))


def describe(display_name: str) -> ownership.Instance:
    """Return what is told of an instance that its owner calls so."""
    return make_instance(display_name=display_name).describe()
