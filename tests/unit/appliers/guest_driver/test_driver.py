# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers.guest_driver import driver
from tests.unit.appliers.guest_driver import memory
from tests.unit.engine import factory


class DriverTestCase(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.files = memory.MemoryFiles()
        self.driver = driver.GuestDriver(
            factory.GUEST, self.files, clock=lambda: 100.0
        )

    def offer(self, deadline_at: float = 108.0, **more: Any) -> None:
        self.driver.offer(
            message.OfferPolicy(
                guest_uuid=factory.GUEST,
                policy=factory.balloon_policy(),
                deadline_at=deadline_at,
                **more,
            )
        )

    def conclude(self, *, cancels: bool = True) -> timekeeping.GuestReport:
        return self.driver.conclude(
            message.ConcludePolicy(
                guest_uuid=factory.GUEST,
                policy=factory.balloon_policy(),
                cancels=cancels,
            )
        )


class CheckTest(DriverTestCase):
    def test_the_version_that_is_known(self) -> None:
        self.driver.check()
        self.assertEqual(0, self.files.open_files)

    def test_another_version(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(abi=2)
        error = self.assertRaises(exception.NoGuestClock, self.driver.check)
        self.assertEqual(
            'the interface of its driver has version 2, and not 1',
            error.why,
        )

    def test_no_driver(self) -> None:
        del self.files.contents[driver.STATUS]
        self.assertRaises(exception.NoGuestClock, self.driver.check)


class OfferTest(DriverTestCase):
    def test_writes_what_is_left_when_the_file_is_open(self) -> None:
        self.offer()
        ((path, text),) = self.files.written
        self.assertEqual(driver.POLICY, path)
        self.assertIn(' duration_ms=8000', text)
        self.assertIn(' begin_by_ms=60500', text)
        self.assertEqual(0, self.files.open_files)

    def test_the_way_to_the_guest_is_its_own_to_count(self) -> None:
        ticks = iter((100.0, 100.02, 100.03))
        self.driver = driver.GuestDriver(
            factory.GUEST, self.files, clock=lambda: next(ticks)
        )
        self.offer()
        ((_, text),) = self.files.written
        self.assertIn(' duration_ms=7954', text)
        # It is counted from what the guest's clock showed at the first.
        self.assertIn(' begin_by_ms=60530', text)

    def test_nothing_is_left(self) -> None:
        self.assertRaises(exception.NoGuestClock, self.offer, 100.0)
        self.assertEqual([], self.files.written)
        self.assertEqual(0, self.files.open_files)

    def test_one_that_is_known_goes_on(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(
            state='running', reason='none'
        )
        self.offer(may_be_known=True)
        self.assertEqual([], self.files.written)

    def test_one_that_it_has_ended_does_not_begin_again(self) -> None:
        self.assertRaises(
            exception.NoGuestClock, self.offer, may_be_known=True
        )
        self.assertEqual([], self.files.written)

    def test_one_that_may_run_where_nobody_tells(self) -> None:
        del self.files.contents[driver.STATUS]
        self.assertRaises(exception.NoGuestClock, self.offer)
        self.assertRaises(exception.GuestBusy, self.offer, may_be_known=True)

    def test_one_that_is_not_known_is_written(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(id='another')
        self.offer(may_be_known=True)
        self.assertEqual(1, len(self.files.written))

    def test_silence_is_no_refusal(self) -> None:
        self.files.write_error = exception.GuestBusy(
            guest=factory.GUEST, why='nobody answers'
        )
        self.assertRaises(exception.GuestBusy, self.offer)


class ConcludeTest(DriverTestCase):
    def test_one_that_has_ended(self) -> None:
        found = self.conclude()
        self.assertIs(timekeeping.GuestEnd.DEADLINE, found.reason)
        self.assertEqual([], self.files.written)

    def test_one_that_runs_is_cancelled(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(
            state='running', reason='none'
        )
        self.files.cancelled = memory.status_text(reason='cancelled')
        found = self.conclude()
        self.assertIs(timekeeping.GuestEnd.CANCELLED, found.reason)
        self.assertEqual(
            [(driver.POLICY, f'cancel id={factory.POLICY}\n')],
            self.files.written,
        )

    def test_one_that_runs_may_go_on(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(
            state='running', reason='none'
        )
        found = self.conclude(cancels=False)
        self.assertIs(timekeeping.GuestEnd.RUNNING, found.reason)
        self.assertEqual([], self.files.written)

    def test_one_that_ends_before_it_is_cancelled(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(
            state='running', reason='none'
        )
        self.files.write_error = exception.NoGuestClock(
            guest=factory.GUEST, why='No such file or directory'
        )
        found = self.conclude()
        self.assertIs(timekeeping.GuestEnd.RUNNING, found.reason)

    def test_one_that_it_does_not_know(self) -> None:
        self.files.contents[driver.STATUS] = memory.status_text(id='another')
        self.assertRaises(exception.NoGuestClock, self.conclude)
