# SPDX-License-Identifier: Apache-2.0
"""How the controller weighs a host and its guests."""

from collections.abc import Callable, Mapping
import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units

# From a guest to its priority, or to the words why it is never touched.
Ranking = Callable[[model.Guest], float | str]


def rank_all_alike(guest: model.Guest) -> float | str:
    """Give every guest the same priority."""
    return 1.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ControllerSettings:
    """When memory is taken and returned, how much, and in what time.

    :param guards_of: what no policy may do to a guest
    :param rank: a guest's priority, or why it is never touched
    :param mode: who keeps the clocks of its policies, where terms say nothing
    :param shortest_seconds: no policy against pressure is shorter
    :param longest_seconds: nor longer
    :param least_need_kib: a need of less is raised to it, and to a sixteenth
        of the memory between the watermarks
    :param stall_step_percent: of the host's memory; asked for while tasks
        wait for memory although more than the low watermark is available
    :param stall_step_seconds: no such step sooner after another
    :param replan_seconds: no plan sooner after another
    :param settle_seconds: how long the host must be well before memory is
        returned; doubles each time that pressure came back after it
    :param return_seconds: the duration of policies that return memory
    :param return_round_seconds: between two rounds of returning
    :param return_share: of the spare memory, for one round; 64 MiB at least,
        as far as there is so much
    :param relapse_seconds: pressure so soon after a return blames the return
    :param respect_seconds: a guest whose balloon somebody else moved is left
        alone for so long
    :param cool_down_seconds: likewise a guest that did not deliver; doubles
        with every strike
    :param cool_down_longest_seconds: and ends there
    :param strike_half_life_seconds: in which half a strike is forgotten
    :param list_seconds: between two listings of the guests
    :param looks_per_second: at guests that no policy moves, all together
    :param look_shortest_seconds: no guest is looked at more often
    :param peak_half_life_seconds: in which half of a past peak is forgotten
    """

    guards_of: Callable[[model.Guest], model.Guards]
    rank: Ranking = rank_all_alike
    watermarks: situation.WatermarkRule = dataclasses.field(
        default_factory=situation.WatermarkRule
    )
    leash: model.Leash = dataclasses.field(default_factory=model.Leash)
    mode: timekeeping.Mode = timekeeping.Mode.HOST
    shortest_seconds: float = 1.0
    longest_seconds: float = 30.0
    least_need_kib: int = 16 * units.KIB_PER_MIB
    stall_step_percent: float = 1.0
    stall_step_seconds: float = 2.0
    replan_seconds: float = 0.25
    settle_seconds: float = 30.0
    return_seconds: float = 10.0
    return_round_seconds: float = 5.0
    return_share: float = 0.5
    relapse_seconds: float = 600.0
    respect_seconds: float = 600.0
    cool_down_seconds: float = 60.0
    cool_down_longest_seconds: float = 3600.0
    strike_half_life_seconds: float = 3600.0
    list_seconds: float = 60.0
    looks_per_second: float = 20.0
    look_shortest_seconds: float = 2.0
    peak_half_life_seconds: float = 300.0


# What is known of guests from before, by UUID.
Remembered = Mapping[str, situation.GuestTraits]
