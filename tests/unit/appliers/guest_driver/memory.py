# SPDX-License-Identifier: Apache-2.0
"""A guest's files in memory, with a driver behind them."""

from collections.abc import Iterator
import contextlib

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.guest_driver import driver as guest_driver
from nova_balloon_timer.appliers.guest_driver import files as guest_files
from tests.unit.engine import factory

# As the driver writes it after 2 s from 1024 to 700 MiB.
STATUS: dict[str, object] = {
    'abi': 1,
    'now_ms': 60_000,
    'state': 'ended',
    'id': factory.POLICY,
    'reason': 'deadline',
    'direction': 'inflate',
    'held_by': 'none',
    'start_kib': 0,
    'target_kib': factory.mib(512),
    'reached_kib': factory.mib(324),
    'duration_ms': 2000,
    'elapsed_us': 2_000_012,
    'last_move_us': 1_999_800,
    'pages_moved': 82944,
    'pages_after_deadline': 0,
    'allocation_failures': 0,
    'balloon_kib': factory.mib(324),
    'previous_id': '',
    'previous_reason': 'none',
    'previous_reached_kib': 0,
}


def status_text(**changes: object) -> str:
    """Return a status; what is None is left out."""
    words = {
        key: word
        for key, word in (STATUS | changes).items()
        if word is not None
    }
    return ''.join(f'{key}={word}\n' for key, word in words.items())


class MemoryFile:
    def __init__(self, files: 'MemoryFiles', path: str) -> None:
        self._files = files
        self._path = path

    def read(self) -> str:
        return self._files.contents[self._path]

    def write(self, text: str) -> None:
        self._files.written.append((self._path, text))
        error = self._files.write_error
        if error is not None:
            raise error
        if text.startswith('cancel') and self._files.cancelled is not None:
            self._files.contents[guest_driver.STATUS] = self._files.cancelled


class MemoryFiles:
    """A guest's files.

    :ivar cancelled: its status after a policy was cancelled
    """

    def __init__(self) -> None:
        self.contents = {
            guest_driver.POLICY: '',
            guest_driver.STATUS: status_text(),
        }
        self.written: list[tuple[str, str]] = []
        self.write_error: exception.ApplierError | None = None
        self.cancelled: str | None = None
        self.open_files = 0

    @contextlib.contextmanager
    def open(self, path: str, mode: guest_files.Mode) -> Iterator[MemoryFile]:
        if path not in self.contents:
            raise exception.NoGuestClock(
                guest=factory.GUEST, why='it has no timed balloon driver'
            )
        self.open_files += 1
        try:
            yield MemoryFile(self, path)
        finally:
            self.open_files -= 1
