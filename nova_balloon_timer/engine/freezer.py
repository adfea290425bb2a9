# SPDX-License-Identifier: Apache-2.0
"""The policies that have ended, each until its balloon was seen still."""

from collections.abc import Callable, Iterable

from nova_balloon_timer import message
from nova_balloon_timer.engine import freeze as engine_freeze
from nova_balloon_timer.engine import judge
from nova_balloon_timer.engine import run as engine_run
from nova_balloon_timer.engine import settings as engine_settings
from nova_balloon_timer.engine import states
from nova_balloon_timer.engine import timers

Actions = list[message.Action]

# How long after a defect kept a guest from its end it is tried again.
DEFECT_SECONDS = 1.0


class Freezer:
    """Stops balloons, at most one freeze a guest.

    :param on_finished: called with a guest's UUID when its freeze is over;
        what it returns is done next
    """

    def __init__(
        self,
        settings: engine_settings.EngineSettings,
        on_finished: Callable[[str], Actions],
    ) -> None:
        self._settings = settings
        self._on_finished = on_finished
        self._freezes: dict[str, engine_freeze.Freeze] = {}
        self._looks = timers.TimerQueue()
        self._limits = timers.TimerQueue()

    @property
    def freezes(self) -> tuple[engine_freeze.Freeze, ...]:
        """The policies that are not seen standing still yet."""
        return tuple(self._freezes.values())

    def has(self, guest_uuid: str) -> bool:
        """Tell whether a guest's balloon is being stopped."""
        return guest_uuid in self._freezes

    def instants(self) -> Iterable[float | None]:
        """Return when something is to be done; None for never."""
        return self._looks.earliest(), self._limits.earliest()

    def begin(
        self, ended: engine_run.Run, verdict: judge.Verdict, now: float
    ) -> Actions:
        """Stop the balloon of a policy that has just ended."""
        guest_uuid = ended.balloon_policy.guest_uuid
        actions: Actions = []
        before = self._freezes.get(guest_uuid)
        if before is not None:
            # A resumed policy may end while one before it is still frozen.
            excuse = (
                f'policy {ended.balloon_policy.uuid} is frozen in its place'
            )
            actions += self._finish(before, states.Trigger.GAVE_UP, excuse)
        freeze = engine_freeze.Freeze(ended, verdict, self._settings, now)
        self._freezes[guest_uuid] = freeze
        self._limits.set(guest_uuid, freeze.gives_up_at)
        return [*actions, freeze.action]

    def give_up_overdue(self, now: float) -> Iterable[Actions]:
        """Report, one by one, those that were not seen still in time."""
        for guest_uuid in self._limits.each_due(now):
            self._limits.set(guest_uuid, now + DEFECT_SECONDS)
            freeze = self._freezes[guest_uuid]
            yield self._finish(freeze, states.Trigger.GAVE_UP, freeze.excuse())

    def look_at_due(self, now: float) -> Iterable[Actions]:
        """Look, one by one, at those whose time has come."""
        for guest_uuid in self._looks.each_due(now):
            freeze = self._freezes[guest_uuid]
            if freeze.is_frozen:
                yield [message.ReadBalloon(guest_uuid=guest_uuid)]
            else:
                yield [freeze.action]

    def on_sampled(self, event: message.BalloonSampled, now: float) -> Actions:
        """See whether the balloon stands still; there must be a freeze."""
        freeze = self._freezes[event.guest_uuid]
        freeze.observe(event.sample)
        return self._watch(freeze, now)

    def on_frozen(self, event: message.BalloonFrozen, now: float) -> Actions:
        """Go on when the hypervisor has taken the order."""
        freeze = self._freezes.get(event.guest_uuid)
        if freeze is None:
            return []
        freeze.confirm_order(event)
        conclusion = freeze.conclusion(now)
        actions: Actions = [] if conclusion is None else [conclusion]
        return actions + self._watch(freeze, now)

    def on_reported(self, event: message.GuestReported, now: float) -> Actions:
        """Take down what the guest itself says of its policy."""
        freeze = self._freezes.get(event.guest_uuid)
        if freeze is None or not freeze.take_report(event):
            return []
        return self._watch(freeze, now)

    def on_failed(self, event: message.ActionFailed, now: float) -> Actions:
        """Try again after a while; there must be a freeze.

        Also after what looks permanent: a balloon that runs on is worse than
        an order too many.
        """
        freeze = self._freezes[event.guest_uuid]
        self._looks.set(
            event.guest_uuid, freeze.next_retry_at(now, event.words)
        )
        self._limits.set(event.guest_uuid, freeze.gives_up_at)
        return []

    def on_gone(self, guest_uuid: str) -> Actions:
        """Report a guest's policy that can be seen still no more."""
        freeze = self._freezes.get(guest_uuid)
        if freeze is None:
            return []
        return self._finish(
            freeze, states.Trigger.GUEST_GONE, 'the guest is gone'
        )

    def _watch(self, freeze: engine_freeze.Freeze, now: float) -> Actions:
        if freeze.is_over(now):
            return self._finish(freeze, states.Trigger.STILL)
        if freeze.is_frozen:
            guest_uuid = freeze.ended.balloon_policy.guest_uuid
            self._looks.set(guest_uuid, freeze.next_look_at(now))
        return []

    def _finish(
        self,
        freeze: engine_freeze.Freeze,
        trigger: states.Trigger,
        remark: str = '',
    ) -> Actions:
        guest_uuid = freeze.ended.balloon_policy.guest_uuid
        freeze.ended.state = states.advance(freeze.ended.state, trigger)
        del self._freezes[guest_uuid]
        self._looks.discard(guest_uuid)
        self._limits.discard(guest_uuid)
        report = freeze.report(
            confirmed=trigger is states.Trigger.STILL, remark=remark
        )
        return [
            message.ReportEnd(report=report),
            *self._on_finished(guest_uuid),
        ]
