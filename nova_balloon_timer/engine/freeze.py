# SPDX-License-Identifier: Apache-2.0
"""After the end: stop the balloon, see it still, and say what came of it."""

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units
from nova_balloon_timer.engine import judge
from nova_balloon_timer.engine import reconciliation
from nova_balloon_timer.engine import run as engine_run
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import states

_FIRST_LOOK_SECONDS = 0.002
_LONGEST_LOOK_SECONDS = 0.064
_FIRST_RETRY_SECONDS = 0.05

# Where no look was taken for longer than that around a deadline, nobody knows
# what the balloon did there.
_LONGEST_GAP_SECONDS = 0.5


class Freeze:
    """A policy that has ended, until its balloon was seen still."""

    def __init__(
        self,
        ended: engine_run.Run,
        verdict: judge.Verdict,
        settings: engine_settings.EngineSettings,
        now: float,
    ) -> None:
        self.ended = ended
        self.ended_at = now
        self.gives_up_at = now + settings.freeze_timeout_seconds
        self._verdict = verdict
        self._settings = settings
        self._frozen_at: float | None = None
        self._last_looked_at: float | None = None
        self._look_seconds = _FIRST_LOOK_SECONDS
        self._failures = 0
        self._words = ''
        self._awaits_guest_until: float | None = None
        self._guest_report: timekeeping.GuestReport | None = None
        self._guest_words = ''

    @property
    def reason(self) -> model.EndReason:
        """Return what ended the policy."""
        return states.REASONS[self._verdict.trigger]

    @property
    def action(self) -> message.FreezeBalloon:
        """Return the one order that may follow a policy's end."""
        balloon_policy = self.ended.balloon_policy
        highest_kib = balloon_policy.maximum_kib
        lowest_kib = balloon_policy.guards.floor_kib
        if balloon_policy.direction is model.Direction.DEFLATE:
            lowest_kib = min(lowest_kib, balloon_policy.start_actual_kib)
        return message.FreezeBalloon(
            guest_uuid=balloon_policy.guest_uuid,
            at_kib=self._verdict.freeze_at_kib,
            lowest_kib=lowest_kib,
            highest_kib=highest_kib,
        )

    @property
    def is_frozen(self) -> bool:
        """Tell whether the hypervisor has taken the order."""
        return self._frozen_at is not None

    def confirm_order(self, event: message.BalloonFrozen) -> None:
        """Note that the order was carried out."""
        self.ended.curve.add(event.before, self.ended.handed_kib)
        self.ended.handed_kib = event.target_kib
        self.ended.curve.add(event.after, event.target_kib)
        self._frozen_at = event.before.at
        self._last_looked_at = event.after.at
        self._failures = 0

    def observe(self, sample: model.BalloonSample) -> None:
        """Take a later look into the books."""
        self.ended.curve.add(sample, self.ended.handed_kib)
        self._last_looked_at = sample.at
        self._failures = 0

    def conclusion(self, now: float) -> message.ConcludePolicy | None:
        """Return the question to a guest that may have kept the clock."""
        if not self.ended.clock.may_be_in_guest:
            return None
        self._awaits_guest_until = now + self._settings.guest_report_seconds
        # NOTE: one that is about to reach its target needs no more orders.
        is_there = self._verdict.trigger is states.Trigger.TARGET_REACHED
        balloon_policy = self.ended.balloon_policy
        return message.ConcludePolicy(
            guest_uuid=balloon_policy.guest_uuid,
            policy=balloon_policy,
            cancels=not is_there,
        )

    def take_report(self, event: message.GuestReported) -> bool:
        """Take down what the guest says.

        :returns: whether it was asked for
        """
        if (
            self._awaits_guest_until is None
            or event.policy_uuid != self.ended.balloon_policy.uuid
        ):
            return False
        self._awaits_guest_until = None
        self._guest_report = event.report
        self._guest_words = event.words
        if event.report is not None:
            self.ended.clock.accept()
        return True

    def is_over(self, now: float) -> bool:
        """Tell whether nothing more is to be learned.

        A guest that is slow to say how it ended is not waited for: there may
        be a policy that is to succeed.
        """
        if not self.is_still():
            return False
        until = self._awaits_guest_until
        if until is not None and now >= until:
            self._guest_words = 'it does not answer'
            until = None
        return until is None

    def is_still(self) -> bool:
        """Tell whether the balloon has stood still long enough."""
        if self._frozen_at is None or self._last_looked_at is None:
            return False
        moved_at = self.ended.curve.last_movement_at() or self._frozen_at
        since_at = max(moved_at, self._frozen_at)
        return self._last_looked_at - since_at >= self._settings.still_seconds

    def next_look_at(self, now: float) -> float:
        """Return when to look again, ever more rarely."""
        look_at = now + self._look_seconds
        self._look_seconds = min(2 * self._look_seconds, _LONGEST_LOOK_SECONDS)
        return look_at

    def next_retry_at(self, now: float, words: str) -> float:
        """Return when to try again after a failure, backing off.

        As long as somebody answers, the limit is put off, up to a point: a
        daemon that restarts will be back.

        :param words: what went wrong
        """
        settings = self._settings
        self._words = words
        self.gives_up_at = min(
            now + settings.freeze_timeout_seconds,
            self.ended_at + settings.freeze_patience_seconds,
        )
        seconds = retry_seconds(self._failures, self._settings)
        self._failures += 1
        return now + seconds

    def excuse(self) -> str:
        """Say why the balloon was not seen at rest, and what may come."""
        if self.is_frozen:
            return self._words or 'the balloon has not come to rest'
        words = self._words or 'the hypervisor does not answer'
        words = f'the stop could not be confirmed: {words}'
        handed_kib = self.ended.handed_kib
        if handed_kib is None:
            return words
        size = units.format_kib(handed_kib)
        return f'{words}; the guest may still go to {size}'

    def report(self, confirmed: bool, remark: str = '') -> model.EndReport:
        """Put together how the policy ended.

        :param confirmed: the balloon was seen standing still
        """
        if self._guest_words and self.ended.clock.is_with_guest:
            silence = f'the guest does not say how: {self._guest_words}'
            remark = f'{remark}; {silence}' if remark else silence
        return report(
            self.ended,
            reconciliation.reconcile(
                self._verdict,
                self._guest_report,
                self.ended,
                self.ended_at,
                self._settings,
            ),
            ended_at=self.ended_at,
            confirmed=confirmed,
            remark=remark,
            guest_report=self._guest_report,
            guest_late=self._guest_late(),
        )

    def _guest_late(self) -> tuple[float, int] | None:
        if self._guest_report is None:
            return None
        return reconciliation.lateness(
            self._guest_report, self.ended, self._settings
        )


