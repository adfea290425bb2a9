# SPDX-License-Identifier: Apache-2.0
"""What comes of an order that is given over the message bus."""

import threading
from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import listener
from tests.unit import base
from tests.unit.agent import desk_world
from tests.unit.controller import factory
from tests.unit.rpc import contract

MIB = base.MIB
GIB = base.GIB


class CreateTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()

    def test_a_policy_runs_and_is_in_the_journal(self) -> None:
        guest = self.add_known('web-01', rate_mib_per_second=100)
        answer = self.create('web-01', segments=['10s=768M'])
        self.assertEqual({'policy', 'superseded'}, set(answer))
        made = contract.written(answer['policy'])
        self.assertEqual(contract.POLICY_KEYS, set(made))
        self.assertIsNone(answer['superseded'])
        self.assertEqual('web-01', made['guest_name'])
        self.assertEqual('operator', made['origin'])
        self.assertEqual('asked for over the message bus', made['explanation'])
        self.assertEqual(GIB, made['start_kib'])
        self.assertEqual(512 * MIB, made['target_kib'])
        self.assertEqual(256 * MIB, made['floor_kib'])
        self.assertIn(made['state'], ('pending', 'offered', 'running'))
        self.assertIsNotNone(made['started_at'])
        (flight,) = self.disk.in_flight()
        self.assertEqual(made['uuid'], flight.policy.uuid)
        self.wait_for_state(made['uuid'], 'running')
        self.assertTrue(guest.targets_kib)

    def test_one_that_has_nothing_to_do_has_ended(self) -> None:
        self.add_known('web-01')
        made = self.create('web-01', target='100%')['policy']
        ended = self.wait_for_state(made['uuid'], 'ended')
        self.assertEqual('target', ended['end']['reason'])

    def test_a_uuid_is_as_good_as_a_name(self) -> None:
        guest = self.add_known('web-01')
        for name in (guest.uuid, guest.uuid.upper()):
            made = self.create(name)['policy']
            self.assertEqual(guest.uuid, made['guest_uuid'])

    def test_it_takes_the_place_of_the_one_before(self) -> None:
        self.add_known('web-01', rate_mib_per_second=1)
        first = self.create('web-01')
        second = self.create('web-01', target='768M')
        self.assertEqual(first['policy']['uuid'], second['superseded'])
        ended = self.wait_for_state(first['policy']['uuid'], 'ended')
        self.assertEqual('superseded', ended['end']['reason'])
        self.wait_for_state(second['policy']['uuid'], 'running')

    def test_guards_that_are_asked_for_count(self) -> None:
        self.add_known('web-01', rate_mib_per_second=1)
        made = self.create(
            'web-01', target='10%', floor='5%', reserve='0', leash='32M'
        )['policy']
        self.assertEqual(0, made['reserve_kib'])
        self.assertEqual(32 * MIB, made['leash_kib'])

    def test_one_that_is_excluded_may_be_asked_all_the_same(self) -> None:
        self.call(
            lambda: self.controller.reload(
                factory.make_settings(rank=lambda guest: 'it is excluded'),
                factory.TakeAll(),
            )
        )
        self.add_known('web-01', rate_mib_per_second=1)
        self.assertIn('policy', self.create('web-01'))

    def test_a_guest_that_came_a_moment_ago(self) -> None:
        guest = self.host.add('new', rate_mib_per_second=1)
        made = self.create('new')['policy']
        self.assertEqual(guest.uuid, made['guest_uuid'])

    def test_one_that_nobody_knows(self) -> None:
        self.assertRaises(exception.GuestNotFound, self.create, 'nobody')

    def test_one_that_cannot_be_ballooned(self) -> None:
        self.add_known('web-01', refusals=(base.make_refusal('it is paused'),))
        error = self.assertRaises(
            exception.GuestRefused, self.create, 'web-01'
        )
        self.assertEqual(
            'guest web-01 is left alone: it is paused', str(error)
        )

    def test_one_that_is_at_its_floor(self) -> None:
        self.add_known('web-01')
        error = self.assertRaises(
            exception.GuestRefused, self.create, 'web-01', target='100M'
        )
        self.assertIn('below its floor of 256 MiB', str(error))

    def test_one_that_must_keep_the_clock_and_cannot(self) -> None:
        self.add_known('web-01')
        error = self.assertRaises(
            exception.GuestRefused,
            self.create,
            'web-01',
            mode=timekeeping.Mode.GUEST,
        )
        self.assertEqual(
            'guest web-01 is left alone: it cannot keep the clock: it has no '
            'guest agent channel',
            str(error),
        )
        self.assertEqual([], self.disk.in_flight())

    def test_who_keeps_the_clock_is_told_once_it_runs(self) -> None:
        self.add_known('web-01', rate_mib_per_second=100)
        made = self.create('web-01', mode=timekeeping.Mode.HOST)['policy']
        shown = self.wait_for_state(made['uuid'], 'running')
        self.assertEqual('host', shown['timed_by'])
        self.assertEqual('', shown['timing_words'])
        ended = self.desk.cancel_policy(made['uuid'])
        self.assertEqual('host', ended['timed_by'])

    def test_what_it_can_never_have(self) -> None:
        self.add_known('web-01')
        for more in (
            {'target': '2G'},
            {'segments': ['1s=900M', '2s=1000M']},
            {'floor': '768M'},
        ):
            self.assertRaises(
                exception.InvalidPolicy, self.create, 'web-01', **more
            )
        self.assertEqual([], self.disk.in_flight())

    def test_none_is_begun_while_the_agent_stops(self) -> None:
        hung = self.add_known('web-01', rate_mib_per_second=1)
        self.add_known('web-02', rate_mib_per_second=1)
        made = self.create('web-01')['policy']
        self.wait_for_state(made['uuid'], 'running')
        self.host.hang(hung)
        # Its freeze is waited for; the crank turns that long.
        self.crank.stop()
        self.call(lambda: self.assertTrue(self.crank.is_stopping))
        error = self.assertRaises(exception.AgentBusy, self.create, 'web-02')
        self.assertIn('about to end', str(error))
        (flight,) = self.disk.in_flight()
        self.assertEqual(made['uuid'], flight.policy.uuid)

    def test_one_whose_hypervisor_hangs(self) -> None:
        guest = self.add_known('web-01')
        self.host.hang(guest)
        self.assertRaises(exception.GuestBusy, self.create, 'web-01')
        self.assertEqual([], self.disk.in_flight())

    def test_one_that_has_hung_for_long_is_not_even_tried(self) -> None:
        guest = self.add_known('web-01')
        self.host.hang(guest)

        def note() -> None:
            record = self.controller.roster.find(guest.uuid)
            assert record is not None
            record.is_awaited, record.awaited_since = True, 0.0

        self.call(note)
        error = self.assertRaises(exception.GuestBusy, self.create, 'web-01')
        self.assertIn('it has not for some seconds', str(error))

    def test_one_that_cannot_be_read(self) -> None:
        guest = self.add_known('web-01')
        for error, kind in (
            (
                exception.HypervisorUnavailable(uri='any', why='away'),
                exception.GuestBusy,
            ),
            (
                exception.HypervisorError(guest='web-01', why='odd'),
                exception.GuestRefused,
            ),
            (exception.GuestNotFound(guest='web-01'), exception.GuestNotFound),
        ):
            # NOTE: others read it, too.
            guest.errors = [error] * 9
            self.assertRaises(kind, self.create, 'web-01')

    def test_a_crank_that_is_busy_does_not_do_it_later(self) -> None:
        guest = self.add_known('web-01')
        over = self.hold_crank()
        self.assertRaises(exception.AgentBusy, self.create, 'web-01')
        over.set()
        self.call(lambda: None)
        self.assertEqual([], guest.targets_kib)
        self.assertEqual([], self.disk.in_flight())


