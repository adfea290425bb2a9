# SPDX-License-Identifier: Apache-2.0
"""How the host stands, by all that its sources of pressure say."""

from nova_balloon_timer import situation
from nova_balloon_timer.controller import settings as controller_settings

# A source that was silent for longer does not count: it is broken.
_STALE_SECONDS = 60.0

# Into so many portions the memory between the watermarks is thought divided.
_PORTIONS = 16


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
        # NOTE: a reading of theirs need not have a share, as the first.
        self._stall_sources: set[str] = set()
        self._now = 0.0
        self.memory: situation.HostMemory | None = None
        self.watermarks: situation.Watermarks | None = None
        self.calm_since: float | None = None

    def observe(self, reading: situation.PressureReading, now: float) -> None:
        """Take a reading in."""
        self._now = now
        self._readings[reading.source] = reading
        if reading.stalled_share is not None:
            self._stall_sources.add(reading.source)
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
        if self.memory is not None:
            # NOTE: first, as they may not fit this host.
            self.watermarks = settings.watermarks.of(self.memory.total_kib)
        self._settings = settings

    @property
    def readings(self) -> tuple[situation.PressureReading, ...]:
        """Return what each source said last, also those that fell silent."""
        return tuple(self._readings.values())

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
        """Return how quickly available memory shrinks; 0 if it does not.

        The latest that was told; what a source saw before is past.
        """
        return max(0.0, self.told_fall_kib_per_second or 0.0)

    @property
    def told_fall_kib_per_second(self) -> float | None:
        """Return how quickly it shrinks; negative where it grows.

        None if no source tells.
        """
        told = [
            (reading.at, reading.fall_kib_per_second)
            for reading in self._recent()
            if reading.fall_kib_per_second is not None
        ]
        return max(told)[1] if told else None

    @property
    def stalled_share(self) -> float | None:
        """Return in which share of the time some task waited for memory.

        None if no source tells.
        """
        told = [
            (reading.at, reading.stalled_share)
            for reading in self._recent()
            if reading.stalled_share is not None
        ]
        return max(told)[1] if told else None

    @property
    def exhaustion_seconds(self) -> float | None:
        """Return when available memory is used up; None: it does not fall.

        Where it is low and tasks wait for it already, that is now: with swap
        it never reaches zero, and does not even fall any more.
        """
        if self.lacking_kib_in(0.0) > 0 and self._stalls():
            return 0.0
        rate = self.fall_kib_per_second
        if self.memory is None or rate <= 0:
            return None
        return self.memory.available_kib / rate

    def lacking_kib_in(self, seconds: float, owed_kib: int = 0) -> int:
        """Return what will be missing to the low watermark by then.

        :param owed_kib: what guests miss, and shall be given
        """
        if self.memory is None or self.watermarks is None:
            return 0
        fall_kib = min(
            self.memory.available_kib, self.fall_kib_per_second * seconds
        )
        left_kib = self.memory.available_kib - int(fall_kib)
        return max(0, self.watermarks.low_kib + owed_kib - left_kib)

    @property
    def spare_kib(self) -> int:
        """Return what is available above the high watermark."""
        if self.memory is None or self.watermarks is None:
            return 0
        return max(0, self.memory.available_kib - self.watermarks.high_kib)

    @property
    def above_low_kib(self) -> int:
        """Return what is available above the low watermark."""
        if self.memory is None or self.watermarks is None:
            return 0
        return max(0, self.memory.available_kib - self.watermarks.low_kib)

    @property
    def portion_kib(self) -> int:
        """Return what is worth asking for: so much lies well below high."""
        if self.watermarks is None:
            return 0
        band_kib = self.watermarks.high_kib - self.watermarks.low_kib
        return band_kib // _PORTIONS

    @property
    def stall_step_kib(self) -> int:
        """Return what waiting tasks justify beyond the low watermark."""
        if self.memory is None or not self._stalls():
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
            and not (
                reading.source in self._stall_sources and self._has_plenty()
            )
        ]

    def _stalls(self) -> bool:
        return any(
            reading.source in self._stall_sources
            for reading in self._pressing()
        )

    def _has_plenty(self) -> bool:
        if self.memory is None or self.watermarks is None:
            return False
        return self.memory.available_kib >= self.watermarks.high_kib

    def _is_calm(self) -> bool:
        return not self.is_short and self._has_plenty()
