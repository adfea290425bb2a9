# SPDX-License-Identifier: Apache-2.0
"""How the host stands, by all that its sources of pressure say."""

from nova_balloon_timer import situation
from nova_balloon_timer.controller import settings as controller_settings

# A source that was silent for longer does not count: it is broken.
_STALE_SECONDS = 60.0


class HostState:
    """The readings' sum: is memory short, and how much is there.

    The host is short when any source says so. A source that sees tasks wait
    while plenty is available looks at something else, as a cgroup at its own
    limit, and taking memory from guests would not help it.
    """

    def __init__(
        self, settings: controller_settings.ControllerSettings
    ) -> None:
        self._settings = settings
        self._readings: dict[str, situation.PressureReading] = {}
        self._now = 0.0
        self.memory: situation.HostMemory | None = None
        self.watermarks: situation.Watermarks | None = None
        self.calm_since: float | None = None

    def observe(self, reading: situation.PressureReading, now: float) -> None:
        """Take a reading in."""
        self._now = now
        self._readings[reading.source] = reading
        memory = reading.memory
        if memory is not None and (
            self.memory is None or memory.at >= self.memory.at
        ):
            if (
                self.memory is None
                or memory.total_kib != self.memory.total_kib
            ):
                self.watermarks = self._settings.watermarks.of(
                    memory.total_kib
                )
            self.memory = memory
        if not self._is_calm():
            self.calm_since = None
        elif self.calm_since is None:
            self.calm_since = now

    def reload(self, settings: controller_settings.ControllerSettings) -> None:
        """Take other settings from now on."""
        self._settings = settings
        if self.memory is not None:
            self.watermarks = settings.watermarks.of(self.memory.total_kib)

    @property
    def is_short(self) -> bool:
        """Tell whether the host is short of memory."""
        return bool(self._pressing())

    @property
    def words(self) -> str:
        """Say why it is short, or how it stands."""
        readings = self._pressing() or self._recent()
        return '; '.join(reading.words for reading in readings)

    @property
    def fall_kib_per_second(self) -> float:
        """Return how quickly available memory shrinks; 0 if it does not."""
        return max(
            (reading.fall_kib_per_second or 0.0 for reading in self._recent()),
            default=0.0,
        )

    @property
    def exhaustion_seconds(self) -> float | None:
        """Return when available memory is used up; None: it does not fall."""
        rate = self.fall_kib_per_second
        if self.memory is None or rate <= 0:
            return None
        return self.memory.available_kib / rate

    def lacking_kib_in(self, seconds: float) -> int:
        """Return what will be missing to the low watermark by then."""
        if self.memory is None or self.watermarks is None:
            return 0
        fall_kib = min(
            self.memory.available_kib, self.fall_kib_per_second * seconds
        )
        left_kib = self.memory.available_kib - int(fall_kib)
        return max(0, self.watermarks.low_kib - left_kib)

    @property
    def spare_kib(self) -> int:
        """Return what is available above the high watermark."""
        if self.memory is None or self.watermarks is None:
            return 0
        return max(0, self.memory.available_kib - self.watermarks.high_kib)

    @property
    def stall_step_kib(self) -> int:
        """Return what waiting tasks justify beyond the low watermark."""
        stalls = any(
            reading.stalled_share is not None for reading in self._pressing()
        )
        if not stalls or self.memory is None:
            return 0
        share = self._settings.stall_step_percent / 100
        return int(self.memory.total_kib * share)

    def _recent(self) -> list[situation.PressureReading]:
        return [
            reading
            for reading in self._readings.values()
            if self._now - reading.at <= _STALE_SECONDS
        ]

    def _pressing(self) -> list[situation.PressureReading]:
        return [
            reading
            for reading in self._recent()
            if reading.is_pressing
            and not (reading.stalled_share is not None and self._has_plenty())
        ]

    def _has_plenty(self) -> bool:
        if self.memory is None or self.watermarks is None:
            return False
        return self.memory.available_kib >= self.watermarks.high_kib

    def _is_calm(self) -> bool:
        return not self.is_short and self._has_plenty()
