# SPDX-License-Identifier: Apache-2.0
"""Use the lab's APIs as its administrator."""

from collections.abc import Mapping
import functools
import hashlib
import pathlib

import openstack

from tools.lab import domain
from tools.lab import error
from tools.lab import image as lab_image
from tools.lab.nova import configuration
from tools.lab.nova import layout as lab_layout
from tools.lab.nova import server as lab_server

# The first that lets the networks be none is 2.37.
_MICROVERSION = '2.96'
_AGENT = {'hw_qemu_guest_agent': 'yes'}


class Cloud:
    """Boot servers, and find those that are there."""

    def __init__(self, layout: lab_layout.Layout) -> None:
        self._layout = layout

    @functools.cached_property
    def connection(self) -> openstack.connection.Connection:
        """Give the client of all APIs, which logs in when it is used."""
        return connect(self._layout)

    def can_boot(self) -> bool:
        """Tell whether the compute host is alive, known, and has memory."""
        compute, placement = self.connection.compute, self.connection.placement
        alive = {it.binary for it in compute.services() if it.state == 'up'}
        return (
            {'nova-compute', 'nova-scheduler'} <= alive
            and bool(list(compute.hypervisors()))
            and any(
                stock.resource_class == 'MEMORY_MB'
                for provider in placement.resource_providers()
                for stock in placement.resource_provider_inventories(provider)
            )
        )

    def boot(
        self,
        spec: domain.GuestSpec,
        extra_specs: Mapping[str, str] | None = None,
    ) -> lab_server.Server:
        """Boot a server, and wait until it is active.

        :param spec: what kind of guest is wanted; its device is Nova's
        :raises LabError: Nova refused, or failed
        """
        made = self.connection.compute.create_server(
            name=spec.name,
            image_id=self._image(spec),
            flavor_id=self.flavor(spec.memory_mib, extra_specs or {}),
            networks='none',
        )
        server = lab_server.Server(self.connection, self._layout, made, spec)
        server.wait('ACTIVE')
        return server

    def delete(self, name: str) -> None:
        """Delete a server, and wait until it is gone.

        :raises LabError: there is none of that name
        """
        found = self.connection.compute.find_server(name)
        if found is None:
            raise error.LabError(f'there is no server {name}')
        spec = domain.GuestSpec(name=name)
        lab_server.Server(self.connection, self._layout, found, spec).delete()

    def flavor(self, memory_mib: int, extra_specs: Mapping[str, str]) -> str:
        """Give the id of a flavor, making it if it is not there."""
        words = [str(memory_mib)]
        words += [f'{key}={extra_specs[key]}' for key in sorted(extra_specs)]
        identifier = _digest(' '.join(words))
        compute = self.connection.compute
        if compute.find_flavor(identifier) is None:
            made = compute.create_flavor(
                id=identifier,
                name=f'lab-{identifier}',
                ram=memory_mib,
                vcpus=1,
                disk=0,
            )
            if extra_specs:
                compute.create_flavor_extra_specs(made, dict(extra_specs))
        return identifier

    def _image(self, spec: domain.GuestSpec) -> str:
        """Give the id of an image that boots with a guest's orders."""
        line = domain.kernel_command_line(spec)
        files = lab_image.ensure()
        name = f'guest-{_digest(f"{files.directory} {line} {spec.agent}")}'
        found = self.connection.image.find_image(name)
        if found is None:
            found = self.connection.image.create_image(
                name,
                data=b'\0' * 512,
                disk_format='ami',
                container_format='ami',
                kernel_id=self._part('aki', files.kernel),
                ramdisk_id=self._part('ari', files.initrd),
                os_command_line=line,
                **(_AGENT if spec.agent else {}),
            )
        return str(found.id)

    def _part(self, kind: str, path: pathlib.Path) -> str:
        """Give the id of an image that is a kernel, or its first disk."""
        name = f'{kind}-{path.parent.name}'
        found = self.connection.image.find_image(name)
        if found is None:
            found = self.connection.image.create_image(
                name,
                filename=str(path),
                disk_format=kind,
                container_format=kind,
            )
        return str(found.id)


def connect(
    layout: lab_layout.Layout,
) -> openstack.connection.Connection:
    """Log in anew; what is in the catalog by then stays known."""
    return openstack.connection.Connection(
        auth={
            'auth_url': layout.url('identity'),
            'username': configuration.USER,
            'password': layout.password,
            'project_name': configuration.USER,
            'user_domain_id': 'default',
            'project_domain_id': 'default',
        },
        region_name=configuration.REGION,
        compute_default_microversion=_MICROVERSION,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]
