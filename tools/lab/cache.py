# SPDX-License-Identifier: Apache-2.0
"""Keep what takes long to make in the user's cache."""

from collections.abc import Iterator
import contextlib
import os
import pathlib
import tempfile

from tools.lab import error


def folder(kind: str) -> pathlib.Path:
    """Give where all things of a kind are kept; it may not exist."""
    base = os.environ.get('XDG_CACHE_HOME') or pathlib.Path.home() / '.cache'
    return pathlib.Path(base) / 'nova-balloon-timer' / kind


@contextlib.contextmanager
def made(directory: pathlib.Path) -> Iterator[pathlib.Path]:
    """Give a folder to fill, which then takes its place as a whole.

    There may be scratch files beside the folder.

    :raises LabError: it cannot take its place.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=directory.parent) as name:
        scratch = pathlib.Path(name) / 'made'
        scratch.mkdir()
        yield scratch
        try:
            scratch.rename(directory)
        except OSError as exc:
            if not directory.exists():  # another maker was not faster
                raise error.LabError(f'cannot write {directory}') from exc
