# SPDX-License-Identifier: Apache-2.0
"""A run on disk, as JSON: to look at later, elsewhere, or by another tool.

Instants are UTC; those of a curve are seconds from the start of its policy.
"""

import json
import pathlib
from typing import NoReturn

from nova_balloon_timer import exception
from nova_balloon_timer.report import decoding
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import fields
from nova_balloon_timer.report import output
from nova_balloon_timer.report import saved_run

_LARGEST_BYTES = 128 * 1024**2


def save(path: pathlib.Path, run: saved_run.SavedRun) -> None:
    """Write a run to a file, replacing it if it is there.

    :raises OutputNotWritable: and the file is as it was before
    """
    content = encoding.encode(run)
    text = json.dumps(content, allow_nan=False, separators=(',', ':'))
    output.write_text(path, text + '\n')


def load(path: pathlib.Path) -> saved_run.SavedRun:
    """Read a run back; the file may come from anywhere.

    :raises InvalidRunFile: with one line that says what is wrong
    """
    source = str(path)
    return decoding.decode(fields.Field(_parse(_read(path), source), source))


def _read(path: pathlib.Path) -> bytes:
    try:
        with path.open('rb') as stream:
            content = stream.read(_LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or str(error)
        raise exception.InvalidRunFile(source=path, why=why) from error
    if len(content) > _LARGEST_BYTES:
        raise exception.InvalidRunFile(
            source=path, why=f'it is larger than {_LARGEST_BYTES >> 20} MiB'
        )
    return content


def _parse(content: bytes, source: str) -> object:
    try:
        return json.loads(content, parse_constant=_reject_constant)
    except RecursionError as error:
        raise exception.InvalidRunFile(
            source=source, why='it is nested too deeply'
        ) from error
    except ValueError as error:
        raise exception.InvalidRunFile(
            source=source, why=f'it is not JSON: {error}'
        ) from error


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f'{name} is not a number')
