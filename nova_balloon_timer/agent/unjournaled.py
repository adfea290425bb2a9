# SPDX-License-Identifier: Apache-2.0
"""Ends of policies that are not on the disk, for who asks for them."""

import dataclasses

from nova_balloon_timer import model

# While the disk fails, or hangs.
_MOST = 1000
# Of more than that only what was seen last is kept.
_MOST_CURVES = 64


class UnjournaledEnds:
    """Keeps ends until the journal has them, and some that it has not."""

    def __init__(self) -> None:
        self._ends: dict[str, model.EndReport] = {}

    def add(self, report: model.EndReport) -> None:
        """Keep an end that is on its way to the disk."""
        if len(self._ends) >= _MOST_CURVES:
            report = _without_curve(report)
        self._ends[report.policy.uuid] = report
        if len(self._ends) > _MOST:
            del self._ends[next(iter(self._ends))]

    def settle(self, policy_uuid: str, is_written: bool) -> None:
        """Learn whether it got there."""
        report = self._ends.get(policy_uuid)
        if report is None:
            return
        if is_written:
            del self._ends[policy_uuid]
        else:
            self._ends[policy_uuid] = _without_curve(report)

    def find(self, policy_uuid: str) -> model.EndReport | None:
        """Return how a policy ended."""
        return self._ends.get(policy_uuid)


def _without_curve(report: model.EndReport) -> model.EndReport:
    return dataclasses.replace(report, curve=report.curve[-1:])
