# SPDX-License-Identifier: Apache-2.0
"""A whole host, its guests, and what is expected of a run."""

from collections.abc import Mapping
import dataclasses

from nova_balloon_timer.simulator.fleet import expectation
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern as fleet_pattern


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FleetScenario:
    """What a run starts from.

    :param tick_seconds: between two instants, demand goes in straight lines
    :param other: what the host spends outside guests
    :param options: of the group [balloon_timer], as texts
    :param began_at: seconds since the epoch
    """

    name: str
    description: str
    seconds: float
    tick_seconds: float
    total_kib: int
    other: fleet_pattern.Pattern
    guests: tuple[fleet_guest.FleetProfile, ...]
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    expect: expectation.Expectation = dataclasses.field(
        default_factory=expectation.Expectation
    )
    began_at: float = 946_684_800.0
