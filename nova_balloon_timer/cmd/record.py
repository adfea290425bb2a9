# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer record``."""

import argparse
from collections.abc import Sequence
import contextlib
import pathlib
import socket
import sys
import threading
import time
from typing import TextIO

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.agent import configured
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import preparation
from nova_balloon_timer.cmd import recorder
from nova_balloon_timer.cmd import stopper
from nova_balloon_timer.pressure import scope as pressure_scope
from nova_balloon_timer.trace import record as trace_record
from nova_balloon_timer.trace import writer as trace_writer

_SHORTEST_SECONDS = 0.5
_LINE_SECONDS = 60.0
_COLUMNS = ('File', 'Guests', 'Samples', 'Seconds', 'MiB')


class Record(base.HostLister):
    """Record this host's memory and its guests', to simulate on it later.

    Moves no balloon. Reads every guest each interval, until the duration has
    passed or Ctrl-C; the file is complete then. Give it to 'nova-balloon-timer
    simulate host'.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Add what is asked for."""
        parser = super().get_parser(prog_name)
        add = parser.add_argument
        add(
            '--save',
            metavar='FILE',
            type=pathlib.Path,
            required=True,
            help='a new file to write, as host.jsonl; compressed if its name '
            'ends in .gz',
        )
        add(
            '--duration',
            metavar='TIME',
            help='how long, as 30m or 24h (default: until Ctrl-C)',
        )
        add(
            '--interval',
            metavar='TIME',
            default='5s',
            help='between two looks at a guest, at least 500ms (default: 5s)',
        )
        add(
            '--anonymize',
            action='store_true',
            help='write no names, neither of guests nor of the host',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[object, ...]]]:
        """Record, until it is enough."""
        interval_seconds = max(
            _SHORTEST_SECONDS,
            units.parse_duration_seconds(parsed_args.interval),
        )
        seconds = float('inf')
        if parsed_args.duration is not None:
            seconds = units.parse_duration_seconds(parsed_args.duration)
        scope = pressure_scope.find(configured.pressure_settings(self.options))
        scope.read(0.0)  # what cannot be read must not leave a file behind
        path: pathlib.Path = parsed_args.save
        with contextlib.ExitStack() as undo:
            stopping = undo.enter_context(stopper.Stopper())
            applier = self.load_applier(parsed_args)
            undo.callback(applier.close)
            pool = self.make_pool(applier, self.options.workers)
            undo.callback(pool.close)
            starting = undo.enter_context(_Starting(applier, pool))
            header = _header(parsed_args.anonymize, interval_seconds)
            writer = undo.enter_context(trace_writer.TraceWriter(path, header))
            recording = recorder.Recorder(
                applier,
                pool,
                scope,
                writer,
                start=starting.start,
                is_anonymous=parsed_args.anonymize,
                wait_seconds=interval_seconds,
            )
            stopped = threading.Event()
            stopping.on_stop(stopped.set)
            lasted_seconds = _turn(
                recording, stopped, interval_seconds, seconds
            )
        return _COLUMNS, [
            (
                str(path),
                len(recording.present),
                writer.samples,
                round(lasted_seconds, 1),
                round(path.stat().st_size / 2**20, 2),
            )
        ]


def _header(
    is_anonymous: bool, interval_seconds: float
) -> trace_record.Header:
    return trace_record.Header(
        host='host' if is_anonymous else socket.gethostname(),
        began_at=time.time(),
        interval_seconds=interval_seconds,
    )


def _turn(
    recording: recorder.Recorder,
    stopped: threading.Event,
    interval_seconds: float,
    seconds: float,
) -> float:
    """Record round after round, at a steady pace.

    :returns: for how many seconds
    """
    begin_at = next_at = time.monotonic()
    with _Progress(sys.stderr) as progress:
        while True:
            recording.round()
            now = time.monotonic()
            progress.tell(recording, now - begin_at)
            next_at = max(next_at + interval_seconds, now)
            wait_seconds = min(next_at, begin_at + seconds) - now
            is_over = stopped.wait(max(0.0, wait_seconds))
            now = time.monotonic()
            if is_over or now >= begin_at + seconds:
                return now - begin_at


class _Starting:
    """Has guests tell their statistics, and undoes that at the end."""

    def __init__(
        self, applier: applier_base.Applier, pool: applier_pool.WorkerPool
    ) -> None:
        self._applier = applier
        self._pool = pool
        self._closing = contextlib.ExitStack()

    def __enter__(self) -> '_Starting':
        return self

    def __exit__(self, *failure: object) -> None:
        self._closing.close()

    def start(self, guests: Sequence[model.Guest]) -> None:
        """Have some more of them tell."""
        if guests:
            self._closing.enter_context(
                preparation.Preparation(
                    self._applier, self._pool, guests, wait_seconds=0.0
                )
            )


class _Progress:
    """One line that is written over on a terminal; elsewhere one a minute."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._told_at = -_LINE_SECONDS

    def __enter__(self) -> '_Progress':
        return self

    def __exit__(self, *failure: object) -> None:
        if self._is_terminal:
            self._stream.write('\n')
            self._stream.flush()

    def tell(self, recording: recorder.Recorder, seconds: float) -> None:
        """Say how far it is."""
        if not self._is_terminal and seconds - self._told_at < _LINE_SECONDS:
            return
        self._told_at = seconds
        unread = ''
        if recording.unread:
            unread = f', {recording.unread} do not answer'
        line = (
            f'recording for {units.format_seconds(seconds)}: '
            f'{base.count_guests(len(recording.present))}{unread}'
        )
        end = '\n'
        if self._is_terminal:
            line, end = f'\r\x1b[K{line}', ''
        self._stream.write(line + end)
        self._stream.flush()
