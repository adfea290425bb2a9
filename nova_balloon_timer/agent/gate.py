# SPDX-License-Identifier: Apache-2.0
"""Where readings wait until they count."""

import threading

from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base as pressure_base


class Gate:
    """Keeps readings until it is known whether they count."""

    def __init__(self, sink: pressure_base.Sink) -> None:
        self._sink = sink
        self._lock = threading.Lock()
        self._is_open = False
        # By source: the last says it all.
        self._kept: dict[str, situation.PressureReading] = {}

    def take(self, reading: situation.PressureReading) -> None:
        """Keep a reading, or hand it on."""
        with self._lock:
            if self._is_open:
                self._sink(reading)
            else:
                self._kept[reading.source] = reading

    def open(self) -> None:
        """Hand on what was kept, and whatever comes from now on."""
        with self._lock:
            self._is_open = True
            for reading in self._kept.values():
                self._sink(reading)
