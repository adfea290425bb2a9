# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer.nova import doubt
from tests.unit import base


class DoubtsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.free: set[str] = set()
        self.doubts = doubt.Doubts(self.free.__contains__)
        self.web, self.db = base.make_guest('web'), base.make_guest('db')

    def test_a_guest_that_runs_against_nova_s_word_is_told_once(self) -> None:
        self.assertTrue(self.doubts.note([self.web], 1.0))
        self.assertFalse(self.doubts.note([self.web], 2.0))
        self.assertTrue(self.doubts.note([self.web, self.db], 3.0))
        self.assertFalse(self.doubts.note([self.db], 4.0))

    def test_is_told_again_when_it_was_settled_meanwhile(self) -> None:
        self.doubts.note([self.web], 1.0)
        self.free.add(self.web.uuid)
        self.assertFalse(self.doubts.note([self.web], 2.0))
        self.assertFalse(self.doubts.have_any(2.0))
        self.free.clear()
        self.assertTrue(self.doubts.note([self.web], 3.0))

    def test_who_is_free_or_refused_anyway_is_beyond_doubt(self) -> None:
        self.free.add(self.web.uuid)
        paused = base.make_guest('db', refusals=(base.make_refusal(),))
        self.assertFalse(self.doubts.note([self.web, paused], 1.0))
        self.assertFalse(self.doubts.have_any(1.0))

    def test_after_ten_minutes_nothing_is_expected_any_more(self) -> None:
        self.doubts.note([self.web], 1.0)
        self.doubts.note([self.web], 600.0)
        self.assertTrue(self.doubts.have_any(600.9))
        self.assertFalse(self.doubts.have_any(601.0))
