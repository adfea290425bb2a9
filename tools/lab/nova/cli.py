# SPDX-License-Identifier: Apache-2.0
"""Serve tools/nova-lab, which runs a Nova for people."""

import argparse
from collections.abc import Callable, Sequence
import os
import pathlib
import shutil
import sys
import time

import keystoneauth1.exceptions
import libvirt
import openstack.exceptions

from tools.lab import cli
from tools.lab import domain
from tools.lab import error
from tools.lab.nova import lab as nova_lab
from tools.lab.nova import status

_LEAST_MIB = 96
_LINES = '40'
_OFF = {'DEFAULT': {'compute_monitors': ''}}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors are one line each."""
    options = _parser().parse_args(arguments)
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        options.run(options)
    except (
        error.LabError,
        keystoneauth1.exceptions.ClientException,
        libvirt.libvirtError,
        openstack.exceptions.SDKException,
        OSError,
    ) as exc:
        print(f'nova-lab: {exc}', file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='tools/nova-lab',
        description='Run a Nova of our own, with the extension in it.',
    )
    commands = parser.add_subparsers(required=True, metavar='COMMAND')
    up = commands.add_parser('up', help='start what does not run')
    up.set_defaults(run=_up)
    up.add_argument(
        '--without-extension',
        action='store_true',
        help='leave it out of nova-compute, for a comparison',
    )
    up.add_argument(
        '--fresh', action='store_true', help='forget what was there before'
    )
    for name, run, text in (
        ('down', _down, 'end everything, the servers as well'),
        ('status', _status, 'show what runs, and how to talk to it'),
    ):
        commands.add_parser(name, help=text).set_defaults(run=run)
    _add_boot(commands.add_parser('boot', help='boot servers by the API'))
    delete = commands.add_parser('delete', help='delete servers by the API')
    delete.set_defaults(run=_delete)
    delete.add_argument('names', metavar='NAME', nargs='+')
    log = commands.add_parser('log', help='show what services have said last')
    log.set_defaults(run=_log)
    log.add_argument('service', metavar='SERVICE', nargs='?')
    log.add_argument('-f', '--follow', action='store_true', help='go on')
    return parser


def _add_boot(boot: argparse.ArgumentParser) -> None:
    boot.set_defaults(run=_boot)
    boot.add_argument('name', metavar='NAME')
    for flag, default, text in (
        ('memory', 512, 'what its flavor has'),
        ('touch', 0, 'what it uses once, and frees'),
        ('hog', 0, 'working set of a program that keeps writing to it'),
    ):
        boot.add_argument(
            f'--{flag}',
            metavar='MiB',
            type=cli.count,
            default=default,
            help=text,
        )
    cli.add_driver(boot)
    boot.add_argument(
        '--extra',
        metavar='KEY=VALUE',
        type=_pair,
        action='append',
        default=[],
        help='an extra spec of its flavor, as balloon:enabled=true',
    )
    boot.add_argument(
        '--count', metavar='N', type=cli.count, default=1, help='NAME-1 ... -N'
    )


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition('=')
    if not (key and found):
        raise argparse.ArgumentTypeError(f'{text} is not KEY=VALUE')
    return key, value


def state_directory() -> pathlib.Path:
    """Give the folder of the lab that people share."""
    return cli.state_directory().with_name('nova-lab')


def _open(options: argparse.Namespace) -> nova_lab.NovaLab:
    """Give the lab, whether it runs or not."""
    more = _OFF if getattr(options, 'without_extension', False) else None
    return nova_lab.NovaLab(state_directory(), more, tell=_tell)


def _tell(what: str, seconds: float) -> None:
    print(f'{seconds:6.1f} s  {what}', flush=True)


def _timed(do: Callable[[], None], what: str) -> None:
    begun_at = time.monotonic()
    do()
    _tell(what, time.monotonic() - begun_at)


def _up(options: argparse.Namespace) -> None:
    lab = _open(options)
    if options.fresh and lab.layout.root.exists():
        lab.down()
        shutil.rmtree(lab.layout.root)
        lab = _open(options)
    _timed(lab.up, 'all')


def _down(options: argparse.Namespace) -> None:
    _timed(_open(options).down, 'all')


def _running(options: argparse.Namespace) -> nova_lab.NovaLab:
    lab = _open(options)
    if lab.services.nova_api.pid is None:
        raise error.LabError('it does not run: tools/nova-lab up')
    return lab


def _status(options: argparse.Namespace) -> None:
    lab = _open(options)
    row = '{:18} {:>8} {:>6} {:>8}'
    print(row.format('service', 'pid', 'port', 'rss_mib'))
    for line in status.look(lab):
        cells = (line.name, line.pid, line.port, line.rss_mib)
        print(row.format(*('-' if it is None else it for it in cells)))
    files = ' '.join(
        f'--config-file {it}' for it in lab.configuration.compute_files
    )
    command = lab.layout.bin / 'nova-balloon-timer'
    print(f'\nvirsh -c {lab.libvirtd.uri!r}\n{command} {files}')


def _boot(options: argparse.Namespace) -> None:
    if options.memory < _LEAST_MIB:
        raise error.LabError(f'a server needs {_LEAST_MIB} MiB to boot')
    names = [options.name]
    if options.count != 1:
        names = [f'{options.name}-{n + 1}' for n in range(options.count)]
    lab = _running(options)
    for name in names:
        spec = domain.GuestSpec(
            name=name,
            memory_mib=options.memory,
            touch_mib=options.touch,
            hog_mib=options.hog,
            driver=cli.driver_of(options),
            agent=True,
        )
        server = lab.cloud.boot(spec, dict(options.extra))
        shown = server.show()
        print(f'{name} {server.id} {shown.status} {shown.instance_name}')


def _delete(options: argparse.Namespace) -> None:
    cloud = _running(options).cloud
    for name in options.names:
        cloud.delete(name)


def _log(options: argparse.Namespace) -> None:
    logs = {it.name: it.log for it in _open(options).services.all}
    if options.service not in (None, *logs):
        raise error.LabError(
            f'there is no service {options.service}: name one of '
            f'{", ".join(logs)}'
        )
    wanted = [
        str(path)
        for name, path in logs.items()
        if options.service in (None, name) and path.exists()
    ]
    if not wanted:
        raise error.LabError('nothing was said yet')
    follow = ['-F'] if options.follow else []
    os.execvp('tail', ['tail', '-n', _LINES, *follow, *wanted])  # noqa: S606


if __name__ == '__main__':
    sys.exit(main())
