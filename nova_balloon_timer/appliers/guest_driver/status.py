# SPDX-License-Identifier: Apache-2.0
"""What the guest's driver says of its policy; from an untrusted guest."""

import dataclasses
import re

from nova_balloon_timer import exception
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers.guest_driver import line

_PAGE_KIB = 4
_LONGEST_NUMBER = 18
_MOST_FAILURES = 2**31
# No guest has been up for that long.
_LATEST_MS = 10**14
_LONGEST_TEXT = 4096


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The driver's status, its form checked.

    :param words: by their keys
    """

    words: dict[str, str]
    guest_uuid: str

    @property
    def version(self) -> str:
        """Return the version of the driver's interface."""
        return self._word('abi')[:8]

    @property
    def now_ms(self) -> int:
        """Return what the guest's clock showed."""
        return self._number('now_ms', _LATEST_MS)

    @property
    def policy_uuid(self) -> str:
        """Return the policy that runs, or that ran last."""
        return self._word('id')

    @property
    def is_running(self) -> bool:
        """Tell whether that policy has not ended yet."""
        return self._word('state') == 'running'

    def report(self, maximum_kib: int) -> timekeeping.GuestReport:
        """Return what it says of the policy.

        :param maximum_kib: what the guest's hypervisor gave it
        :raises NoGuestClock: it makes no sense
        """
        longest_us = 2 * line.LONGEST_SECONDS * 1_000_000
        duration_us = self._number('duration_ms', longest_us) * 1000
        moved_us = self._number('last_move_us', longest_us)
        most_pages = maximum_kib // _PAGE_KIB
        after_pages = self._number('pages_after_deadline', most_pages)
        return timekeeping.GuestReport(
            reason=self._reason(),
            start_kib=self._actual_kib('start_kib', maximum_kib),
            target_kib=self._actual_kib('target_kib', maximum_kib),
            reached_kib=self._actual_kib('reached_kib', maximum_kib),
            moved_kib=self._number('pages_moved', most_pages) * _PAGE_KIB,
            elapsed_seconds=self._number('elapsed_us', longest_us) / 1e6,
            lateness_seconds=max(0, moved_us - duration_us) / 1e6,
            moved_after_deadline_kib=after_pages * _PAGE_KIB,
            allocation_failures=self._number(
                'allocation_failures', _MOST_FAILURES
            ),
        )

    def _reason(self) -> timekeeping.GuestEnd:
        if self.is_running:
            return timekeeping.GuestEnd.RUNNING
        try:
            return timekeeping.GuestEnd(self._word('reason'))
        except ValueError:
            raise self._nonsense('reason') from None

    def _actual_kib(self, key: str, maximum_kib: int) -> int:
        return maximum_kib - self._number(key, maximum_kib)

    def _number(self, key: str, highest: int) -> int:
        word = self._word(key)
        if not word.isdigit() or len(word) > _LONGEST_NUMBER:
            raise self._nonsense(key)
        if int(word) > highest:
            raise self._nonsense(key)
        return int(word)

    def _word(self, key: str) -> str:
        try:
            return self.words[key]
        except KeyError:
            raise self._nonsense(key) from None

    def _nonsense(self, key: str) -> exception.NoGuestClock:
        return _nonsense(self.guest_uuid, key)


def parse(text: str, guest_uuid: str) -> Status:
    """Take a status apart.

    :raises NoGuestClock: it has not the form of one
    """
    lines = text[:_LONGEST_TEXT].splitlines()
    pairs = [re.fullmatch(r'([a-z_]+)=([\w.-]*)', it, re.A) for it in lines]
    words = {pair[1]: pair[2] for pair in pairs if pair is not None}
    if len(words) < len(lines) or 'id' not in words or 'state' not in words:
        raise _nonsense(guest_uuid, 'form')
    return Status(words=words, guest_uuid=guest_uuid)


def _nonsense(guest_uuid: str, key: str) -> exception.NoGuestClock:
    return exception.NoGuestClock(
        guest=guest_uuid,
        why=f'the {key} of what its driver says makes no sense',
    )
