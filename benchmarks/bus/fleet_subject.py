# SPDX-License-Identifier: Apache-2.0
"""Many agents' servers in one process, with nothing behind them.

They answer calls as real agents do, but know their hosts by heart.
"""

import argparse
import datetime
import json
import logging
import pathlib
import sys
from typing import cast

from benchmarks import configuration
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.rpc import endpoint
from nova_balloon_timer.rpc import server as rpc_server
from nova_balloon_timer.rpc import standing
from nova_balloon_timer.rpc import view

_TOTAL_KIB = 256 * units.KIB_PER_GIB


class Desk:
    """Knows one host, which is calm."""

    def __init__(self, host: str) -> None:
        self._identity = standing.Identity(
            host=host,
            version='0',
            started_utc=datetime.datetime.now(datetime.timezone.utc),
            connection_uri='memory:///',
            applier='memory',
            planner='default',
            pressure_sources=('meminfo',),
        )

    def show_host(self) -> view.Json:
        """Describe it."""
        return view.host(
            standing.HostStanding(
                is_short=False,
                words='',
                memory=situation.HostMemory(
                    at=0.0,
                    total_kib=_TOTAL_KIB,
                    available_kib=_TOTAL_KIB // 4,
                ),
                watermarks=situation.Watermarks(
                    low_kib=_TOTAL_KIB // 20, high_kib=_TOTAL_KIB // 10
                ),
                stalled_share=0.0,
                fall_kib_per_second=0.0,
                exhaustion_seconds=None,
                guests=40,
                policies=0,
                relief_kib=0,
            ),
            self._identity,
            standing.JournalStanding(path='/var/lib/journal.sqlite'),
            standing.NotificationStanding(),
        )


def name_of(number: int) -> str:
    """Return the name of a host."""
    return f'compute-{number:04d}'


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('config', type=pathlib.Path)
    parser.add_argument('first', type=int)
    parser.add_argument('count', type=int)
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.ERROR)
    numbers = range(arguments.first, arguments.first + arguments.count)
    servers = []
    for host in map(name_of, numbers):
        desk = cast('endpoint.Desk', Desk(host))
        servers.append(
            rpc_server.RPCServer(
                configuration.read(arguments.config), desk, host=host
            )
        )
    for server in servers:
        server.start()
    print(json.dumps({'ready': len(servers)}), flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main()
