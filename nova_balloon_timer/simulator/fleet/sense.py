# SPDX-License-Identifier: Apache-2.0
"""How the simulated host notices that it runs short: by the real judge."""

from nova_balloon_timer import situation
from nova_balloon_timer.pressure import watermark

_SOURCE = 'meminfo'


class FleetSense:
    """Reads available memory, as the source ``meminfo`` would.

    :param settle_seconds: how long it must be better to count as better
    """

    def __init__(
        self,
        total_kib: int,
        watermarks: situation.WatermarkRule,
        settle_seconds: float,
    ) -> None:
        self._total_kib = total_kib
        self.marks = watermarks.of(total_kib)
        self._judge = watermark.WatermarkJudge(settle_seconds)

    def read(
        self, now: float, available_kib: float
    ) -> situation.PressureReading:
        """Look, and say how it stands."""
        memory = situation.HostMemory(
            at=now,
            total_kib=self._total_kib,
            available_kib=max(0, int(available_kib)),
        )
        verdict = self._judge.judge(memory, self.marks)
        return situation.PressureReading(
            source=_SOURCE,
            at=now,
            is_pressing=verdict.is_pressing,
            words=verdict.words,
            memory=memory,
            fall_kib_per_second=verdict.fall_kib_per_second,
        )
