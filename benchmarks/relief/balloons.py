# SPDX-License-Identifier: Apache-2.0
"""Balloons as QEMU itself sees them, past libvirt and past us.

QEMU writes each target that it is given, and each move of the guest, into its
log, with the wall clock's microseconds. Nobody has to ask it, so that a QEMU
that is stopped holds nobody up.
"""

from collections.abc import Mapping, Sequence
import pathlib
import re

from tools.lab import guest as lab_guest
from tools.lab import qmp

_ORDER = 'virtio_balloon_to_target'
_MOVE = 'virtio_balloon_set_config'
_LINE = re.compile(
    rf'@(\d+\.\d+):(?:{_ORDER} balloon target: \w+ num_pages: (\d+)'
    rf'|{_MOVE} actual: (\d+) oldactual: \d+)\n'
)
_KIB_PER_PAGE = 4
_SWING_KIB = 4 * 1024
_WINDOW_SECONDS = 0.05
_LATELY_SECONDS = 2.0

Track = list[tuple[float, int]]


class Balloon:
    """One guest's balloon, from now on.

    :ivar orders: the targets that it was given, and when
    :ivar moves: what it had, and when that changed
    """

    def __init__(self, guest: lab_guest.Guest, log: pathlib.Path) -> None:
        path = guest.spec.qmp_socket
        if path is None:
            raise ValueError(f'{guest.spec.name} has no second monitor')
        self.guest = guest
        self.full_kib = guest.spec.memory_mib * 1024
        self.orders: Track = []
        self.moves: Track = []
        self._file = log.open('rb')
        self._file.seek(0, 2)
        self._rest = ''
        with qmp.Monitor(path) as monitor:
            for event in (_ORDER, _MOVE):
                monitor.execute(
                    'trace-event-set-state', name=event, enable=True
                )
            self._first_kib = monitor.balloon_actual_kib()

    def poll(self) -> None:
        """Take in what QEMU has written since."""
        text = self._rest + self._file.read().decode(errors='replace')
        end = text.rfind('\n') + 1
        self._rest = text[end:]
        for at, order, move in _LINE.findall(text[:end]):
            track = self.orders if order else self.moves
            pages = int(order or move)
            track.append((float(at), self.full_kib - pages * _KIB_PER_PAGE))

    def close(self) -> None:
        """Look no longer."""
        self._file.close()

    @property
    def actual_kib(self) -> int:
        """Say what it has by the last poll."""
        return self.moves[-1][1] if self.moves else self._first_kib

    @property
    def is_full(self) -> bool:
        """Tell whether the guest has all its memory by the last poll."""
        return self.actual_kib == self.full_kib

    def actual_at(self, at: float) -> int:
        """Say what it had at an instant."""
        before = [kib for moved_at, kib in self.moves if moved_at <= at]
        return before[-1] if before else self._first_kib

    def first_order_at(self, since: float) -> float | None:
        """Say when it was first given a target since then."""
        return next((at for at, _ in self.orders if at >= since), None)

    def fell_since(self, since: float) -> float | None:
        """Say when it first had to give since then."""
        before_kib = self.actual_at(since)
        return next(
            (
                at
                for at, kib in self.orders
                if at >= since and kib < before_kib
            ),
            None,
        )

    def fastest_kib_per_second(self, until: float) -> float:
        """Say how fast it was lately, at the most, in its present way."""
        moves = [
            move
            for move in self.moves
            if until - _LATELY_SECONDS <= move[0] <= until
        ]
        fastest = begin = 0
        for at, kib in moves:
            while at - moves[begin][0] > _WINDOW_SECONDS:
                begin += 1
            moved_kib = kib - moves[begin][1]
            if (moves[-1][1] - moves[0][1]) * moved_kib > 0:
                fastest = max(fastest, abs(moved_kib))
        return fastest / _WINDOW_SECONDS

    def last_move_at(self, since: float, until: float) -> float:
        """Say when it last moved in a while; its begin if it did not."""
        return max(
            (at for at, _ in self.moves if since < at < until), default=since
        )

    def reversals(self, since: float) -> int:
        """Count how often it turned round, small swings left out."""
        turn_kib = self.actual_at(since)
        way = turns = 0
        for at, kib in self.moves:
            if at < since:
                continue
            if way and (kib - turn_kib) * way > 0:
                turn_kib = kib
            elif abs(kib - turn_kib) >= _SWING_KIB:
                turns += way != 0
                way = 1 if kib > turn_kib else -1
                turn_kib = kib
        return turns


def poll_all(balloons: Mapping[str, Balloon]) -> None:
    """Take in what all QEMUs have written since."""
    for balloon in balloons.values():
        balloon.poll()


def first_fall_at(balloons: Sequence[Balloon], since: float) -> float | None:
    """Say when the first guest was asked to give since then."""
    instants = [
        at
        for balloon in balloons
        if (at := balloon.fell_since(since)) is not None
    ]
    return min(instants, default=None)


def lacking(balloons: Sequence[Balloon]) -> list[str]:
    """Name those that have not all their memory."""
    return [
        f'{it.guest.spec.name} lacks {it.full_kib - it.actual_kib} KiB'
        for it in balloons
        if not it.is_full
    ]
