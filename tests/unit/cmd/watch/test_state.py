# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer.cmd.watch import state as watch_state
from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.watch import picture

MIB = base.MIB


def _failure(seconds: float) -> watch_state.Failure:
    return watch_state.Failure(at=picture.after(seconds), words='no answer')


class StateTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.policies = tuple(fake_agent.policy(name) for name in 'abc')
        self.uuids = [view['uuid'] for view in self.policies]
        self.state = picture.state(picture.snapshot(policies=self.policies))

    def press(self, *keys: str) -> str | None:
        """Press keys; return what the last one has cancelled."""
        to_cancel = None
        for key in keys:
            self.state, to_cancel = watch_state.press(self.state, key)
        return to_cancel

    def see(self, *policies: fake_agent.View) -> None:
        self.state = watch_state.take_in(
            self.state, picture.snapshot(policies=policies)
        )


class SelectTestCase(StateTestCase):
    def test_the_first_is_selected(self) -> None:
        self.assertEqual(self.uuids[0], self.state.selected)

    def test_keys_go_up_and_down_and_not_beyond(self) -> None:
        for key, at in (
            ('down', 1),
            ('down', 2),
            ('down', 2),
            ('up', 1),
            ('up', 0),
            ('up', 0),
        ):
            self.press(key)
            self.assertEqual(self.uuids[at], self.state.selected)

    def test_stays_with_its_policy(self) -> None:
        self.press('down')
        self.see(*reversed(self.policies))
        self.assertEqual(self.uuids[1], self.state.selected)

    def test_goes_to_the_neighbour_of_what_has_ended(self) -> None:
        self.press('down', 'down')
        self.see(*self.policies[:2])
        self.assertEqual(self.uuids[1], self.state.selected)
        self.press('up')
        self.see(self.policies[1])
        self.assertEqual(self.uuids[1], self.state.selected)
        self.see()
        self.assertIsNone(self.state.selected)
        self.press('down')
        self.assertIsNone(self.state.selected)
        self.see(self.policies[2])
        self.assertEqual(self.uuids[2], self.state.selected)


class CancelTestCase(StateTestCase):
    def test_is_done_after_a_question(self) -> None:
        self.assertIsNone(self.press('down', 'c'))
        self.assertEqual(self.policies[1], self.state.question)
        self.assertEqual(self.uuids[1], self.press('y'))
        self.assertIsNone(self.state.question)

    def test_is_not_done_for_any_other_answer(self) -> None:
        for key in ('n', 'c', 'escape', ' ', 'x'):
            self.press('c')
            self.assertIsNone(self.press(key))
            self.assertIsNone(self.state.question)

    def test_is_of_the_policy_that_was_asked_about(self) -> None:
        self.press('c', 'down')
        self.assertEqual(self.uuids[0], self.press('y'))

    def test_is_not_asked_any_more_of_one_that_has_ended(self) -> None:
        self.press('c')
        self.see(*self.policies[1:])
        self.assertIsNone(self.state.question)
        self.assertIsNone(self.press('y'))

    def test_of_nothing(self) -> None:
        self.see()
        self.assertIsNone(self.press('c'))
        self.assertIn('no policy', self.state.told)

    def test_tells_what_came_of_it(self) -> None:
        self.press('c', 'y')
        told = watch_state.Told(words='it is cancelled')
        self.state = watch_state.take_in(self.state, told)
        self.assertEqual('it is cancelled', self.state.told)


class EndTestCase(StateTestCase):
    def test_keys_end_it(self) -> None:
        self.assertFalse(self.state.is_over)
        for key in ('q', 'gone'):
            ended, _ = watch_state.press(self.state, key)
            self.assertTrue(ended.is_over)

    def test_q_is_no_answer_to_a_question(self) -> None:
        self.press('c')
        self.assertIsNone(self.press('q'))
        self.assertTrue(self.state.is_over)

    def test_other_keys_do_nothing(self) -> None:
        before = self.state
        self.press('x', 'y', 'escape', '\x00')
        self.assertEqual(before, self.state)


class FailureTestCase(StateTestCase):
    def test_is_told_with_its_first_instant(self) -> None:
        for seconds in (1, 2, 3):
            self.state = watch_state.take_in(self.state, _failure(seconds))
        self.assertEqual(picture.after(1), self.state.failed_since)
        self.assertEqual(_failure(3), self.state.failure)
        self.assertEqual(self.policies, self.state.policies)

    def test_is_over_with_an_answer(self) -> None:
        self.state = watch_state.take_in(self.state, _failure(1))
        self.see()
        self.assertIsNone(self.state.failure)
        self.assertIsNone(self.state.failed_since)


class CourseTestCase(base.TestCase):
    def test_has_the_last_minutes(self) -> None:
        looks = [
            picture.snapshot(
                picture.after(seconds),
                host=fake_agent.host(available_kib=seconds * MIB),
            )
            for seconds in range(0, 400, 10)
        ]
        course = picture.state(*looks).course
        self.assertEqual(picture.after(390), course[-1].at)
        self.assertEqual(390 * MIB, course[-1].available_kib)
        self.assertEqual(picture.after(100), course[0].at)

    def test_has_nothing_where_nothing_is_known(self) -> None:
        unknown = fake_agent.host(available_kib=None)
        made = picture.state(picture.snapshot(host=unknown))
        self.assertEqual((), made.course)