def retry_seconds(
    failures: int, settings: engine_settings.EngineSettings
) -> float:
    """Return how long to wait after so many failures in a row."""
    doubled = _FIRST_RETRY_SECONDS * 2.0 ** min(failures, 16)
    return min(doubled, settings.retry_longest_seconds)


def report(
    ended: engine_run.Run,
    verdict: judge.Verdict,
    *,
    ended_at: float,
    confirmed: bool,
    remark: str = '',
    guest_report: timekeeping.GuestReport | None = None,
    guest_late: tuple[float, int] | None = None,
) -> model.EndReport:
    """Put together how a policy ended, from its curve."""
    points = ended.curve.points
    balloon_policy = ended.balloon_policy
    start_kib = balloon_policy.start_actual_kib
    if points and ended.resumed_at is None:
        start_kib = points[0].actual_kib
    confirmed = confirmed and bool(points)
    end_kib = points[-1].actual_kib if confirmed else None
    reason = states.REASONS[verdict.trigger]
    late = _Lateness(ended, reason, end_kib, guest_late)
    moved_kib = None
    if end_kib is not None:
        moved_kib = start_kib - end_kib
        if balloon_policy.direction is model.Direction.DEFLATE:
            moved_kib = -moved_kib
    return model.EndReport(
        policy=balloon_policy,
        reason=reason,
        detail=f'{verdict.detail}; {remark}' if remark else verdict.detail,
        started_at=ended.started_at,
        deadline_at=ended.deadline_at,
        ended_at=ended_at,
        actual_start_kib=start_kib,
        actual_end_kib=end_kib,
        moved_kib=moved_kib,
        freed_kib=None if ended.resumed_at is not None else _freed_kib(points),
        lateness_seconds=late.seconds,
        moved_after_deadline_kib=late.moved_kib,
        confirmed=confirmed,
        segments=tuple(ended.outcomes),
        curve=points,
        timing=ended.clock.timing,
        guest_report=guest_report,
    )


class _Lateness:
    """What the balloon did after its deadline, as was said or seen."""

    def __init__(
        self,
        ended: engine_run.Run,
        reason: model.EndReason,
        end_kib: int | None,
        guest_late: tuple[float, int] | None,
    ) -> None:
        self.seconds: float | None = None
        self.moved_kib: int | None = None
        if reason is not model.EndReason.DEADLINE:
            return
        if guest_late is not None:
            self.seconds, self.moved_kib = guest_late
            return
        if end_kib is None:
            return
        if ended.is_overdue:
            # Nobody looked; it was frozen no earlier than that.
            self.seconds = ended.curve.points[0].at - ended.deadline_at
            return
        at_deadline_kib = ended.curve.actual_at(
            ended.deadline_at, _LONGEST_GAP_SECONDS
        )
        if at_deadline_kib is None:
            return
        moved_at = ended.curve.last_movement_at() or ended.started_at
        self.seconds = max(0.0, moved_at - ended.deadline_at)
        self.moved_kib = abs(round(at_deadline_kib) - end_kib)


def _freed_kib(points: tuple[model.CurvePoint, ...]) -> int | None:
    known = [point.rss_kib for point in points if point.rss_kib is not None]
    return known[0] - known[-1] if len(known) > 1 else None
