# SPDX-License-Identifier: Apache-2.0
"""Write the libvirt domains of the lab's guests."""

import dataclasses
import enum
import pathlib
from xml.etree import ElementTree as etree

from tools.lab import image as lab_image

_QEMU_NAMESPACE = 'http://libvirt.org/schemas/domain/qemu/1.0'
_KIB_PER_MIB = 1024
_KERNEL_ARGUMENTS = (
    'console=ttyS0',
    'quiet',
    'nokaslr',
    'mitigations=off',
    'tsc=reliable',
    'no_timer_check',
)


class Driver(enum.Enum):
    """Name the balloon drivers that a guest can load."""

    STOCK = 'stock'
    TIMED = 'timed'
    NONE = 'off'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GuestSpec:
    """Say what kind of guest is wanted.

    :ivar memory_mib: the most it may have.
    :ivar current_mib: what its balloon leaves it from the start on.
    :ivar touch_mib: what it writes to once, and frees, before it is ready;
        from then on the host's memory holds it.
    :ivar cache_mib: its clean page cache, which it can do without; unlike
        what it frees, free page reporting does not tell the host of it.
    :ivar hog_mib: the working set of a program that keeps on writing to it.
    :ivar hog_after_seconds: when that program starts.
    :ivar hog_grow_mib_per_second: how its working set grows.
    :ivar hog_max_mib: up to which size; 0 is no limit.
    :ivar hog_pause_milliseconds: its rest between two passes.
    :ivar zram_mib: swap space in compressed memory.
    :ivar disk_swap_mib: swap space on a disk, in a file beside the console.
    :ivar driver: the balloon driver that the guest loads.
    :ivar balloon: whether it has a balloon device at all.
    :ivar stats_period_seconds: how often it reports statistics; 0 is never.
    :ivar qmp_socket: where to open a second monitor, beside libvirt's.
    """

    name: str
    memory_mib: int = 512
    current_mib: int | None = None
    touch_mib: int = 0
    cache_mib: int = 0
    hog_mib: int = 0
    hog_after_seconds: int = 0
    hog_grow_mib_per_second: int = 0
    hog_max_mib: int = 0
    hog_pause_milliseconds: int = 100
    zram_mib: int = 0
    disk_swap_mib: int = 0
    driver: Driver = Driver.STOCK
    agent: bool = False
    balloon: bool = True
    autodeflate: bool = False
    free_page_reporting: bool = False
    stats_period_seconds: int = 0
    locked: bool = False
    hugepages: bool = False
    qmp_socket: pathlib.Path | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HogReport:
    """Hold what a hog said about its passes since it spoke before.

    :ivar at_seconds: when, on the guest's monotonic clock.
    :ivar size_mib: its working set.
    """

    at_seconds: float
    size_mib: int
    passes: int
    mean_milliseconds: float
    max_milliseconds: float


def read_hog_report(line: str) -> HogReport:
    """Read one of the lines that hog.c prints."""
    words = dict(w.split('=') for w in line.split() if '=' in w)
    return HogReport(
        at_seconds=float(words['at_s']),
        size_mib=int(words['mib']),
        passes=int(words['passes']),
        mean_milliseconds=float(words['mean_ms']),
        max_milliseconds=float(words['max_ms']),
    )


def kernel_command_line(spec: GuestSpec) -> str:
    """Write the guest's orders in the words of its init.sh."""
    orders = {
        'driver': spec.driver.value,
        'zram': spec.zram_mib,
        'disk_swap': spec.disk_swap_mib,
        'touch': spec.touch_mib,
        'cache': spec.cache_mib,
        'hog': spec.hog_mib,
        'hog_after': spec.hog_after_seconds,
        'hog_grow': spec.hog_grow_mib_per_second,
        'hog_max': spec.hog_max_mib,
        'hog_pause_ms': spec.hog_pause_milliseconds,
    }
    words = [f'nbt.{key}={value}' for key, value in orders.items()]
    return ' '.join([*_KERNEL_ARGUMENTS, *words])


