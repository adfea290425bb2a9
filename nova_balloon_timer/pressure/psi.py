# SPDX-License-Identifier: Apache-2.0
"""Looks at for how long tasks wait for memory: pressure stall information."""

from collections.abc import Callable
import pathlib
import time

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import kernel_file
from nova_balloon_timer.pressure import stall
from nova_balloon_timer.pressure import trigger as kernel_trigger
from nova_balloon_timer.pressure import verdict
from nova_balloon_timer.pressure import waiting
from nova_balloon_timer.pressure import watcher

LOG = logging.getLogger(__name__)

# NOTE: the trigger alone is not enough: a kernel evaluates those of the
# unprivileged every 2 s, and not at all while anybody reads the file at that
# moment. A look costs 0.1 ms.
_REST_SECONDS = 0.1

# Not sooner than this is a trigger set again, should the kernel drop each.
_REARM_SECONDS = 1.0


class PsiSource(watcher.Watcher):
    """Memory is short when tasks wait for it for too long."""

    name = 'psi'

    def __init__(
        self,
        settings: base.PressureSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, clock)
        self._order = stall.order_of(settings)
        self._judge = stall.StallJudge(settings, _REST_SECONDS)
        self._trigger: kernel_trigger.KernelTrigger | None = None
        self._arm_at: float | None = 0.0
        self._fired = False
        self._is_memory_unknown = False

    def _look(self, now: float) -> verdict.Verdict:
        path = self._path()
        total = kernel_file.read_stalled_microseconds(path)
        if self._arm_at is not None and now >= self._arm_at:
            self._arm(path)
        fired, self._fired = self._fired, False
        return self._judge.judge(now, total, fired)

    def _memory(self, now: float) -> situation.HostMemory | None:
        memory, why = None, ''
        try:
            memory = self._scope.read(now)
        except exception.PressureUnavailable as error:
            why = error.why
        if memory is None and not self._is_memory_unknown:
            LOG.warning('psi does not tell the memory: %s', why)
        self._is_memory_unknown = memory is None
        return memory

    def _forget(self) -> None:
        self._judge.forget()

    def _wait(self, waiter: waiting.Waiter, seconds: float) -> None:
        woken = waiter.wait(seconds, self._trigger)
        self._fired = woken is waiting.Woken.FIRED
        if woken is waiting.Woken.GONE:
            self._disarm()
            self._arm_at = self._clock() + _REARM_SECONDS

    def _release(self) -> None:
        self._disarm()

    def _path(self) -> pathlib.Path:
        path = self._scope.pressure_path
        if path is None:
            raise exception.PressureUnavailable(
                why=f'{self._scope.words}: there is no cgroup2 file system to '
                'tell its stalls'
            )
        return path

    def _arm(self, path: pathlib.Path) -> None:
        self._trigger = kernel_trigger.arm(path, self._order)
        self._arm_at = None

    def _disarm(self) -> None:
        if self._trigger is not None:
            self._trigger.close()
            self._trigger = None
