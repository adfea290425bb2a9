# SPDX-License-Identifier: Apache-2.0
"""Look at processes that need not be children of ours, and wait for them."""

from collections.abc import Callable
import contextlib
import os
import pathlib
import time

_POLL_SECONDS = 0.01


# Of what is in a stat file after the name.
_STATE = 0
_SESSION = 3
_STARTED = 19


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and not a zombie."""
    return _fields(pid)[_STATE] not in ('', 'Z')


def started(pid: int) -> str:
    """Tell when a process was started, by the clock of the kernel.

    Together with its number it is the name of a process. One that is gone
    has none.
    """
    return _fields(pid)[_STARTED]


def session(leader: int) -> list[int]:
    """Give the processes of a session, whether it has its leader or not.

    As long as there is one, no other process gets the leader's number.
    """
    pids = (int(name) for name in os.listdir('/proc') if name.isdigit())
    return [
        it
        for it in pids
        if _fields(it)[_SESSION] == str(leader) and is_alive(it)
    ]


def _fields(pid: int) -> list[str]:
    """Read what the kernel says of a process: nothing if it is gone."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return [''] * (_STARTED + 1)
    return stat.rpartition(')')[2].split()


def rss_kib(pid: int) -> int:
    """Read what a process has in memory; one that is gone has none."""
    with contextlib.suppress(OSError):
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
        for line in status.splitlines():
            if line.startswith('VmRSS:'):
                return int(line.split()[1])
    return 0


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Wait for a condition, and tell whether it came."""
    end_at = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end_at:
            return False
        time.sleep(_POLL_SECONDS)
    return True
