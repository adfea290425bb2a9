# SPDX-License-Identifier: Apache-2.0
"""Hold a server, and what its owner does with it."""

from collections.abc import Callable
from typing import Any

import libvirt
import openstack
from openstack import exceptions

from tools.lab import domain
from tools.lab import error
from tools.lab import guest
from tools.lab import process
from tools.lab.nova import layout as lab_layout

_ACTION_SECONDS = 90
_FAULT_SECONDS = 5


class Server:
    """Hold a server; every action waits until Nova is done with it.

    :ivar spec: what kind of guest it is
    """

    def __init__(
        self,
        connection: openstack.connection.Connection,
        layout: lab_layout.Layout,
        made: Any,
        spec: domain.GuestSpec,
    ) -> None:
        self._compute = connection.compute
        self._layout = layout
        self.id: str = made.id
        self.name: str = made.name
        self.spec = spec

    def show(self) -> Any:
        """Give what Nova says of it, by the names of openstacksdk."""
        return self._compute.get_server(self.id)

    def wait(
        self, status: str, timeout_seconds: float = _ACTION_SECONDS
    ) -> None:
        """Wait until it has a status, and no task is under way.

        :raises LabError: it fails, or takes too long
        """
        seen = self.show()

        def has_come() -> bool:
            nonlocal seen
            seen = self.show()
            if seen.status == 'ERROR' != status:
                raise error.LabError(f'{self.name} failed: {self._fault()}')
            return bool(seen.status == status and not seen.task_state)

        if not process.wait_until(has_come, timeout_seconds):
            raise error.LabError(
                f'{self.name} is {seen.status} ({seen.task_state}), and not '
                f'{status} in {timeout_seconds:g} s'
            )

    def guest(self, connection: libvirt.virConnect) -> guest.Guest:
        """Give it as the lab's other guests are."""
        instances = self._layout.state / 'nova' / 'instances'
        return guest.Guest(
            self.spec,
            connection.lookupByUUIDString(self.id),
            instances / self.id / 'console.log',
        )

    def pause(self) -> None:
        """Have its processors stop."""
        self._act(self._compute.pause_server, 'PAUSED')

    def unpause(self) -> None:
        """Have them go on."""
        self._act(self._compute.unpause_server, 'ACTIVE')

    def suspend(self) -> None:
        """Have its memory go to disk."""
        self._act(self._compute.suspend_server, 'SUSPENDED')

    def resume(self) -> None:
        """Have it come back from there."""
        self._act(self._compute.resume_server, 'ACTIVE')

    def stop(self) -> None:
        """Turn it off."""
        self._act(self._compute.stop_server, 'SHUTOFF')

    def start(self) -> None:
        """Turn it on again."""
        self._act(self._compute.start_server, 'ACTIVE')

    def reboot(self, kind: str = 'HARD') -> None:
        """Boot it anew; hard is with a new domain."""
        self._act(self._compute.reboot_server, 'ACTIVE', kind)

    def resize(self, flavor_id: str) -> None:
        """Give it another flavor, which is then to be confirmed."""
        self._act(self._compute.resize_server, 'VERIFY_RESIZE', flavor_id)

    def confirm_resize(self) -> None:
        """Keep the other flavor."""
        self._act(self._compute.confirm_server_resize, 'ACTIVE')

    def revert_resize(self) -> None:
        """Go back to the flavor that it had."""
        self._act(self._compute.revert_server_resize, 'ACTIVE')

    def rescue(self) -> None:
        """Boot it from a rescue image."""
        self._act(self._compute.rescue_server, 'RESCUE')

    def unrescue(self) -> None:
        """Boot it from its own image again."""
        self._act(self._compute.unrescue_server, 'ACTIVE')

    def shelve(self) -> None:
        """Keep its disk only, away from the host."""
        self._act(self._compute.shelve_server, 'SHELVED_OFFLOADED')

    def unshelve(self) -> None:
        """Boot it on a host again."""
        self._act(self._compute.unshelve_server, 'ACTIVE')

    def delete(self, timeout_seconds: float = _ACTION_SECONDS) -> None:
        """Delete it, and wait until Nova knows nothing of it."""
        self._compute.delete_server(self.id)

        def is_gone() -> bool:
            try:
                self.show()
            except exceptions.NotFoundException:
                return True
            return False

        if not process.wait_until(is_gone, timeout_seconds):
            raise error.LabError(f'{self.name} is not deleted')

    def _fault(self) -> str:
        """Give what Nova says of a failure, which it does a bit later."""
        process.wait_until(lambda: bool(self.show().fault), _FAULT_SECONDS)
        fault = self.show().fault or {'message': 'Nova does not say why'}
        return str(fault['message'])

    def _act(
        self, action: Callable[..., object], status: str, *words: str
    ) -> None:
        action(self.id, *words)
        self.wait(status)
