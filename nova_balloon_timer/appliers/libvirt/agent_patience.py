# SPDX-License-Identifier: Apache-2.0
"""How much of a host's time guest agents get that hang, or are slow."""

from collections.abc import Callable, Iterator
import contextlib
import threading

from nova_balloon_timer import exception

# An agent that took longer than that is not asked again for a while: each
# time would cost a policy seconds of its duration.
_LONGEST_SECONDS = 1.0
_SILENCE_SECONDS = 60.0

# So many are asked at once: each occupies a thread of ours and one of
# libvirtd's, which are there for those who answer.
_MOST_DIALOGUES = 4
_TURN_SECONDS = 0.25

_SILENT = 'its guest agent did not answer lately'
_CROWDED = 'too many guest agents are being asked'


class Budget:
    """How long one dialogue may go on."""

    def __init__(self, until: float, clock: Callable[[], float]) -> None:
        self._until = until
        self._clock = clock

    @property
    def is_spent(self) -> bool:
        """Tell whether no more may be asked."""
        return self._clock() >= self._until


class Patience:
    """Whose agents are worth asking; from any thread."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._silent_until: dict[str, float] = {}
        self._turns = threading.BoundedSemaphore(_MOST_DIALOGUES)

    @contextlib.contextmanager
    def turn(self, guest_uuid: str, *, is_last: bool) -> Iterator[Budget]:
        """Let a guest's agent be asked, and note whether it took too long.

        :param is_last: a policy's end: ask even one that was silent
        :raises NoGuestClock: it is not worth asking, or not its turn
        """
        until = self._silent_until.get(guest_uuid)
        if not is_last and until is not None and self._clock() < until:
            raise exception.NoGuestClock(guest=guest_uuid, why=_SILENT)
        if not self._turns.acquire(timeout=_TURN_SECONDS):
            raise exception.NoGuestClock(guest=guest_uuid, why=_CROWDED)
        began_at = self._clock()
        try:
            yield Budget(began_at + _LONGEST_SECONDS, self._clock)
        finally:
            self._turns.release()
            now = self._clock()
            if now - began_at > _LONGEST_SECONDS:
                self._silent_until[guest_uuid] = now + _SILENCE_SECONDS

    def known(self) -> list[str]:
        """Return the guests of which something is noted."""
        return list(self._silent_until)

    def forget(self, guest_uuid: str) -> None:
        """Forget a guest that is gone."""
        self._silent_until.pop(guest_uuid, None)
