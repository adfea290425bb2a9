# SPDX-License-Identifier: Apache-2.0
"""Guests of which Nova is about to say something else than it said last."""

from collections.abc import Callable, Sequence

from nova_balloon_timer import model

# How long a guest may run and be no instance of this host, as one that
# migrates here is at first, or not be active, as one that was just unpaused,
# and still be about to become so.
_DOUBT_SECONDS = 600.0


class Doubts:
    """Knows which guests run against Nova's word, and since when.

    :param is_free: tells whether Nova said last, by a guest's UUID, that it
        is an instance with which nothing is done
    """

    def __init__(self, is_free: Callable[[str], bool]) -> None:
        self._is_free = is_free
        # By the guest's UUID, when that was seen first.
        self._since: dict[str, float] = {}

    def note(self, guests: Sequence[model.Guest], now: float) -> bool:
        """Compare what runs with what Nova said.

        :param guests: all, as the hypervisor describes them
        :returns: whether one is doubtful that was not before
        """
        doubtful = {
            it.uuid
            for it in guests
            if not it.refusals and not self._is_free(it.uuid)
        }
        has_new = not doubtful <= self._since.keys()
        self._since = {it: self._since.get(it, now) for it in doubtful}
        return has_new

    def have_any(self, now: float) -> bool:
        """Tell whether one of them may still be about to change."""
        return any(now - at < _DOUBT_SECONDS for at in self._since.values())
