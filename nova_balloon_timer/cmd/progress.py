# SPDX-License-Identifier: Apache-2.0
"""How policies under way are shown: bars on a terminal, lines elsewhere."""

from collections.abc import Mapping
import time
from typing import TextIO

import rich.console
import rich.progress
import rich.text

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units

_LINE_SECONDS = 1.0
_RATE_SECONDS = 0.5


def printable(text: str) -> str:
    """Replace what a terminal would obey instead of showing it."""
    return ''.join(one if one.isprintable() else '\ufffd' for one in text)


class _Track:
    """What is shown of one policy."""

    def __init__(
        self, balloon_policy: model.BalloonPolicy, elapsed_seconds: float
    ) -> None:
        self.balloon_policy = balloon_policy
        self.shown_at = time.monotonic()
        self.started_at = self.shown_at - elapsed_seconds
        self.moved_kib = 0
        self.rate_kib_per_second = 0.0
        self._rate_from = (self.started_at, 0)

    def update(self, sample: model.BalloonSample) -> None:
        start_kib = self.balloon_policy.start_actual_kib
        self.moved_kib = abs(start_kib - sample.actual_kib)
        at, moved_kib = self._rate_from
        elapsed_seconds = sample.at - at
        if elapsed_seconds >= _RATE_SECONDS:
            rate = (self.moved_kib - moved_kib) / elapsed_seconds
            self.rate_kib_per_second = rate
            self._rate_from = (sample.at, self.moved_kib)

    @property
    def to_move_kib(self) -> int:
        return abs(
            self.balloon_policy.start_actual_kib
            - self.balloon_policy.target_kib
        )


class Lines:
    """Plain lines: at the start, once a second, and at the end."""

    def __init__(self, names: Mapping[str, str], stream: TextIO) -> None:
        self._names = names
        self._stream = stream
        self._tracks: dict[str, _Track] = {}

    def __enter__(self) -> 'Lines':
        return self

    def __exit__(self, *failure: object) -> None:
        self._stream.flush()

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
        elapsed_seconds: float = 0.0,
    ) -> None:
        """Tell where a guest goes.

        :param elapsed_seconds: for how long it has been under way
        """
        track = _Track(balloon_policy, elapsed_seconds)
        self._tracks[balloon_policy.guest_uuid] = track
        self._tell(
            balloon_policy.guest_uuid,
            f'{balloon_policy.direction.value} from '
            f'{units.format_kib(balloon_policy.start_actual_kib)} to '
            f'{units.format_kib(balloon_policy.target_kib)} within '
            f'{units.format_seconds(balloon_policy.duration_seconds)}, '
            f'{timing.phrase}',
        )

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Tell how far a guest is, if it was not told this second."""
        track = self._tracks.get(guest_uuid)
        if track is None:
            return
        track.update(sample)
        if sample.at - track.shown_at < _LINE_SECONDS:
            return
        track.shown_at = sample.at
        used_seconds = sample.at - track.started_at
        self._tell(
            guest_uuid,
            f'{units.format_kib(track.moved_kib)} of '
            f'{units.format_kib(track.to_move_kib)} moved in '
            f'{units.format_seconds(used_seconds)}',
        )

    def ended(self, report: model.EndReport) -> None:
        """Tell how a policy ended."""
        guest_uuid = report.policy.guest_uuid
        self._tracks.pop(guest_uuid, None)
        moved = 'unknown'
        if report.moved_kib is not None:
            moved = units.format_kib(report.moved_kib)
        self._tell(
            guest_uuid,
            f'ended by {report.reason.value} after '
            f'{units.format_seconds(report.duration_seconds)}, moved {moved}: '
            f'{report.detail}',
        )

    def note(self, words: str) -> None:
        """Tell what is no guest's."""
        print(printable(words), file=self._stream, flush=True)

    def _tell(self, guest_uuid: str, words: str) -> None:
        name = self._names.get(guest_uuid, guest_uuid)
        self.note(f'{name}: {words}')


class Bars:
    """A live bar per guest: memory moved, rate, time used."""

    def __init__(self, names: Mapping[str, str], stream: TextIO) -> None:
        self._names = names
        self._tracks: dict[str, _Track] = {}
        self._bars: dict[str, rich.progress.TaskID] = {}
        self._progress = rich.progress.Progress(
            rich.progress.TextColumn('{task.description}', markup=False),
            rich.progress.BarColumn(),
            rich.progress.TextColumn('{task.fields[moved]}', markup=False),
            _TimeUsed(),
            rich.progress.TextColumn('{task.fields[state]}', markup=False),
            console=rich.console.Console(file=stream),
            refresh_per_second=8,
        )

    def __enter__(self) -> 'Bars':
        self._progress.start()
        return self

    def __exit__(self, *failure: object) -> None:
        self._progress.stop()

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
        elapsed_seconds: float = 0.0,
    ) -> None:
        """Add a guest's bar.

        :param elapsed_seconds: for how long it has been under way
        """
        guest_uuid = balloon_policy.guest_uuid
        track = _Track(balloon_policy, elapsed_seconds)
        self._tracks[guest_uuid] = track
        name = self._names.get(guest_uuid, guest_uuid)
        if timing.words:
            self.note(f'{name}: {timing.phrase}')
        self._bars[guest_uuid] = self._progress.add_task(
            printable(name),
            total=max(1, track.to_move_kib),
            moved='',
            state=f'{balloon_policy.direction.value}, timed by the '
            f'{timing.keeper.value}',
            before_seconds=elapsed_seconds,
            duration_seconds=balloon_policy.duration_seconds,
        )

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Move a guest's bar."""
        track = self._tracks.get(guest_uuid)
        if track is None:
            return
        track.update(sample)
        rate = units.format_kib(int(track.rate_kib_per_second))
        self._progress.update(
            self._bars[guest_uuid],
            completed=track.moved_kib,
            moved=f'{track.moved_kib // units.KIB_PER_MIB}/'
            f'{units.format_kib(track.to_move_kib)} {rate}/s',
        )

    def ended(self, report: model.EndReport) -> None:
        """Leave a guest's bar standing with the reason of its end."""
        guest_uuid = report.policy.guest_uuid
        if self._tracks.pop(guest_uuid, None) is None:
            return
        bar = self._bars.pop(guest_uuid)
        if report.moved_kib is not None:
            self._progress.update(bar, completed=max(0, report.moved_kib))
        self._progress.update(bar, state=f'ended by {report.reason.value}')
        self._progress.stop_task(bar)

    def note(self, words: str) -> None:
        """Tell above the bars what is no guest's."""
        self._progress.console.print(rich.text.Text(printable(words)))


class _TimeUsed(rich.progress.ProgressColumn):
    """Time used of the time that there is."""

    def render(self, task: rich.progress.Task) -> rich.text.Text:
        used_seconds = task.fields['before_seconds'] + (task.elapsed or 0.0)
        duration_seconds = task.fields['duration_seconds']
        used_seconds = min(used_seconds, duration_seconds)
        return rich.text.Text(f'{used_seconds:.1f}/{duration_seconds:g} s')


def display(names: Mapping[str, str], stream: TextIO) -> Bars | Lines:
    """Choose by whether somebody looks."""
    if stream.isatty():
        return Bars(names, stream)
    return Lines(names, stream)
