# SPDX-License-Identifier: Apache-2.0
"""Build the kernel and initramfs that the lab's guests boot.

Everything comes from Debian's packages, which are unpacked and not installed.
The result is cached under a key made of its inputs, so that a second call
neither builds nor asks the network.
"""

from collections.abc import Sequence
import dataclasses
import hashlib
import os
import pathlib
import platform
import shutil
import tempfile

from tools.lab import command
from tools.lab import error
from tools.lab import initramfs

_HERE = pathlib.Path(__file__).resolve().parent
_SOURCES = ('hog.c', 'image.py', 'init.sh', 'initramfs.py')
_KERNEL = 'linux-image-cloud-amd64'
_AGENT = 'qemu-guest-agent'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """Hold what QEMU boots directly."""

    directory: pathlib.Path

    @property
    def kernel(self) -> pathlib.Path:
        """Give the kernel's path."""
        return self.directory / 'vmlinuz'

    @property
    def initrd(self) -> pathlib.Path:
        """Give the initramfs's path."""
        return self.directory / 'initrd.img'


def cache_directory() -> pathlib.Path:
    """Give the folder that holds every image ever built here."""
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'nova-balloon-timer' / 'guest-image'


def ensure(*, update: bool = False) -> Image:
    """Give the image, building it if it is not in the cache.

    :param update: ask Debian for a newer kernel, even with an image at hand.
    :raises LabError: a tool or a package is missing.
    """
    cache = cache_directory()
    latest = cache / f'latest-{_digest()}'
    if not update and (latest / 'initrd.img').exists():
        return Image(directory=latest.resolve())
    if platform.machine() != 'x86_64':
        raise error.LabError('the guest image is for x86_64 hosts only')
    cache.mkdir(parents=True, exist_ok=True)
    packages = _packages()
    directory = cache / _digest(_version(packages[0]))
    if not (directory / 'initrd.img').exists():
        _build(packages, directory)
    _point(latest, directory.name)
    return Image(directory=directory)


def _digest(*extra: str) -> str:
    inputs = hashlib.sha256()
    for source in _SOURCES:
        inputs.update((_HERE / source).read_bytes())
    for text in extra:
        inputs.update(text.encode())
    return inputs.hexdigest()[:16]


def _point(link: pathlib.Path, target: str) -> None:
    with tempfile.TemporaryDirectory(dir=link.parent) as scratch:
        fresh = pathlib.Path(scratch) / 'link'
        fresh.symlink_to(target)
        fresh.replace(link)


def _depends(package: str, *options: str) -> dict[str, list[str]]:
    """Map a package, and with ``--recurse`` those it needs, to its needs."""
    graph: dict[str, list[str]] = {}
    text = command.run(
        'apt-cache', 'depends', '--important', *options, package
    )
    for line in text.splitlines():
        if not line.startswith(' '):
            needs = graph.setdefault(line, [])
        elif 'epends: ' in line:
            needs.append(line.partition('epends: ')[2])
    return graph


def _packages() -> list[str]:
    """Name the packages to unpack: the concrete kernel is the first."""
    try:
        kernel = _depends(_KERNEL)[_KERNEL][0]
        graph = _depends(_AGENT, '--recurse')
    except error.LabError:
        command.run('apt-get', 'update')
        kernel = _depends(_KERNEL)[_KERNEL][0]
        graph = _depends(_AGENT, '--recurse')
    found = [kernel, 'busybox-static', _AGENT]
    waiting = [_AGENT]
    while waiting:
        for need in graph.get(waiting.pop(), []):
            if need.startswith('lib') and need not in found:
                found.append(need)
                waiting.append(need)
    return found


def _version(package: str) -> str:
    shown = command.run('apt-cache', 'show', '--no-all-versions', package)
    for line in shown.splitlines():
        if line.startswith('Version: '):
            return f'{package}={line.split()[1]}'
    raise error.LabError(f'apt knows no version of {package}')


def _build(packages: Sequence[str], directory: pathlib.Path) -> None:
    with tempfile.TemporaryDirectory(dir=directory.parent) as name:
        scratch = pathlib.Path(name)
        unpacked = scratch / 'unpacked'
        _download(packages, scratch, unpacked)
        done = scratch / 'done'
        done.mkdir()
        (kernel,) = (unpacked / 'boot').glob('vmlinuz-*')
        shutil.copy(kernel, done / 'vmlinuz')
        initramfs.build(unpacked, scratch / 'root', done / 'initrd.img')
        try:
            done.rename(directory)
        except OSError as exc:
            if not directory.exists():  # another builder was not faster
                raise error.LabError(f'cannot write {directory}') from exc


def _download(
    packages: Sequence[str], scratch: pathlib.Path, unpacked: pathlib.Path
) -> None:
    options = ('-o', 'APT::Sandbox::User=root')
    download = ('apt-get', *options, 'download', *packages)
    try:
        command.run(*download, cwd=scratch)
    except error.LabError:  # the lists may be older than the archive
        command.run('apt-get', 'update')
        command.run(*download, cwd=scratch)
    for archive in scratch.glob('*.deb'):
        command.run('dpkg-deb', '-x', archive, unpacked)
