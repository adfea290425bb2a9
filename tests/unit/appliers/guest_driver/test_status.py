# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers.guest_driver import status
from tests.unit.appliers.guest_driver import memory
from tests.unit.engine import factory

mib = factory.mib
_MAXIMUM_KIB = mib(1024)


def report(**changes: object) -> timekeeping.GuestReport:
    found = status.parse(memory.status_text(**changes), factory.GUEST)
    return found.report(_MAXIMUM_KIB)


class ReportTest(testtools.TestCase):
    def test_sizes_are_what_the_guest_has(self) -> None:
        found = report(start_kib=0, target_kib=mib(512), reached_kib=mib(324))
        self.assertEqual(mib(1024), found.start_kib)
        self.assertEqual(mib(512), found.target_kib)
        self.assertEqual(mib(700), found.reached_kib)

    def test_counts_are_pages_of_four_kib(self) -> None:
        found = report(pages_moved=100, pages_after_deadline=7)
        self.assertEqual(400, found.moved_kib)
        self.assertEqual(28, found.moved_after_deadline_kib)

    def test_late_is_what_moved_after_the_deadline(self) -> None:
        found = report(duration_ms=2000, last_move_us=2_000_450)
        self.assertEqual(0.00045, found.lateness_seconds)

    def test_nothing_moved_after_the_deadline(self) -> None:
        found = report(duration_ms=2000, last_move_us=1_500_000)
        self.assertEqual(0, found.lateness_seconds)

    def test_every_end_is_understood(self) -> None:
        for end in set(timekeeping.GuestEnd) - {timekeeping.GuestEnd.RUNNING}:
            self.assertIs(end, report(reason=end.value).reason)

    def test_no_end_yet(self) -> None:
        found = report(state='running', reason='none')
        self.assertIs(timekeeping.GuestEnd.RUNNING, found.reason)


class UntrustedTest(testtools.TestCase):
    def assert_nonsense(self, what: str, **changes: object) -> None:
        error = self.assertRaises(exception.NoGuestClock, report, **changes)
        self.assertEqual(
            f'the {what} of what its driver says makes no sense', error.why
        )

    def test_more_than_the_guest_has(self) -> None:
        for key in ('start_kib', 'target_kib', 'reached_kib'):
            self.assert_nonsense(key, **{key: _MAXIMUM_KIB + 4})

    def test_more_than_could_be(self) -> None:
        for key in ('pages_moved', 'pages_after_deadline', 'elapsed_us'):
            self.assert_nonsense(key, **{key: 10**17})

    def test_numbers_that_are_none(self) -> None:
        for word in ('-4', '1.5', '', '9' * 30, '\u0664'):
            self.assertRaises(exception.NoGuestClock, report, elapsed_us=word)

    def test_an_end_that_nobody_knows(self) -> None:
        self.assert_nonsense('reason', reason='boredom')

    def test_lines_that_are_missing(self) -> None:
        self.assert_nonsense('pages_moved', pages_moved=None)
        self.assert_nonsense('form', id=None)

    @hypothesis.given(text=strategies.text(max_size=6000))
    def test_any_text_is_understood_or_refused(self, text: str) -> None:
        try:
            status.parse(text, factory.GUEST).report(_MAXIMUM_KIB)
        except exception.NoGuestClock as error:
            self.assertNotIn('\n', str(error))

    @hypothesis.given(
        key=strategies.sampled_from(sorted(memory.STATUS)),
        word=strategies.from_regex(r'[\w.-]*', fullmatch=True),
    )
    def test_any_word_is_understood_or_refused(
        self, key: str, word: str
    ) -> None:
        try:
            found = report(**{key: word})
        except exception.NoGuestClock:
            return
        for size_kib in (found.start_kib, found.reached_kib):
            self.assertTrue(0 <= size_kib <= _MAXIMUM_KIB)
        self.assertGreaterEqual(found.lateness_seconds, 0)
