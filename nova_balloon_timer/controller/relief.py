# SPDX-License-Identifier: Apache-2.0
"""Taking memory: how much is needed, in what time, and from whom."""

from collections.abc import Callable, Set
import math

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import units
from nova_balloon_timer.controller import flight as controller_flight
from nova_balloon_timer.controller import host as controller_host
from nova_balloon_timer.controller import settings as controller_settings
from nova_balloon_timer.planners import base as planner_base
from nova_balloon_timer.planners import check as planner_check

# A correction needs at least this share of the shortest duration.
_LEAST_SHARE = 0.25
# While nobody can give anything, ask less and less often.
_LONGEST_REST_SECONDS = 10.0

# How much later than relief is needed it may come, before it is hurried.
_TOO_SLOW = 2.0
_LEAST_AGE_SECONDS = 2.0
_NOBODY: frozenset[str] = frozenset()

MakeCandidates = Callable[[Set[str]], tuple[situation.Candidate, ...]]

_UNDELIVERED = (
    model.EndReason.STALLED,
    model.EndReason.DISTRESS,
    model.EndReason.FAILED,
    model.EndReason.GUEST_GONE,
    model.EndReason.SUPERSEDED,
)


class Relief:
    """From a host that is short to policies, again and again until it is not.

    What a guest does not deliver is asked of others, within the time that the
    plan it belonged to has left.
    """

    def __init__(
        self,
        settings: controller_settings.ControllerSettings,
        planner: planner_base.Planner,
        make_uuid: Callable[[], str],
    ) -> None:
        self._settings = settings
        self._planner = planner
        self._make_uuid = make_uuid
        self._deadline_at = -math.inf
        self._has_shortfall = False
        self._next_at = -math.inf
        self._next_stall_step_at = -math.inf
        self._rest_seconds = settings.replan_seconds

    def reload(
        self,
        settings: controller_settings.ControllerSettings,
        planner: planner_base.Planner,
    ) -> None:
        """Take other settings, and another planner, from now on."""
        self._settings = settings
        self._planner = planner

    def note_end(self, report: model.EndReport, now: float) -> None:
        """Learn that a policy against pressure ended."""
        # Whoever could not be asked while it ran can be now.
        self._next_at = min(self._next_at, now)
        self._rest_seconds = self._settings.replan_seconds
        if report.reason in _UNDELIVERED and now < self._deadline_at:
            self._has_shortfall = True

    def note_change(self) -> None:
        """Learn that pressure is new, or guests are: do not rest any more."""
        self._next_at = -math.inf
        self._rest_seconds = self._settings.replan_seconds

    def note_recovered(self) -> None:
        """Learn that the host is well: what was planned is over."""
        self._deadline_at = -math.inf
        self._has_shortfall = False
        self._next_at = -math.inf
        self._rest_seconds = self._settings.replan_seconds

    def need_kib(
        self,
        host: controller_host.HostState,
        flights: controller_flight.Flights,
        now: float,
        without: Set[str] = _NOBODY,
        owed_kib: int = 0,
    ) -> int:
        """Return what has to be asked for, beyond what is under way.

        Need = low watermark - available - relief in flight, where available
        is what will be left when the relief comes, if memory goes on falling
        as it does, and guests were given what they are owed. A need that is
        there is rounded up, or the host would be short again at once.

        :param without: guests whose relief under way does not count
        :param owed_kib: what guests miss that others can give
        """
        if not host.is_short and owed_kib == 0:
            return 0
        lacking_kib = host.lacking_kib_in(
            self._horizon_seconds(host), owed_kib
        )
        if now >= self._next_stall_step_at:
            lacking_kib = max(lacking_kib, host.stall_step_kib)
        need_kib = lacking_kib - flights.relief_kib(host.memory, now, without)
        if need_kib <= 0:
            return 0
        return max(need_kib, self._settings.least_need_kib, host.portion_kib)

    def _horizon_seconds(self, host: controller_host.HostState) -> float:
        """Return when relief that is asked for now has come."""
        left_seconds = host.exhaustion_seconds
        if left_seconds is None:
            return 0.0
        settings = self._settings
        return min(
            settings.longest_seconds,
            max(settings.shortest_seconds, left_seconds / 2),
        )

    def plan(
        self,
        host: controller_host.HostState,
        flights: controller_flight.Flights,
        make_candidates: MakeCandidates,
        now: float,
        owed_kib: int = 0,
    ) -> tuple[message.ReliefPlanned, list[model.BalloonPolicy]] | None:
        """Plan if there is need.

        :param make_candidates: called only then, as it costs something; of
            the guests that it is given, the policies under way do not count
        :param owed_kib: what guests miss that others can give
        :returns: what was planned, and its policies; None: nothing to do
        """
        if now < self._next_at:
            return None
        need_kib = self.need_kib(host, flights, now, owed_kib=owed_kib)
        if need_kib == 0:
            return None
        self._has_shortfall |= flights.has_silent_relief(now)
        corrects = self._corrects(now)
        request = self._request(need_kib, host, make_candidates(_NOBODY), now)
        plan = planner_check.ask(self._planner, request)
        if plan.shortfall_kib > 0:
            hurried = self._hurry(
                host, flights, make_candidates, now, owed_kib
            )
            if hurried is not None:
                request, plan = hurried
        policies = self._make_policies(plan, request, corrects)
        self._remember(plan, bool(policies), now)
        planned = message.ReliefPlanned(
            at=now, need_kib=request.need_kib, plan=plan, corrects=corrects
        )
        return planned, policies

    def _hurry(
        self,
        host: controller_host.HostState,
        flights: controller_flight.Flights,
        make_candidates: MakeCandidates,
        now: float,
        owed_kib: int,
    ) -> tuple[situation.PlanRequest, situation.Plan] | None:
        """Ask those anew, for sooner, whose relief would come too late.

        A policy that takes another's place waits until that was frozen, so
        it has to be over clearly sooner, and the other no newcomer.
        """
        if host.exhaustion_seconds is None:
            return None
        horizon_at = now + _TOO_SLOW * self._horizon_seconds(host)
        slow = flights.relieving_beyond(horizon_at, now - _LEAST_AGE_SECONDS)
        if not slow:
            return None
        need_kib = self.need_kib(host, flights, now, slow.keys(), owed_kib)
        request = self._request(
            need_kib, host, make_candidates(slow.keys()), now
        )
        plan = planner_check.ask(self._planner, request)
        ends_at = now + plan.duration_seconds + _LEAST_AGE_SECONDS
        return (request, plan) if ends_at < min(slow.values()) else None

    def _left_seconds(self, now: float) -> float:
        return self._deadline_at - now

    def _corrects(self, now: float) -> bool:
        least_seconds = self._settings.shortest_seconds * _LEAST_SHARE
        return self._has_shortfall and self._left_seconds(now) >= least_seconds

    def _request(
        self,
        need_kib: int,
        host: controller_host.HostState,
        candidates: tuple[situation.Candidate, ...],
        now: float,
    ) -> situation.PlanRequest:
        shortest_seconds = self._settings.shortest_seconds
        longest_seconds = self._settings.longest_seconds
        if self._corrects(now):
            longest_seconds = min(longest_seconds, self._left_seconds(now))
            shortest_seconds = min(shortest_seconds, longest_seconds)
        return situation.PlanRequest(
            need_kib=need_kib,
            shortest_seconds=shortest_seconds,
            longest_seconds=longest_seconds,
            exhaustion_seconds=host.exhaustion_seconds,
            candidates=candidates,
        )

    def _remember(
        self, plan: situation.Plan, has_policies: bool, now: float
    ) -> None:
        if not has_policies:
            self._next_at = now + self._rest_seconds
            self._rest_seconds = min(
                2 * self._rest_seconds, _LONGEST_REST_SECONDS
            )
            return
        if not self._corrects(now):
            deadline_at = now + plan.duration_seconds
            self._deadline_at = max(self._deadline_at, deadline_at)
        self._has_shortfall = False
        self._rest_seconds = self._settings.replan_seconds
        self._next_at = now + self._settings.replan_seconds
        self._next_stall_step_at = now + self._settings.stall_step_seconds

    def _make_policies(
        self,
        plan: situation.Plan,
        request: situation.PlanRequest,
        corrects: bool,
    ) -> list[model.BalloonPolicy]:
        candidates = {it.guest.uuid: it for it in request.candidates}
        policies: list[model.BalloonPolicy] = []
        for proposal in plan.proposals:
            candidate = candidates[proposal.guest_uuid]
            terms = candidate.guest.terms
            mode, mode_words = terms.mode_of(self._settings.mode)
            policies.append(
                model.BalloonPolicy(
                    uuid=self._make_uuid(),
                    guest_uuid=proposal.guest_uuid,
                    direction=model.Direction.INFLATE,
                    start_actual_kib=candidate.actual_kib,
                    target_kib=proposal.target_kib,
                    maximum_kib=candidate.guest.maximum_kib,
                    duration_seconds=plan.duration_seconds,
                    guards=candidate.guards,
                    segments=proposal.segments,
                    leash=self._settings.leash,
                    mode=mode,
                    mode_words=mode_words,
                    origin=model.Origin.PRESSURE,
                    explanation=_explain(proposal, request, corrects),
                )
            )
        return policies


def _explain(
    proposal: situation.Proposal,
    request: situation.PlanRequest,
    corrects: bool,
) -> str:
    need = units.format_kib(request.need_kib)
    why = f'the host lacks {need}'
    if corrects:
        why = f'{need} that another guest did not deliver'
    return f'{why}; {proposal.words}'
