# SPDX-License-Identifier: Apache-2.0
"""The engine: events and instants in, actions out.

It has no clock, thread, file, log, configuration or hypervisor. Whoever turns
the crank calls :meth:`Engine.handle` with what happened and
:meth:`Engine.handle_timer` no later than :meth:`Engine.next_timer` says, and
carries out what they return.
"""

from collections.abc import Callable

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import freeze as engine_freeze
from nova_balloon_timer.engine import freezer as engine_freezer
from nova_balloon_timer.engine import guard
from nova_balloon_timer.engine import judge
from nova_balloon_timer.engine import run as engine_run
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import states
from nova_balloon_timer.engine import timers

Actions = list[message.Action]
_Trigger = states.Trigger


class Engine:
    """Runs timed policies, at most one live policy a guest."""

    def __init__(
        self, settings: engine_settings.EngineSettings | None = None
    ) -> None:
        self._settings = settings or engine_settings.EngineSettings()
        self._runs: dict[str, engine_run.Run] = {}
        self._usable: dict[str, guard.UsableMemory] = {}
        self._deadlines = timers.TimerQueue()
        self._looks = timers.TimerQueue()
        self._freezer = engine_freezer.Freezer(
            self._settings, self._look_at_successor
        )
        self._latest = 0.0
        # NOTE: what a defect must not have us forget, until it is returned.
        self._owed: Actions = []
        self._handlers: dict[type, Callable[..., Actions]] = {
            message.PolicyRequested: self._on_requested,
            message.PolicyResumed: self._on_resumed,
            message.PolicyCancelled: self._on_cancelled,
            message.BalloonSampled: self._on_sampled,
            message.BalloonFrozen: self._freezer.on_frozen,
            message.BalloonChanged: self._on_changed,
            message.ActionFailed: self._on_failed,
            message.GuestGone: self._on_gone,
            message.HostRecovered: self._on_recovered,
            message.PolicyAccepted: self._on_accepted,
            message.PolicyDeclined: self._on_declined,
            message.GuestReported: self._freezer.on_reported,
        }

    @property
    def is_idle(self) -> bool:
        """Tell whether no policy is live or being frozen."""
        return not self._runs and not self.freezes

    @property
    def runs(self) -> tuple[engine_run.Run, ...]:
        """The live policies, for whoever shows their progress."""
        return tuple(self._runs.values())

    @property
    def freezes(self) -> tuple[engine_freeze.Freeze, ...]:
        """The policies that have ended and are not seen standing still yet."""
        return self._freezer.freezes

    def next_timer(self) -> float | None:
        """Return when :meth:`handle_timer` is due, or None for never."""
        if self._owed:
            return self._latest
        instants = [
            self._deadlines.earliest(),
            self._looks.earliest(),
            *self._freezer.instants(),
        ]
        return min((at for at in instants if at is not None), default=None)

    def handle_timer(self, now: float) -> Actions:
        """Do what has become due; deadlines come first.

        A ``now`` earlier than one before counts as that one.
        """
        self._do_what_is_due(now)
        return self._hand_over()

    def handle(self, event: message.Event, now: float) -> Actions:
        """Take an event in, after everything that was due before it.

        :returns: what to do, in this order
        """
        try:
            self._do_what_is_due(now)
        finally:
            self._owed += self._handlers[type(event)](event, self._latest)
        return self._hand_over()

    def _hand_over(self) -> Actions:
        actions, self._owed = self._owed, []
        return actions

    def _do_what_is_due(self, now: float) -> None:
        now = self._latest = max(now, self._latest)
        for guest_uuid in self._deadlines.each_due(now):
            self._deadlines.set(
                guest_uuid, now + engine_freezer.DEFECT_SECONDS
            )
            self._owed += self._pass_deadline(self._runs[guest_uuid], now)
        for actions in self._freezer.give_up_overdue(now):
            self._owed += actions
        for guest_uuid in self._looks.each_due(now):
            self._owed += self._look(self._runs[guest_uuid])
        for actions in self._freezer.look_at_due(now):
            self._owed += actions

    def _on_requested(
        self, event: message.PolicyRequested, now: float
    ) -> Actions:
        actions = self._supersede(event.policy, now)
        return actions + self._look(self._begin(event.policy, now))

    def _on_resumed(self, event: message.PolicyResumed, now: float) -> Actions:
        """Go on where a process that died left off; in time or late."""
        actions = self._supersede(event.policy, now)
        run = self._begin(event.policy, event.started_at)
        run.resumed_at = now
        run.clock.resume(event.timing)
        if run.clock.is_undecided and not run.is_overdue:
            return actions + self._look_at_successor(event.policy.guest_uuid)
        if run.clock.is_undecided:
            run.clock.offer()  # it may have been, by our predecessor
        run.state = states.advance(run.state, _Trigger.READY)
        if run.is_overdue:
            return actions + self._pass_deadline(run, now)
        return actions + self._look(run)

    def _supersede(
        self, balloon_policy: model.BalloonPolicy, now: float
    ) -> Actions:
        """End the guest's live policy, if it has one, for another."""
        run = self._runs.get(balloon_policy.guest_uuid)
        if run is None:
            return []
        detail = f'policy {balloon_policy.uuid} took its place'
        return self._end_by(run, _Trigger.SUPERSEDED, detail, now)

    def _begin(
        self, balloon_policy: model.BalloonPolicy, started_at: float
    ) -> engine_run.Run:
        guest_uuid = balloon_policy.guest_uuid
        usable = self._usable.setdefault(guest_uuid, guard.UsableMemory())
        run = engine_run.Run(
            balloon_policy, self._settings, usable, started_at
        )
        self._runs[guest_uuid] = run
        self._deadlines.set(guest_uuid, run.deadline_at)
        return run

    def _on_cancelled(
        self, event: message.PolicyCancelled, now: float
    ) -> Actions:
        for run in self._runs.values():
            if run.balloon_policy.uuid == event.policy_uuid:
                return self._end_by(run, _Trigger.CANCELLED, event.words, now)
        return []

    def _on_sampled(
        self, event: message.BalloonSampled, now: float
    ) -> Actions:
        if self._freezer.has(event.guest_uuid):
            return self._freezer.on_sampled(event, now)
        run = self._runs.get(event.guest_uuid)
        if run is None:
            return []
        run.is_reading = False
        run.failures = 0
        run.observe(event.sample)
        return self._step(run, event.sample, now)

    def _on_accepted(
        self, event: message.PolicyAccepted, now: float
    ) -> Actions:
        run = self._runs.get(event.guest_uuid)
        if run is None or not run.is_offered(event.policy_uuid):
            return []
        run.clock.accept()
        run.hand_out(run.balloon_policy.target_kib)
        return self._start(run) + self._look(run)

    def _on_declined(
        self, event: message.PolicyDeclined, now: float
    ) -> Actions:
        run = self._runs.get(event.guest_uuid)
        if run is None or not run.is_offered(event.policy_uuid):
            return []
        run.clock.decline(event.words)
        if not run.clock.must_be_with_guest:
            return self._start(run) + self._look(run)
        trigger = _Trigger.DECLINED
        if run.resumed_at is not None:
            trigger = _Trigger.FAILED  # it has moved since it began
        detail = f'the guest cannot keep its clock: {event.words}'
        return self._end_by(run, trigger, detail, now)

    def _on_changed(
        self, event: message.BalloonChanged, now: float
    ) -> Actions:
        run = self._runs.get(event.guest_uuid)
        if run is None or not run.may_order(now):
            return []
        return self._look(run)

    def _on_failed(self, event: message.ActionFailed, now: float) -> Actions:
        if self._freezer.has(event.guest_uuid):
            return self._freezer.on_failed(event, now)
        run = self._runs.get(event.guest_uuid)
        if run is None:
            return []
        if run.state is states.State.OFFERED:
            return self._take_over(run, event.words, now)
        is_first = run.failures == 0
        if event.kind is message.FailureKind.TRANSIENT or is_first:
            # NOTE: while a guest dies all sorts of errors come; a second look
            # tells whether it is gone or really refused.
            self._retry(run, now)
            return []
        return self._end_by(run, _Trigger.FAILED, event.words, now)

    def _on_gone(self, event: message.GuestGone, now: float) -> Actions:
        actions = self._freezer.on_gone(event.guest_uuid)
        run = self._runs.get(event.guest_uuid)
        if run is not None:
            actions += self._end_by(
                run, _Trigger.GUEST_GONE, 'the guest is gone', now
            )
        self._usable.pop(event.guest_uuid, None)
        return [
            action
            for action in actions
            if not isinstance(action, message.ReadBalloon)
        ]

    def _on_recovered(
        self, event: message.HostRecovered, now: float
    ) -> Actions:
        detail = 'the host is no longer short of memory'
        actions: Actions = []
        for run in list(self._runs.values()):
            if run.balloon_policy.origin is model.Origin.PRESSURE:
                actions += self._end_by(
                    run, _Trigger.HOST_RECOVERED, detail, now
                )
        return actions

    def _look(self, run: engine_run.Run) -> Actions:
        """Read the balloon, unless that is under way or a freeze is."""
        guest_uuid = run.balloon_policy.guest_uuid
        if (
            run.is_reading
            or run.state is states.State.OFFERED
            or self._freezer.has(guest_uuid)
        ):
            return []
        run.is_reading = True
        return [message.ReadBalloon(guest_uuid=guest_uuid)]

    def _step(
        self, run: engine_run.Run, sample: model.BalloonSample, now: float
    ) -> Actions:
        actions: Actions = []
        if run.state is states.State.OFFERED:
            return []
        if run.state is states.State.PENDING:
            verdict = run.judge(sample)
            if verdict is not None:
                return self._end(run, verdict, now)
            if not run.is_ready():
                return self._wait_for_statistics(run, now)
            if run.clock.is_undecided:
                return self._offer(run, now)
            actions += self._start(run)
        verdict = run.judge(sample)
        if verdict is not None:
            return actions + self._end(run, verdict, now)
        guest_uuid = run.balloon_policy.guest_uuid
        target_kib = run.choose_target_kib(sample)
        if target_kib is not None and run.may_order(now):
            run.hand_out(target_kib)
            actions.append(
                message.SetTarget(guest_uuid=guest_uuid, target_kib=target_kib)
            )
        look_at = run.next_look_at(now)
        if look_at is not None:
            self._looks.set(guest_uuid, look_at)
        return actions

    def _offer(self, run: engine_run.Run, now: float) -> Actions:
        offer = run.offer()
        self._deadlines.set(offer.guest_uuid, run.takes_over_at(now))
        return [offer]

    def _take_over(
        self, run: engine_run.Run, words: str, now: float
    ) -> Actions:
        """Do without a guest of which nobody knows whether it has begun."""
        run.clock.take_over(words)
        if run.clock.must_be_with_guest:
            return self._end_by(run, _Trigger.FAILED, words, now)
        actions = self._start(run)
        self._retry(run, now)
        return actions

    def _start(self, run: engine_run.Run) -> Actions:
        run.state = states.advance(run.state, _Trigger.READY)
        self._deadlines.set(run.balloon_policy.guest_uuid, run.ends_at)
        if run.resumed_at is not None:
            return []
        return [
            message.ReportStart(
                policy=run.balloon_policy,
                started_at=run.started_at,
                timing=run.clock.timing,
            )
        ]

    def _wait_for_statistics(self, run: engine_run.Run, now: float) -> Actions:
        waited_seconds = now - run.started_at
        if waited_seconds < self._settings.statistics_wait_seconds:
            look_at = now + self._settings.poll_longest_seconds
            self._looks.set(run.balloon_policy.guest_uuid, look_at)
            return []
        return self._end_by(
            run, _Trigger.FAILED, engine_run.NO_STATISTICS, now
        )

    def _retry(self, run: engine_run.Run, now: float) -> None:
        """Look again after a back-off; what was handed out is uncertain."""
        run.is_reading = False
        run.doubt()
        seconds = engine_freeze.retry_seconds(run.failures, self._settings)
        run.failures += 1
        if run.may_order(now + seconds):
            self._looks.set(run.balloon_policy.guest_uuid, now + seconds)

    def _pass_deadline(self, run: engine_run.Run, now: float) -> Actions:
        if run.state is states.State.OFFERED and now < run.deadline_at:
            return self._take_over(run, engine_run.NO_ANSWER, now)
        return self._end(run, run.judge_deadline(), now)

    def _end_by(
        self,
        run: engine_run.Run,
        trigger: states.Trigger,
        detail: str,
        now: float,
    ) -> Actions:
        verdict = judge.Verdict(trigger=trigger, detail=detail)
        return self._end(run, verdict, now)

    def _end(
        self, run: engine_run.Run, verdict: judge.Verdict, now: float
    ) -> Actions:
        """End a live policy, for good."""
        guest_uuid = run.balloon_policy.guest_uuid
        run.state = states.advance(run.state, verdict.trigger)
        del self._runs[guest_uuid]
        self._deadlines.discard(guest_uuid)
        self._looks.discard(guest_uuid)
        if run.state is states.State.ENDED:
            # NOTE: nothing was ordered, or it is not ours to stop; then where
            # the balloon was last seen need not be where it stays.
            report = engine_freeze.report(
                run,
                verdict,
                ended_at=now,
                confirmed=verdict.trigger
                not in (_Trigger.GUEST_GONE, _Trigger.YIELDED),
            )
            return [message.ReportEnd(report=report)]
        return self._freezer.begin(run, verdict, now)

    def _look_at_successor(self, guest_uuid: str) -> Actions:
        run = self._runs.get(guest_uuid)
        if run is None or self._freezer.has(guest_uuid):
            return []
        if run.awaits_offer:
            return self._offer(run, self._latest)
        return self._look(run)
