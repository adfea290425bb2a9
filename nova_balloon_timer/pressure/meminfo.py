# SPDX-License-Identifier: Apache-2.0
"""Looks at available memory, the more often the sooner it may run short."""

from collections.abc import Callable
import time

from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import verdict
from nova_balloon_timer.pressure import watcher
from nova_balloon_timer.pressure import watermark


class MeminfoSource(watcher.Watcher):
    """Memory is short when what is available is below a watermark."""

    name = 'meminfo'

    def __init__(
        self,
        settings: base.PressureSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings, clock)
        self._judge = watermark.WatermarkJudge(settings.settle_seconds)
        self._seen: situation.HostMemory | None = None

    def _look(self, now: float) -> verdict.Verdict:
        self._seen = self._scope.read(now)
        marks = self._settings.watermarks.of(self._seen.total_kib)
        return self._judge.judge(self._seen, marks)

    def _memory(self, now: float) -> situation.HostMemory | None:
        return self._seen

    def _forget(self) -> None:
        self._judge.forget()
