# SPDX-License-Identifier: Apache-2.0
"""Each check must be able to fail: an engine for each kind of wrong."""

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import guest as simulated_guest
from nova_balloon_timer.simulator import host as simulated_host
from nova_balloon_timer.simulator import invariant
from tests.unit import base
from tests.unit.simulator import table

_GUEST = 'guest-web'
_MIB = units.KIB_PER_MIB
_Actions = list[message.Action]


def _policy(**changes: object) -> model.BalloonPolicy:
    fields: dict[str, object] = {
        'uuid': 'one',
        'guest_uuid': _GUEST,
        'direction': model.Direction.INFLATE,
        'start_actual_kib': 1024 * _MIB,
        'target_kib': 512 * _MIB,
        'maximum_kib': 2048 * _MIB,
        'duration_seconds': 1.0,
        'guards': model.Guards(floor_kib=256 * _MIB, reserve_kib=0),
    }
    return model.BalloonPolicy(**(fields | changes))  # type: ignore[arg-type]


class _Honest:
    """Hands out one target, freezes at the deadline, reports."""

    late_seconds = 0.0

    def __init__(self) -> None:
        self.deadline_at: float | None = None
        self.frozen_at = 0.0
        self.policy = _policy()
        self.is_started = False

    def handle(self, event: message.Event, now: float) -> _Actions:
        match event:
            case message.PolicyRequested():
                self.policy = event.policy
                self.deadline_at = now + event.policy.duration_seconds
                return self.begin()
            case message.BalloonSampled() if not self.is_started:
                self.is_started = True
                return self.start(event.sample.actual_kib)
            case message.BalloonFrozen():
                return self.end()
        return []

    def handle_timer(self, now: float) -> _Actions:
        timer_at = self.next_timer()
        if timer_at is None or now < timer_at:
            return []
        self.deadline_at = None
        self.frozen_at = now
        return self.freeze()

    def next_timer(self) -> float | None:
        if self.deadline_at is None:
            return None
        return self.deadline_at + self.late_seconds

    def begin(self) -> _Actions:
        return [message.ReadBalloon(guest_uuid=_GUEST)]

    def start(self, actual_kib: int) -> _Actions:
        return [
            message.ReportStart(policy=self.policy, started_at=0.0),
            self.target(actual_kib - 16 * _MIB),
        ]

    def target(self, target_kib: int) -> message.SetTarget:
        return message.SetTarget(guest_uuid=_GUEST, target_kib=target_kib)

    def freeze(self) -> _Actions:
        return [self.freeze_order(None)]

    def freeze_order(
        self,
        at_kib: int | None,
        lowest_mib: int = 256,
        highest_mib: int = 2048,
    ) -> message.FreezeBalloon:
        return message.FreezeBalloon(
            guest_uuid=_GUEST,
            at_kib=at_kib,
            lowest_kib=lowest_mib * _MIB,
            highest_kib=highest_mib * _MIB,
        )

    def end(self) -> _Actions:
        return [self.report(self.frozen_at)]

    def report(self, ended_at: float) -> message.ReportEnd:
        return message.ReportEnd(
            report=model.EndReport(
                policy=self.policy,
                reason=model.EndReason.DEADLINE,
                detail='its time was up',
                started_at=0.0,
                deadline_at=1.0,
                ended_at=ended_at,
                actual_start_kib=1024 * _MIB,
                actual_end_kib=1008 * _MIB,
                moved_kib=16 * _MIB,
                freed_kib=None,
                lateness_seconds=None,
                moved_after_deadline_kib=None,
                confirmed=True,
            )
        )


