# SPDX-License-Identifier: Apache-2.0
"""Reads a trace line by line; it may come from anywhere, or be cut off."""

from collections.abc import Iterator
import contextlib
import gzip
import pathlib
from typing import BinaryIO, cast
import zlib

from nova_balloon_timer import exception
from nova_balloon_timer.trace import record

_LONGEST_LINE = 16 * 1024


class TraceReader:
    """The records of a file, oldest first.

    A last line without an end was cut off by a crash, and is let pass; so is
    the end of a compressed file that was not closed.

    :ivar header: there once the reader was entered
    :ivar is_cut: the file ends in the middle
    :ivar share: of the file that was read, from 0 to 1
    """

    def __init__(self, path: pathlib.Path) -> None:
        self._path = path
        self._closing = contextlib.ExitStack()
        self._number = 0
        self.is_cut = False

    def __enter__(self) -> 'TraceReader':
        try:
            self._size = max(1, self._path.stat().st_size)
            self._file = self._closing.enter_context(self._path.open('rb'))
            self._lines: BinaryIO = self._file
            if self._path.suffix == '.gz':
                self._lines = self._closing.enter_context(
                    cast('BinaryIO', gzip.open(self._file, 'rb'))
                )
        except (OSError, ValueError) as error:
            self._closing.close()
            why = getattr(error, 'strerror', None) or str(error)
            raise exception.InvalidTrace(source=self._path, why=why) from error
        try:
            self.header = self._read_header()
        except BaseException:
            self._closing.close()
            raise
        return self

    def __exit__(self, *failure: object) -> None:
        self._closing.close()

    def __iter__(self) -> Iterator[record.Record]:
        while (line := self._read_line()) is not None:
            yield self._decode(line)

    @property
    def share(self) -> float:
        """How much of the file was read."""
        return min(1.0, self._file.tell() / self._size)

    def _read_header(self) -> record.Header:
        line = self._read_line()
        if line is None:
            raise exception.InvalidTrace(source=self._path, why='it is empty')
        header = self._decode(line)
        if not isinstance(header, record.Header):
            raise exception.InvalidTrace(
                source=self._path, why='its first line is no header'
            )
        return header

    def _read_line(self) -> bytes | None:
        try:
            line = self._lines.readline(_LONGEST_LINE)
        except (EOFError, OSError, zlib.error) as error:
            if self._number and not isinstance(error, OSError):
                self.is_cut = True
                return None
            raise exception.InvalidTrace(
                source=self._path, why=error
            ) from error
        if not line:
            return None
        self._number += 1
        if line.endswith(b'\n'):
            return line
        if len(line) < _LONGEST_LINE and self._number > 1:
            self.is_cut = True
            return None
        raise exception.InvalidTrace(
            source=self._path, why=f'line {self._number} has no end'
        )

    def _decode(self, line: bytes) -> record.Record:
        try:
            return record.decode(line)
        except ValueError as error:
            raise exception.InvalidTrace(
                source=self._path, why=f'line {self._number}: {error}'
            ) from error
