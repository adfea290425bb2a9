# SPDX-License-Identifier: Apache-2.0
"""A temporary folder that belongs to a process, with the servers in it.

What a process that was killed has left is cleared away by the next one.
"""

from collections.abc import Callable
import contextlib
import fcntl
import pathlib
import shutil
import tempfile
from typing import IO

_OWNER = 'owner.lock'


class OwnedFolder:
    """Own a folder, for as long as we live.

    :param prefix: what the names of such folders begin with
    :param end: ends what still runs in one whose owner is gone
    """

    def __init__(
        self, prefix: str, end: Callable[[pathlib.Path], None]
    ) -> None:
        _clear_away_orphans(prefix, end)
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=prefix))
        # Whoever is denied must be denied by what is inside.
        self.path.chmod(0o755)
        self._owner = _lock(self.path / _OWNER)

    def close(self) -> None:
        """Remove it; nothing runs there any more."""
        self._owner.close()
        shutil.rmtree(self.path, ignore_errors=True)


def _clear_away_orphans(
    prefix: str, end: Callable[[pathlib.Path], None]
) -> None:
    for path in pathlib.Path(tempfile.gettempdir()).glob(f'{prefix}*'):
        if not (path / _OWNER).exists():
            continue
        with contextlib.suppress(OSError), _lock(path / _OWNER):
            end(path)
            shutil.rmtree(path, ignore_errors=True)


def _lock(path: pathlib.Path) -> IO[str]:
    file = path.open('w')
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise
    return file
