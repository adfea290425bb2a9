# SPDX-License-Identifier: Apache-2.0
"""Files that are there completely, or not at all."""

import contextlib
import os
import pathlib
import secrets

from nova_balloon_timer import exception

_NOT_A_FILE = 'it is there and is not a regular file'


def write_text(path: pathlib.Path, text: str) -> None:
    """Write a file in one stroke: nobody ever sees half of it.

    :raises OutputNotWritable: and whatever was there before stays
    """
    try:
        _replace(path, text)
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or str(error)
        raise exception.OutputNotWritable(path=path, why=why) from error


def _replace(path: pathlib.Path, text: str) -> None:
    # NOTE: a rename would replace a link, or root's /dev/null, by a file.
    destination = pathlib.Path(os.path.realpath(path))
    if destination.exists() and not destination.is_file():
        raise exception.OutputNotWritable(path=path, why=_NOT_A_FILE)
    token = secrets.token_hex(8)
    temporary = destination.with_name(f'.nova-balloon-timer-{token}.tmp')
    try:
        _write_new(temporary, text)
        temporary.replace(destination)
    finally:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            temporary.unlink()


def _write_new(path: pathlib.Path, text: str) -> None:
    with path.open('x', encoding='utf-8', newline='\n') as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def check_writable(path: pathlib.Path) -> None:
    """Fail before a run instead of after it, where that can be known.

    :raises OutputNotWritable: the file could not be made
    """
    destination = pathlib.Path(os.path.realpath(path))
    folder = destination.parent
    why = ''
    if not folder.is_dir():
        why = f'there is no folder {folder}'
    elif not os.access(folder, os.W_OK | os.X_OK):
        why = f'no permission for the folder {folder}'
    elif destination.exists() and not destination.is_file():
        why = _NOT_A_FILE
    if why:
        raise exception.OutputNotWritable(path=path, why=why)
