# SPDX-License-Identifier: Apache-2.0
"""What a source of pressure is: who notices that the host runs short."""

import abc
from collections.abc import Callable
import dataclasses
import pathlib
from typing import ClassVar

from nova_balloon_timer import situation

Sink = Callable[[situation.PressureReading], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PressureSettings:
    """Where sources look, and from when on memory is short.

    :param cgroup: the memory cgroup that the guests live in, as a path below
        the cgroup file system; None: the whole host
    :param stall_percent: of the time waited for memory that counts as short
    :param calm_percent: of the time waited below which it does no longer
    :param window_seconds: over which stalls are counted; the kernel allows
        processes without CAP_SYS_RESOURCE only multiples of 2
    :param settle_seconds: how long it must be better to count as better
    """

    proc_root: pathlib.Path = pathlib.Path('/proc')
    sys_root: pathlib.Path = pathlib.Path('/sys')
    cgroup: str | None = None
    watermarks: situation.WatermarkRule = dataclasses.field(
        default_factory=situation.WatermarkRule
    )
    stall_percent: float = 5.0
    calm_percent: float = 1.0
    window_seconds: float = 2.0
    settle_seconds: float = 5.0


class PressureSource(abc.ABC):
    """Watches the host's memory from a thread of its own.

    It is started once and closed once; starting may fail, closing may not.

    :cvar name: under which it is installed, and which its readings bear
    """

    name: ClassVar[str] = ''

    def __init__(self, settings: PressureSettings) -> None:
        self._settings = settings

    @abc.abstractmethod
    def start(self, sink: Sink) -> None:
        """Send readings to ``sink`` from now on, from any thread.

        One at once, one whenever ``is_pressing`` changes, and while things
        are tense several a second.

        What the sink raises is logged, and the next reading comes anyway.

        :raises PressureUnavailable: this host cannot be watched in this way
        :raises InvalidConfiguration: the settings do not fit this host
        :raises InvalidSize: likewise
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Stop; return once no more readings come, within about a second."""
