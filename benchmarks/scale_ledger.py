# SPDX-License-Identifier: Apache-2.0
"""Figures that the process under test shares with the one that measures.

They lie in a file that both have mapped, so that neither waits for the other.
"""

import enum
import mmap
import pathlib
import threading


class Entry(enum.IntEnum):
    """What is kept; each is a 64-bit number."""

    TAKEN_KIB = 0  # by all balloons together
    LOOKS = 1
    ORDERS = 2
    LISTINGS = 3
    LISTING_US = 4  # CPU time of all listings
    FIRST_ORDER_US = 5  # the first since this was set to zero
    PRESSING_US = 6  # the first pressing reading since then


class Ledger:
    """Numbers that are written by one process and read by another."""

    def __init__(self, path: pathlib.Path) -> None:
        size = 8 * len(Entry)
        if not path.exists():
            path.write_bytes(bytes(size))
        with path.open('r+b') as file:
            self._map = mmap.mmap(file.fileno(), size)
        self._numbers = memoryview(self._map).cast('q')
        self._lock = threading.Lock()

    def __getitem__(self, entry: Entry) -> int:
        return self._numbers[entry]

    def __setitem__(self, entry: Entry, value: int) -> None:
        self._numbers[entry] = value

    def add(self, entry: Entry, value: int) -> None:
        """Add to a number; from any thread."""
        with self._lock:
            self._numbers[entry] += value

    def stamp(self, entry: Entry, at: float) -> None:
        """Keep an instant, unless one is kept already."""
        if not self._numbers[entry]:
            self._numbers[entry] = int(at * 1e6)
