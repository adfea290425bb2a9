# SPDX-License-Identifier: Apache-2.0
"""What a policy would come to on guests as they are now, without them.

A guest's snapshot is what any applier reads: nobody's balloon moves.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import machine
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import host as simulated_host
from nova_balloon_timer.simulator import memory


def profile_of(
    guest: model.Guest,
    sample: model.BalloonSample,
    behaviours: tuple[behaviour.Behaviour, ...] = (),
) -> simulated_guest.GuestProfile:
    """Make a simulated guest of a real one's snapshot.

    What a sample leaves open is taken for the worst: a guest without
    statistics uses all that it has, one without an RSS has touched it all.
    It is taken to swap, as nothing tells.

    :param behaviours: what is known of its ways, as a measured rate
    """
    usable_kib = sample.usable_kib or 0
    used_kib = sample.actual_kib - memory.KERNEL_KIB - usable_kib
    touched_kib = sample.actual_kib
    if sample.rss_kib is not None:
        touched_kib = min(touched_kib, sample.rss_kib - memory.QEMU_KIB)
    period_seconds = None if sample.statistics is None else 1.0
    return simulated_guest.GuestProfile(
        name=guest.name,
        uuid=guest.uuid,
        maximum_kib=guest.maximum_kib,
        actual_kib=sample.actual_kib,
        used_kib=max(0, used_kib),
        touched_kib=max(0, touched_kib),
        swaps=True,
        statistics_seconds=period_seconds,
        behaviours=behaviours,
    )


def run(
    profiles: Iterable[simulated_guest.GuestProfile],
    policies: Iterable[model.BalloonPolicy],
    is_enough: Callable[[], bool] | None = None,
) -> list[model.EndReport]:
    """Run policies on the real engine and simulated guests.

    :param is_enough: asked again and again; if so, a policy that has not
        ended is left out
    :returns: how they ended, in that order
    """
    host = simulated_host.SimulatedHost(machine.Engine(), profiles)
    for balloon_policy in policies:
        host.post_at(0.0, message.PolicyRequested(policy=balloon_policy))
    return host.run() if is_enough is None else host.run(is_enough)


def expect(
    guests: Iterable[model.Guest],
    samples: Mapping[str, model.BalloonSample],
    policies: Sequence[model.BalloonPolicy],
    is_enough: Callable[[], bool] | None = None,
) -> dict[str, model.EndReport]:
    """Run policies on simulated guests in the state of the real ones.

    They move as quickly as an idle guest does.

    :param samples: by UUID; there is one of each guest that has a policy
    :param is_enough: see :func:`run`
    :returns: how they ended, by the guest's UUID
    """
    known = {guest.uuid: guest for guest in guests}
    profiles = [
        profile_of(known[made.guest_uuid], samples[made.guest_uuid])
        for made in policies
    ]
    reports = run(profiles, policies, is_enough)
    return {report.policy.guest_uuid: report for report in reports}
