# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import flight
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB


def make_flight(
    name: str = 'web-01', expected_mib: int = 512, **more: Any
) -> flight.Flight:
    """Return a flight from 1024 to 512 MiB that ends by 102."""
    fields: dict[str, Any] = {
        'guest_uuid': base.uuid_of(name),
        'origin': model.Origin.PRESSURE,
    }
    made = base.make_policy(**(fields | more))
    return flight.Flight(
        made, expected_mib * MIB, deadline_at=102.0, heard_at=101.0
    )


def make_return(name: str = 'web-01') -> flight.Flight:
    return make_flight(
        name,
        direction=model.Direction.DEFLATE,
        start_actual_kib=512 * MIB,
        target_kib=GIB,
        origin=model.Origin.RETURN,
    )


def memory_at(at: float) -> situation.HostMemory | None:
    return factory.make_reading(at, 500).memory


class FlightTestCase(base.TestCase):
    def left_at(self, actual_mib: int, one: flight.Flight) -> float:
        one.observe(base.make_sample(actual_kib=actual_mib * MIB), 100.0)
        self.assertEqual(512 * MIB, one.left_kib + one.come_kib)
        return one.left_kib / MIB

    def test_expects_all_at_first(self) -> None:
        self.assertEqual(512 * MIB, make_flight().left_kib)
        self.assertEqual(0, make_flight().come_kib)

    def test_expects_what_is_left_of_the_way(self) -> None:
        one = make_flight()
        for actual_mib, left_mib in (
            (1024, 512),
            (768, 256),
            (512, 0),
            (400, 0),
            (1100, 512),
        ):
            self.assertEqual(left_mib, self.left_at(actual_mib, one))

    def test_the_same_for_what_is_returned(self) -> None:
        one = make_return()
        self.assertFalse(one.takes)
        for actual_mib, left_mib in ((512, 512), (768, 256), (1024, 0)):
            self.assertEqual(left_mib, self.left_at(actual_mib, one))

    def test_untouched_memory_is_not_expected(self) -> None:
        one = make_flight(expected_mib=100)
        # It goes first, so that the 100 MiB come with the last of the way.
        for actual_mib, left_mib in ((768, 100), (562, 50), (512, 0)):
            one.observe(base.make_sample(actual_kib=actual_mib * MIB), 100.0)
            self.assertEqual(left_mib * MIB, one.left_kib)

    def test_of_others_is_what_their_guest_touched(self) -> None:
        one = flight.Flight(
            base.make_policy(), 512 * MIB, 102.0, 101.0, is_ours=False
        )
        one.observe(base.make_sample(actual_kib=GIB, rss_kib=600 * MIB), 101.0)
        self.assertEqual(88 * MIB, one.left_kib)

    def test_one_that_is_frozen_is_not_counted_on(self) -> None:
        one = make_flight()
        self.assertFalse(one.is_silent(101.1))
        one.freeze()
        self.assertTrue(one.is_silent(101.1))

    def test_no_way_is_no_relief(self) -> None:
        one = make_flight(target_kib=GIB)
        self.assertEqual(0, one.left_kib)


class FlightsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.flights = flight.Flights()

    def end(self, one: flight.Flight, at: float, **more: Any) -> None:
        report = base.make_report(
            policy=one.balloon_policy, ended_at=at, **more
        )
        self.flights.end(report)

    def relief_mib(self, read_at: float, now: float = 100.0) -> float:
        memory = memory_at(read_at)
        return self.flights.relief_kib(memory, now) / MIB

    def test_one_guest_has_one(self) -> None:
        first, second = make_flight(), make_flight()
        self.flights.add(first)
        self.flights.add(second)
        self.assertIs(second, self.flights.find(base.uuid_of('web-01')))
        self.assertEqual(512, self.relief_mib(100))

    def test_the_end_of_the_one_before_ends_not_the_latest(self) -> None:
        first, second = make_flight(), make_flight()
        self.flights.add(first)
        self.flights.add(second)
        report = base.make_report(policy=first.balloon_policy)
        self.assertIsNone(self.flights.end(report))
        self.assertTrue(base.uuid_of('web-01') in self.flights)
        report = base.make_report(policy=second.balloon_policy)
        self.assertIs(second, self.flights.end(report))
        self.assertFalse(base.uuid_of('web-01') in self.flights)
        self.assertIsNone(self.flights.end(report))

    def test_what_landed_after_the_reading_counts(self) -> None:
        one = make_flight()
        self.flights.add(one)
        self.end(one, 100.0, freed_kib=300 * MIB)
        self.assertEqual(300, self.relief_mib(99.9))

    def test_what_landed_before_it_is_in_the_reading(self) -> None:
        one = make_flight()
        self.flights.add(one)
        self.end(one, 100.0, freed_kib=300 * MIB)
        self.assertEqual(0, self.relief_mib(100.0))

    def test_without_a_reading_all_that_landed_counts(self) -> None:
        one = make_flight()
        self.flights.add(one)
        self.end(one, 100.0, freed_kib=300 * MIB)
        self.assertEqual(300 * MIB, self.flights.relief_kib(None, 100.0))

    def test_where_nobody_knows_what_was_freed_it_is_what_came(self) -> None:
        """Else it would be asked for a second time until the next reading."""
        one = make_flight()
        self.flights.add(one)
        one.observe(base.make_sample(actual_kib=640 * MIB), 100.0)
        self.end(one, 100.0, freed_kib=None)
        self.assertEqual(384, self.relief_mib(99.9))

    def test_a_guest_that_grew_takes_nothing_from_the_others(self) -> None:
        one = make_flight()
        self.flights.add(one)
        self.end(one, 100.0, freed_kib=-300 * MIB)
        self.assertEqual(0, self.relief_mib(99.9))

    def test_a_guest_that_hangs_past_its_deadline_gives_no_more(self) -> None:
        """A stop that cannot be confirmed takes ten seconds and more."""
        self.flights.add(make_flight())
        found = self.flights.find(base.uuid_of('web-01'))
        assert found is not None
        found.observe(base.make_sample(actual_kib=GIB), 103.0)
        self.assertEqual(512, self.relief_mib(100, now=102.5))
        self.assertEqual(0, self.relief_mib(100, now=103.5))

    def test_a_guest_that_is_silent_is_not_counted_on(self) -> None:
        self.flights.add(make_flight())
        self.assertEqual(512, self.relief_mib(100, now=102.4))
        self.assertFalse(self.flights.has_silent_relief(102.4))
        self.assertEqual(0, self.relief_mib(100, now=102.6))
        self.assertTrue(self.flights.has_silent_relief(102.6))

    def test_what_is_returned_is_no_relief(self) -> None:
        self.flights.add(make_flight('web-01'))
        self.flights.add(make_return('web-02'))
        self.assertEqual(512, self.relief_mib(100))
        self.assertEqual(512 * MIB, self.flights.giving_kib())
        (returning,) = self.flights.returning()
        self.assertEqual(
            base.uuid_of('web-02'), returning.balloon_policy.guest_uuid
        )

    def test_what_an_operator_takes_is_relief_too(self) -> None:
        self.flights.add(make_flight(origin=model.Origin.OPERATOR))
        self.assertEqual(512, self.relief_mib(100))

    def test_what_an_operator_gives_is_not_cancelled_by_us(self) -> None:
        self.flights.add(
            make_flight(
                direction=model.Direction.DEFLATE,
                start_actual_kib=512 * MIB,
                target_kib=GIB,
            )
        )
        self.assertEqual((), self.flights.returning())
        self.assertEqual(512 * MIB, self.flights.giving_kib())

    def test_some_may_be_left_uncounted(self) -> None:
        self.flights.add(make_flight('web-01'))
        self.flights.add(make_flight('web-02', expected_mib=100))
        memory = memory_at(100)
        without = frozenset({base.uuid_of('web-01')})
        self.assertEqual(
            100 * MIB, self.flights.relief_kib(memory, 100.0, without)
        )

    def test_only_relief_of_ours_is_hurried(self) -> None:
        self.flights.add(make_flight('web-01'))
        self.flights.add(make_flight('web-02', origin=model.Origin.OPERATOR))
        self.flights.add(make_return('web-03'))
        ours = {base.uuid_of('web-01'): 102.0}
        self.assertEqual(ours, self.flights.relieving_beyond(101.9, 101.0))
        self.assertEqual({}, self.flights.relieving_beyond(102.0, 101.0))

    def test_a_newcomer_is_not_hurried(self) -> None:
        self.flights.add(make_flight())
        self.assertEqual({}, self.flights.relieving_beyond(101.5, 100.9))
