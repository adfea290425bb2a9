# SPDX-License-Identifier: Apache-2.0
"""Answers what is asked over the message bus, from what the agent knows.

It is called by the RPC's threads. What belongs to the crank's thread is asked
of that; guests are read by the pool's workers, the journal by threads of its
own; and none of them is waited for long.
"""

from collections.abc import Callable
import functools
import threading
from typing import TypeVar

from nova_balloon_timer import assessment
from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import question
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import archive as agent_archive
from nova_balloon_timer.agent import clerk as agent_clerk
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.agent import inquiry
from nova_balloon_timer.agent import inventory
from nova_balloon_timer.journal import instant
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.rpc import standing as rpc_standing
from nova_balloon_timer.rpc import view
from nova_balloon_timer.simulator import dry_run

_Answer = TypeVar('_Answer')
_Item = TypeVar('_Item')

# What the crank's thread describes at once, so that it is back at its timers
# within milliseconds.
_PORTION = 100

# To try a policy on a simulated guest; one after another, as two at once take
# twice as long.
_SIMULATION_SECONDS = 0.25


class Desk:
    """Knows whom to ask.

    :param identify: which agent it is
    :param journal: what becomes of what the journal is given
    :param notifications: what becomes of notifications
    """

    def __init__(
        self,
        crank: agent_crank.HostCrank,
        clerk: agent_clerk.Clerk,
        archive: agent_archive.Archive,
        *,
        identify: Callable[[], rpc_standing.Identity],
        journal: Callable[[], rpc_standing.JournalStanding],
        notifications: Callable[[], rpc_standing.NotificationStanding],
        clock: instant.HostClock | None = None,
    ) -> None:
        self._crank = crank
        self._clerk = clerk
        self._archive = archive
        self._identify = identify
        self._journal = journal
        self._notifications = notifications
        self._clock = clock or instant.HostClock()
        self._inventory = inventory.Inventory(crank, self._clock.monotonic)
        self._simulating = threading.Lock()

    def create_policy(self, guest: str, wanted: order.Order) -> view.Json:
        """Have a guest ballooned; answered when that is in the journal."""
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        draft = self._clerk.draft(guest, wanted, patience)
        made = draft.made
        if isinstance(made, model.Refusal):
            raise exception.GuestRefused(
                guest=draft.guest.name, why=made.words
            )
        accepted = threading.Event()

        def request() -> str | None:
            # NOTE: it would be left moving when the agent ends.
            if self._crank.is_stopping:
                raise exception.AgentBusy(why='it is about to end')
            superseded = self._inventory.policy_of(made.guest_uuid)
            self._crank.take([made], accepted.set)
            return superseded

        superseded = inquiry.ask(self._crank, request, patience)
        accepted.wait(patience.share(inquiry.STEP_SECONDS))
        try:
            described = self._show(made.uuid, patience)
        except exception.BalloonTimerError:
            # It runs all the same, and that is what matters.
            described = self._describe(_pending(made, draft.guest.name))
        return {'policy': described, 'superseded': superseded}

    def preview_policy(self, guest: str, wanted: order.Order) -> view.Json:
        """Say what an order would come to, and move nothing."""
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        try:
            draft = self._clerk.draft(guest, wanted, patience, asks_clock=True)
        except exception.GuestRefused as error:
            return _preview(refusal=str(error.details['why']))
        assessed = assessment.assess(draft.guest, draft.sample, draft.guards)
        if isinstance(draft.made, model.Refusal):
            return _preview(refusal=draft.made.words, assessed=assessed)
        return _preview(
            made=self._describe(
                _pending(draft.made, draft.guest.name, draft.timing)
            ),
            assessed=assessed,
            expected=self._expect(draft, draft.made, patience),
        )

    def list_policies(self, limit: int, marker: str | None) -> view.Json:
        """Describe the policies under way, by UUID."""
        standings = self._in_portions(
            self._inventory.policies,
            lambda it: it.policy.uuid,
            marker,
            limit + 1,
        )
        items = [self._describe(it) for it in standings]
        return view.page('policies', items, limit)

    def show_policy(self, policy_uuid: str) -> view.Json:
        """Describe a policy that is under way or has ended."""
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        return self._show(policy_uuid, patience)

    def cancel_policy(self, policy_uuid: str) -> view.Json:
        """End a policy that is under way."""
        patience = question.Patience(inquiry.ANSWER_SECONDS)

        def cancel() -> tuple[inventory.Found, model.EndReason | None]:
            found = self._inventory.find(policy_uuid)
            if isinstance(found, inventory.UnjournaledEnd):
                return found, found.report.reason
            reason = self._inventory.reason_of(policy_uuid)
            if found is None or reason is not None:
                return found, reason
            self._crank.cancel(policy_uuid)
            return self._inventory.find(policy_uuid), None

        found, reason = inquiry.ask(self._crank, cancel, patience)
        if found is None:
            reason = self._journaled(policy_uuid, patience).report.reason
        if found is None or reason is not None:
            raise exception.PolicyNotLive(
                uuid=policy_uuid, reason=reason and reason.value
            )
        return self._describe(found)

    def show_host(self) -> view.Json:
        """Describe the host, and the agent."""
        return view.host(
            self._ask(self._inventory.host),
            self._identify(),
            self._journal(),
            self._notifications(),
        )

    def list_guests(self, limit: int, marker: str | None) -> view.Json:
        """Describe the guests, by UUID."""
        muster = self._crank.controller.muster
        standings = self._in_portions(
            lambda after, most: muster.standings(
                self._clock.monotonic(), after, most
            ),
            lambda it: it.guest.uuid,
            marker,
            limit + 1,
        )
        return view.page('guests', [view.guest(it) for it in standings], limit)

    def list_history(
        self, limit: int, marker: str | None, guest: str | None
    ) -> view.Json:
        """Describe policies that have ended, the newest first."""
        try:
            found = self._archive.read(
                lambda reader: reader.history(limit + 1, marker, guest),
                inquiry.ANSWER_SECONDS,
            )
        except exception.PolicyNotInJournal as error:
            raise exception.InvalidArgument(
                name='marker', why=str(error)
            ) from error
        items = [view.past_policy(it) for it in found]
        return view.page('policies', items, limit)

    def show_history(self, policy_uuid: str) -> view.Json:
        """Describe a policy that has ended with its curve."""
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        found = self._find(policy_uuid, patience)
        if isinstance(found, rpc_standing.PolicyStanding):
            raise exception.PolicyNotInJournal(uuid=policy_uuid)
        if found is None:
            return view.saved_policy(self._journaled(policy_uuid, patience))
        return view.saved_policy(self._saved(found))

    def list_events(self, limit: int) -> view.Json:
        """Describe what happened on the host, the newest first."""
        found = self._archive.read(
            lambda reader: reader.events(limit), inquiry.ANSWER_SECONDS
        )
        return {'events': [view.event(it) for it in found]}

    def _ask(self, function: Callable[[], _Answer]) -> _Answer:
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        return inquiry.ask(self._crank, function, patience)

    def _in_portions(
        self,
        describe: Callable[[str, int], list[_Item]],
        uuid_of: Callable[[_Item], str],
        marker: str | None,
        most: int,
    ) -> list[_Item]:
        """Have the crank's thread describe things, some at a time.

        :param describe: so many with greater UUIDs than one, in their order
        """
        patience = question.Patience(inquiry.ANSWER_SECONDS)
        found: list[_Item] = []
        after = marker or ''
        while (count := min(_PORTION, most - len(found))) > 0:
            portion = inquiry.ask(
                self._crank,
                functools.partial(describe, after, count),
                patience,
            )
            found += portion
            if len(portion) < count:
                break
            after = uuid_of(portion[-1])
        return found

    def _find(
        self, policy_uuid: str, patience: question.Patience
    ) -> inventory.Found:
        return inquiry.ask(
            self._crank, lambda: self._inventory.find(policy_uuid), patience
        )

    def _show(
        self, policy_uuid: str, patience: question.Patience
    ) -> view.Json:
        found = self._find(policy_uuid, patience)
        if found is None:
            return view.ended_policy(self._journaled(policy_uuid, patience))
        return self._describe(found)

    def _journaled(
        self, policy_uuid: str, patience: question.Patience
    ) -> saved_run.SavedPolicy:
        """Read how a policy ended.

        :raises PolicyNotFound: nobody knows it
        """
        try:
            return self._archive.read(
                lambda reader: reader.report_of(policy_uuid),
                patience.share(inquiry.ANSWER_SECONDS),
            )
        except exception.PolicyNotInJournal as error:
            raise exception.PolicyNotFound(uuid=policy_uuid) from error

    def _describe(
        self, found: rpc_standing.PolicyStanding | inventory.UnjournaledEnd
    ) -> view.Json:
        if isinstance(found, inventory.UnjournaledEnd):
            return view.ended_policy(self._saved(found))
        wall_clock = self._clock.pair()
        return view.policy(found, wall_clock.monotonic_at, wall_clock)

    def _saved(self, end: inventory.UnjournaledEnd) -> saved_run.SavedPolicy:
        """Write an end as the journal would."""
        run = saved_run.from_reports(
            [end.report],
            guest_names={end.report.policy.guest_uuid: end.guest_name},
            host='',
            wall_clock=self._clock.pair(),
        )
        return run.policies[0]

    def _expect(
        self,
        draft: agent_clerk.Draft,
        made: model.BalloonPolicy,
        patience: question.Patience,
    ) -> model.EndReport | None:
        """Try a policy on a simulated guest; None if that takes too long."""
        sample = draft.sample
        seconds = patience.share(_SIMULATION_SECONDS)
        if sample is None or not self._simulating.acquire(timeout=seconds):
            return None
        limit = question.Patience(patience.share(_SIMULATION_SECONDS))
        try:
            ends = dry_run.expect(
                [draft.guest],
                {draft.guest.uuid: sample},
                [made],
                lambda: limit.is_over,
            )
        finally:
            self._simulating.release()
        return ends.get(draft.guest.uuid)


def _pending(
    made: model.BalloonPolicy,
    guest_name: str,
    timing: timekeeping.Timing | None = None,
) -> rpc_standing.PolicyStanding:
    return rpc_standing.PolicyStanding(
        policy=made, guest_name=guest_name, timing=timing
    )


def _preview(
    *,
    made: view.Json | None = None,
    refusal: str = '',
    assessed: assessment.Assessment | None = None,
    expected: model.EndReport | None = None,
) -> view.Json:
    return {
        'policy': made,
        'refusal': refusal,
        'could_take_kib': assessed.could_take_kib if assessed else 0,
        'could_free_kib': assessed.could_free_kib if assessed else None,
        'expected': view.expectation(expected) if expected else None,
    }
