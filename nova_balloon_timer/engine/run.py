# SPDX-License-Identifier: Apache-2.0
"""One policy under way: from a sample to the next target or to the end."""

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import clock as engine_clock
from nova_balloon_timer.engine import curve as engine_curve
from nova_balloon_timer.engine import guard
from nova_balloon_timer.engine import judge
from nova_balloon_timer.engine import pace as engine_pace
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import states

NO_STATISTICS = (
    'the guest gives no statistics: its balloon driver is not loaded, or it '
    'hangs'
)


NO_ANSWER = 'the guest did not answer in time whether it keeps the clock'


class Run:
    """What the engine knows of one live policy."""

    def __init__(
        self,
        balloon_policy: model.BalloonPolicy,
        settings: engine_settings.EngineSettings,
        usable: guard.UsableMemory,
        now: float,
    ) -> None:
        self.balloon_policy = balloon_policy
        self.started_at = now
        self.deadline_at = now + balloon_policy.duration_seconds
        self.resumed_at: float | None = None
        self.state = states.State.PENDING
        self.clock = engine_clock.Clock(balloon_policy)
        self.handed_kib: int | None = None
        self.is_reading = False
        self.failures = 0
        self.curve = engine_curve.Curve()
        self.pace = engine_pace.Pace(balloon_policy, settings)
        self.outcomes: list[model.SegmentOutcome] = []
        self.held_by = ''
        self._settings = settings
        self._inflates = balloon_policy.direction is model.Direction.INFLATE
        self._usable = usable
        self._judge = judge.Judge(balloon_policy, settings)
        self._is_leashed = False

    @property
    def is_overdue(self) -> bool:
        """Tell whether its time was up before anyone could look again."""
        return (
            self.resumed_at is not None and self.resumed_at >= self.deadline_at
        )

    def takes_over_at(self, now: float) -> float:
        """Return until when the guest's answer is waited for.

        Where it must be the guest who keeps the clock, to the end.
        """
        if self.clock.must_be_with_guest:
            return self.ends_at
        share_seconds = (
            self.balloon_policy.duration_seconds * self._settings.offer_share
        )
        patience_seconds = min(
            share_seconds, self._settings.offer_longest_seconds
        )
        return min(now + patience_seconds, self.ends_at)

    @property
    def ends_at(self) -> float:
        """Return when the host ends it, if nothing else has."""
        is_offered = self.state is states.State.OFFERED
        if self.clock.is_with_guest or is_offered:
            return self.deadline_at + self._settings.guest_grace_seconds
        return self.deadline_at

    def offer(self) -> message.OfferPolicy:
        """Ask whether the guest keeps the clock; it may begin at once."""
        self.state = states.advance(self.state, states.Trigger.OFFERED)
        self.clock.offer()
        return message.OfferPolicy(
            guest_uuid=self.balloon_policy.guest_uuid,
            policy=self.balloon_policy,
            deadline_at=self.deadline_at,
            may_be_known=self.resumed_at is not None,
        )

    @property
    def awaits_offer(self) -> bool:
        """Tell whether it is to go on with a guest that may know it."""
        return (
            self.state is states.State.PENDING
            and self.resumed_at is not None
            and self.clock.is_undecided
        )

    def is_offered(self, policy_uuid: str) -> bool:
        """Tell whether an answer to the offer of a policy is awaited."""
        return (
            self.state is states.State.OFFERED
            and self.balloon_policy.uuid == policy_uuid
        )

    def observe(self, sample: model.BalloonSample) -> None:
        """Take a sample into the books."""
        self.curve.add(sample, self.handed_kib)
        used_up_kib = self.handed_kib if self._is_leashed else None
        self.pace.observe(sample, used_up_kib)
        self._usable.observe(sample)

    def is_ready(self) -> bool:
        """Tell whether enough is known to give the first target."""
        needs_statistics = (
            self._inflates and self.balloon_policy.guards.reserve_kib > 0
        )
        return not needs_statistics or self._usable.now_kib is not None

    def judge_deadline(self) -> judge.Verdict:
        """Say what it means that the time is up."""
        if self.state is states.State.PENDING:
            detail = 'the guest did not answer within its duration'
            if self.curve.points:
                detail = NO_STATISTICS
            return judge.Verdict(trigger=states.Trigger.FAILED, detail=detail)
        if self.state is states.State.OFFERED:
            return judge.Verdict(
                trigger=states.Trigger.FAILED, detail=NO_ANSWER
            )
        detail = 'its time was up'
        if self.is_overdue:
            detail += ' while this service was away'
        if self.held_by:
            detail += f'; held by {self.held_by}'
        return judge.Verdict(
            trigger=states.Trigger.DEADLINE_PASSED, detail=detail
        )

    def judge(self, sample: model.BalloonSample) -> judge.Verdict | None:
        """Decide whether this sample ends the policy."""
        if self.state is states.State.PENDING:
            return self._judge.already_met(sample)
        is_held = self.held_by != ''
        return self._judge.weigh(sample, self.deadline_at, is_held)

    def choose_target_kib(self, sample: model.BalloonSample) -> int | None:
        """Take a sample into the plan.

        :returns: the target to hand out now, or None to leave it
        """
        self._close_segments(sample)
        goal_kib = self._guarded_goal_kib(sample)
        if self.clock.is_with_guest:
            return None
        wanted_kib = self._leashed_kib(goal_kib, sample)
        self._is_leashed = wanted_kib != goal_kib
        if self._judge.suspects_another:
            return None
        if self._ahead_kib(sample.actual_kib, wanted_kib):
            # It is past its segment: no reason to go back.
            return None
        if not self._inflates and wanted_kib < self.curve.first.actual_kib:
            # Somebody else takes it down: who gives memory does not help.
            return None
        handed_kib = self.handed_kib
        if handed_kib is not None and self._is_leashed:
            quantum_kib = max(
                self._settings.tolerance_kib, self.pace.leash_kib // 8
            )
            if abs(wanted_kib - handed_kib) < quantum_kib:
                return None
        return None if wanted_kib == handed_kib else wanted_kib

    def hand_out(self, target_kib: int) -> None:
        """Remember a target that was given."""
        self.handed_kib = target_kib
        self._judge.note_target(target_kib)

    def doubt(self) -> None:
        """Forget what was handed out: an order or a look failed."""
        self.handed_kib = None
        self._judge.note_outage()

    def next_look_at(self, now: float) -> float | None:
        """Return when to read the balloon again; None: not any more."""
        seconds = self.pace.next_look_seconds
        if self.clock.is_with_guest:
            seconds = self._seconds_to_target()
        if self.held_by:
            seconds = self._settings.hold_poll_seconds
        look_at = now + seconds
        segment = self._segment()
        if segment is not None:
            boundary_at = self.started_at + segment.until_seconds
            if now < boundary_at:
                look_at = min(look_at, boundary_at)
        last_look_at = self.deadline_at - self._settings.last_look_seconds
        if now < last_look_at:
            look_at = min(look_at, last_look_at)
        return look_at if self.may_order(look_at) else None

    def may_order(self, now: float) -> bool:
        """Tell whether there is time for an order before the deadline."""
        return now < self.ends_at - self._settings.quiet_seconds

    def _seconds_to_target(self) -> float:
        """Foresee when a guest that needs no orders has arrived."""
        longest_seconds = self._settings.poll_longest_seconds
        rate = self.pace.rate_kib_per_second
        last = self.curve.last
        if rate == 0 or last is None:
            return longest_seconds
        short_kib = self._ahead_kib(
            self.balloon_policy.target_kib, last.actual_kib
        )
        return min(
            max(short_kib / rate, self._settings.poll_shortest_seconds),
            longest_seconds,
        )

    def _ahead_kib(self, one_kib: int, other_kib: int) -> int:
        return judge.ahead_kib(
            self.balloon_policy.direction, one_kib, other_kib
        )

    def _segment(self) -> model.Segment | None:
        segments = self.balloon_policy.segments
        closed = len(self.outcomes)
        return segments[closed] if closed < len(segments) else None

    def _close_segments(self, sample: model.BalloonSample) -> None:
        """Note where the balloon stood at the end of each stage."""
        while (segment := self._segment()) is not None:
            if sample.at < self.started_at + segment.until_seconds:
                return
            short_kib = self._ahead_kib(segment.target_kib, sample.actual_kib)
            self.outcomes.append(
                model.SegmentOutcome(
                    segment=segment,
                    actual_kib=sample.actual_kib,
                    reached=short_kib <= self._settings.tolerance_kib,
                )
            )

    def _guarded_goal_kib(self, sample: model.BalloonSample) -> int:
        """Return where the balloon may go now, without regard to the leash.

        Sets ``held_by`` when that is where it stands already.
        """
        segment = self._segment()
        goal_kib = self.balloon_policy.target_kib
        held_by = ''
        if segment is not None:
            goal_kib = segment.target_kib
            held_by = 'its segment'
        if self._inflates:
            lowest_kib = self._lowest_kib(sample)
            if lowest_kib > goal_kib:
                goal_kib = lowest_kib
                held_by = 'its reserve of usable memory'
        to_go_kib = self._ahead_kib(goal_kib, sample.actual_kib)
        near_kib = self._settings.tolerance_kib
        if self.clock.is_with_guest and held_by:
            # The guest judges its reserve by itself, and more exactly.
            near_kib = self.balloon_policy.leash.minimum_kib
        is_there = to_go_kib <= near_kib
        self.held_by = held_by if is_there else ''
        return goal_kib

    def _lowest_kib(self, sample: model.BalloonSample) -> int:
        """Return the lowest target that floor and reserve allow."""
        guards = self.balloon_policy.guards
        if guards.reserve_kib == 0:
            return guards.floor_kib
        usable_kib = self._usable.now_kib
        # NOTE: a guest whose statistics went stale gives nothing more.
        spare_kib = 0
        if usable_kib is not None:
            spare_kib = max(0, usable_kib - guards.reserve_kib)
        if spare_kib == 0:
            # A target that was taken back already is not moved again while
            # the guest comes back to it.
            return max(
                guards.floor_kib, sample.actual_kib, self.handed_kib or 0
            )
        return max(guards.floor_kib, sample.actual_kib - spare_kib)

    def _leashed_kib(self, goal_kib: int, sample: model.BalloonSample) -> int:
        left_seconds = self.deadline_at - sample.at
        leash_kib = self.pace.tapered_leash_kib(left_seconds)
        if self._inflates:
            return max(goal_kib, sample.actual_kib - leash_kib)
        return min(goal_kib, sample.actual_kib + leash_kib)
