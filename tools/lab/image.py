# SPDX-License-Identifier: Apache-2.0
"""Build the kernel and initramfs that the lab's guests boot.

Everything but the balloon driver of our own comes from Debian's packages,
which are unpacked and not installed. What is made of them is cached under a
key made of its inputs, so that a second call neither builds nor asks the
network, and so is what the driver adds to it.
"""

from collections.abc import Sequence
import dataclasses
import hashlib
import os
import pathlib
import platform
import shutil
import tempfile

from tools.lab import archive
from tools.lab import cache
from tools.lab import driver
from tools.lab import error
from tools.lab import headers
from tools.lab import initramfs

_HERE = pathlib.Path(__file__).resolve().parent
_SOURCES = (
    'await.c',
    'headers.py',
    'hog.c',
    'image.py',
    'init.sh',
    'initramfs.py',
)
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


def ensure(*, update: bool = False) -> Image:
    """Give the image, building it if it is not in the cache.

    :param update: ask Debian for a newer kernel, even with an image at hand.
    :raises LabError: a tool or a package is missing, or the driver does not
        compile.
    """
    base = _ensure_base(update=update)
    directory = base.with_name(f'{base.name}-{driver.digest()}')
    if not (directory / 'initrd.img').exists():
        with cache.made(directory) as made:
            _add_driver(base, made)
    return Image(directory=directory)


def ensure_headers() -> pathlib.Path:
    """Give the folder of the headers of the image's kernel.

    :raises LabError: as ``ensure``.
    """
    return headers.find(_ensure_base() / 'headers')


def _ensure_base(*, update: bool = False) -> pathlib.Path:
    """Give what the driver is added to, with the kernel's headers."""
    images = cache.folder('guest-image')
    latest = images / f'latest-{_digest()}'
    if not update and (latest / 'initrd.img').exists():
        return latest.resolve()
    if platform.machine() != 'x86_64':
        raise error.LabError('the guest image is for x86_64 hosts only')
    debian = archive.Archive()
    directory = debian.attempt(lambda: _newest_base(debian, images))
    _point(latest, directory.name)
    return directory


def _newest_base(
    debian: archive.Archive, images: pathlib.Path
) -> pathlib.Path:
    packages = _packages(debian)
    directory = images / _digest(packages[0])
    if not (directory / 'initrd.img').exists():
        with cache.made(directory) as made:
            _build_base(debian, packages, made)
    return directory


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


def _packages(debian: archive.Archive) -> list[str]:
    """Name the packages to unpack: the concrete kernel is the first."""
    kernel = debian.needs(_KERNEL)[0]
    graph = debian.graph(_AGENT)
    found = [f'{kernel}={debian.version(kernel)}', 'busybox-static', _AGENT]
    waiting = [_AGENT]
    while waiting:
        for need in graph.get(waiting.pop(), []):
            if need.startswith('lib') and need not in found:
                found.append(need)
                waiting.append(need)
    return found


def _build_base(
    debian: archive.Archive, packages: Sequence[str], made: pathlib.Path
) -> None:
    unpacked = made.with_name('unpacked')
    debian.unpack(packages, unpacked)
    (kernel,) = (unpacked / 'boot').glob('vmlinuz-*')
    shutil.copy(kernel, made / 'vmlinuz')
    root = made.with_name('root')
    initramfs.build(unpacked, root, made / 'initrd.img')
    debian.unpack(headers.packages(packages[0], debian), made / 'headers')
    headers.relocate(made / 'headers')


def add_module(module: pathlib.Path, made: pathlib.Path) -> None:
    """Write the initramfs of an image with a module added to it.

    :param made: the image's folder, beside which there may be scratch files.
    :raises LabError: a tool or a package is missing.
    """
    root = made.with_name('root')
    (root / 'modules').mkdir(parents=True)
    shutil.copy(module, root / 'modules')
    added = made.with_name('added.img')
    initramfs.pack(root, added)
    # The kernel unpacks one archive after the other.
    with (made / 'initrd.img').open('wb') as initrd:
        for part in (_ensure_base() / 'initrd.img', added):
            initrd.write(part.read_bytes())


def _add_driver(base: pathlib.Path, made: pathlib.Path) -> None:
    module = driver.build(
        headers.find(base / 'headers'), made.with_name('driver')
    )
    os.link(base / 'vmlinuz', made / 'vmlinuz')
    add_module(module, made)
