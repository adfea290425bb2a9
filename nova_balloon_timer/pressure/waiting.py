# SPDX-License-Identifier: Apache-2.0
"""Waits for a kernel's trigger, a time or the end, whichever is first."""

import enum
import os
import select
import threading

from nova_balloon_timer.pressure import trigger as kernel_trigger


class Woken(enum.Enum):
    """Why a wait is over."""

    TIME = 'time'
    FIRED = 'fired'
    GONE = 'gone'
    CLOSED = 'closed'


class Waiter:
    """Lets one thread wait; any other may end that for good."""

    def __init__(self) -> None:
        self._closed = threading.Event()
        self._wake_fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        # Between waits the descriptor may be closed, in a wait it may not.
        self._lock = threading.Lock()
        self._has_fd = True

    def is_closed(self) -> bool:
        """Tell whether all waiting is over."""
        return self._closed.is_set()

    def wait(
        self,
        seconds: float,
        trigger: kernel_trigger.KernelTrigger | None = None,
    ) -> Woken:
        """Wait; once closed, return at once."""
        if self.is_closed():
            return Woken.CLOSED
        poll = select.poll()
        poll.register(self._wake_fd, select.POLLIN)
        if trigger is not None:
            poll.register(trigger.fd, select.POLLPRI | select.POLLERR)
        events = dict(poll.poll(max(0, round(seconds * 1000))))
        if self.is_closed():
            return Woken.CLOSED
        if trigger is None or trigger.fd not in events:
            return Woken.TIME
        if events[trigger.fd] & (select.POLLERR | select.POLLNVAL):
            return Woken.GONE
        return Woken.FIRED

    def close(self) -> None:
        """End the wait that is under way, and all later ones."""
        self._closed.set()
        with self._lock:
            if self._has_fd:
                os.eventfd_write(self._wake_fd, 1)

    def release(self) -> None:
        """Give back the descriptor; only once nobody waits any more."""
        self._closed.set()
        with self._lock:
            if self._has_fd:
                self._has_fd = False
                os.close(self._wake_fd)
