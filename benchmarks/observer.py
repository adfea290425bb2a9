# SPDX-License-Identifier: Apache-2.0
"""Watches balloons through QEMU's own monitor, past libvirt and past us."""

import itertools
import threading
import time

from tools.lab import guest as lab_guest
from tools.lab import qmp

_FINE_SECONDS = 0.002
_COARSE_SECONDS = 0.02
_BEFORE_SECONDS = 0.05
_FINE_AFTER_SECONDS = 0.15

Track = list[tuple[float, int]]


class Observer:
    """Looks at one guest's balloon, closely around an instant.

    Each look is stamped with the middle between question and answer.
    """

    def __init__(self, guest: lab_guest.Guest) -> None:
        path = guest.spec.qmp_socket
        if path is None:
            raise ValueError(f'{guest.spec.name} has no second monitor')
        self._monitor = qmp.Monitor(path)
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self.track: Track = []

    def look(self) -> int:
        """Look once, and return the guest's memory in KiB."""
        before = time.monotonic()
        actual_kib = self._monitor.balloon_actual_kib()
        self.track.append(((before + time.monotonic()) / 2, actual_kib))
        return actual_kib

    def watch(self, around_at: float) -> None:
        """Look from shortly before an instant until :meth:`stop`."""
        self.track = []
        self._stopped.clear()
        self._thread = threading.Thread(
            target=self._watch, args=(around_at,), daemon=True
        )
        self._thread.start()

    def stop(self) -> Track:
        """Return what was seen since :meth:`watch`."""
        self._stopped.set()
        if self._thread is not None:
            self._thread.join()
        return self.track

    def reached_at(self, target_kib: int, timeout_seconds: float) -> float:
        """Watch closely until the balloon is at its target.

        :raises TimeoutError: it did not get there
        """
        until = time.monotonic() + timeout_seconds
        while time.monotonic() < until:
            if abs(self.look() - target_kib) <= 1024:
                return self.track[-1][0]
            time.sleep(_FINE_SECONDS)
        raise TimeoutError(f'{target_kib} KiB not reached')

    def wait_still(self, still_seconds: float = 0.5) -> int:
        """Watch until nothing has moved for so long; return the memory."""
        last_kib = self.look()
        still_since = time.monotonic()
        while time.monotonic() - still_since < still_seconds:
            time.sleep(_COARSE_SECONDS)
            actual_kib = self.look()
            if actual_kib != last_kib:
                last_kib = actual_kib
                still_since = time.monotonic()
        return last_kib

    def _watch(self, around_at: float) -> None:
        self._stopped.wait(around_at - _BEFORE_SECONDS - time.monotonic())
        while not self._stopped.is_set():
            self.look()
            is_fine = time.monotonic() < around_at + _FINE_AFTER_SECONDS
            self._stopped.wait(_FINE_SECONDS if is_fine else _COARSE_SECONDS)


def late_seconds(track: Track, deadline_at: float) -> float:
    """Return how long after the deadline the balloon was last seen to move.

    A movement is dated by the look that showed it, so this errs upwards, by
    one look.
    """
    moved_at = deadline_at
    for (_, before_kib), (at, actual_kib) in itertools.pairwise(track):
        if actual_kib != before_kib and at > deadline_at:
            moved_at = at
    return moved_at - deadline_at


def moved_after_kib(track: Track, deadline_at: float) -> tuple[int, int]:
    """Return what the balloon did after the deadline.

    :returns: how far it stands in the end from where it was at the deadline,
        and how far away it was at the most in between
    """
    at_deadline_kib = _at(track, deadline_at)
    after = [kib for at, kib in track if at > deadline_at]
    if not after:
        return 0, 0
    away_kib = [abs(round(kib - at_deadline_kib)) for kib in after]
    return away_kib[-1], max(away_kib)


def _at(track: Track, at: float) -> float:
    for (before_at, before_kib), (after_at, after_kib) in itertools.pairwise(
        track
    ):
        if before_at <= at <= after_at:
            share = (at - before_at) / (after_at - before_at)
            return before_kib + share * (after_kib - before_kib)
    return track[-1][1]
