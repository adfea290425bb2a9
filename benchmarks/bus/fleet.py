# SPDX-License-Identifier: Apache-2.0
"""How long it takes to hear of all hosts, with many agents on one broker."""

from collections.abc import Iterator
import contextlib
import pathlib
import subprocess
import sys
import tempfile
import time
from typing import Any, cast, IO

from benchmarks import configuration
from benchmarks import figure
from benchmarks.bus import fleet_subject
from nova_balloon_timer import exception
from nova_balloon_timer.rpc import api as rpc_api
from tools.lab import rabbitmq

Row = dict[str, Any]

_ROOT = pathlib.Path(__file__).resolve().parents[2]
_PROGRAM = pathlib.Path(sys.executable).with_name('nova-balloon-timer')
_HOSTS_IN_A_PROCESS = 75
_PATIENCE_SECONDS = 120.0
GOAL_SECONDS = 3.0


def measure(options: Any) -> list[Row]:
    """List the hosts of fleets of several sizes."""
    rows = []
    for count in options.hosts:
        with tempfile.TemporaryDirectory(prefix='nbt-bus-') as folder:
            root = pathlib.Path(folder)
            with (
                rabbitmq.PrivateRabbitMQ(root / 'broker') as broker,
                _fleet(root, broker, count) as config,
            ):
                rows.append(_list(config, count, options.lists))
    return rows


@contextlib.contextmanager
def _fleet(
    root: pathlib.Path, broker: rabbitmq.PrivateRabbitMQ, count: int
) -> Iterator[pathlib.Path]:
    """Start agents; give a configuration to reach them by."""
    config = configuration.write(
        root / 'agent.conf',
        configuration.on_bus({'DEFAULT': {}}, broker.url),
    )
    with contextlib.ExitStack() as stack:
        for first in range(0, count, _HOSTS_IN_A_PROCESS):
            some = min(_HOSTS_IN_A_PROCESS, count - first)
            stack.callback(_end, _start(config, first, some))
        _wait_served(config, count)
        yield config


def _start(
    config: pathlib.Path, first: int, count: int
) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [
            *(sys.executable, '-m', 'benchmarks.bus.fleet_subject'),
            *(str(config), str(first), str(count)),
        ],
        cwd=_ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    cast('IO[bytes]', process.stdout).readline()
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def _wait_served(config: pathlib.Path, count: int) -> None:
    """Wait until each answers for itself."""
    with contextlib.closing(
        rpc_api.AgentAPI(configuration.read(config))
    ) as api:
        until = time.monotonic() + _PATIENCE_SECONDS
        for number in range(count):
            host = fleet_subject.name_of(number)
            while not _answers(api.on(host)):
                if time.monotonic() > until:
                    raise TimeoutError(f'{host} does not answer')


def _answers(host: rpc_api.HostAPI) -> bool:
    try:
        host.show_host()
    except exception.HostNotAnswering:
        return False
    return True


def _list(config: pathlib.Path, count: int, rounds: int) -> Row:
    seconds, answers = [], []
    with contextlib.closing(
        rpc_api.AgentAPI(configuration.read(config))
    ) as api:
        for _ in range(rounds):
            begin = time.monotonic()
            answers.append(len(api.list_hosts()))
            seconds.append(time.monotonic() - begin)
    command_seconds, shown = [], []
    for _ in range(rounds):
        begin = time.monotonic()
        shown.append(_count_shown(config))
        command_seconds.append(time.monotonic() - begin)
    return {
        'hosts': count,
        'fewest answers': min(answers),
        'list_hosts s: n/median/p95/max': figure.spread(seconds, 0.95),
        'fewest shown': min(shown),
        'command s: n/median/p95/max': figure.spread(command_seconds, 0.95),
    }


def _count_shown(config: pathlib.Path) -> int:
    """Run the command, and count the hosts of its table."""
    text = subprocess.check_output(
        [_PROGRAM, '--config-file', config, 'host', 'list', '-f', 'value'],
        text=True,
    )
    return sum(line.startswith('compute-') for line in text.splitlines())
