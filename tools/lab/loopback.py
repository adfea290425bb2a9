# SPDX-License-Identifier: Apache-2.0
"""Find ports of this machine for servers that nobody else shall reach."""

import contextlib
import secrets
import socket

from tools.lab import error

HOST = '127.0.0.1'

# Below those that the kernel gives to clients: one that tries again and again
# while its server is away must not come to hold the server's port.
_PORTS = range(20000, 32768)


def free_ports(count: int) -> list[int]:
    """Find ports of loopback at which nobody listens."""
    found: list[int] = []
    with contextlib.ExitStack() as stack:
        for port in secrets.SystemRandom().sample(_PORTS, len(_PORTS)):
            server = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                server.bind((HOST, port))
                found.append(port)
            if len(found) == count:
                return found
    raise error.LabError('no port is free')


def listens(port: int) -> bool:
    """Tell whether somebody listens at a port of loopback."""
    with socket.socket() as client:
        return client.connect_ex((HOST, port)) == 0
