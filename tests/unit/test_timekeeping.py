# SPDX-License-Identifier: Apache-2.0

from tests.unit import base


class TimingTestCase(base.TestCase):
    def test_says_who_keeps_the_clock(self) -> None:
        self.assertEqual('timed by the host', base.BY_HOST.phrase)
        self.assertEqual('timed by the guest', base.BY_GUEST.phrase)

    def test_says_why_it_is_not_the_guest(self) -> None:
        self.assertEqual(
            'timed by the host: it has no guest agent channel',
            base.UNABLE.phrase,
        )
