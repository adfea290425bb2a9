# SPDX-License-Identifier: Apache-2.0
"""From guests' names to policies, before any balloon is moved."""

from collections.abc import Sequence
import contextlib
import dataclasses
import threading

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import survey
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import base
from nova_balloon_timer.appliers import pool as applier_pool

# How long to wait for hypervisors that hang, when we clean up.
_RESTORE_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is going to be done to whom.

    :param refusals: by the UUIDs of the guests that are left alone
    :param timings: who will keep the clocks, by guest, as far as they were
        asked or it is not up to them
    """

    guests: tuple[model.Guest, ...]
    samples: dict[str, model.BalloonSample]
    policies: tuple[model.BalloonPolicy, ...]
    refusals: dict[str, model.Refusal]
    timings: dict[str, timekeeping.Timing] = dataclasses.field(
        default_factory=dict
    )

    @property
    def names(self) -> dict[str, str]:
        """Return the guests' names by UUID."""
        return {guest.uuid: guest.name for guest in self.guests}


def find_guests(
    applier: base.Applier, names: Sequence[str], wanted: order.Order
) -> tuple[model.Guest, ...]:
    """Look all guests up, and check the order against each.

    :raises GuestNotFound: there is no such guest
    :raises InvalidPolicy: a guest is named twice, or can never have the
        target
    """
    guests: dict[str, model.Guest] = {}
    for name in names:
        guest = applier.find_guest(name)
        if guest.uuid in guests:
            raise exception.InvalidPolicy(
                why=f'guest {guest.name} is named twice'
            )
        order.check_sizes(wanted, guest)
        guests[guest.uuid] = guest
    return tuple(guests.values())


class Preparation:
    """Has guests tell their statistics for as long as it is entered."""

    def __init__(
        self,
        applier: base.Applier,
        pool: applier_pool.WorkerPool,
        guests: Sequence[model.Guest],
        wait_seconds: float,
    ) -> None:
        self._applier = applier
        self._pool = pool
        self.guests = tuple(guests)
        self._able = [guest for guest in guests if not guest.refusals]
        self._wait_seconds = wait_seconds

    def __enter__(self) -> 'Preparation':
        for guest in self._able:
            self._pool.submit(guest.uuid, self._starter(guest.uuid))
        return self

    def __exit__(self, *failure: object) -> None:
        restored = threading.Semaphore(0)
        for guest in self._able:
            self._pool.submit(guest.uuid, self._restorer(guest.uuid, restored))
        for _ in self._able:
            if not restored.acquire(timeout=_RESTORE_SECONDS):
                break

    def look(self) -> dict[str, model.BalloonSample]:
        """Read the guests that can be ballooned, with their statistics.

        A guest that could not be read is then refused, with the error's words.

        :returns: by UUID; a guest that could not be read is left out
        """
        surveyor = survey.Surveyor(self._applier, self._pool)
        samples = surveyor.look(self._able, self._wait_seconds)
        self.guests = tuple(
            _refused(guest, surveyor.errors.get(guest.uuid))
            for guest in self.guests
        )
        return samples

    def plan(
        self,
        wanted: order.Order,
        defaults: order.Defaults,
        *,
        asks_clocks: bool = False,
    ) -> Plan:
        """Read the guests and make their policies.

        Guests that must keep the clock are asked whether they can; one that
        cannot is refused.

        :param asks_clocks: ask those as well that may leave it to the host
        :raises InvalidPolicy: the order contradicts itself for some guest
        """
        samples = self.look()
        policies: list[model.BalloonPolicy] = []
        refusals: dict[str, model.Refusal] = {}
        for guest in self.guests:
            sample = samples.get(guest.uuid)
            made = order.make_policy(wanted, guest, sample, defaults)
            if isinstance(made, model.Refusal):
                refusals[guest.uuid] = made
            else:
                policies.append(made)
        timings = self._ask_clocks(policies, asks_clocks)
        for made in policies:
            timing = timings.get(made.guest_uuid)
            if timing is not None and not timing.suits(made.mode):
                refusals[made.guest_uuid] = order.refuse_clock(timing.words)
        return Plan(
            guests=self.guests,
            samples=samples,
            policies=tuple(
                it for it in policies if it.guest_uuid not in refusals
            ),
            refusals=refusals,
            timings=timings,
        )

    def _ask_clocks(
        self, policies: Sequence[model.BalloonPolicy], asks_all: bool
    ) -> dict[str, timekeeping.Timing]:
        timings = {
            made.guest_uuid: timekeeping.Timing(words=made.mode_words)
            for made in policies
            if made.mode is timekeeping.Mode.HOST
        }
        asked = [
            made.guest_uuid
            for made in policies
            if made.mode is timekeeping.Mode.GUEST
            or (made.mode is timekeeping.Mode.AUTO and asks_all)
        ]
        return timings | survey.ask_clocks(
            self._applier, self._pool, asked, self._wait_seconds
        )

    def _starter(self, guest_uuid: str) -> applier_pool.Job:
        # NOTE: what is wrong with the guest, reading it will tell.
        def job() -> None:
            with contextlib.suppress(exception.ApplierError):
                self._applier.start_statistics(guest_uuid)

        return job

    def _restorer(
        self, guest_uuid: str, restored: threading.Semaphore
    ) -> applier_pool.Job:
        def job() -> None:
            try:
                with contextlib.suppress(exception.ApplierError):
                    self._applier.restore_statistics(guest_uuid)
            finally:
                restored.release()

        return job


def _refused(
    guest: model.Guest, error: exception.ApplierError | None
) -> model.Guest:
    if error is None:
        return guest
    refusal = model.Refusal(
        obstacle=model.Obstacle.UNREADABLE,
        words=str(error),
    )
    return dataclasses.replace(guest, refusals=(*guest.refusals, refusal))
