# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import threading
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.engine import machine
from nova_balloon_timer.engine import settings as engine_settings
from tests.unit import base
from tests.unit.appliers import memory

MIB = base.MIB
_Reason = model.EndReason

# A loaded machine may take so long to wake a thread.
_LATE_SECONDS = 1.0


class Watching:
    """An observer that keeps what it is told, and may act on it."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.reports: dict[str, model.EndReport] = {}
        self.on_started: Callable[[model.BalloonPolicy], None] | None = None
        self.on_sampled: Callable[[model.BalloonSample], None] | None = None

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        self.told.append('started')
        if self.on_started is not None:
            self.on_started(balloon_policy)

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        self.told.append('sampled')
        if self.on_sampled is not None:
            self.on_sampled(sample)

    def ended(self, report: model.EndReport) -> None:
        self.told.append('ended')
        if report.policy.uuid in self.reports:
            raise AssertionError('ended twice')
        self.reports[report.policy.uuid] = report


class ManagerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.pool = applier_pool.WorkerPool(size=2, stuck_seconds=0.02)
        self.addCleanup(self.pool.close)
        self.watching = Watching()
        self.crank = self.make()

    def make(self, **settings: Any) -> manager.Manager:
        engine = machine.Engine(
            engine_settings.EngineSettings(
                **({'still_seconds': 0.02} | settings)
            )
        )
        return manager.Manager(
            self.host.applier, self.pool, self.watching, engine=engine
        )

    def request(
        self, guest: memory.MemoryGuest, **more: Any
    ) -> model.BalloonPolicy:
        """Ask for 512 MiB of the guest's 1024."""
        fields = {'guest_uuid': guest.uuid, 'duration_seconds': 20.0} | more
        made = base.make_policy(**fields)
        self.crank.post(message.PolicyRequested(policy=made))
        return made

    def run_one(
        self, guest: memory.MemoryGuest, **more: Any
    ) -> model.EndReport:
        made = self.request(guest, **more)
        self.crank.run_until_idle()
        return self.watching.reports[made.uuid]


