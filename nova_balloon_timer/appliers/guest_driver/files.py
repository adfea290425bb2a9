# SPDX-License-Identifier: Apache-2.0
"""How the guest's files are reached, whoever does it."""

import contextlib
from typing import Literal, Protocol

Mode = Literal['r', 'w']


class GuestFile(Protocol):
    """An open file in a guest."""

    def read(self) -> str:
        """Return what is in it, up to 4 KiB."""

    def write(self, text: str) -> None:
        """Write a text, and see that the guest's kernel has taken it.

        :raises NoGuestClock: the guest refuses it
        :raises GuestBusy: nobody answered; it may have been written
        """


class GuestFiles(Protocol):
    """The files of one guest.

    Every method raises :class:`~nova_balloon_timer.exception.NoGuestClock`
    where the guest, or the way to it, does not allow what was asked for.
    """

    def open(
        self, path: str, mode: Mode
    ) -> contextlib.AbstractContextManager[GuestFile]:
        """Open a file; it is closed with the context.

        :raises NoGuestClock: also if nobody answers
        """
