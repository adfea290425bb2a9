# SPDX-License-Identifier: Apache-2.0
"""How guests and host are described to an operator."""

import math

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from tests.unit import base
from tests.unit.controller import factory
from tests.unit.nova import factory as nova_factory

MIB = base.MIB

_NAMES = ('web-01', 'web-02', 'web-03')
_UUIDS = sorted(base.uuid_of(name) for name in _NAMES)


class GuestStandingTestCase(base.TestCase):
    def standings(
        self, host: factory.Host, after: str = '', most: int = 10
    ) -> list[situation.GuestStanding]:
        return host.controller.muster.standings(host.now, after, most)

    def test_pages_follow_one_another_by_uuid(self) -> None:
        host = factory.Host(*_NAMES)
        first = self.standings(host, most=2)
        self.assertEqual(_UUIDS[:2], [it.guest.uuid for it in first])
        second = self.standings(host, after=_UUIDS[1], most=2)
        self.assertEqual(_UUIDS[2:], [it.guest.uuid for it in second])
        self.assertEqual([], self.standings(host, after=_UUIDS[2]))

    def test_tells_what_was_seen_last(self) -> None:
        host = factory.Host('web-01')
        (standing,) = self.standings(host)
        assert standing.sample is not None
        self.assertEqual(1024 * MIB, standing.sample.actual_kib)
        self.assertEqual(824 * MIB, standing.usable_kib)
        self.assertEqual(base.make_guards(), standing.guards)
        self.assertEqual(1.0, standing.priority)
        self.assertIsNone(standing.left_alone)
        self.assertIsNone(standing.policy_uuid)

    def test_one_that_was_never_looked_at(self) -> None:
        host = factory.Host()
        host.list_guests('web-01')
        (standing,) = self.standings(host)
        self.assertIsNone(standing.sample)
        assert standing.left_alone is not None
        self.assertIs(
            model.Obstacle.NOT_LOOKED_AT, standing.left_alone.obstacle
        )

    def test_one_that_is_excluded_has_no_priority(self) -> None:
        host = factory.Host('web-01', rank=lambda guest: 'it is excluded')
        (standing,) = self.standings(host)
        self.assertIsNone(standing.priority)
        assert standing.left_alone is not None
        self.assertEqual('it is excluded', standing.left_alone.words)

    def test_names_the_policy_that_is_under_way(self) -> None:
        host = factory.Host('web-01')
        made = base.make_policy(duration_seconds=5.0)
        host.handle(message.PolicyRequested(policy=made))
        (standing,) = self.standings(host)
        self.assertEqual(made.uuid, standing.policy_uuid)
        assert standing.left_alone is not None
        self.assertIs(model.Obstacle.UNDER_WAY, standing.left_alone.obstacle)


class FindNamedTestCase(base.TestCase):
    def test_takes_names_and_uuids_in_any_case(self) -> None:
        roster = factory.Host(*_NAMES).controller.roster
        uuid = base.uuid_of('web-02')
        for text in ('web-02', uuid, uuid.upper()):
            record = roster.find_named(text)
            assert record is not None
            self.assertEqual('web-02', record.guest.name)

    def test_knows_nobody_else(self) -> None:
        roster = factory.Host(*_NAMES).controller.roster
        for text in ('', 'web-04', 'WEB-01', base.uuid_of('web-04')):
            self.assertIsNone(roster.find_named(text))


class FindInstanceTestCase(base.TestCase):
    def find(self, text: str, **display_names: str) -> str | None:
        """Return the libvirt name of who is found, of guests by that name."""
        host = factory.Host()
        guests = tuple(
            base.make_guest(name, instance=nova_factory.describe(display_name))
            for name, display_name in display_names.items()
        )
        host.handle(message.GuestsListed(guests=guests))
        record = host.controller.roster.find_named(text)
        return None if record is None else record.guest.name

    def test_takes_what_its_owner_calls_it(self) -> None:
        self.assertEqual('i2', self.find('my db', i1='my web', i2='my db'))

    def test_one_name_of_two_is_nobody_s(self) -> None:
        self.assertIsNone(self.find('web', i1='web', i2='web', i3='db'))

    def test_the_name_in_libvirt_comes_first(self) -> None:
        self.assertEqual('i2', self.find('i2', i1='i2', i2='web'))
        self.assertEqual('i2', self.find('i2', i1='i2', i2='web', i3='i2'))

    def test_the_uuid_comes_first(self) -> None:
        uuid = base.uuid_of('i2')
        self.assertEqual('i2', self.find(uuid, i1=uuid, i2='web'))


class HostStandingTestCase(base.TestCase):
    def test_what_no_source_tells_is_unknown(self) -> None:
        host = factory.Host()
        host.read(3000)
        state = host.controller.host
        self.assertIsNone(state.stalled_share)
        self.assertIsNone(state.told_fall_kib_per_second)
        self.assertEqual(0.0, state.fall_kib_per_second)

    def test_the_latest_counts(self) -> None:
        host = factory.Host()
        host.read(3000, stalled_share=0.5, fall_kib_per_second=1000.0)
        host.wait(1)
        host.read(source='psi', stalled_share=0.25, fall_kib_per_second=-1.0)
        state = host.controller.host
        self.assertEqual(0.25, state.stalled_share)
        self.assertEqual(-1.0, state.told_fall_kib_per_second)
        self.assertEqual(0.0, state.fall_kib_per_second)

    def test_what_was_told_long_ago_is_unknown(self) -> None:
        host = factory.Host()
        host.read(source='psi', stalled_share=0.5)
        host.wait(100)
        host.read(3000)
        self.assertIsNone(host.controller.host.stalled_share)

    def test_what_is_coming_leaves_the_books_alone(self) -> None:
        host = factory.Host('web-01')
        made = base.make_policy(origin=model.Origin.PRESSURE)
        host.handle(message.PolicyRequested(policy=made))
        flights = host.controller.flights
        self.assertEqual(512 * MIB, flights.coming_kib(host.now))
        host.end(made)
        self.assertEqual(0, flights.coming_kib(host.now))
        self.assertEqual(512 * MIB, flights.relief_kib(None, -math.inf))
