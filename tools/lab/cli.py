# SPDX-License-Identifier: Apache-2.0
"""Serve tools/guest-image and tools/guests, the lab's commands for people."""

import argparse
from collections.abc import Sequence
import os
import pathlib
import shutil
import sys

import libvirt

from tools.lab import domain
from tools.lab import error
from tools.lab import guest
from tools.lab import image as lab_image
from tools.lab import libvirtd

# Where a system's QEMU, which is not root, can read the image.
_SHARED = pathlib.Path('/var/lib/libvirt/images/nova-balloon-timer-lab')
_LEAST_MIB = 96
_MARK = 'nbt.driver='
_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: 'running',
    libvirt.VIR_DOMAIN_PAUSED: 'paused',
    libvirt.VIR_DOMAIN_SHUTOFF: 'off',
    libvirt.VIR_DOMAIN_CRASHED: 'crashed',
}


def state_directory() -> pathlib.Path:
    """Give the folder of the private libvirtd that people share."""
    home = pathlib.Path.home()
    base = os.environ.get('XDG_STATE_HOME') or home / '.local' / 'state'
    return pathlib.Path(base) / 'nova-balloon-timer' / 'lab'


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors are one line each."""
    options = _parser().parse_args(arguments)
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        options.run(options)
    except (error.LabError, libvirt.libvirtError, OSError) as exc:
        print(f'{options.program}: {exc}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog='tools/lab')
    programs = parser.add_subparsers(required=True)
    image = programs.add_parser('image', prog='tools/guest-image')
    image.add_argument('--update', action='store_true', help='ask for newer')
    image.set_defaults(run=_image, program='guest-image')
    guests = programs.add_parser('guests', prog='tools/guests')
    guests.set_defaults(program='guests')
    guests.add_argument(
        '--connect', metavar='URI', help='use this libvirt, not a private one'
    )
    commands = guests.add_subparsers(required=True, metavar='COMMAND')
    _add_start(commands.add_parser('start', help='start guests, await boot'))
    stop = commands.add_parser('stop', help='destroy guests: all by default')
    stop.add_argument('names', metavar='NAME', nargs='*')
    stop.set_defaults(run=_stop)
    for name, run, text in (
        ('list', _list, 'show the guests'),
        ('uri', _uri, 'print the URI for virsh -c'),
        ('down', _down, 'stop the guests and the private libvirtd'),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    return parser


def _add_start(start: argparse.ArgumentParser) -> None:
    start.set_defaults(run=_start)
    start.add_argument('name', metavar='NAME')
    for flag, default, text in (
        ('memory', 512, 'the most it may have'),
        ('current', None, 'what the balloon leaves it (default: all)'),
        ('hog', 0, 'working set of a program that keeps writing to it'),
        ('zram', 0, 'swap in compressed memory'),
    ):
        start.add_argument(
            f'--{flag}', metavar='MiB', type=count, default=default, help=text
        )
    for flag, text in (
        ('autodeflate', 'give back rather than let the guest run out'),
        ('agent', 'run qemu-ga'),
        ('no-wait', 'do not wait for the boot'),
    ):
        start.add_argument(f'--{flag}', action='store_true', help=text)
    add_driver(start)
    start.add_argument(
        '--stats-period', metavar='N', type=count, default=0, help='seconds'
    )
    start.add_argument(
        '--count', metavar='N', type=count, default=1, help='NAME-1 ... -N'
    )


def add_driver(parser: argparse.ArgumentParser) -> None:
    """Let it be said which balloon driver a guest loads."""
    parser.add_argument(
        '--driver',
        choices=[it.name.lower() for it in domain.Driver],
        default='stock',
        help='the balloon driver that it loads; timed keeps the clock',
    )


def driver_of(options: argparse.Namespace) -> domain.Driver:
    """Give the driver that was chosen."""
    return domain.Driver[options.driver.upper()]


def count(text: str) -> int:
    """Read a number of things, for argparse."""
    value = int(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f'{text} is negative')
    return value


def _image(options: argparse.Namespace) -> None:
    print(lab_image.ensure(update=options.update).directory)


def _connect(options: argparse.Namespace) -> libvirt.virConnect:
    if options.connect:
        return libvirt.open(options.connect)
    lab = libvirtd.PrivateLibvirtd(state_directory())
    lab.start()
    return lab.open()


def _place(
    options: argparse.Namespace,
) -> tuple[pathlib.Path, lab_image.Image]:
    """Give where the consoles and the image are for this libvirt."""
    image = lab_image.ensure()
    if not options.connect:
        return state_directory() / 'console', image
    shared = lab_image.Image(directory=_SHARED / image.directory.name)
    if not shared.initrd.exists():
        shutil.copytree(image.directory, shared.directory, dirs_exist_ok=True)
    return _SHARED, shared


def _start(options: argparse.Namespace) -> None:
    names = [options.name]
    if options.count != 1:
        names = [f'{options.name}-{n + 1}' for n in range(options.count)]
    if options.memory < _LEAST_MIB:
        raise error.LabError(f'a guest needs {_LEAST_MIB} MiB to boot')
    specs = [
        domain.GuestSpec(
            name=name,
            memory_mib=options.memory,
            current_mib=options.current,
            hog_mib=options.hog,
            zram_mib=options.zram,
            driver=driver_of(options),
            agent=options.agent,
            autodeflate=options.autodeflate,
            stats_period_seconds=options.stats_period,
        )
        for name in names
    ]
    directory, image = _place(options)
    connection = _connect(options)
    for started in guest.start_all(connection, specs, directory, image):
        if not options.no_wait:
            started.wait_ready()
        print(f'{started.spec.name} {started.uuid} {started.console}')


def _ours(connection: libvirt.virConnect) -> dict[str, libvirt.virDomain]:
    return {
        handle.name(): handle
        for handle in connection.listAllDomains()
        if _MARK in handle.XMLDesc()
    }


def _stop(options: argparse.Namespace) -> None:
    guests = _ours(_connect(options))
    for name in options.names:
        if name not in guests:
            raise error.LabError(f'no guest of the lab is called {name}')
    for name in options.names or guests:
        guest.remove(guests[name])


def _list(options: argparse.Namespace) -> None:
    row = '{:20} {:8} {:>8} {:>10} {:>8}'
    print(row.format('name', 'state', 'max_mib', 'actual_mib', 'rss_mib'))
    for name, handle in sorted(_ours(_connect(options)).items()):
        state, maximum_kib, *_ = handle.info()
        stats = handle.memoryStats() if handle.isActive() else {}
        shown = (maximum_kib, stats.get('actual'), stats.get('rss'))
        cells = ('-' if kib is None else kib // 1024 for kib in shown)
        print(row.format(name, _STATES.get(state, '?'), *cells))


def _uri(options: argparse.Namespace) -> None:
    print(_connect(options).getURI())


def _down(options: argparse.Namespace) -> None:
    if options.connect:
        raise error.LabError('down is for the private libvirtd only')
    libvirtd.PrivateLibvirtd(state_directory()).stop()


if __name__ == '__main__':
    sys.exit(main())
