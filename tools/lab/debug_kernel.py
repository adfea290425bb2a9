# SPDX-License-Identifier: Apache-2.0
"""Build a kernel that looks for mistakes of the driver while it runs.

No Debian kernel has KASAN, lockdep, kmemleak or debug objects. This one is
built of Debian's source, so small that it takes minutes.
"""

import hashlib
import os
import pathlib
import shutil

from tools.lab import archive
from tools.lab import cache
from tools.lab import command
from tools.lab import driver
from tools.lab import image as lab_image

_SOURCE = 'linux-source'
_CONFIGURATION = pathlib.Path(__file__).resolve().with_suffix('.config')
_KERNEL = pathlib.Path('arch', 'x86', 'boot', 'bzImage')


def ensure() -> lab_image.Image:
    """Give an image like that of the lab, with this kernel.

    :raises LabError: it cannot be built.
    """
    tree = _ensure_tree()
    directory = tree.with_name(f'{tree.name}-{_digest(driver.digest())}')
    if not (directory / 'initrd.img').exists():
        with cache.made(directory) as made:
            module = driver.build(tree, made.with_name('driver'))
            shutil.copy(tree / _KERNEL, made / 'vmlinuz')
            lab_image.add_module(module, made)
    return lab_image.Image(directory=directory)


def _digest(*extra: str) -> str:
    inputs = hashlib.sha256(_CONFIGURATION.read_bytes())
    for text in extra:
        inputs.update(text.encode())
    return inputs.hexdigest()[:16]


def _ensure_tree() -> pathlib.Path:
    """Give the kernel's tree, built."""
    tree = cache.folder('debug-kernel') / _digest()
    if not tree.exists():
        debian = archive.Archive()
        debian.attempt(lambda: _build(debian, tree))
    return tree


def _build(debian: archive.Archive, tree: pathlib.Path) -> None:
    with cache.made(tree) as made:
        unpacked = made.with_name('unpacked')
        debian.unpack([debian.needs(_SOURCE)[0]], unpacked)
        (source,) = (unpacked / 'usr' / 'src').glob('*.tar.xz')
        command.run('tar', '--strip-components=1', '-C', made, '-xf', source)
        shutil.rmtree(unpacked)
        jobs = f'-j{os.cpu_count()}'
        make = ('nice', 'make', '-s', jobs, '-C', made)
        command.run(
            *make, f'KCONFIG_ALLCONFIG={_CONFIGURATION}', 'allnoconfig'
        )
        command.run(*make, 'bzImage', 'modules')
