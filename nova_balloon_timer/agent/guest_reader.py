# SPDX-License-Identifier: Apache-2.0
"""A fresh look at a guest, for somebody who waits, but not for long."""

from concurrent import futures
import dataclasses
import functools
import time

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import question
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool

# The end of a policy makes void what waits for its guest, a look too; then
# it is asked for again.
_AGAIN_SECONDS = 0.2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FreshLook:
    """A guest as its hypervisor describes it now.

    :param sample: None if it cannot be ballooned
    """

    guest: model.Guest
    sample: model.BalloonSample | None


class GuestReader:
    """Reads guests through the pool, so that none holds up another."""

    def __init__(
        self, applier: base.Applier, pool: applier_pool.WorkerPool
    ) -> None:
        self._applier = applier
        self._pool = pool

    def look(self, name_or_uuid: str, line: str, seconds: float) -> FreshLook:
        """Describe and read a guest.

        :param line: whose jobs this one waits for: the guest's UUID
        :raises GuestNotFound: there is none
        :raises GuestBusy: its hypervisor does not answer in time
        :raises ApplierError: it cannot be read
        """
        submit = functools.partial(self._pool.submit, line)
        looks: list[futures.Future[FreshLook]] = []
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not any(it.running() for it in looks):
                looks.append(
                    question.ask(submit, lambda: self._look(name_or_uuid))
                )
            done, _ = futures.wait(
                looks, min(left, _AGAIN_SECONDS), futures.FIRST_COMPLETED
            )
            if done:
                return done.pop().result()
        for one in looks:
            one.cancel()
        raise exception.GuestBusy(
            guest=name_or_uuid, why=f'it was not read within {seconds:.1f} s'
        )

    def _look(self, name_or_uuid: str) -> FreshLook:
        guest = self._applier.find_guest(name_or_uuid)
        if guest.refusals:
            return FreshLook(guest=guest, sample=None)
        return FreshLook(guest=guest, sample=self._applier.read(guest.uuid))
