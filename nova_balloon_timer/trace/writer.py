# SPDX-License-Identifier: Apache-2.0
"""Writes a trace so that what was written can be read, whatever happens."""

import contextlib
import gzip
import pathlib
from typing import BinaryIO, cast

from nova_balloon_timer import exception
from nova_balloon_timer.trace import record


class TraceWriter:
    """A new file of records; compressed if its name ends in ``.gz``.

    :ivar samples: of guests, that were written
    """

    def __init__(self, path: pathlib.Path, header: record.Header) -> None:
        self._path = path
        self._header = header
        self._closing = contextlib.ExitStack()
        self._waiting: list[str] = []
        self.samples = 0

    def __enter__(self) -> 'TraceWriter':
        try:
            self._file = self._closing.enter_context(self._path.open('xb'))
        except (OSError, ValueError) as error:
            why = getattr(error, 'strerror', None) or str(error)
            raise exception.OutputNotWritable(
                path=self._path, why=why
            ) from error
        self._stream: BinaryIO = cast('BinaryIO', self._file)
        if self._path.suffix == '.gz':
            self._stream = self._closing.enter_context(
                cast('BinaryIO', gzip.open(self._file, 'wb'))
            )
        self.add(self._header)
        self.flush()
        return self

    def __exit__(self, *failure: object) -> None:
        with contextlib.suppress(OSError):
            self._closing.close()

    def add(self, one: record.Record) -> None:
        """Take a record; :meth:`flush` writes it."""
        self._waiting.append(record.encode(one))

    def flush(self) -> None:
        """Write what was taken; a crash right after does not lose it.

        :raises OutputNotWritable: what was written before can be read
        """
        content = ''.join(self._waiting).encode('utf-8', 'replace')
        try:
            self._write(content)
        except (OSError, ValueError) as error:
            why = getattr(error, 'strerror', None) or str(error)
            raise exception.OutputNotWritable(
                path=self._path,
                why=f'{why}; what was written until now, {self.samples} '
                'samples, can be read',
            ) from error
        self.samples += sum(
            line.startswith('{"sample"') for line in self._waiting
        )
        self._waiting.clear()

    def _write(self, content: bytes) -> None:
        self._stream.write(content)
        self._stream.flush()
        # NOTE: a compressed stream hands on to the file, and leaves it there.
        self._file.flush()