class _Eager(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return [*super().start(actual_kib), self.target(700 * _MIB)]


class _BelowFloor(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return [*super().start(actual_kib), self.target(256 * _MIB - 1)]


class _AboveMaximum(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return [*super().start(actual_kib), self.target(2048 * _MIB + 1)]


class _Backwards(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return [*super().start(actual_kib), self.target(1200 * _MIB)]


class _Blind(_Honest):
    def begin(self) -> _Actions:
        return super().start(1024 * _MIB)


class _Unannounced(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return [self.target(1020 * _MIB)]


class _StartsTwice(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        return 2 * super().start(actual_kib)


class _Restless(_Honest):
    def freeze(self) -> _Actions:
        return [*super().freeze(), self.target(1000 * _MIB)]


class _Late(_Honest):
    late_seconds = 0.1


class _Forgetful(_Honest):
    def next_timer(self) -> float | None:
        return None


class _Silent(_Honest):
    def end(self) -> _Actions:
        return []


class _EndsTwice(_Honest):
    def end(self) -> _Actions:
        return 2 * super().end()


class _WrongTime(_Honest):
    def end(self) -> _Actions:
        return [self.report(0.5)]


class _Curious(_Honest):
    def end(self) -> _Actions:
        return [*super().end(), message.ReadBalloon(guest_uuid=_GUEST)]


class _FreezesAfterwards(_Honest):
    def end(self) -> _Actions:
        return [*super().end(), self.freeze_order(None)]


class _TargetAfterwards(_Honest):
    def end(self) -> _Actions:
        return [*super().end(), self.target(1000 * _MIB)]


class _FreezesTooLow(_Honest):
    def freeze(self) -> _Actions:
        return [self.freeze_order(None, lowest_mib=255)]


class _FreezesTooHigh(_Honest):
    def freeze(self) -> _Actions:
        return [self.freeze_order(None, highest_mib=2049)]


class _FreezesFurtherOn(_Honest):
    def freeze(self) -> _Actions:
        return [self.freeze_order(600 * _MIB)]


class _Stranger(_Honest):
    def start(self, actual_kib: int) -> _Actions:
        stranger = _policy(uuid='stranger')
        return [message.ReportStart(policy=stranger, started_at=0.0)]


class _InCircles(_Honest):
    def handle_timer(self, now: float) -> _Actions:
        return []


class _TwoAtOnce(_Honest):
    def handle(self, event: message.Event, now: float) -> _Actions:
        match event:
            case message.PolicyRequested() if self.is_started:
                return [
                    message.ReportStart(policy=event.policy, started_at=now)
                ]
        return super().handle(event, now)


def _run(engine: simulated_host.EngineLike) -> list[model.EndReport]:
    profile = simulated_guest.GuestProfile(
        name='web',
        uuid=_GUEST,
        maximum_kib=2048 * _MIB,
        actual_kib=1024 * _MIB,
        used_kib=100 * _MIB,
        touched_kib=1024 * _MIB,
    )
    host = simulated_host.SimulatedHost(engine, [profile])
    host.post_at(0.0, message.PolicyRequested(policy=_policy()))
    if isinstance(engine, _TwoAtOnce):
        another = message.PolicyRequested(policy=_policy(uuid='two'))
        host.post_at(0.5, another)
    return host.run()


class TestInvariants(table.Table):
    scenarios = tuple(
        (kind.__name__.strip('_'), {'kind': kind, 'words': words})
        for kind, words in (
            (_Eager, 'the leash is'),
            (_BelowFloor, 'is below the floor 256 MiB'),
            (_AboveMaximum, 'is above the maximum'),
            (_Backwards, 'sends the balloon back by 176 MiB'),
            (_Blind, 'a target before the balloon was read'),
            (_Unannounced, 'a target without a live policy'),
            (_StartsTwice, 'a policy that starts twice'),
            (_Restless, 'a target without a live policy'),
            (_Late, 'is still live, 100 ms too late'),
            (_Forgetful, 'is still live'),
            (_Silent, 'is still unreported'),
            (_EndsTwice, 'a policy that ends twice'),
            (_WrongTime, 'ended at 0.500 s, but it did at 1.000 s'),
            (_Curious, 'read without a policy'),
            (_FreezesAfterwards, 'a freeze of 0 policies'),
            (_TargetAfterwards, 'a target while 0 policies are open'),
            (_FreezesTooLow, 'a freeze beyond floor or maximum'),
            (_FreezesTooHigh, 'a freeze beyond floor or maximum'),
            (_FreezesFurtherOn, 'a freeze that moves the balloon on'),
            (_Stranger, 'policy stranger was never asked for'),
            (_InCircles, 'the engine runs in circles'),
            (_TwoAtOnce, 'two policies at once'),
        )
    )
    kind: type[_Honest]
    words: str

    def test_violation_is_found(self) -> None:
        error = self.assertRaises(
            invariant.InvariantViolated, _run, self.kind()
        )

        self.assertIn(self.words, str(error))


class TestLedger(base.TestCase):
    def _ledger(self) -> invariant.Ledger:
        return invariant.Ledger(late_seconds=0.0, freeze_timeout_seconds=10.0)

    def test_honest_engine_passes(self) -> None:
        [report] = _run(_Honest())

        self.assertEqual(1.0, report.ended_at)

    def test_never_ended_is_found_without_a_clock(self) -> None:
        ledger = self._ledger()
        ledger.note(message.PolicyRequested(policy=_policy()), 0.0)

        error = self.assertRaises(
            invariant.InvariantViolated, ledger.check_finish, 0.5
        )

        self.assertIn('never ended', str(error))

    def _used_up(self, target_kib: int) -> invariant.Ledger:
        """Return the books after the guest reached that target at once."""
        ledger = self._ledger()
        policy = _policy(
            segments=(
                model.Segment(until_seconds=0.5, target_kib=1012 * _MIB),
            )
        )
        ledger.note(message.PolicyRequested(policy=policy), 0.0)
        self._read(ledger, 0.0, 1024 * _MIB)
        ledger.check(message.ReportStart(policy=policy, started_at=0.0), 0.0)
        self._order(ledger, target_kib)
        self._read(ledger, 0.1, target_kib)
        return ledger

    def _read(
        self, ledger: invariant.Ledger, at: float, actual_kib: int
    ) -> None:
        sample = model.BalloonSample(at=at, actual_kib=actual_kib)
        event = message.BalloonSampled(guest_uuid=_GUEST, sample=sample)
        ledger.note(event, at)

    def _order(self, ledger: invariant.Ledger, target_kib: int) -> None:
        order = message.SetTarget(guest_uuid=_GUEST, target_kib=target_kib)
        ledger.check(order, 0.1)

    def test_leash_that_was_used_up_may_grow(self) -> None:
        ledger = self._used_up(1008 * _MIB)

        self._order(ledger, (1008 - 64) * _MIB)

    def test_leash_may_not_grow_because_a_segment_was_reached(self) -> None:
        ledger = self._used_up(1012 * _MIB)

        self.assertRaises(
            invariant.InvariantViolated,
            self._order,
            ledger,
            (1012 - 24) * _MIB,
        )
