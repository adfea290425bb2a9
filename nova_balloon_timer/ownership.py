# SPDX-License-Identifier: Apache-2.0
"""Whose a guest is, and what was agreed for it."""

import dataclasses

from nova_balloon_timer import timekeeping

_FORBIDDEN = 'its flavor forbids it'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What was agreed for a guest; None: what holds for all guests.

    :param floor_kib: it is never left with less
    :param priority: above 0; more is asked of those who have more
    :param max_step_kib: no plan takes more from it at once
    :param may_keep_time: its own driver may keep the clock of a policy
    """

    floor_kib: int | None = None
    priority: float | None = None
    max_step_kib: int | None = None
    may_keep_time: bool = True

    def mode_of(
        self, wanted: timekeeping.Mode
    ) -> tuple[timekeeping.Mode, str]:
        """Return who shall keep the clock if so much is wanted of the guest.

        :returns: with why it must not; empty if it may, or is not wanted to
        """
        if wanted is timekeeping.Mode.HOST or self.may_keep_time:
            return wanted, ''
        return timekeeping.Mode.HOST, _FORBIDDEN


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """The server in a cloud that a guest is.

    :param display_name: what its owner calls it
    :param project_id: who its owner is
    :param host: the compute host that is in charge of it
    """

    display_name: str
    project_id: str
    host: str
    flavor_name: str
