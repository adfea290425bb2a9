# SPDX-License-Identifier: Apache-2.0
"""Look at processes that need not be children of ours, and wait for them."""

from collections.abc import Callable
import pathlib
import time

_POLL_SECONDS = 0.01


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and not a zombie."""
    try:
        stat = pathlib.Path(f'/proc/{pid}/stat').read_text()
    except OSError:
        return False
    return stat.rpartition(')')[2].split()[0] != 'Z'


def wait_until(condition: Callable[[], bool], timeout_seconds: float) -> bool:
    """Wait for a condition, and tell whether it came."""
    end_at = time.monotonic() + timeout_seconds
    while not condition():
        if time.monotonic() > end_at:
            return False
        time.sleep(_POLL_SECONDS)
    return True
