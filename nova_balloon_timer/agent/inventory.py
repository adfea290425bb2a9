# SPDX-License-Identifier: Apache-2.0
"""What is under way, as the crank and its controller know it at this instant.

All of it is for the crank's own thread: every method is quick, changes
nothing, and returns what other threads may keep.
"""

from collections.abc import Callable
import dataclasses
import heapq
import time

from nova_balloon_timer import model
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.engine import freeze as engine_freeze
from nova_balloon_timer.engine import run as engine_run
from nova_balloon_timer.engine import states
from nova_balloon_timer.rpc import standing as rpc_standing

_Source = model.BalloonPolicy | engine_run.Run | engine_freeze.Freeze


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class UnjournaledEnd:
    """How a policy ended, where the journal does not have that."""

    report: model.EndReport
    guest_name: str


Found = rpc_standing.PolicyStanding | UnjournaledEnd | None


class Inventory:
    """Looks at a crank."""

    def __init__(
        self,
        crank: agent_crank.HostCrank,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._crank = crank
        self._clock = clock

    def policies(
        self, after: str, most: int
    ) -> list[rpc_standing.PolicyStanding]:
        """Describe the policies under way, in the order of their UUIDs.

        :param after: only those whose UUID is greater
        :param most: so many of these
        """
        sources = self._sources()
        uuids = heapq.nsmallest(most, (it for it in sources if it > after))
        return [self._describe(sources[it]) for it in uuids]

    def find(self, policy_uuid: str) -> Found:
        """Describe a policy, unless only the journal knows it."""
        source = self._sources().get(policy_uuid)
        if source is not None:
            return self._describe(source)
        report = self._crank.unjournaled.find(policy_uuid)
        if report is None:
            return None
        return UnjournaledEnd(
            report=report, guest_name=self._name_of(report.policy)
        )

    def policy_of(self, guest_uuid: str) -> str | None:
        """Return the policy whose place another one would take."""
        for made in reversed(self._crank.waiting):
            if made.guest_uuid == guest_uuid:
                return made.uuid
        for run in self._crank.engine.runs:
            if run.balloon_policy.guest_uuid == guest_uuid:
                return run.balloon_policy.uuid
        return None

    def reason_of(self, policy_uuid: str) -> model.EndReason | None:
        """Return why a policy ended that is being frozen."""
        for freeze in self._crank.engine.freezes:
            if freeze.ended.balloon_policy.uuid == policy_uuid:
                return freeze.reason
        return None

    def host(self) -> rpc_standing.HostStanding:
        """Describe the host."""
        controller = self._crank.controller
        host = controller.host
        engine = self._crank.engine
        under_way = len(self._crank.waiting) + len(engine.runs)
        return rpc_standing.HostStanding(
            is_short=host.is_short,
            words=host.words,
            memory=host.memory,
            watermarks=host.watermarks,
            stalled_share=host.stalled_share,
            fall_kib_per_second=host.told_fall_kib_per_second,
            exhaustion_seconds=host.exhaustion_seconds,
            guests=len(controller.roster),
            policies=under_way + len(engine.freezes),
            relief_kib=controller.flights.coming_kib(self._clock()),
        )

    def _sources(self) -> dict[str, _Source]:
        engine = self._crank.engine
        sources: dict[str, _Source] = {
            it.uuid: it for it in self._crank.waiting
        }
        for run in engine.runs:
            sources[run.balloon_policy.uuid] = run
        for freeze in engine.freezes:
            sources[freeze.ended.balloon_policy.uuid] = freeze
        return sources

    def _describe(self, source: _Source) -> rpc_standing.PolicyStanding:
        match source:
            case model.BalloonPolicy():
                return rpc_standing.PolicyStanding(
                    policy=source,
                    guest_name=self._name_of(source),
                    state=states.State.PENDING,
                    requested_at=self._crank.requested_at.get(source.uuid),
                )
            case engine_run.Run():
                return self._describe_run(source)
            case engine_freeze.Freeze():
                return dataclasses.replace(
                    self._describe_run(source.ended),
                    state=states.State.FREEZING,
                    ended_at=source.ended_at,
                )

    def _describe_run(
        self, run: engine_run.Run
    ) -> rpc_standing.PolicyStanding:
        made = run.balloon_policy
        return rpc_standing.PolicyStanding(
            policy=made,
            guest_name=self._name_of(made),
            state=run.state,
            requested_at=self._crank.requested_at.get(made.uuid),
            started_at=run.started_at,
            seen=run.curve.last,
            held_by=run.held_by,
            timing=None if run.clock.is_undecided else run.clock.timing,
        )

    def _name_of(self, made: model.BalloonPolicy) -> str:
        return self._crank.controller.roster.name_of(made.guest_uuid)
