# SPDX-License-Identifier: Apache-2.0
"""The notifications in the journal, to whoever sends them."""

from collections.abc import Sequence

from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.journal import writer as journal_writer
from nova_balloon_timer.notifier import letter


class Letterbox:
    """Reads beside the journal's thread, and has it forget what was sent."""

    def __init__(
        self, journal: journal_writer.Journal, reader: journal_reader.Reader
    ) -> None:
        self._journal = journal
        self._reader = reader

    @property
    def dropped(self) -> int:
        """Return how many there was no room for."""
        return self._journal.dropped_letters

    def letters(self, after: int, limit: int) -> Sequence[letter.Letter]:
        """Return those with higher numbers, in their order.

        :raises JournalNotReadable: the disk does not answer
        """
        return self._reader.letters(after, limit)

    def forget(self, numbers: Sequence[int]) -> None:
        """Forget letters that were sent; returns at once."""
        self._journal.forget_sent(numbers)

    def count(self) -> int | None:
        """Return how many wait; None: not known yet. Asks no disk."""
        return self._journal.waiting_letters
