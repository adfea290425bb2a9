# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import machine
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB


class AidTestCase(base.TestCase):
    """A guest that was shrunk needs more, and the host is not well.

    Watermarks at 1024 and 2048 MiB, a reserve of 64 MiB, and guests of 1 GiB
    that use 200 MiB.
    """

    def setUp(self) -> None:
        super().setUp()
        guards = base.make_guards(floor_kib=128 * MIB, reserve_kib=64 * MIB)
        self.host = factory.Host(
            'poor', 'rich', guards_of=lambda guest: guards
        )
        self.host.now += 3  # what was seen so long ago says nothing
        record = self.host.controller.roster.find(base.uuid_of('poor'))
        assert record is not None
        record.settle(None)

    def look(self, usable_mib: float) -> None:
        """See the poor one at 400 MiB, with so much of it usable."""
        self.host.look(
            'poor',
            400,
            statistics=base.make_statistics(
                updated_at=int(self.host.now), usable_kib=int(usable_mib * MIB)
            ),
        )

    def read(self, available_mib: float) -> machine.Outputs:
        self.host.now += 1
        return self.host.read(available_mib)

    def given_kib(self, outputs: machine.Outputs) -> list[int]:
        return [
            it.target_kib - it.start_actual_kib
            for it in factory.policies(outputs)
            if it.origin is model.Origin.RETURN
        ]

    def test_it_is_given_twice_its_reserve(self) -> None:
        self.look(20)
        outputs = self.read(1500)
        self.assertEqual([(2 * 64 - 20) * MIB], self.given_kib(outputs))
        (made,) = factory.policies(outputs)
        self.assertIn('some of what was taken', made.explanation)

    def test_a_reserve_that_is_whole_is_no_lack(self) -> None:
        self.look(64)
        self.assertEqual([], factory.policies(self.read(1500)))

    def test_no_more_than_lies_above_the_low_watermark(self) -> None:
        self.look(20)
        self.assertEqual([50 * MIB], self.given_kib(self.read(1074)))

    def test_others_are_asked_where_the_host_has_none(self) -> None:
        self.look(20)
        outputs = self.read(1024)
        self.assertEqual([], self.given_kib(outputs))
        (made,) = factory.policies(outputs)
        self.assertEqual(base.uuid_of('rich'), made.guest_uuid)
        self.assertEqual(108 * MIB, factory.planned(outputs).need_kib)

    def test_a_full_guest_is_owed_nothing(self) -> None:
        self.host.look(
            'poor',
            1024,
            statistics=base.make_statistics(
                updated_at=int(self.host.now), usable_kib=0
            ),
        )
        self.assertEqual([], factory.policies(self.read(1500)))


class HangingTestCase(base.TestCase):
    def test_a_guest_that_does_not_answer_is_not_asked(self) -> None:
        host = factory.Host('web')
        host.now += 3
        self.assertTrue(factory.pick(host.turn(), message.LookAtGuest))
        host.now += 6
        (left,) = factory.planned(host.read(500)).plan.left_out
        self.assertIn('does not answer', left.words)
        host.look('web')
        host.now += 1
        self.assertTrue(factory.policies(host.read(400)))


class StatisticsTestCase(base.TestCase):
    """A guest that tells none is asked again, now and then."""

    def asked(self, host: factory.Host) -> int:
        outputs = host.look('web', statistics=None)
        return len(factory.pick(outputs, message.StartStatistics))

    def test_once_a_minute(self) -> None:
        host = factory.Host('web')
        self.assertEqual(0, self.asked(host))
        host.now += 59
        self.assertEqual(0, self.asked(host))
        host.now += 2
        self.assertEqual(1, self.asked(host))
        self.assertEqual(0, self.asked(host))


class RestTestCase(base.TestCase):
    """While nobody can give, plans are ever rarer; until somebody can."""

    def test_an_end_is_followed_by_a_plan(self) -> None:
        host = factory.Host('web', planner=factory.TakeAll(seconds=60))
        (made,) = factory.policies(host.read(500))
        for _ in range(100):
            host.now += 0.1
            host.read(100)
        host.end(made)
        host.now += 0.1
        self.assertTrue(factory.pick(host.read(100), message.ReliefPlanned))