class AgentTestCase(ManagerTestCase):
    def test_an_agent_that_hangs_delays_no_order(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        guest.agent_hang = threading.Event()
        self.addCleanup(guest.agent_hang.set)
        report = self.run_one(
            guest, duration_seconds=0.5, mode=timekeeping.Mode.AUTO
        )
        self.assertIs(_Reason.DEADLINE, report.reason)
        self.assertIs(timekeeping.Mode.HOST, report.timing.keeper)
        self.assertIn('did not answer in time', report.timing.words)
        self.assertTrue(report.confirmed)
        self.assertLess(report.actual_end_kib or 0, 1024 * MIB)


class EndTestCase(ManagerTestCase):
    def test_with_nothing_to_do_it_returns(self) -> None:
        self.crank.run_until_idle()
        self.assertEqual([], self.watching.told)

    def test_a_willing_guest_reaches_its_target(self) -> None:
        guest = self.host.add('web-01')
        report = self.run_one(guest)
        self.assertIs(_Reason.TARGET, report.reason)
        self.assertTrue(report.confirmed)
        self.assertEqual(512 * MIB, report.actual_end_kib)
        self.assertEqual(512 * MIB, report.moved_kib)
        self.assertEqual(512 * MIB, guest.target_kib)
        self.assertGreaterEqual(min(guest.targets_kib), 512 * MIB)

    def test_memory_is_given_back_likewise(self) -> None:
        guest = self.host.add('web-01')
        guest.actual_kib = guest.target_kib = 512 * MIB
        report = self.run_one(
            guest,
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=base.GIB,
        )
        self.assertIs(_Reason.TARGET, report.reason)
        self.assertEqual(base.GIB, guest.actual_kib)

    def test_a_slow_guest_is_stopped_at_its_deadline(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=200)
        report = self.run_one(guest, duration_seconds=0.3)
        self.assertIs(_Reason.DEADLINE, report.reason)
        self.assertTrue(report.confirmed)
        late_seconds = report.ended_at - report.deadline_at
        self.assertTrue(0 <= late_seconds < _LATE_SECONDS)
        self.assertEqual(guest.actual_kib, guest.target_kib)
        self.assertTrue(512 * MIB < guest.actual_kib < base.GIB)

    def test_a_policy_may_be_cancelled_from_any_thread(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=200)
        made = self.request(guest)
        cancelled = message.PolicyCancelled(policy_uuid=made.uuid)
        self.watching.on_started = lambda policy: self.pool.submit(
            'somebody', lambda: self.crank.post(cancelled)
        )
        self.crank.run_until_idle()
        report = self.watching.reports[made.uuid]
        self.assertIs(_Reason.CANCELLED, report.reason)
        self.assertTrue(report.confirmed)
        self.assertEqual(guest.actual_kib, guest.target_kib)

    def test_a_second_policy_takes_the_place_of_the_first(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=400)
        first = self.request(guest)
        second: list[model.BalloonPolicy] = []

        def supersede(started: model.BalloonPolicy) -> None:
            if started.uuid == first.uuid:
                second.append(self.request(guest, target_kib=900 * MIB))

        self.watching.on_started = supersede
        self.crank.run_until_idle()
        reports = self.watching.reports
        self.assertIs(_Reason.SUPERSEDED, reports[first.uuid].reason)
        self.assertIs(_Reason.TARGET, reports[second[0].uuid].reason)
        self.assertEqual(900 * MIB, guest.target_kib)


class FailureTestCase(ManagerTestCase):
    def test_a_guest_that_is_gone_ends_its_policy(self) -> None:
        why = 'it is shut off'
        guest = self.host.add(
            'web-01', errors=[exception.GuestNotRunning(guest='', why=why)]
        )
        report = self.run_one(guest)
        self.assertIs(_Reason.GUEST_GONE, report.reason)
        self.assertFalse(report.confirmed)
        self.assertEqual([], guest.targets_kib)

    def test_a_passing_failure_is_passed_over(self) -> None:
        guest = self.host.add(
            'web-01',
            errors=[
                exception.GuestBusy(guest='', why='timed out'),
                exception.HypervisorUnavailable(uri='', why='restarts'),
            ],
        )
        self.assertIs(_Reason.TARGET, self.run_one(guest).reason)

    def test_one_that_lasts_ends_the_policy_with_its_words(self) -> None:
        denied = exception.HypervisorDenied(uri='qemu:///system', why='no')
        guest = self.host.add('web-01', errors=[denied] * 2)
        report = self.run_one(guest)
        self.assertIs(_Reason.FAILED, report.reason)
        self.assertIn(str(denied), report.detail)

    def test_a_guest_that_hangs_holds_up_nobody(self) -> None:
        """One guest blocks for good: the other ends on time."""
        stuck = self.host.add('stuck', hangs=True)
        slow = self.host.add('slow', rate_mib_per_second=200)
        quick = self.host.add('quick')
        ends = {
            guest.uuid: self.request(guest, duration_seconds=0.4)
            for guest in (stuck, slow, quick)
        }
        self.crank.run_until_idle()
        reports = {
            guest_uuid: self.watching.reports[made.uuid]
            for guest_uuid, made in ends.items()
        }
        self.assertIs(_Reason.FAILED, reports[stuck.uuid].reason)
        self.assertIn('did not answer', reports[stuck.uuid].detail)
        self.assertIs(_Reason.DEADLINE, reports[slow.uuid].reason)
        self.assertIs(_Reason.TARGET, reports[quick.uuid].reason)
        for report in reports.values():
            late_seconds = report.ended_at - report.deadline_at
            self.assertLess(late_seconds, _LATE_SECONDS)
        self.assertTrue(reports[slow.uuid].confirmed)

    def test_a_guest_that_begins_to_hang_is_given_up(self) -> None:
        self.crank = self.make(freeze_timeout_seconds=0.2)
        guest = self.host.add('web-01', rate_mib_per_second=200)
        self.watching.on_started = lambda policy: self.host.hang(guest)
        report = self.run_one(guest, duration_seconds=0.3)
        self.assertIs(_Reason.DEADLINE, report.reason)
        self.assertFalse(report.confirmed)
        self.assertIsNone(report.actual_end_kib)
        self.assertIn('could not be confirmed', report.detail)

    def test_a_defect_of_the_applier_ends_the_policy(self) -> None:
        self.useFixture(fixtures.FakeLogger())
        guest = self.host.add('web-01', errors=[ZeroDivisionError()] * 2)
        report = self.run_one(guest, duration_seconds=0.2)
        self.assertIs(_Reason.FAILED, report.reason)


class BrokenTestCase(ManagerTestCase):
    """Defects of ours: a balloon must be stopped all the same."""

    def break_engine(self, error: BaseException) -> None:
        """Have the engine fail at its second sample."""
        engine = machine.Engine(
            engine_settings.EngineSettings(still_seconds=0.02)
        )
        self.crank = manager.Manager(
            self.host.applier, self.pool, self.watching, engine=engine
        )
        plain = engine.handle
        seen: list[message.Event] = []

        def handle(event: message.Event, now: float) -> list[message.Action]:
            if isinstance(event, message.BalloonSampled):
                seen.append(event)
                if len(seen) == 2:
                    raise error
            return plain(event, now)

        engine.handle = handle  # type: ignore[method-assign]

    def test_a_defect_of_the_engine_misses_no_deadline(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.break_engine(ZeroDivisionError())
        guest = self.host.add('web-01', rate_mib_per_second=200)
        report = self.run_one(guest, duration_seconds=0.3)
        self.assertIs(_Reason.DEADLINE, report.reason)
        self.assertEqual(guest.actual_kib, guest.target_kib)
        self.assertTrue(self.crank.has_failed)
        self.assertIn('The engine failed', log.output)

    def test_what_breaks_it_off_freezes_first(self) -> None:
        self.break_engine(KeyboardInterrupt())
        guest = self.host.add('web-01', rate_mib_per_second=200)
        made = self.request(guest)
        self.assertRaises(KeyboardInterrupt, self.crank.run_until_idle)
        report = self.watching.reports[made.uuid]
        self.assertIs(_Reason.CANCELLED, report.reason)
        self.assertEqual(guest.actual_kib, guest.target_kib)


class ObserverTestCase(ManagerTestCase):
    def test_is_told_in_order(self) -> None:
        self.run_one(self.host.add('web-01'))
        told = self.watching.told
        # The first look is what the policy starts with.
        self.assertEqual(
            ['started', 'ended'], [word for word in told if word != 'sampled']
        )
        self.assertEqual('ended', told[-1])
        self.assertGreaterEqual(told.count('sampled'), 2)

    def test_is_told_of_ends_without_a_start(self) -> None:
        gone = exception.GuestNotFound(guest='')
        self.run_one(self.host.add('web-01', errors=[gone]))
        self.assertEqual(['ended'], self.watching.told)

    def test_that_fails_at_the_start_stops_no_policy(self) -> None:
        self.useFixture(fixtures.FakeLogger())
        guest = self.host.add('web-01')
        self.watching.on_started = self._fail
        report = self.run_one(guest)
        self.assertIs(_Reason.TARGET, report.reason)

    def test_that_fails_at_a_sample_stops_no_policy(self) -> None:
        self.useFixture(fixtures.FakeLogger())
        guest = self.host.add('web-01', rate_mib_per_second=200)
        self.watching.on_sampled = self._fail
        report = self.run_one(guest, duration_seconds=0.3)
        self.assertIs(_Reason.DEADLINE, report.reason)
        self.assertEqual(guest.actual_kib, guest.target_kib)

    def _fail(self, told: object) -> None:
        """Fail as a display does whose terminal is gone."""
        raise BrokenPipeError


class LaterTestCase(ManagerTestCase):
    def test_events_after_the_end_change_nothing(self) -> None:
        guest = self.host.add('web-01')
        made = self.request(guest)
        self.crank.run_until_idle()
        told = list(self.watching.told)
        targets_kib = list(guest.targets_kib)
        sample = base.make_sample()
        for event in (
            message.PolicyCancelled(policy_uuid=made.uuid),
            message.BalloonChanged(guest_uuid=guest.uuid),
            message.BalloonFrozen(
                guest_uuid=guest.uuid,
                target_kib=MIB,
                before=sample,
                after=sample,
            ),
            message.ActionFailed(
                guest_uuid=guest.uuid,
                kind=message.FailureKind.PERMANENT,
                words='too late',
            ),
            message.GuestGone(guest_uuid=guest.uuid),
            message.HostRecovered(),
        ):
            self.crank.post(event)
        self.crank.run_until_idle()
        self.assertEqual(told, self.watching.told)
        self.assertEqual(targets_kib, guest.targets_kib)

    def test_events_of_strangers_change_nothing(self) -> None:
        self.crank.post(message.GuestGone(guest_uuid='nobody'))
        self.crank.post(message.PolicyCancelled(policy_uuid='none'))
        self.crank.run_until_idle()
        self.assertEqual([], self.watching.told)

    def test_it_may_run_again(self) -> None:
        guest = self.host.add('web-01')
        self.assertIs(_Reason.TARGET, self.run_one(guest).reason)
        report = self.run_one(
            guest,
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=base.GIB,
        )
        self.assertIs(_Reason.TARGET, report.reason)
        self.assertEqual(base.GIB, guest.target_kib)


class _BrokenPool(applier_pool.WorkerPool):
    """Fails at the first freeze."""

    has_broken = False

    def preempt(self, guest_uuid: str, job: applier_pool.Job) -> None:
        if not self.has_broken:
            self.has_broken = True
            raise RuntimeError
        super().preempt(guest_uuid, job)


class ActionTestCase(ManagerTestCase):
    """An action that cannot be carried out costs no other guest's."""

    def test_a_freeze_that_fails_stops_no_other(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.pool = _BrokenPool(size=2, stuck_seconds=0.02)
        self.addCleanup(self.pool.close)
        self.crank = self.make(freeze_timeout_seconds=0.2)
        guests = [
            self.host.add(name, rate_mib_per_second=200)
            for name in ('one', 'two', 'three')
        ]
        made = [
            self.request(it, origin=model.Origin.PRESSURE) for it in guests
        ]

        def recover(started: model.BalloonPolicy) -> None:
            if self.watching.told.count('started') == len(guests):
                # All are frozen by one event.
                self.crank.post(message.HostRecovered())

        self.watching.on_started = recover
        self.crank.run_until_idle()
        confirmed = [self.watching.reports[it.uuid].confirmed for it in made]
        self.assertEqual([False, True, True], sorted(confirmed))
        self.assertTrue(self.crank.has_failed)
        self.assertIn('RuntimeError', log.output)


class DeathTestCase(base.TestCase):
    def test_is_told_once_and_logged(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        told: list[str] = []

        def die() -> None:
            raise SystemExit

        manager.run_or_end(die, lambda: told.append('dead'))
        self.assertEqual(['dead'], told)
        self.assertIn('SystemExit', log.output)

    def test_whoever_returns_is_not_dead(self) -> None:
        told: list[str] = []
        manager.run_or_end(lambda: None, lambda: told.append('dead'))
        self.assertEqual([], told)
