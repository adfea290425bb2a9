# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer.pressure import verdict
from tests.unit import base


class NewsTestCase(base.TestCase):
    def test_changes_tension_and_a_heartbeat_are_news(self) -> None:
        news = verdict.News(5.0)
        for now, is_pressing, is_tense, expected in (
            (0.0, False, False, True),
            (4.9, False, False, False),
            (5.0, False, False, True),
            (6.0, True, False, True),
            (6.1, True, False, False),
            (6.2, True, True, True),
            (6.3, False, False, True),
            (11.2, False, False, False),
            (11.4, False, False, True),
        ):
            self.assertIs(
                expected, news.is_news(now, is_pressing, is_tense), f'{now}'
            )


class BlindnessTestCase(base.TestCase):
    def test_it_looks_again_soon_and_then_more_and_more_rarely(self) -> None:
        blindness = verdict.Blindness(2.0)
        waits = [blindness.fail(0.0) for _ in range(8)]
        self.assertEqual([0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0], waits)
        blindness.see()
        self.assertEqual(0.1, blindness.fail(0.0))

    def test_patience_ends(self) -> None:
        blindness = verdict.Blindness(2.0)
        self.assertFalse(blindness.is_blind)
        self.assertFalse(blindness.is_lost(99.0))
        blindness.fail(10.0)
        blindness.fail(11.9)
        self.assertTrue(blindness.is_blind)
        self.assertFalse(blindness.is_lost(11.9))
        self.assertTrue(blindness.is_lost(12.0))
        blindness.see()
        self.assertFalse(blindness.is_lost(99.0))
