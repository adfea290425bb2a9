# SPDX-License-Identifier: Apache-2.0
"""Take packages from Debian's archive and unpack them; install nothing."""

from collections.abc import Callable, Sequence
import pathlib
import tempfile
from typing import TypeVar

from tools.lab import command
from tools.lab import error

_Got = TypeVar('_Got')


class Archive:
    """Ask apt.

    :param options: of every apt command, such as where it keeps its lists.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = options

    def attempt(self, act: Callable[[], _Got]) -> _Got:
        """Do what asks the archive; again with fresh lists, should it fail.

        There may be no lists yet, or they are older than the archive.
        """
        try:
            return act()
        except error.LabError:
            self.update()
            return act()

    def update(self) -> None:
        """Refresh the lists of packages."""
        command.run('apt-get', *self._options, 'update')

    def needs(self, package: str) -> list[str]:
        """Name what a package needs.

        :raises LabError: apt does not know the package.
        """
        return self._graph(package)[package]

    def graph(self, package: str) -> dict[str, list[str]]:
        """Map a package, and all that it needs, to what each needs.

        :raises LabError: apt does not know the package.
        """
        return self._graph('--recurse', package)

    def version(self, package: str) -> str:
        """Say which version of a package would be downloaded.

        :raises LabError: apt does not know the package.
        """
        shown = self._cache('show', '--no-all-versions', package)
        for line in shown.splitlines():
            if line.startswith('Version: '):
                return line.split()[1]
        raise error.LabError(f'apt knows no version of {package}')

    def unpack(self, packages: Sequence[str], directory: pathlib.Path) -> None:
        """Download packages and unpack them over each other.

        :param packages: each with ``=VERSION`` if only that one will do.
        :raises LabError: one cannot be had.
        """
        with tempfile.TemporaryDirectory(dir=directory.parent) as name:
            scratch = pathlib.Path(name)
            command.run(
                'apt-get',
                *self._options,
                '--option=APT::Sandbox::User=root',
                'download',
                *packages,
                cwd=scratch,
            )
            for archive in scratch.glob('*.deb'):
                command.run('dpkg-deb', '-x', archive, directory)

    def _graph(self, *words: str) -> dict[str, list[str]]:
        graph: dict[str, list[str]] = {}
        text = self._cache('depends', '--important', *words)
        for line in text.splitlines():
            if not line.startswith(' '):
                needs = graph.setdefault(line, [])
            elif 'epends: ' in line:
                needs.append(line.partition('epends: ')[2])
        return graph

    def _cache(self, *words: str) -> str:
        return command.run('apt-cache', *self._options, *words)
