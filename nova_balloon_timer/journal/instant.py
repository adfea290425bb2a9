# SPDX-License-Identifier: Apache-2.0
"""Instants on disk: UTC in whole microseconds, beside our monotonic clock.

A monotonic instant means something only until the host is booted again; the
kernel's boot id, which is written with it, tells.
"""

from collections.abc import Callable
import dataclasses
import datetime
import pathlib
import time

from nova_balloon_timer.report import saved_run

BOOT_ID_PATH = pathlib.Path('/proc/sys/kernel/random/boot_id')

_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
_MICROSECOND = datetime.timedelta(microseconds=1)


def to_us(utc: datetime.datetime) -> int:
    """Count the microseconds since the epoch."""
    return (utc - _EPOCH) // _MICROSECOND


def from_us(utc_us: int) -> datetime.datetime:
    """Turn microseconds since the epoch into UTC."""
    return _EPOCH + utc_us * _MICROSECOND


def read_boot_id(path: pathlib.Path = BOOT_ID_PATH) -> str:
    """Return what names this boot of the host; empty if nothing does."""
    try:
        return path.read_text(encoding='ascii').strip()
    except (OSError, ValueError):
        return ''


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostClock:
    """The host's two clocks, and which boot the monotonic one belongs to.

    :param boot_id: empty if unknown: then no instant outlives this process
    """

    boot_id: str = dataclasses.field(default_factory=read_boot_id)
    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time

    def pair(self) -> saved_run.WallClock:
        """Read both clocks at once."""
        return saved_run.WallClock(
            monotonic_at=self.monotonic(),
            utc=_EPOCH + datetime.timedelta(seconds=self.wall()),
        )

    def now_us(self) -> int:
        """Return the present in UTC."""
        return to_us(self.pair().utc)

    def utc_us(self, at: float) -> int:
        """Turn a monotonic instant of this boot into UTC.

        :raises ValueError: it is no number
        :raises OverflowError: it is farther away than a calendar goes
        """
        return to_us(self.utc_at(at))

    def utc_at(self, at: float) -> datetime.datetime:
        """Turn a monotonic instant of this boot into UTC.

        :raises ValueError: it is no number
        :raises OverflowError: it is farther away than a calendar goes
        """
        return self.pair().utc_at(at)

    def is_of_this_boot(self, boot_id: str, at: float | None) -> bool:
        """Tell whether a monotonic instant from the disk still means it."""
        if not boot_id or boot_id != self.boot_id:
            return False
        # NOTE: an instant to come is from a clock that began elsewhere, as
        # that of another time namespace.
        return at is None or at <= self.monotonic()
