# SPDX-License-Identifier: Apache-2.0

import logging
import sys
import time
from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.agent import looker
from tests.unit import base
from tests.unit.agent import crank_world

MIB = base.MIB
_Reason = model.EndReason
_STEPS = (
    'journal: request',
    'journal: start',
    'told: start',
    'journal: end',
    'told: end',
)


class OrderTestCase(crank_world.CrankTestCase):
    def test_is_journal_then_act_then_notify(self) -> None:
        guest = self.host.add('web-01')
        self.journal.is_silent = True
        self.start()
        self.ask(guest)
        self.record.wait('journal: request')
        self.assertEqual([], guest.targets_kib)
        self.call(self.journal.answer)
        self.record.wait('told: end')
        self.assertEqual(list(_STEPS), self.record.only(*_STEPS))
        self.assertIs(_Reason.TARGET, self.report().reason)

    def test_an_end_that_is_not_kept_is_told_all_the_same(self) -> None:
        guest = self.host.add('web-01')
        self.journal.error = 'the disk is full'
        self.start()
        self.ask(guest)
        self.record.wait('told: end')


class JournalTestCase(crank_world.CrankTestCase):
    def test_that_fails_keeps_no_policy_from_running(self) -> None:
        guest = self.host.add('web-01')
        self.journal.error = 'the disk is full'
        self.start()
        self.ask(guest)
        self.record.wait('journal: end')
        self.assertIs(_Reason.TARGET, self.report().reason)
        self.assertIn('the disk is full', self.log.output)

    def test_that_hangs_is_waited_for_a_moment(self) -> None:
        guest = self.host.add('web-01')
        self.journal.is_silent = True
        self.start()
        asked_at = time.monotonic()
        made = self.ask(guest)
        self.record.wait('journal: start')
        self.assertGreaterEqual(time.monotonic() - asked_at, 0.2)
        self.assertIn('does not answer', self.log.output)
        self.assertIn(made.uuid, self.log.output)
        self.record.wait('told: end')

    def test_that_answers_late_starts_nothing_twice(self) -> None:
        guest = self.host.add('web-01')
        self.journal.is_silent = True
        self.start()
        self.ask(guest)
        self.record.wait('told: end')
        self.call(self.journal.answer)
        self.call(lambda: None)
        self.assertEqual(list(_STEPS), self.record.only(*_STEPS))

    def test_some_policies_are_one_request(self) -> None:
        guests = [self.host.add(name) for name in ('web', 'db')]
        self.start()
        self.crank.request(
            [base.make_policy(guest_uuid=guest.uuid) for guest in guests]
        )
        self.record.wait('told: end')
        self.assertEqual(1, self.record.words.count('journal: request'))


