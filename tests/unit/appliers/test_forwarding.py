# SPDX-License-Identifier: Apache-2.0

import inspect

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import forwarding
from tests.unit import base
from tests.unit.appliers import memory

MIB = base.MIB


class FreezingApplier(memory.MemoryApplier):
    """Freezes in a way of its own, which is not to be gone around."""

    def freeze(self, action: message.FreezeBalloon) -> message.BalloonFrozen:
        self.calls.append(('freeze', action.guest_uuid))
        return super().freeze(action)


class ForwardingApplierTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = memory.MemoryHost()
        self.inner = self.host.applier = FreezingApplier()
        self.useFixture(self.host)
        self.guest = self.host.add('web-01')
        self.applier = forwarding.ForwardingApplier(self.inner)

    def test_leaves_out_nothing_that_an_applier_does(self) -> None:
        # What were left out would be a hook that does nothing, unnoticed.
        wanted = {
            name
            for name, _ in inspect.getmembers(
                applier_base.Applier, inspect.isfunction
            )
            if not name.startswith('_')
        }
        self.assertIn('freeze', wanted)
        self.assertEqual(
            set(), wanted - vars(forwarding.ForwardingApplier).keys()
        )

    def test_is_where_the_other_one_is(self) -> None:
        self.assertEqual(self.inner.uri, self.applier.uri)

    def test_hands_guests_through(self) -> None:
        guest = self.guest.description
        self.assertEqual([guest], self.applier.list_guests())
        self.assertEqual(guest, self.applier.find_guest('web-01'))
        self.assertRaises(
            exception.GuestNotFound, self.applier.find_guest, 'db-01'
        )

    def test_reads_and_sets_the_balloon(self) -> None:
        self.applier.set_target(self.guest.uuid, 700 * MIB)
        self.assertEqual([700 * MIB], self.guest.targets_kib)
        sample = self.applier.read(self.guest.uuid)
        self.assertEqual(700 * MIB, sample.actual_kib)

    def test_freezes_as_the_other_one_does(self) -> None:
        frozen = self.applier.freeze(
            message.FreezeBalloon(
                guest_uuid=self.guest.uuid,
                at_kib=600 * MIB,
                lowest_kib=256 * MIB,
                highest_kib=base.GIB,
            )
        )
        self.assertEqual(600 * MIB, frozen.target_kib)
        self.assertEqual([('freeze', self.guest.uuid)], self.inner.calls)

    def test_offers_policies_to_guests_as_the_other_one_does(self) -> None:
        self.assertRaises(
            exception.NoGuestClock, self.applier.check_clock, self.guest.uuid
        )
        self.guest.no_clock = ''
        self.applier.check_clock(self.guest.uuid)
        self.inner.calls.clear()
        self.applier.offer(base.make_offer())
        report = self.applier.conclude(base.make_question())
        self.assertEqual(base.make_guest_report(), report)
        self.assertEqual(
            ['offer', 'check_clock', 'conclude'],
            [name for name, _ in self.inner.calls],
        )

    def test_hands_the_rest_through(self) -> None:
        def sink(event: message.Event | message.GuestsChanged) -> None:
            raise AssertionError(event)

        uuid = self.guest.uuid
        self.applier.connect()
        self.applier.start_statistics(uuid)
        self.applier.restore_statistics(uuid)
        self.applier.watch(sink)
        self.applier.disconnect()
        self.applier.close()
        self.assertEqual(
            [
                ('connect', ''),
                ('start_statistics', uuid),
                ('restore_statistics', uuid),
                ('disconnect', ''),
                ('close', ''),
            ],
            self.inner.calls,
        )
        self.assertIs(sink, self.inner.sink)