def domain_xml(
    spec: GuestSpec, image: lab_image.Image, console: pathlib.Path
) -> str:
    """Write the domain: no network, USB or screen; emulated.

    :param console: the file that gets what the guest prints.
    """
    root = etree.Element('domain', type='qemu')
    _text(root, 'name', spec.name)
    maximum_kib = spec.memory_mib * _KIB_PER_MIB
    current_kib = (spec.current_mib or spec.memory_mib) * _KIB_PER_MIB
    _text(root, 'memory', str(maximum_kib), unit='KiB')
    _text(root, 'currentMemory', str(current_kib), unit='KiB')
    _add_backing(root, spec)
    _text(root, 'vcpu', '1')
    system = etree.SubElement(root, 'os')
    _text(system, 'type', 'hvm', arch='x86_64', machine='pc')
    _text(system, 'kernel', str(image.kernel))
    _text(system, 'initrd', str(image.initrd))
    _text(system, 'cmdline', kernel_command_line(spec))
    features = etree.SubElement(root, 'features')
    etree.SubElement(features, 'acpi')
    _add_devices(root, spec, console)
    if spec.qmp_socket is not None:
        _add_monitor(root, spec.qmp_socket)
    return etree.tostring(root, encoding='unicode')


def swap_path(spec: GuestSpec, directory: pathlib.Path) -> pathlib.Path:
    """Say which file is a guest's disk for swapping.

    :param directory: where the console's log is.
    """
    return directory / f'{spec.name}.swap'


def _text(
    parent: etree.Element, tag: str, text: str, **attributes: str
) -> None:
    etree.SubElement(parent, tag, attributes).text = text


def _on(value: bool) -> str:
    return 'on' if value else 'off'


def _add_backing(root: etree.Element, spec: GuestSpec) -> None:
    if spec.locked or spec.hugepages:
        backing = etree.SubElement(root, 'memoryBacking')
        if spec.hugepages:
            etree.SubElement(backing, 'hugepages')
        if spec.locked:
            etree.SubElement(backing, 'locked')


def _add_devices(
    root: etree.Element, spec: GuestSpec, console: pathlib.Path
) -> None:
    devices = etree.SubElement(root, 'devices')
    etree.SubElement(devices, 'controller', type='usb', model='none')
    serial = etree.SubElement(devices, 'serial', type='file')
    etree.SubElement(serial, 'source', path=str(console), append='on')
    etree.SubElement(serial, 'target', port='0')
    if spec.agent:
        channel = etree.SubElement(devices, 'channel', type='unix')
        etree.SubElement(
            channel, 'target', type='virtio', name='org.qemu.guest_agent.0'
        )
    if spec.disk_swap_mib:
        _add_disk(devices, swap_path(spec, console.parent))
    if not spec.balloon:
        etree.SubElement(devices, 'memballoon', model='none')
        return
    balloon = etree.SubElement(
        devices,
        'memballoon',
        model='virtio',
        autodeflate=_on(spec.autodeflate),
        freePageReporting=_on(spec.free_page_reporting),
    )
    if spec.stats_period_seconds:
        period = str(spec.stats_period_seconds)
        etree.SubElement(balloon, 'stats', period=period)


def _add_disk(devices: etree.Element, path: pathlib.Path) -> None:
    """Add a disk that the host does not cache, to be as slow as one is."""
    disk = etree.SubElement(devices, 'disk', type='file', device='disk')
    etree.SubElement(disk, 'driver', name='qemu', type='raw', cache='none')
    etree.SubElement(disk, 'source', file=str(path))
    etree.SubElement(disk, 'target', dev='vda', bus='virtio')


def _add_monitor(root: etree.Element, path: pathlib.Path) -> None:
    etree.register_namespace('qemu', _QEMU_NAMESPACE)
    line = etree.SubElement(root, f'{{{_QEMU_NAMESPACE}}}commandline')
    for value in ('-qmp', f'unix:{path},server=on,wait=off'):
        etree.SubElement(line, f'{{{_QEMU_NAMESPACE}}}arg', value=value)
