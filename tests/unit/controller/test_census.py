# SPDX-License-Identifier: Apache-2.0

import collections
from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import census
from nova_balloon_timer.controller import flight
from nova_balloon_timer.controller import roster
from tests.unit import base
from tests.unit.controller import factory

_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


class CensusTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.now = 1000.0
        self.make()

    def make(self, **settings: Any) -> None:
        made = factory.make_settings(**settings)
        self.roster = roster.Roster(made, {})
        self.flights = flight.Flights()
        self.census = census.Census(made, self.roster, self.flights, self.now)
        self.answers = True

    def list_guests(self, *names: str, **more: Any) -> list[str]:
        """Have a listing come; return whom it has looked at."""
        self.roster.take([base.make_guest(name, **more) for name in names])
        return self.looked(self.census.note_listed())

    def looked(self, actions: list[message.HostAction]) -> list[str]:
        """Return who is looked at, and let each answer at once."""
        names = []
        for action in factory.pick(actions, message.LookAtGuest):
            names.append(self.roster.name_of(action.guest_uuid))
            record = self.roster.find(action.guest_uuid)
            assert record is not None
            record.is_awaited = not self.answers
        return names

    def run_for(self, seconds: float) -> list[message.HostAction]:
        until = self.now + seconds
        actions: list[message.HostAction] = []
        while self.census.next_at <= until:
            self.now = max(self.now, self.census.next_at)
            done = self.census.due(self.now)
            self.looked(done)
            actions += done
            assert self.census.next_at > self.now, 'it would not end'
        self.now = until
        return actions

    def listings(self, seconds: float) -> int:
        return len(factory.pick(self.run_for(seconds), message.ListGuests))


class ListTestCase(CensusTestCase):
    def test_lists_at_once_and_then_every_so_often(self) -> None:
        self.assertEqual(self.now, self.census.next_at)
        self.assertEqual(1, self.listings(0))
        self.census.note_listed()
        self.assertEqual(0, self.listings(59))
        self.assertEqual(1, self.listings(1))

    def test_one_that_hangs_is_not_followed_by_another(self) -> None:
        self.assertEqual(1, self.listings(600))
        self.census.note_listed()
        self.assertEqual(1, self.listings(2))

    def test_a_change_is_seen_soon(self) -> None:
        self.run_for(0)
        self.census.note_listed()
        self.census.hurry(self.now)
        self.assertEqual(1, self.listings(1))

    def test_many_changes_cost_one_listing(self) -> None:
        self.run_for(0)
        self.census.note_listed()
        for _ in range(100):
            self.census.hurry(self.now)
        self.assertEqual(1, self.listings(30))

    def test_a_change_during_a_listing_is_not_missed(self) -> None:
        """It may have been listed before the change, and be slow."""
        self.run_for(0)
        self.run_for(5)
        self.census.hurry(self.now)
        self.assertEqual(0, self.listings(2))
        self.census.note_listed()
        self.assertEqual(1, self.listings(2))

    def test_one_that_fails_is_tried_again(self) -> None:
        self.run_for(0)
        self.census.retry(self.now)
        self.census.note_listed()
        self.assertEqual(0, self.listings(4.9))
        self.assertEqual(1, self.listings(0.2))


class LookTestCase(CensusTestCase):
    def settle(self, *names: str) -> None:
        """Have guests listed, and looked at as newcomers are."""
        self.list_guests(*names)
        self.run_for(4)

    def count(self, seconds: float) -> collections.Counter[str]:
        return collections.Counter(self.looked(self.run_for(seconds)))

    def test_newcomers_are_looked_at_at_once(self) -> None:
        self.assertEqual(['db', 'web'], sorted(self.list_guests('web', 'db')))
        self.assertEqual(['new'], self.list_guests('db', 'web', 'new'))

    def test_newcomers_are_looked_at_again_soon(self) -> None:
        """Nothing is asked of them before they told twice what they use."""
        names = [f'guest-{number}' for number in range(200)]
        self.list_guests(*names)
        looks = self.count(3.5)
        self.assertEqual(set(names), set(looks))
        self.assertTrue(all(count >= 2 for count in looks.values()))

    def test_few_guests_are_looked_at_every_two_seconds(self) -> None:
        self.settle('web', 'db')
        looks = self.count(20)
        for name in ('web', 'db'):
            self.assertTrue(9 <= looks[name] <= 11, looks)

    def test_many_guests_cost_no_more_than_the_pace(self) -> None:
        names = [f'guest-{number}' for number in range(200)]
        self.settle(*names)
        looks = self.count(20)
        self.assertTrue(390 <= looks.total() <= 403, looks.total())
        self.assertEqual(set(names), set(looks))
        self.assertLessEqual(max(looks.values()), 3)

    def test_twice_as_many_while_memory_is_short(self) -> None:
        self.settle('web')
        self.census.is_tense = True
        self.assertTrue(19 <= self.count(20)['web'] <= 21)

    def test_another_pace_counts_at_once(self) -> None:
        self.settle(*(f'guest-{number}' for number in range(200)))
        self.census.reload(factory.make_settings(looks_per_second=1.0))
        self.assertLessEqual(self.count(20).total(), 22)

    def test_a_guest_that_does_not_answer_is_not_asked_twice(self) -> None:
        self.answers = False
        self.assertEqual(['web'], self.list_guests('web'))
        self.assertEqual(0, self.count(20)['web'])

    def test_a_guest_with_a_policy_is_not_looked_at(self) -> None:
        self.list_guests('web', 'db')
        made = base.make_policy(guest_uuid=base.uuid_of('web'))
        self.flights.add(flight.Flight(made, 1, self.now + 2, self.now))
        looks = self.count(20)
        self.assertEqual(0, looks['web'])
        self.assertGreaterEqual(looks['db'], 9)

    def test_who_cannot_be_ballooned_is_not_looked_at(self) -> None:
        self.assertEqual([], self.list_guests('web', refusals=(_PAUSED,)))
        self.assertEqual(0, self.count(20).total())

    def test_a_guest_that_can_be_ballooned_again_is_a_newcomer(self) -> None:
        self.list_guests('web')
        self.list_guests('web', refusals=(_PAUSED,))
        self.assertEqual(0, self.count(5).total())
        self.assertEqual(['web'], self.list_guests('web'))
        self.assertTrue(4 <= self.count(10)['web'] <= 6)

    def test_being_paused_for_a_moment_doubles_no_looks(self) -> None:
        self.list_guests('web')
        for _ in range(5):
            self.list_guests('web', refusals=(_PAUSED,))
            self.list_guests('web')
        self.assertLessEqual(self.count(20)['web'], 13)

    def test_who_is_gone_is_not_looked_at(self) -> None:
        self.list_guests('web', 'db')
        self.list_guests('db')
        self.assertEqual({'db'}, set(self.count(20)))

    def test_with_nobody_there_it_waits_for_the_next_listing(self) -> None:
        self.run_for(0)
        self.list_guests()
        self.assertEqual(self.now + 60, self.census.next_at)

    def test_what_was_missed_is_not_caught_up_in_a_burst(self) -> None:
        """The host stood still for an hour, say while it was suspended."""
        self.settle(*(f'guest-{number}' for number in range(200)))
        self.now += 3600
        looked = self.looked(self.census.due(self.now))
        self.assertTrue(len(looked) <= 3, looked)
        self.assertGreater(self.census.next_at, self.now)
