# SPDX-License-Identifier: Apache-2.0
"""The engine's own constants; what differs per policy is in the policy."""

import dataclasses

from nova_balloon_timer import units


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How the engine watches, judges and stops a balloon.

    :param tolerance_kib: a target counts as reached within this; the stock
        driver works in items of 256 pages, 1 MiB
    :param poll_shortest_seconds: no closer looks than this; a look costs
        libvirt about a millisecond
    :param poll_longest_seconds: no rarer looks while the balloon should move
    :param hold_poll_seconds: between looks while a segment or a guard holds
        the balloon
    :param quiet_seconds: no orders this shortly before a deadline, so that
        the guest's line is free when it comes; QEMU needs 2-8 ms for an
        order in mid-inflation
    :param offer_longest_seconds: a guest that has not answered for so long,
        or for ``offer_share`` of the duration, is not waited for
    :param guest_report_seconds: likewise in the end, for its own account
    :param guest_grace_seconds: so long after the deadline of a policy whose
        clock the guest keeps the host ends it, if the guest has not; writing
        to a guest that swaps takes up to 25 ms
    :param last_look_seconds: so shortly before a deadline the balloon is
        looked at once more, to have the leash end where the deadline does
    :param stall_window_seconds: how long a guest may not move to speak of
    :param stall_fraction: what it should move until the deadline, of the
        whole distance, to be worth waiting for
    :param statistics_wait_seconds: how long a policy waits for the first
        statistics of a guest that should give some
    :param give_back_fraction: of what was taken, returned on distress
    :param still_seconds: a balloon that has not moved for so long is still;
        the driver sleeps 200 ms when it finds no memory
    :param freeze_timeout_seconds: an end is reported unconfirmed when nobody
        has answered for so long
    :param freeze_patience_seconds: likewise when nothing but errors came,
        as while a daemon restarts
    :param retry_longest_seconds: back-off limit after transient failures
    """

    tolerance_kib: int = units.KIB_PER_MIB
    poll_shortest_seconds: float = 0.005
    poll_longest_seconds: float = 0.1
    hold_poll_seconds: float = 0.25
    quiet_seconds: float = 0.01
    offer_longest_seconds: float = 2.0
    offer_share: float = 0.5
    guest_report_seconds: float = 2.0
    guest_grace_seconds: float = 0.05
    last_look_seconds: float = 0.03
    stall_window_seconds: float = 2.0
    stall_fraction: float = 0.02
    statistics_wait_seconds: float = 5.0
    give_back_fraction: float = 0.25
    still_seconds: float = 0.25
    freeze_timeout_seconds: float = 10.0
    freeze_patience_seconds: float = 60.0
    retry_longest_seconds: float = 1.0