class SilentDiskTestCase(desk_world.DeskTestCase):
    """The journal answers when it is told to, or never."""

    def make_journal(self) -> listener.Journal:
        super().make_journal()
        return self.journal

    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.add_known('web-01', rate_mib_per_second=1)

    def test_a_disk_that_hangs_delays_the_answer_by_its_grace(self) -> None:
        self.journal.is_silent = True
        made = self.create('web-01')['policy']
        self.assertIn(made['state'], ('pending', 'offered', 'running'))
        self.assertIsNotNone(made['started_at'])

    def test_one_that_waits_for_the_disk_is_pending(self) -> None:
        self.journal.is_silent = True
        made = base.make_policy(guest_uuid=base.uuid_of('web-01'))
        seen: list[dict[str, object]] = []
        asked = threading.Event()

        def look() -> None:
            self.crank.take([made])
            found = self.desk._inventory.find(made.uuid)
            assert found is not None
            seen.append(self.desk._describe(found))
            seen.append(
                {'superseded': self.desk._inventory.policy_of(made.guest_uuid)}
            )
            asked.set()

        self.crank.call(look)
        self.assertTrue(asked.wait(base.PATIENCE_SECONDS))
        self.assertEqual('pending', seen[0]['state'])
        self.assertIsNotNone(seen[0]['requested_at'])
        self.assertIsNone(seen[0]['started_at'])
        self.assertEqual({'superseded': made.uuid}, seen[1])

    def test_what_the_journal_lost_can_be_shown_and_not_cancelled(
        self,
    ) -> None:
        self.journal.error = 'disk full'
        made = self.create('web-01', duration='100ms')['policy']
        ended = self.wait_for_state(made['uuid'], 'ended')
        self.assertEqual('deadline', ended['end']['reason'])
        self.assertEqual(contract.POLICY_KEYS, set(ended))
        history = self.desk.show_history(made['uuid'])
        self.assertEqual('deadline', history['end']['reason'])
        error = self.assertRaises(
            exception.PolicyNotLive, self.desk.cancel_policy, made['uuid']
        )
        self.assertIn('has ended by deadline', str(error))


class PreviewTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.guest = self.add_known('web-01')

    def preview(self, **more: Any) -> dict[str, object]:
        answer: dict[str, object] = self.timed(
            lambda: self.desk.preview_policy('web-01', self.order(**more))
        )
        self.assertEqual(answer, contract.written(answer))
        self.assertEqual(contract.PREVIEW_KEYS, set(answer))
        self.assertEqual([], self.guest.targets_kib)
        self.assertEqual([], self.disk.in_flight())
        return answer

    def test_says_what_would_come_of_it(self) -> None:
        answer = self.preview()
        made, expected = answer['policy'], answer['expected']
        assert isinstance(made, dict) and isinstance(expected, dict)
        self.assertEqual(contract.POLICY_KEYS, set(made))
        self.assertEqual('pending', made['state'])
        self.assertEqual('', answer['refusal'])
        self.assertEqual(768 * MIB, answer['could_take_kib'])
        self.assertEqual(contract.EXPECTED_KEYS, set(expected))
        self.assertEqual('target', expected['reason'])
        self.assertEqual(512 * MIB, expected['actual_end_kib'])

    def test_says_who_would_keep_the_clock(self) -> None:
        for no_clock, timed_by in (('it has none', 'host'), ('', 'guest')):
            self.guest.no_clock = no_clock
            made = self.preview()['policy']
            assert isinstance(made, dict)
            self.assertEqual('auto', made['mode'])
            self.assertEqual(timed_by, made['timed_by'])
            self.assertEqual(no_clock, made['timing_words'])

    def test_one_that_must_keep_it_and_cannot_is_refused(self) -> None:
        answer = self.preview(mode=timekeeping.Mode.GUEST)
        self.assertIsNone(answer['policy'])
        self.assertIn('cannot keep the clock', str(answer['refusal']))

    def test_a_refusal_is_an_answer(self) -> None:
        answer = self.preview(target='100M')
        self.assertIsNone(answer['policy'])
        self.assertIsNone(answer['expected'])
        self.assertIn('below its floor', str(answer['refusal']))
        self.assertEqual(768 * MIB, answer['could_take_kib'])

    def test_one_that_cannot_be_read_is_one_too(self) -> None:
        odd = exception.HypervisorError(guest='x', why='odd')
        self.guest.errors = [odd] * 9
        answer = self.preview()
        self.assertIn('odd', str(answer['refusal']))
        self.assertEqual(0, answer['could_take_kib'])
        self.assertIsNone(answer['could_free_kib'])

    def test_what_takes_too_long_to_reckon_is_left_out(self) -> None:
        self.guest.usable_kib = 300 * MIB
        answer = self.preview(duration='10h')
        self.assertIsNotNone(answer['policy'])
        self.assertIsNone(answer['expected'])

    def test_errors_are_errors(self) -> None:
        self.assertRaises(exception.InvalidPolicy, self.preview, target='2G')
        self.host.hang(self.guest)
        self.assertRaises(exception.GuestBusy, self.preview)
