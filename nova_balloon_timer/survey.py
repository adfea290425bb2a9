# SPDX-License-Identifier: Apache-2.0
"""A first look at several guests at once, bounded in time."""

from collections.abc import Iterable, Sequence
from concurrent import futures
import functools
import queue
import time

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import question
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool

LOG = logging.getLogger(__name__)

_POLL_SECONDS = 0.05

# Of a guest that was asked who would keep the clock.
SILENT = timekeeping.Timing(words='it did not say in time that it could')


class Surveyor:
    """Looks at guests through a pool, so that none holds up the others."""

    def __init__(
        self, applier: base.Applier, pool: applier_pool.WorkerPool
    ) -> None:
        self._applier = applier
        self._pool = pool
        self._answers: queue.SimpleQueue[
            tuple[str, model.BalloonSample | exception.ApplierError]
        ] = queue.SimpleQueue()
        self.errors: dict[str, exception.ApplierError] = {}

    def look(
        self, guests: Sequence[model.Guest], wait_seconds: float
    ) -> dict[str, model.BalloonSample]:
        """Read guests until each has told its statistics or time is up.

        What went wrong with a guest is then in ``errors``, by UUID.

        :returns: the last sample of each guest that could be read, by UUID
        """
        until = time.monotonic() + wait_seconds
        samples: dict[str, model.BalloonSample] = {}
        waiting = {guest.uuid for guest in guests}
        for guest_uuid in waiting:
            self._submit(guest_uuid)
        while waiting and (left := until - time.monotonic()) > 0:
            try:
                guest_uuid, answer = self._answers.get(timeout=left)
            except queue.Empty:
                break
            if isinstance(answer, exception.ApplierError):
                self.errors[guest_uuid] = answer
                waiting.discard(guest_uuid)
                continue
            samples[guest_uuid] = answer
            if answer.statistics is not None:
                waiting.discard(guest_uuid)
            elif guest_uuid in waiting:
                time.sleep(_POLL_SECONDS / len(waiting))
                self._submit(guest_uuid)
        return samples

    def _submit(self, guest_uuid: str) -> None:
        def job() -> None:
            try:
                self._answers.put((guest_uuid, self._applier.read(guest_uuid)))
            except exception.ApplierError as error:
                self._answers.put((guest_uuid, error))
            except Exception as error:
                LOG.exception('An applier failed')
                failed = exception.ApplierError(
                    guest=guest_uuid, why=f'the applier failed: {error!r}'
                )
                self._answers.put((guest_uuid, failed))

        self._pool.submit(guest_uuid, job)


def ask_clock(applier: base.Applier, guest_uuid: str) -> timekeeping.Timing:
    """Ask who would keep the clock of a guest's policy now."""
    try:
        applier.check_clock(guest_uuid)
    except exception.NoGuestClock as error:
        return timekeeping.Timing(words=error.why)
    except exception.ApplierError as error:
        return timekeeping.Timing(words=str(error))
    except Exception as error:
        LOG.exception('An applier failed')
        return timekeeping.Timing(words=f'the applier failed: {error!r}')
    return timekeeping.Timing(keeper=timekeeping.Mode.GUEST)


def ask_clocks(
    applier: base.Applier,
    pool: applier_pool.WorkerPool,
    guest_uuids: Iterable[str],
    wait_seconds: float,
) -> dict[str, timekeeping.Timing]:
    """Ask that of several guests at once; who does not answer cannot."""
    asked = {
        guest_uuid: question.ask(
            functools.partial(
                pool.submit, applier_pool.agent_line(guest_uuid)
            ),
            functools.partial(ask_clock, applier, guest_uuid),
        )
        for guest_uuid in guest_uuids
    }
    futures.wait(asked.values(), wait_seconds)
    return {
        guest_uuid: SILENT
        if answer.cancel() or not answer.done()
        else answer.result()
        for guest_uuid, answer in asked.items()
    }
