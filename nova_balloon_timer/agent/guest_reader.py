# SPDX-License-Identifier: Apache-2.0
"""A fresh look at a guest, for somebody who waits, but not for long."""

from collections.abc import Callable
from concurrent import futures
import dataclasses
import functools
import time
from typing import TypeVar

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import question
from nova_balloon_timer import survey
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool

_Answer = TypeVar('_Answer')

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
        look = functools.partial(self._look, name_or_uuid)
        found = self._wait(line, look, seconds)
        if found is None:
            why = f'it was not read within {seconds:.1f} s'
            raise exception.GuestBusy(guest=name_or_uuid, why=why)
        return found

    def ask_clock(self, guest_uuid: str, seconds: float) -> timekeeping.Timing:
        """Say who would keep the clock of a guest's policy."""
        ask = functools.partial(survey.ask_clock, self._applier, guest_uuid)
        line = applier_pool.agent_line(guest_uuid)
        return self._wait(line, ask, seconds) or survey.SILENT

    def _wait(
        self, line: str, function: Callable[[], _Answer], seconds: float
    ) -> _Answer | None:
        """Have a worker call a function; None: it took too long."""
        submit = functools.partial(self._pool.submit, line)
        calls: list[futures.Future[_Answer]] = []
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if not any(it.running() for it in calls):
                calls.append(question.ask(submit, function))
            done, _ = futures.wait(
                calls, min(left, _AGAIN_SECONDS), futures.FIRST_COMPLETED
            )
            if done:
                return done.pop().result()
        for one in calls:
            one.cancel()
        return None

    def _look(self, name_or_uuid: str) -> FreshLook:
        guest = self._applier.find_guest(name_or_uuid)
        if guest.refusals:
            return FreshLook(guest=guest, sample=None)
        return FreshLook(guest=guest, sample=self._applier.read(guest.uuid))
