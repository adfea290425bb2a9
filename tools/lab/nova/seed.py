# SPDX-License-Identifier: Apache-2.0
"""Keep databases that have their tables already.

To make the tables takes longer than everything else together, and they are
the same as long as the same releases are installed.
"""

from collections.abc import Iterator
import concurrent.futures
import contextlib
import hashlib
from importlib import metadata
import os
import pathlib
import tempfile

from tools.lab import command
from tools.lab.nova import configuration
from tools.lab.nova import database
from tools.lab.nova import layout as lab_layout

_DISTRIBUTIONS = ('glance', 'keystone', 'nova', 'openstack-placement')
_DATABASES = (
    'glance',
    'keystone',
    'nova_api',
    'nova_cell0',
    'nova_cell1',
    'placement',
)
# What stands in braces comes from each service's own configuration.
_CELL_DATABASE = '{scheme}://{username}@{hostname}/%s?{query}'
_SET_BUS = (
    'update nova_api.cell_mappings set transport_url ='
    ' "{scheme}://{username}:{password}@{hostname}:{port}/"'
    ' where name = "cell1"'
)


def ensure() -> pathlib.Path:
    """Give the file, making it if it is not in the cache.

    :raises LabError: a program failed or is not installed
    """
    path = _cache() / f'{_key()}.tar'
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix='nova-lab-seed-') as folder:
            _make(pathlib.Path(folder), path)
    return path


def _cache() -> pathlib.Path:
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'nova-balloon-timer' / 'nova-lab-seed'


def _key() -> str:
    inputs = [command.run('mariadbd', '--version')]
    inputs += [f'{it}={metadata.version(it)}' for it in _DISTRIBUTIONS]
    digest = hashlib.sha256('\n'.join(inputs).encode())
    for module in (__file__, database.__file__):
        digest.update(pathlib.Path(module).read_bytes())
    return digest.hexdigest()[:16]


def _make(folder: pathlib.Path, path: pathlib.Path) -> None:
    layout = lab_layout.Layout(folder)
    layout.lay_out()
    written = configuration.Configuration(layout, 'fake://', '')
    written.write({})
    private = database.PrivateMariaDB(layout)
    with _running(private):
        private.create(*_DATABASES)
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            list(pool.map(_run_all, _programs(layout, written)))
        # NOTE: nova-manage takes no template as a port.
        private.execute(_SET_BUS)
    private.save(path)


@contextlib.contextmanager
def _running(private: database.PrivateMariaDB) -> Iterator[None]:
    try:
        private.start()
        yield
    finally:
        private.service.stop()


def _programs(
    layout: lab_layout.Layout, written: configuration.Configuration
) -> list[list[list[str]]]:
    """Give the programs that make the tables, in chains: longest first."""

    def words(program: str, *files: pathlib.Path) -> list[str]:
        options = [f'--config-file={file}' for file in files]
        return [str(layout.bin / program), *options]

    nova = words('nova-manage', written.nova, written.nova_database)
    map_cell0 = ['cell_v2', 'map_cell0', '--database_connection']
    create = ['cell_v2', 'create_cell', '--name=cell1']
    create += ['--database_connection', _CELL_DATABASE % 'nova_cell1']
    return [
        [
            [*nova, 'api_db', 'sync'],
            [*nova, *map_cell0, _CELL_DATABASE % 'nova_cell0'],
            [*nova, *create],
            [*nova, 'db', 'sync'],
        ],
        [[*words('keystone-manage', written.keystone), 'db_sync']],
        [[*words('glance-manage', written.glance), 'db_sync']],
        [[*words('placement-manage', written.placement), 'db', 'sync']],
    ]


def _run_all(programs: list[list[str]]) -> None:
    for words in programs:
        command.run(*words, cwd=pathlib.Path('/'))
