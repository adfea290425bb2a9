# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from tests.unit import base

_Mode = timekeeping.Mode


class ModeTestCase(base.TestCase):
    def test_terms_that_allow_all_change_nothing(self) -> None:
        for wanted in _Mode:
            self.assertEqual((wanted, ''), ownership.Terms().mode_of(wanted))

    def test_a_guest_that_must_not_keep_it_leaves_it_to_the_host(self) -> None:
        terms = ownership.Terms(may_keep_time=False)
        for wanted in (_Mode.AUTO, _Mode.GUEST):
            self.assertEqual(
                (_Mode.HOST, 'its flavor forbids it'), terms.mode_of(wanted)
            )

    def test_no_reason_is_given_where_nobody_asks_for_one(self) -> None:
        terms = ownership.Terms(may_keep_time=False)
        self.assertEqual((_Mode.HOST, ''), terms.mode_of(_Mode.HOST))
