# SPDX-License-Identifier: Apache-2.0
"""What the tests share that have instances ballooned."""

from collections.abc import Callable
import pathlib
from typing import Any

import fixtures
import libvirt

from nova_balloon_timer.rpc import api
from tests.functional import bus
from tests.functional import lab
from tests.functional import listener
from tests.functional import rpc
from tests.functional.nova import base
from tools.lab.nova import server as lab_server

KIB_PER_MIB = 1024
FULL_KIB = base.MEMORY_MIB * KIB_PER_MIB
HOST = 'compute1'
VERSIONED = 'versioned_notifications'

# Holds the balloon at 448 MiB for long, so that there is something to disturb.
LONG: dict[str, Any] = {
    'target': '300M',
    'duration': '60s',
    'segments': ['40s=448M'],
    'reserve': '0',
}
HELD_KIB = 448 * KIB_PER_MIB


class Instance:
    """A server of the test, with its balloon as libvirt has it."""

    def __init__(
        self, server: lab_server.Server, open_: Callable[[], Any]
    ) -> None:
        self.server = server
        self.full_kib = FULL_KIB
        self._open = open_
        self._connection: Any = None

    @property
    def id(self) -> str:
        """Its UUID, to Nova and to libvirt."""
        return self.server.id

    @property
    def actual_kib(self) -> int:
        """What the guest has now; libvirtd may have been away."""
        try:
            return self._read()
        except libvirt.libvirtError:
            self._connection = None
            return self._read()

    def _read(self) -> int:
        if self._connection is None:
            self._connection = self._open()
        domain = self._connection.lookupByUUIDString(self.id)
        return int(domain.memoryStats()['actual'])


class SteeringTest(base.NovaTest):
    """A test that asks nova-compute for policies, and hears what is told."""

    def setUp(self) -> None:
        super().setUp()
        groups = bus.options(self.lab.rabbitmq)
        self.listener = listener.Listener(groups)
        self.addCleanup(self.listener.close)
        self.host_api = self._reach(groups)
        self.wait_answered()

    def instance(
        self,
        name: str,
        extra_specs: dict[str, str] | None = None,
        **more: Any,
    ) -> Instance:
        """Boot a server that the balloon timer knows well enough."""
        server = self.boot(name, extra_specs, **more)
        self.guest(server)
        instance = Instance(server, self.lab.libvirtd.open)
        if extra_specs is None or extra_specs.get('balloon:enabled') == 'true':
            self.wait_known(instance)
        return instance

    def wait_known(self, instance: Instance) -> None:
        """Wait until an instance is one, and has told what it can spare."""
        lab.wait_until(
            lambda: self._shown(instance).get('usable_kib') is not None,
            f'{instance.server.name} is known',
        )

    def _shown(self, instance: Instance) -> dict[str, Any]:
        for guest in self.host_api.list_guests()['guests']:
            if guest['uuid'] == instance.id:
                return dict(guest)
        return {}

    def why_not(self, instance: Instance) -> str:
        """Why nothing is asked of an instance now."""
        shown = self._shown(instance)
        if not shown:
            return 'it is not there'
        return '; '.join([*shown['refusals'], shown['left_alone']])

    def create(self, instance: Instance, **order: Any) -> str:
        """Have a policy made, and return its UUID."""
        made = self.host_api.create_policy(instance.id, **order)
        return str(made['policy']['uuid'])

    def hold(self, instance: Instance) -> str:
        """Have a policy made that is under way for long."""
        policy = self.create(instance, **LONG)
        self.wait_actual(instance, HELD_KIB)
        return policy

    def wait_actual(self, instance: Instance, actual_kib: int) -> None:
        """Wait until an instance's balloon stands somewhere."""
        lab.wait_until(
            lambda: abs(instance.actual_kib - actual_kib) <= KIB_PER_MIB,
            f'{instance.server.name} has {actual_kib} KiB',
        )

    def wait_full(self, instance: Instance) -> None:
        """Wait until an instance has got all of its memory back."""
        self.wait_actual(instance, instance.full_kib)

    def wait_end(
        self, policy_uuid: str, topic: str = VERSIONED
    ) -> listener.Heard:
        """Wait until an end is heard, and return the notification."""

        def is_it(heard: listener.Heard) -> bool:
            return (
                heard.topic == topic
                and heard.event_type.startswith('balloon_policy.')
                and data_of(heard).get('uuid') == policy_uuid
                and 'reason' in data_of(heard)
            )

        return self.listener.wait_for(is_it)[0]

    def wait_answered(self) -> None:
        """Wait until nova-compute answers our calls."""
        rpc.wait_answered(self.host_api)

    def _reach(self, groups: bus.Groups) -> api.HostAPI:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        agents = api.AgentAPI(
            rpc.client_conf(self, folder, groups), timeout_seconds=10.0
        )
        self.addCleanup(agents.close)
        return agents.on(HOST)


def data_of(heard: listener.Heard) -> dict[str, Any]:
    """Return what a notification says, in either form."""
    return contents(heard.payload)


def contents(payload: dict[str, Any]) -> dict[str, Any]:
    """Return what is in an object, in either form."""
    return dict(payload.get('balloon_timer_object.data', payload))
