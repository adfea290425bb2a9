# SPDX-License-Identifier: Apache-2.0
"""List the services of the lab, and how each is run."""

import pathlib
import sys

from tools.lab.nova import configuration
from tools.lab.nova import layout as lab_layout
from tools.lab.nova import service

_HERE = pathlib.Path(__file__).resolve().parent


class Catalog:
    """Hold the services; each is as the layout and the files say."""

    def __init__(
        self,
        layout: lab_layout.Layout,
        written: configuration.Configuration,
    ) -> None:
        self._layout = layout
        self._written = written
        self.keystone = self._api(
            'keystone',
            'identity',
            'keystone.wsgi.api',
            {'OS_KEYSTONE_CONFIG_FILES': str(written.keystone)},
        )
        self.placement = self._api(
            'placement',
            'placement',
            'placement.wsgi.api',
            {'OS_PLACEMENT_CONFIG_DIR': str(layout.etc)},
        )
        self.glance = self._api(
            'glance',
            'image',
            'glance.wsgi.api',
            {'OS_GLANCE_CONFIG_DIR': str(layout.etc)},
        )
        self.network = self._script(
            'network-stand-in', 'network', 'network_stand_in.py'
        )
        # NOTE: the first one is read as the pipeline of the API as well.
        files = (written.api_paste, written.nova, written.nova_database)
        self.nova_api = self._api(
            'nova-api',
            'compute',
            'nova.wsgi.osapi_compute',
            {'OS_NOVA_CONFIG_FILES': ';'.join(map(str, files))},
        )
        self.conductor = self._nova('nova-conductor', written.nova_database)
        self.scheduler = self._nova('nova-scheduler', written.nova_database)
        self.compute = self._nova('nova-compute', *written.compute_files[1:])

    @property
    def apis(self) -> tuple[service.Service, ...]:
        """Give those that are served at a port."""
        return (
            self.keystone,
            self.placement,
            self.glance,
            self.network,
            self.nova_api,
        )

    @property
    def all(self) -> tuple[service.Service, ...]:
        """Give all."""
        return (*self.apis, self.conductor, self.scheduler, self.compute)

    def _api(
        self, name: str, api: str, module: str, environment: dict[str, str]
    ) -> service.Service:
        return self._script(name, api, 'serve.py', module, **environment)

    def _script(
        self, name: str, api: str, script: str, *words: str, **more: str
    ) -> service.Service:
        port = self._layout.port(api)
        # NOTE: isolated, Python does not look beside the script for modules.
        python = [sys.executable, '-I', str(_HERE / script)]
        return service.Service(
            self._layout,
            name,
            [*python, *words, str(port)],
            port=port,
            environment=more,
        )

    def _nova(self, name: str, more: pathlib.Path) -> service.Service:
        files = (self._written.nova, more)
        return service.Service(
            self._layout,
            name,
            [
                str(self._layout.bin / name),
                *(f'--config-file={file}' for file in files),
            ],
        )
