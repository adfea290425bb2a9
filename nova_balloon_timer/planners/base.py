# SPDX-License-Identifier: Apache-2.0
"""What a planner is: from how things stand to what to ask of whom."""

import abc

from nova_balloon_timer import situation


class Planner(abc.ABC):
    """Decides, and only that: the same request has the same answer.

    A planner keeps nothing between two calls and knows no clock, file, log or
    option. It never raises; what it cannot do, its plan says.
    """

    @abc.abstractmethod
    def plan(self, request: situation.PlanRequest) -> situation.Plan:
        """Say what is asked of each candidate, or why nothing is."""
