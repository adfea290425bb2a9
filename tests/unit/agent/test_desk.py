# SPDX-License-Identifier: Apache-2.0

import threading
import time

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer.agent import desk
from nova_balloon_timer.journal import place
from tests.unit import base
from tests.unit.agent import desk_world
from tests.unit.controller import factory
from tests.unit.rpc import contract

MIB = base.MIB
GIB = base.GIB


class ShowTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_one_that_runs(self) -> None:
        self.add_known('web-01', rate_mib_per_second=10)
        made = self.create('web-01')['policy']
        answer = self.wait_for_state(made['uuid'], 'running')
        self.assertEqual(contract.POLICY_KEYS, set(answer))
        self.assertGreater(answer['left_seconds'], 10)
        self.assertIsNotNone(answer['actual_kib'])
        self.assertIsNotNone(answer['usable_kib'])
        self.assertLess(answer['requested_at'], answer['deadline_at'])

    def test_one_that_is_being_frozen(self) -> None:
        guest = self.add_known('web-01', rate_mib_per_second=10)
        made = self.create('web-01', duration='1s')['policy']
        self.wait_for_state(made['uuid'], 'running')
        self.host.hang(guest)
        answer = self.wait_for_state(made['uuid'], 'freezing')
        self.assertEqual(0.0, answer['left_seconds'])
        self.assertIsNone(answer['end'])
        (listed,) = self.desk.list_policies(10, None)['policies']
        self.assertEqual('freezing', listed['state'])
        error = self.assertRaises(
            exception.PolicyNotLive, self.desk.cancel_policy, made['uuid']
        )
        self.assertIn('has ended by deadline', str(error))

    def test_one_of_the_past(self) -> None:
        self.add_known('web-01')
        made = self.create('web-01')['policy']
        answer = self.wait_for_state(made['uuid'], 'ended')
        self.assertTrue(self.disk.flush(base.PATIENCE_SECONDS))
        answer = contract.written(self.desk.show_policy(made['uuid']))
        self.assertEqual(contract.POLICY_KEYS, set(answer))
        self.assertEqual(contract.END_KEYS, set(answer['end']))
        self.assertEqual('target', answer['end']['reason'])
        self.assertEqual(512 * MIB, answer['actual_kib'])
        history = contract.written(self.desk.show_history(made['uuid']))
        self.assertEqual('target', history['end']['reason'])
        self.assertTrue(history['curve'])
        error = self.assertRaises(
            exception.PolicyNotLive, self.desk.cancel_policy, made['uuid']
        )
        self.assertIn('has ended by target', str(error))

    def test_one_that_nobody_knows(self) -> None:
        uuid = base.uuid_of('nobody')
        for call in (
            self.desk.show_policy,
            self.desk.cancel_policy,
            self.desk.show_history,
        ):
            self.assertRaises(exception.PolicyNotFound, call, uuid)

    def test_the_curve_of_one_that_runs_is_not_there_yet(self) -> None:
        self.add_known('web-01', rate_mib_per_second=1)
        made = self.create('web-01')['policy']
        self.assertRaises(
            exception.PolicyNotInJournal,
            self.desk.show_history,
            made['uuid'],
        )


class CancelTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.guest = self.add_known('web-01', rate_mib_per_second=10)

    def test_one_that_runs_is_frozen(self) -> None:
        made = self.create('web-01')['policy']
        self.wait_for_state(made['uuid'], 'running')
        answer = self.timed(lambda: self.desk.cancel_policy(made['uuid']))
        self.assertEqual(contract.POLICY_KEYS, set(answer))
        self.assertIn(answer['state'], ('freezing', 'ended'))
        ended = self.wait_for_state(made['uuid'], 'ended')
        self.assertEqual('cancelled', ended['end']['reason'])

    def test_one_that_was_not_begun_has_ended_at_once(self) -> None:
        self.host.hang(self.guest)
        made = base.make_policy(
            guest_uuid=self.guest.uuid, duration_seconds=20.0
        )
        self.crank.request([made])
        answer = self.desk.cancel_policy(made.uuid)
        self.assertEqual('ended', answer['state'])
        self.assertEqual('cancelled', answer['end']['reason'])

    def test_a_crank_that_is_busy_does_not_do_it_later(self) -> None:
        made = self.create('web-01')['policy']
        over = self.hold_crank()
        self.assertRaises(
            exception.AgentBusy,
            self.timed,
            lambda: self.desk.cancel_policy(made['uuid']),
        )
        over.set()
        self.wait_for_state(made['uuid'], 'running')


class ListTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.guests = [
            self.host.add(f'web-{index:02}', rate_mib_per_second=1)
            for index in range(5)
        ]
        self.know(*self.guests)

    def test_policies_in_pages(self) -> None:
        made = sorted(
            self.create(guest.description.name)['policy']['uuid']
            for guest in self.guests
        )
        first = self.desk.list_policies(3, None)
        self.assertEqual(made[:3], [it['uuid'] for it in first['policies']])
        self.assertEqual(made[2], first['next_marker'])
        second = self.desk.list_policies(3, first['next_marker'])
        self.assertEqual(made[3:], [it['uuid'] for it in second['policies']])
        self.assertIsNone(second['next_marker'])
        for policy in contract.written(first)['policies']:
            self.assertEqual(contract.POLICY_KEYS, set(policy))
        self.assertEqual(5, self.desk.show_host()['policies'])

    def test_guests_in_pages(self) -> None:
        made = self.create('web-00')['policy']
        uuids = sorted(guest.uuid for guest in self.guests)
        first = contract.written(self.desk.list_guests(4, None))
        self.assertEqual(uuids[:4], [it['uuid'] for it in first['guests']])
        second = self.desk.list_guests(4, first['next_marker'])
        self.assertEqual(uuids[4:], [it['uuid'] for it in second['guests']])
        self.assertIsNone(second['next_marker'])
        found = {
            it['name']: it for it in [*first['guests'], *second['guests']]
        }
        for guest in found.values():
            self.assertEqual(contract.GUEST_KEYS, set(guest))
        self.assertEqual(made['uuid'], found['web-00']['policy_uuid'])
        self.assertEqual(
            'a policy is under way', found['web-00']['left_alone']
        )
        self.assertIsNone(found['web-01']['policy_uuid'])
        self.assertEqual(768 * MIB, found['web-01']['could_take_kib'])

    def test_many_guests_are_described_in_portions(self) -> None:
        self.useFixture(fixtures.MockPatchObject(desk, '_PORTION', 2))
        uuids = sorted(guest.uuid for guest in self.guests)
        for limit in (1, 2, 3, 4, 5, 6):
            answer = self.desk.list_guests(limit, None)
            found = [it['uuid'] for it in answer['guests']]
            self.assertEqual(uuids[:limit], found)
            self.assertEqual(
                uuids[limit - 1] if limit < 5 else None, answer['next_marker']
            )

    def test_many_policies_are_described_in_portions(self) -> None:
        self.useFixture(fixtures.MockPatchObject(desk, '_PORTION', 2))
        uuids = sorted(
            self.create(guest.description.name)['policy']['uuid']
            for guest in self.guests
        )
        answer = self.desk.list_policies(4, None)
        self.assertEqual(uuids[:4], [it['uuid'] for it in answer['policies']])
        self.assertEqual(uuids[3], answer['next_marker'])

    def test_nothing(self) -> None:
        self.assertEqual(
            {'policies': [], 'next_marker': None},
            self.desk.list_policies(5, None),
        )
        marker = 'f' * 36
        self.assertEqual(
            {'guests': [], 'next_marker': None},
            self.desk.list_guests(5, marker),
        )


class HistoryTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        for name in ('web-01', 'web-02'):
            self.add_known(name)

    def end(self, *names: str) -> list[str]:
        """Have policies end, one after another; return their UUIDs."""
        uuids = []
        for name in names:
            made = self.create(name)['policy']
            self.wait_for_state(made['uuid'], 'ended')
            self.assertTrue(self.disk.flush(base.PATIENCE_SECONDS))
            uuids.append(made['uuid'])
        return uuids

    def test_the_newest_first_in_pages(self) -> None:
        uuids = self.end('web-01', 'web-02', 'web-01')[::-1]
        first = contract.written(self.desk.list_history(2, None, None))
        self.assertEqual(uuids[:2], [it['uuid'] for it in first['policies']])
        for past in first['policies']:
            self.assertEqual(contract.PAST_KEYS, set(past))
        second = self.desk.list_history(2, first['next_marker'], None)
        self.assertEqual(uuids[2:], [it['uuid'] for it in second['policies']])
        self.assertIsNone(second['next_marker'])

    def test_of_one_guest(self) -> None:
        uuids = self.end('web-01', 'web-02', 'web-01')
        for guest in ('web-02', base.uuid_of('web-02')):
            found = self.desk.list_history(10, None, guest)
            self.assertEqual(
                [uuids[1]], [it['uuid'] for it in found['policies']]
            )
        found = self.desk.list_history(10, None, 'nobody')
        self.assertEqual({'policies': [], 'next_marker': None}, found)

    def test_from_a_marker_that_nobody_knows(self) -> None:
        error = self.assertRaises(
            exception.InvalidArgument,
            self.desk.list_history,
            10,
            base.uuid_of('nobody'),
            None,
        )
        self.assertIn('marker: ', str(error))

    def test_events_the_newest_first(self) -> None:
        for available_mib in (3000, 500, 3000):
            self.read(available_mib, time.monotonic())
        self.call(lambda: None)
        self.assertTrue(self.disk.flush(base.PATIENCE_SECONDS))
        events = contract.written(self.desk.list_events(10))['events']
        kinds = [event['kind'] for event in events]
        self.assertIn('pressure-started', kinds)
        self.assertIn('pressure-ended', kinds)
        self.assertEqual({'at', 'kind', 'words'}, set(events[0]))
        self.assertEqual(1, len(self.desk.list_events(1)['events']))


class HostTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_before_anything_is_known(self) -> None:
        answer = contract.written(self.desk.show_host())
        self.assertEqual(contract.HOST_KEYS, set(answer))
        self.assertEqual('compute1', answer['host'])
        self.assertFalse(answer['is_short'])
        self.assertIsNone(answer['available_kib'])
        self.assertEqual(0, answer['guests'])

    def test_one_that_is_short(self) -> None:
        self.add_known('web-01', rate_mib_per_second=1)
        self.create('web-01')
        reading = factory.make_reading(
            time.monotonic(),
            500,
            fall_kib_per_second=10.0,
            words='500 MiB available',
        )
        self.crank.post(message.PressureRead(reading=reading))
        answer = contract.written(self.desk.show_host())
        self.assertTrue(answer['is_short'])
        self.assertEqual('500 MiB available', answer['words'])
        self.assertEqual(500 * MIB, answer['available_kib'])
        self.assertEqual(GIB, answer['low_watermark_kib'])
        self.assertEqual(10.0, answer['fall_kib_per_second'])
        self.assertEqual(1, answer['guests'])
        self.assertEqual(1, answer['policies'])
        self.assertGreater(answer['relief_kib'], 0)
        self.assertEqual(str(self.reader.path), answer['journal']['path'])


class BusyTestCase(desk_world.DeskTestCase):
    """Every answer comes within a second, whatever hangs."""

    def test_the_crank_hangs(self) -> None:
        self.start()
        self.add_known('web-01')
        self.hold_crank()
        uuid = base.uuid_of('any')
        for call in (
            lambda: self.desk.list_policies(10, None),
            lambda: self.desk.show_policy(uuid),
            lambda: self.desk.cancel_policy(uuid),
            self.desk.show_host,
            lambda: self.desk.list_guests(10, None),
            lambda: self.desk.show_history(uuid),
            lambda: self.desk.preview_policy('web-01', self.order()),
        ):
            self.assertRaises(exception.AgentBusy, self.timed, call)

    def test_the_disk_hangs(self) -> None:
        self.start()
        over = threading.Event()
        self.addCleanup(over.set)
        # Each call opens the file anew.
        self.useFixture(
            fixtures.MockPatchObject(
                place,
                'connect_to_read',
                autospec=True,
                side_effect=lambda path: over.wait(base.PATIENCE_SECONDS),
            )
        )
        for call in (
            lambda: self.desk.list_history(10, None, None),
            lambda: self.desk.list_events(10),
            lambda: self.desk.show_history(base.uuid_of('any')),
        ):
            self.assertRaises(exception.AgentBusy, self.timed, call)

    def test_there_is_no_journal(self) -> None:
        self.start()
        self.assertTrue(self.disk.close(base.PATIENCE_SECONDS))
        self.reader.path.unlink()
        self.assertRaises(
            exception.JournalNotReadable, self.desk.list_events, 10
        )
