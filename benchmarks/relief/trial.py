# SPDX-License-Identifier: Apache-2.0
"""One trial: a guest eats, the agent relieves the host, and gives back."""

from collections.abc import Callable
import dataclasses
import os
import pathlib
import signal
import time
from typing import cast

from benchmarks.relief import balloons as bench_balloons
from benchmarks.relief import group as bench_group
from benchmarks.relief import hostwatch
from tools.lab import guest as lab_guest

_POLL_SECONDS = 0.002
_SETTLE_SECONDS = 4.0
_LEAST_WATCH_SECONDS = 10.0
_MOST_WATCH_SECONDS = 45.0
_BARE_WATCH_SECONDS = 15.0
_WELL_SECONDS = 3.0
_LOW_KIB = bench_group.LOW_MIB * 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What happens in a trial.

    :ivar kind: ``plain``; ``stopped`` or ``paused``: so is the victim, as
        soon as it is asked for memory; ``bare``: there is no agent
    :ivar eat_mib_per_second: 0 is all at once
    :ivar stuck_seconds: for how long the victim is
    :ivar calm_seconds: for how long nobody may be asked for anything
        afterwards
    :ivar times: options of the agent
    """

    guests: int
    kind: str
    eat_mib: int
    eat_mib_per_second: int
    stuck_seconds: float
    calm_seconds: float
    times: dict[str, int]


class Trial:
    """Runs a setting; instants are of the wall clock, None: never."""

    def __init__(self, setting: Setting, folder: pathlib.Path) -> None:
        self.setting = setting
        self.agent_folder = folder
        self.begin_at = time.time()
        self.eat_at = self.stop_at = self.end_at = self.begin_at
        self.stuck_at: float | None = None
        self.full_at: float | None = None
        self.passes_before = 0
        self.stop_seconds: float | None = None

    def run(self) -> None:
        """Run it.

        :raises Exception: whatever the lab may run into
        """
        setting = self.setting
        with bench_group.Group(
            setting.guests, self.agent_folder, setting.times
        ) as self.group:
            self.group.limit()
            if setting.kind != 'bare':
                self.group.agent.start()
            time.sleep(_SETTLE_SECONDS)
            busy = self.group.guests[bench_group.BUSY]
            busy.wait(lambda: len(busy.hog_reports()) >= 10, 'passes', 60)
            with hostwatch.HostWatch(self.group.cell) as self.watch:
                self._eat()
                self._return()
            self.passes = busy.hog_reports()
            self.oom_lines = self.group.oom_lines
            self.cell_kills = self.group.cell.oom_kills
            self.swap_kib = self.group.cell.swap_kib
            self.stop_seconds = self.group.agent.stop()
            self.group.poll()
            self.balloons = self.group.balloons
            self.trouble = self.group.agent.trouble
            self.journal = self.group.agent.journal

    def _eat(self) -> None:
        setting = self.setting
        busy = self.group.guests[bench_group.BUSY]
        time.sleep(0.2)  # what the watch sees before it begins
        self.passes_before = len(busy.hog_reports())
        self.eat_at = time.time()
        self.group.guests[bench_group.EATER].eat(
            setting.eat_mib, setting.eat_mib_per_second
        )
        victim = Victim(self.group.guests[bench_group.VICTIM], setting.kind)
        try:
            self._watch_relief(victim)
        finally:
            victim.free()

    def _watch_relief(self, victim: 'Victim') -> None:
        balloon = self.group.balloons[bench_group.VICTIM]
        stuck_seconds = self.setting.stuck_seconds
        while not self._is_over(victim):
            balloon.poll()
            if victim.at is None and balloon.fell_since(self.eat_at):
                victim.hold()
                self.stuck_at = victim.at
            elif victim.is_held and victim.held_seconds > stuck_seconds:
                victim.free()
            time.sleep(_POLL_SECONDS)

    def _is_over(self, victim: 'Victim') -> bool:
        elapsed_seconds = time.time() - self.eat_at
        is_bare = self.setting.kind == 'bare'
        if elapsed_seconds > (
            _BARE_WATCH_SECONDS if is_bare else _MOST_WATCH_SECONDS
        ):
            return True
        if elapsed_seconds < _LEAST_WATCH_SECONDS or victim.is_held:
            return False
        return self.watch.is_above(_LOW_KIB, _WELL_SECONDS)

    def _return(self) -> None:
        """Let the host recover, and wait for all to have their memory."""
        self.group.guests[bench_group.EATER].stop_eating()
        self.stop_at = time.time()
        self.watch.relax()
        if self.setting.kind == 'bare':
            return
        self.group.poll()
        is_long = not self.setting.times
        _wait(self._is_full, 400 if is_long else 120)
        if self.group.is_full:
            self.full_at = max(
                (b.moves[-1][0] for b in self.balloons_now if b.moves),
                default=self.stop_at,
            )
        self.calm_from = time.time()
        _wait(self._ended_calm, self.setting.calm_seconds)
        self.end_at = time.time()

    @property
    def balloons_now(self) -> list[bench_balloons.Balloon]:
        """Give the balloons of the group that still runs."""
        return list(self.group.balloons.values())

    def _is_full(self) -> bool:
        self.group.poll()
        return self.group.is_full

    def _ended_calm(self) -> bool:
        self.group.poll()
        return False


class Victim:
    """The guest to whom something happens, once.

    :ivar at: when it did
    """

    def __init__(self, guest: lab_guest.Guest, kind: str) -> None:
        self._guest = guest
        self._kind = kind
        self._pid = cast('int', guest.pid)
        self.at: float | None = None
        self.is_held = False

    @property
    def held_seconds(self) -> float:
        """Say for how long it has been stuck."""
        return 0.0 if self.at is None else time.time() - self.at

    def hold(self) -> None:
        """Have it happen."""
        self.at = time.time()
        if self._kind == 'stopped':
            os.kill(self._pid, signal.SIGSTOP)
        elif self._kind == 'paused':
            self._guest.domain.suspend()
        else:
            return
        self.is_held = True

    def free(self) -> None:
        """End it."""
        if not self.is_held:
            return
        self.is_held = False
        if self._kind == 'stopped':
            os.kill(self._pid, signal.SIGCONT)
        else:
            self._guest.domain.resume()


def _wait(condition: Callable[[], bool], seconds: float) -> None:
    """Wait for a condition, but not for ever."""
    until = time.monotonic() + seconds
    while not condition() and time.monotonic() < until:
        time.sleep(0.1)
