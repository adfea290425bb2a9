# SPDX-License-Identifier: Apache-2.0
"""The timed balloon driver of one guest, by way of its files."""

from collections.abc import Callable
import contextlib
import time

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers.guest_driver import files as guest_files
from nova_balloon_timer.appliers.guest_driver import line
from nova_balloon_timer.appliers.guest_driver import status as guest_status

# Interface versions that are understood.
_VERSIONS = ('1',)

_DIRECTORY = '/sys/class/timed_balloon/balloon0'
POLICY = f'{_DIRECTORY}/policy'
STATUS = f'{_DIRECTORY}/status'

# A line is written, and then flushed: half of the second call is on the way
# back.
_WAYS = 1.5

# So long after it was written a line may begin a policy.
_BEGIN_SECONDS = 0.5


class GuestDriver:
    """Gives the guest's driver policies, and asks how they went.

    :param clock: monotonic, the one that deadlines are counted by
    """

    def __init__(
        self,
        guest_uuid: str,
        files: guest_files.GuestFiles,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._guest_uuid = guest_uuid
        self._files = files
        self._clock = clock

    def check(self) -> None:
        """See that the driver is there and that we speak its language.

        :raises NoGuestClock: it is not, or we do not
        """
        self._status()

    def offer(self, action: message.OfferPolicy) -> None:
        """Write a policy; the driver counts from its receipt.

        :raises NoGuestClock: it has not begun
        :raises ApplierError: any other: it may have begun
        """
        objection = line.objection(action.policy)
        if objection:
            raise self._refusal(objection)
        asked_at = self._clock()
        status = self._first_status(action)
        if action.may_be_known and status.policy_uuid == action.policy.uuid:
            if status.is_running:
                return
            raise self._refusal('it ended it while this service was away')
        opens_at = self._clock()
        with self._files.open(POLICY, 'w') as file:
            # NOTE: the guest counts from its receipt of the line, which will
            # take about as long as to open the file, and half as long again.
            now = self._clock()
            on_the_way_seconds = _WAYS * (now - opens_at)
            left_seconds = action.deadline_at - now - on_the_way_seconds
            if left_seconds <= 0:
                raise self._refusal('its agent took too long to answer')
            # NOTE: an agent that hangs now, and passes the line on when
            # nobody expects it any more, is too late for its guest's driver.
            begin_by_ms = status.now_ms + int(
                (now - asked_at + _BEGIN_SECONDS) * 1000
            )
            file.write(line.start(action.policy, left_seconds, begin_by_ms))

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        """Ask how a policy ended; see to it that it has.

        :raises NoGuestClock: the driver does not know it, or talks nonsense
        """
        status = self._status()
        if status.policy_uuid != action.policy.uuid:
            raise self._refusal('its driver does not know the policy')
        if status.is_running and action.cancels:
            # NOTE: it may end by itself meanwhile, and then knows none.
            with contextlib.suppress(exception.NoGuestClock):
                self._cancel(action.policy.uuid)
            status = self._status()
        return status.report(action.policy.maximum_kib)

    def _cancel(self, policy_uuid: str) -> None:
        with self._files.open(POLICY, 'w') as file:
            file.write(line.cancel(policy_uuid))

    def _first_status(
        self, action: message.OfferPolicy
    ) -> guest_status.Status:
        try:
            return self._status()
        except exception.NoGuestClock as error:
            if not action.may_be_known:
                raise
            # It may run the policy, only nobody tells.
            raise exception.GuestBusy(
                guest=self._guest_uuid, why=error.why
            ) from error

    def _status(self) -> guest_status.Status:
        with self._files.open(STATUS, 'r') as file:
            status = guest_status.parse(file.read(), self._guest_uuid)
        if status.version not in _VERSIONS:
            raise self._refusal(
                f'the interface of its driver has version {status.version}, '
                f'and not {" or ".join(_VERSIONS)}'
            )
        return status

    def _refusal(self, why: str) -> exception.NoGuestClock:
        return exception.NoGuestClock(guest=self._guest_uuid, why=why)
