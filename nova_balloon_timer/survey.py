# SPDX-License-Identifier: Apache-2.0
"""A first look at several guests at once, bounded in time."""

from collections.abc import Sequence
import queue
import time

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool

_POLL_SECONDS = 0.05


class Surveyor:
    """Looks at guests through a pool, so that none holds up the others."""

    def __init__(
        self, applier: base.Applier, pool: applier_pool.WorkerPool
    ) -> None:
        self._applier = applier
        self._pool = pool
        self._answers: queue.SimpleQueue[
            tuple[str, model.BalloonSample | None]
        ] = queue.SimpleQueue()

    def look(
        self, guests: Sequence[model.Guest], wait_seconds: float
    ) -> dict[str, model.BalloonSample]:
        """Read guests until each has told its statistics or time is up.

        :returns: the last sample of each guest that could be read, by UUID
        """
        until = time.monotonic() + wait_seconds
        samples: dict[str, model.BalloonSample] = {}
        waiting = {guest.uuid for guest in guests}
        for guest_uuid in waiting:
            self._submit(guest_uuid)
        while waiting and (left := until - time.monotonic()) > 0:
            try:
                guest_uuid, sample = self._answers.get(timeout=left)
            except queue.Empty:
                break
            if sample is not None:
                samples[guest_uuid] = sample
            if sample is None or sample.statistics is not None:
                waiting.discard(guest_uuid)
            elif guest_uuid in waiting:
                time.sleep(_POLL_SECONDS / len(waiting))
                self._submit(guest_uuid)
        return samples

    def _submit(self, guest_uuid: str) -> None:
        def job() -> None:
            sample = None
            try:
                sample = self._applier.read(guest_uuid)
            except exception.ApplierError:
                pass
            finally:
                self._answers.put((guest_uuid, sample))

        self._pool.submit(guest_uuid, job)
