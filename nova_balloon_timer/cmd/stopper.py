# SPDX-License-Identifier: Apache-2.0
"""What Ctrl-C, and its like, does to balloons that are being moved."""

from collections.abc import Callable
import signal
import sys
import time
import types

from nova_balloon_timer import exception

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

# Some programs send a signal twice in a row; only a later one is meant.
_REPEAT_SECONDS = 1.0

# NOTE: the display's thread must not keep the engine's waiting at a deadline
# for the interpreter's usual 5 ms.
_SWITCH_SECONDS = 0.0005


class Stopper:
    """Turns signals into an orderly end, for as long as it is entered.

    Before anything moves, a signal raises
    :class:`~nova_balloon_timer.exception.Interrupted`. Later the first one
    calls what :meth:`on_stop` was given, and one after that breaks off.
    """

    def __init__(self) -> None:
        self._stop: Callable[[], object] | None = None
        self._stopped_at: float | None = None
        self._before: dict[signal.Signals, object] = {}
        self._switch_seconds = sys.getswitchinterval()

    def __enter__(self) -> 'Stopper':
        sys.setswitchinterval(_SWITCH_SECONDS)
        for number in _SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        traceback: types.TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
        sys.setswitchinterval(self._switch_seconds)

    def on_stop(self, stop: Callable[[], object]) -> None:
        """Set what stops what has begun; called in a signal handler."""
        self._stop = stop

    def _handle(self, number: int, frame: object) -> None:
        if self._stop is None:
            raise exception.Interrupted(by=signal.Signals(number).name)
        now = time.monotonic()
        if self._stopped_at is None:
            self._stopped_at = now
            self._stop()
        elif now - self._stopped_at > _REPEAT_SECONDS:
            raise KeyboardInterrupt
