# SPDX-License-Identifier: Apache-2.0
"""What ends a command that only looks: Ctrl-C, and its like."""

from collections.abc import Iterator
import contextlib
import signal
import time

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Some programs send a signal twice in a row; only a later one is meant.
_REPEAT_SECONDS = 1.0


class Stopped(BaseException):
    """A signal says that it is enough.

    It is no Exception, so that no library on its way takes it for an error.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name = signal.Signals(number).name
        self.exit_code = 128 + number


@contextlib.contextmanager
def raising() -> Iterator[None]:
    """Have a signal raise :class:`Stopped` in the main thread meanwhile.

    One that comes while the first is still being obeyed is not heeded.
    """
    last_at = 0.0

    def handle(number: int, frame: object) -> None:
        nonlocal last_at
        now = time.monotonic()
        is_repeated = last_at and now - last_at < _REPEAT_SECONDS
        last_at = now
        if not is_repeated:
            raise Stopped(number)

    before = {number: signal.signal(number, handle) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