class StartTestCase(crank_world.CrankTestCase):
    def test_is_journaled_as_when_its_time_began(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        made = self.ask(guest)
        self.record.wait('told: end')
        self.assertEqual(
            self.report().started_at, self.journal.started_at[made.uuid]
        )


class StopTestCase(crank_world.CrankTestCase):
    def test_freezes_what_is_under_way_and_keeps_its_end(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        self.start()
        self.ask(guest)
        self.record.wait('told: start')
        self.stop()
        self.assertIs(_Reason.CANCELLED, self.report().reason)
        self.assertEqual(guest.actual_kib, guest.target_kib)

    def test_ends_what_was_not_journaled_yet(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        self.journal.is_silent = True
        self.start()
        self.ask(guest)
        self.record.wait('journal: request')
        self.stop()
        self.assertIs(_Reason.CANCELLED, self.report().reason)
        self.assertEqual([], guest.targets_kib)

    def test_with_nothing_under_way_ends_at_once(self) -> None:
        self.start()
        self.stop()
        self.assertEqual([], self.record.words)

    def test_is_not_held_up_by_a_guest_that_hangs(self) -> None:
        guest = self.host.add('web-01', hangs=True)
        self.start()
        self.ask(guest)
        self.record.wait('journal: request')
        began_at = time.monotonic()
        self.stop()
        self.assertLess(time.monotonic() - began_at, 5.0)
        self.assertIs(_Reason.CANCELLED, self.report().reason)

    def test_starts_nothing_new(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.stop()
        self.crank.post(message.GuestsListed(guests=(guest.description,)))
        self.assertEqual([], guest.targets_kib)

    def test_what_was_learned_is_kept(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        plain = self.controller.handle

        def handle(event: Any, now: float) -> Any:
            outputs = plain(event, now)
            if isinstance(event, message.ReportEnd):
                remember = message.RememberTraits(
                    guest_uuid=guest.uuid, traits=situation.GuestTraits()
                )
                outputs = [message.ListGuests(), remember]
            return outputs

        self.controller.handle = handle  # type: ignore[method-assign]
        self.start()
        self.ask(guest)
        self.record.wait('told: start')
        self.stop()
        self.assertIn('journal: remember', self.record.words)

    def test_tells_how_it_ended(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        self.start()
        self.ask(guest)
        self.record.wait('told: start')
        self.stop()
        self.assertIn('told: end', self.record.words)


class CancelTestCase(crank_world.CrankTestCase):
    def test_ends_a_policy(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        self.start()
        made = self.ask(guest)
        self.record.wait('told: start')
        self.crank.post(message.PolicyCancelled(policy_uuid=made.uuid))
        self.record.wait('told: end')
        self.assertIs(_Reason.CANCELLED, self.report().reason)

    def test_ends_one_that_is_not_journaled_yet(self) -> None:
        guest = self.host.add('web-01')
        self.journal.is_silent = True
        self.start()
        made = self.ask(guest)
        self.record.wait('journal: request')
        self.crank.post(message.PolicyCancelled(policy_uuid=made.uuid))
        self.record.wait('told: end')
        self.assertIs(_Reason.CANCELLED, self.report().reason)


class SupersedeTestCase(crank_world.CrankTestCase):
    def test_freezing_the_one_before_does_not_end_the_next(self) -> None:
        """Its relief is still to come, and must not be asked for twice."""
        guest = self.host.add('web-01', rate_mib_per_second=10)
        self.start()
        self.ask(guest)
        self.record.wait('told: start')
        made = self.ask(guest)
        self.record.wait('told: end')
        flight = self.controller.flights.find(guest.uuid)
        assert flight is not None
        self.assertEqual(made.uuid, flight.balloon_policy.uuid)
        self.assertFalse(flight.is_silent(flight.began_at))


class DefectTestCase(crank_world.CrankTestCase):
    """Defects of ours in the controller cost no deadline."""

    def break_controller(self, name: str, *kinds: type) -> None:
        """Have a method of the controller fail, for events of some kinds."""
        plain = getattr(self.controller, name)

        def broken(*arguments: Any) -> Any:
            if not kinds or isinstance(arguments[0], kinds):
                raise ZeroDivisionError
            return plain(*arguments)

        setattr(self.controller, name, broken)

    def run_to_deadline(self) -> model.EndReport:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        made = base.make_policy(guest_uuid=guest.uuid, duration_seconds=0.4)
        self.crank.post(message.PolicyRequested(policy=made))
        self.start()
        self.record.wait('journal: end')
        self.assertEqual(guest.actual_kib, guest.target_kib)
        return self.report()

    def test_at_samples(self) -> None:
        self.break_controller('handle', message.BalloonSampled)
        self.assertIs(_Reason.DEADLINE, self.run_to_deadline().reason)
        self.assertIn('failed', self.log.output)
        self.assertTrue(self.crank.has_failed)

    def test_at_ends(self) -> None:
        self.break_controller('handle', message.ReportEnd)
        self.assertIs(_Reason.DEADLINE, self.run_to_deadline().reason)

    def test_at_the_end_of_another_policy(self) -> None:
        mute = self.host.add('mute', hangs=True)
        slow = self.host.add('slow', rate_mib_per_second=100)
        self.break_controller('handle', message.ReportEnd)
        for guest in (mute, slow):
            made = base.make_policy(
                guest_uuid=guest.uuid, duration_seconds=0.4
            )
            self.crank.post(message.PolicyRequested(policy=made))
        self.start()
        self.record.wait('told: start')
        # The thread comes back after both deadlines.
        self.call(lambda: time.sleep(0.5))
        self.record.wait('journal: end')
        reasons = self.wait_for_reasons(2)
        self.assertEqual([_Reason.FAILED, _Reason.DEADLINE], reasons)

    def wait_for_reasons(self, count: int) -> list[_Reason]:
        for _ in range(100):
            if len(self.record.reports) == count:
                break
            time.sleep(0.02)
        return [report.reason for report in self.record.reports]

    def test_in_its_timers_is_no_busy_loop(self) -> None:
        calls: list[float] = []

        def fail(now: float) -> Any:
            calls.append(now)
            raise ZeroDivisionError

        self.controller.handle_timer = fail  # type: ignore[method-assign]
        self.start()
        for _ in range(50):
            if len(calls) > 50:
                break
            time.sleep(0.01)
        self.assertLess(len(calls), 50)

    def test_in_saying_when_costs_no_deadline(self) -> None:
        self.break_controller('next_timer')
        guest = self.host.add('web-01', rate_mib_per_second=100)
        made = base.make_policy(guest_uuid=guest.uuid, duration_seconds=0.2)
        self.crank.post(message.PolicyRequested(policy=made))
        self.thread.start()
        for _ in range(30):
            if self.record.reports:
                break
            time.sleep(0.02)
        reports = list(self.record.reports)
        # So that the loop comes to its end.
        del self.controller.next_timer
        self.stop()
        self.assertEqual(1, len(reports))


class LoopTestCase(crank_world.CrankTestCase):
    def test_survives_a_call_that_fails(self) -> None:
        self.start()
        self.call(lambda: 1 // 0)
        self.call(lambda: None)
        self.assertIn('ZeroDivisionError', self.log.output)

    def test_a_flood_of_events_delays_no_deadline(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        made = base.make_policy(guest_uuid=guest.uuid, duration_seconds=0.3)
        looked = message.GuestLooked(guest_uuid='nobody', sample=None)

        def flood() -> None:
            """Put in another event for each that is taken out."""
            if not self.record.reports:
                self.crank.post(looked)
                self.crank.post(looked)
                self.crank.call(flood)

        self.start()
        self.crank.post(message.PolicyRequested(policy=made))
        self.crank.call(flood)
        self.record.wait('told: end')
        self.assertIs(_Reason.DEADLINE, self.report().reason)
        late_seconds = self.report().ended_at - self.report().deadline_at
        self.assertLess(late_seconds, 1.0)

    def test_a_flood_of_calls_delays_no_deadline(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        made = base.make_policy(guest_uuid=guest.uuid, duration_seconds=0.2)
        until = time.monotonic() + 1.0

        def flood() -> None:
            if time.monotonic() < until:
                self.crank.call(flood)

        self.start()
        self.crank.post(message.PolicyRequested(policy=made))
        self.crank.call(flood)
        self.record.wait('told: end')
        late_seconds = self.report().ended_at - self.report().deadline_at
        self.assertLess(late_seconds, 0.3)


class HostTestCase(crank_world.CrankTestCase):
    """From pressure to policies and back, with everything real but a host."""

    def wait_for_guests(self) -> None:
        def is_seen() -> bool:
            return any(
                record.peak_use_kib is not None
                for record in self.controller.roster
            )

        seen: list[bool] = []
        for _ in range(1000):
            self.call(lambda: seen.append(is_seen()))
            if seen[-1]:
                return
            time.sleep(0.005)
        raise AssertionError('nobody was looked at')

    def test_pressure_is_relieved(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.wait_for_guests()
        self.read(900, at=time.monotonic())
        self.record.wait('told: end')
        self.assertIs(model.Origin.PRESSURE, self.report().policy.origin)
        self.assertLess(guest.actual_kib, base.GIB)
        for word in ('PressureStarted', 'ReliefPlanned'):
            self.assertEqual(
                [f'journal: {word}', f'told: {word}'],
                self.record.only(f'journal: {word}', f'told: {word}')[:2],
            )
        self.assertIn('journal: reading', self.record.words)
        self.record.wait('journal: remember')

    def test_recovery_ends_relief(self) -> None:
        self.host.add('web-01', rate_mib_per_second=10)
        self.start()
        self.wait_for_guests()
        self.read(200, at=time.monotonic())
        self.record.wait('told: start')
        self.read(4000, at=time.monotonic())
        self.record.wait('told: end', 'told: PressureEnded')
        self.assertIs(_Reason.HOST_RECOVERED, self.report().reason)

    def test_recovery_ends_relief_that_is_not_journaled_yet(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.wait_for_guests()
        self.journal.is_silent = True
        self.read(200, at=time.monotonic())
        self.record.wait('journal: request')
        self.read(4000, at=time.monotonic())
        self.record.wait('told: end')
        self.assertEqual([], guest.targets_kib)

    def test_guests_that_cannot_be_listed_are_tried_later(self) -> None:
        def fail() -> Any:
            raise exception.HypervisorUnavailable(uri='any', why='restarts')

        self.host.applier.list_guests = fail  # type: ignore[method-assign]
        self.start()
        for _ in range(1000):
            if 'cannot be listed' in self.log.output:
                break
            time.sleep(0.005)
        self.assertIn('cannot be listed', self.log.output)
        self.call(lambda: None)
        next_at = self.controller.next_timer()
        self.assertLess(next_at, time.monotonic() + 6)

    def test_is_not_logged_while_the_error_is_at_hand(self) -> None:
        """The log would say the error a second time."""
        at_hand: list[object] = []
        guest = self.host.add('web-01')

        def fail(*arguments: Any) -> Any:
            raise exception.HypervisorUnavailable(uri='any', why='restarts')

        class Handler(logging.Handler):
            def emit(self, record: logging.LogRecord) -> None:
                if 'listed' in record.msg or 'look' in record.msg:
                    at_hand.append(sys.exc_info()[1])

        handler = Handler()
        crank_logger = logging.getLogger('nova_balloon_timer.agent.looker')
        crank_logger.addHandler(handler)
        self.addCleanup(crank_logger.removeHandler, handler)
        crank_logger.setLevel(logging.DEBUG)
        self.addCleanup(crank_logger.setLevel, logging.NOTSET)
        self.host.applier.list_guests = fail  # type: ignore[method-assign]
        setattr(self.host.applier, 'read', fail)  # noqa: B010
        asked = looker.Looker(self.host.applier, self.crank.post)
        asked.list_guests()
        asked.look(guest.uuid)
        self.assertEqual([None, None], at_hand)

    def test_statistics_are_started(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.wait_for_guests()
        self.assertIn(
            ('start_statistics', guest.uuid), self.host.applier.calls
        )
