# SPDX-License-Identifier: Apache-2.0
"""Policies that the controller itself has ended."""

from nova_balloon_timer import message
from nova_balloon_timer import model


class Cancellations:
    """Tells ends that the controller wanted from those of others."""

    def __init__(self) -> None:
        self._ordered: set[str] = set()

    def order(
        self, policy_uuid: str, words: str
    ) -> list[message.PolicyCancelled]:
        """Have a policy end; nothing is left to do if it was ordered before.

        :param words: why, for its report
        """
        if policy_uuid in self._ordered:
            return []
        self._ordered.add(policy_uuid)
        return [message.PolicyCancelled(policy_uuid=policy_uuid, words=words)]

    def settle(self, report: model.EndReport) -> bool:
        """Tell whether an end was ordered here; it is not remembered then."""
        is_ordered = report.policy.uuid in self._ordered
        self._ordered.discard(report.policy.uuid)
        return is_ordered
