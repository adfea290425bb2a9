# SPDX-License-Identifier: Apache-2.0
"""Make the guests' initramfs out of unpacked Debian packages."""

from collections.abc import Iterator
import lzma
import pathlib
import shutil

from tools.lab import command
from tools.lab import error

_HERE = pathlib.Path(__file__).resolve().parent
# The kernel is not asked what depends on what: this order loads.
_MODULES = (
    'virtio_ring',
    'virtio',
    'virtio_pci_legacy_dev',
    'virtio_pci_modern_dev',
    'virtio_pci',
    'virtio_balloon',
    'virtio_blk',
    'virtio_console',
    'zsmalloc',
    'lzo-rle',
    'zram',
)
_PROGRAMS = ('await', 'hog')
_DIRECTORIES = (
    'bin',
    'dev',
    'etc',
    'lib',
    'lib64',
    'modules',
    'proc',
    'root',
    'run',
    'sbin',
    'sys',
    'tmp',
    'usr/sbin',
    'var',
)


def build(
    unpacked: pathlib.Path, root: pathlib.Path, initrd: pathlib.Path
) -> None:
    """Lay out the root file system and pack it.

    :param root: where to lay it out.
    """
    _populate(unpacked, root)
    pack(root, initrd)


def _populate(unpacked: pathlib.Path, root: pathlib.Path) -> None:
    for name in _DIRECTORIES:
        (root / name).mkdir(parents=True)
    shutil.copy(_HERE / 'init.sh', root / 'init')
    (root / 'init').chmod(0o755)
    busybox = root / 'bin' / 'busybox'
    shutil.copy(_find(unpacked, 'bin/busybox'), busybox)
    for applet in command.run(busybox, '--list').split():
        if applet != 'busybox':
            (root / 'bin' / applet).symlink_to('busybox')
    for module in _MODULES:
        _copy_module(module, unpacked, root)
    for name in _PROGRAMS:
        program = root / 'bin' / name
        source = _HERE / f'{name}.c'
        command.run('gcc', '-static', '-O2', '-s', '-o', program, source)
    agent = _find(unpacked, 'sbin/qemu-ga')
    shutil.copy(agent, root / 'usr' / 'sbin')
    for library in _libraries(unpacked, agent):
        shutil.copy(library, root / 'lib')
    (root / 'lib' / 'ld-linux-x86-64.so.2').rename(
        root / 'lib64' / 'ld-linux-x86-64.so.2'
    )


def _find(unpacked: pathlib.Path, name: str) -> pathlib.Path:
    """Find a plain file, wherever this Debian release keeps it."""
    for path in unpacked.rglob(name):
        if path.is_file() and not path.is_symlink():
            return path
    raise error.LabError(f'no {name} in the packages')


def _copy_module(
    name: str, unpacked: pathlib.Path, root: pathlib.Path
) -> None:
    found = _find(unpacked, f'{name}.ko*')
    data = found.read_bytes()
    if found.suffix == '.xz':
        data = lzma.decompress(data)
    (root / 'modules' / f'{name}.ko').write_bytes(data)


def _libraries(
    unpacked: pathlib.Path, program: pathlib.Path
) -> Iterator[pathlib.Path]:
    """Ask the unpacked dynamic linker which unpacked libraries it takes."""
    linker = _find(unpacked, 'ld-linux-x86-64.so.2')
    yield linker
    folders = (unpacked / 'lib', unpacked / 'usr' / 'lib')
    path = ':'.join(f'{folder}/x86_64-linux-gnu' for folder in folders)
    listed = command.run(linker, '--library-path', path, '--list', program)
    for line in listed.splitlines():
        if f'=> {unpacked}' in line:
            yield pathlib.Path(line.split()[2])


def pack(root: pathlib.Path, initrd: pathlib.Path) -> None:
    """Pack a root file system.

    Uncompressed: without KVM, unpacking costs more than reading.
    """
    command.run(
        'sh',
        '-c',
        'find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0 > "$1"',
        'sh',
        initrd,
        cwd=root,
    )
