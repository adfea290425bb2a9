# SPDX-License-Identifier: Apache-2.0
"""Take packages from Debian's archive and unpack them; install nothing."""

from collections.abc import Sequence
import pathlib
import tempfile

from tools.lab import command
from tools.lab import error


class Archive:
    """Ask apt, and refresh its lists where they seem to be too old.

    :param options: of every apt command, such as where it keeps its lists.
    """

    def __init__(self, options: Sequence[str] = ()) -> None:
        self._options = options

    def update(self) -> None:
        """Refresh the lists of packages."""
        command.run('apt-get', *self._options, 'update')

    def depends(self, package: str, *options: str) -> dict[str, list[str]]:
        """Map a package, and with ``--recurse`` those it needs, to its needs.

        :raises LabError: apt does not know the package.
        """
        graph: dict[str, list[str]] = {}
        text = self._cache('depends', '--important', *options, package)
        for line in text.splitlines():
            if not line.startswith(' '):
                needs = graph.setdefault(line, [])
            elif 'epends: ' in line:
                needs.append(line.partition('epends: ')[2])
        return graph

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
            try:
                self._download(packages, scratch)
            except error.LabError:  # the lists may be older than the archive
                self.update()
                self._download(packages, scratch)
            for archive in scratch.glob('*.deb'):
                command.run('dpkg-deb', '-x', archive, directory)

    def _cache(self, *words: str) -> str:
        return command.run('apt-cache', *self._options, *words)

    def _download(
        self, packages: Sequence[str], directory: pathlib.Path
    ) -> None:
        options = (*self._options, '-o', 'APT::Sandbox::User=root')
        command.run('apt-get', *options, 'download', *packages, cwd=directory)
