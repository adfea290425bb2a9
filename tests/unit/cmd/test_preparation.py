# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence
import dataclasses
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.cmd import preparation
from tests.unit import base
from tests.unit.appliers import memory

MIB = base.MIB
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


def _order(target: str = '50%', **more: Any) -> order.Order:
    return order.parse(target=target, duration='2s', **more)


class PreparationTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.applier = self.host.applier
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.cmd.preparation._RESTORE_SECONDS', 0.3
            )
        )

    def find(
        self, *names: str, target: str = '50%'
    ) -> tuple[model.Guest, ...]:
        return preparation.find_guests(self.applier, names, _order(target))

    def prepare(
        self, guests: Sequence[model.Guest], wait_seconds: float = 30.0
    ) -> preparation.Preparation:
        pool = applier_pool.WorkerPool(size=2, stuck_seconds=0.01)
        self.addCleanup(pool.close)
        return preparation.Preparation(
            self.applier, pool, guests, wait_seconds
        )

    def plan(
        self,
        *names: str,
        wanted: order.Order | None = None,
        wait_seconds: float = 30.0,
    ) -> preparation.Plan:
        guests = self.find(*names)
        with self.prepare(guests, wait_seconds) as prepared:
            return prepared.plan(wanted or _order(), base.make_defaults())

    def calls(self, name: str) -> set[str]:
        return {guest for call, guest in self.applier.calls if call == name}


class FindGuestsTestCase(PreparationTestCase):
    def test_keeps_the_order_of_the_names(self) -> None:
        for name in 'abc':
            self.host.add(name)
        found = self.find('c', base.uuid_of('a'), 'b')
        self.assertEqual(['c', 'a', 'b'], [guest.name for guest in found])

    def test_one_that_is_unknown_spoils_all(self) -> None:
        self.host.add('a')
        self.assertRaises(exception.GuestNotFound, self.find, 'a', 'nobody')

    def test_one_that_is_named_twice_is_an_error(self) -> None:
        self.host.add('a')
        for again in ('a', base.uuid_of('a')):
            error = self.assertRaises(
                exception.InvalidPolicy, self.find, 'a', again
            )
            self.assertEqual('guest a is named twice', str(error))

    def test_one_that_can_never_have_the_target_is_an_error(self) -> None:
        self.host.add('a')
        error = self.assertRaises(
            exception.InvalidPolicy, self.find, 'a', target='2G'
        )
        self.assertIn('guest a: the target 2048 MiB', str(error))


class PlanTestCase(PreparationTestCase):
    def test_has_a_policy_or_a_refusal_for_each(self) -> None:
        taken = self.host.add('taken')
        unable = self.host.add('unable', refusals=(_PAUSED,))
        full = self.host.add('full', usable_kib=0)
        plan = self.plan('taken', 'unable', 'full')
        (made,) = plan.policies
        self.assertEqual(taken.uuid, made.guest_uuid)
        self.assertEqual(
            {
                unable.uuid: model.Obstacle.PAUSED,
                full.uuid: model.Obstacle.NO_ROOM,
            },
            {
                guest_uuid: refusal.obstacle
                for guest_uuid, refusal in plan.refusals.items()
            },
        )
        self.assertEqual({taken.uuid, full.uuid}, set(plan.samples))
        self.assertEqual('taken', plan.names[taken.uuid])
        self.assertEqual(3, len(plan.guests))

    def test_moves_no_balloon(self) -> None:
        guest = self.host.add('a')
        self.plan('a')
        self.assertEqual([], guest.targets_kib)

    def test_a_guest_that_hangs_is_refused_and_holds_up_nobody(self) -> None:
        stuck = self.host.add('stuck', hangs=True)
        self.host.add('a')
        plan = self.plan('stuck', 'a', wait_seconds=0.5)
        self.assertEqual(1, len(plan.policies))
        self.assertIs(
            model.Obstacle.UNREADABLE, plan.refusals[stuck.uuid].obstacle
        )

    def test_an_order_that_contradicts_itself_is_an_error(self) -> None:
        guest = self.host.add('a')
        self.assertRaises(
            exception.InvalidPolicy,
            self.plan,
            'a',
            wanted=_order('512M', floor='600M'),
        )
        self.assertEqual({guest.uuid}, self.calls('restore_statistics'))


class StatisticsTestCase(PreparationTestCase):
    def test_are_started_and_restored_where_there_are_some(self) -> None:
        guest = self.host.add('a')
        self.host.add('unable', refusals=(_PAUSED,))
        self.plan('a', 'unable')
        self.assertEqual({guest.uuid}, self.calls('start_statistics'))
        self.assertEqual({guest.uuid}, self.calls('restore_statistics'))

    def test_are_started_before_they_are_read(self) -> None:
        guest = self.host.add('a')
        with self.prepare(self.find('a')) as prepared:
            prepared.look()
            self.assertEqual(
                [('start_statistics', guest.uuid)], self.applier.calls
            )
        self.assertEqual(
            ('restore_statistics', guest.uuid), self.applier.calls[-1]
        )

    def test_that_cannot_be_started_make_no_noise(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        denied = exception.HypervisorDenied(uri='x', why='read only')
        self.host.add('a', errors=[denied])
        self.assertEqual(1, len(self.plan('a').policies))
        self.assertNotIn('Traceback', log.output)

    def test_that_cannot_be_restored_make_no_noise(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        guest = self.host.add('a')
        with self.prepare(self.find('a')) as prepared:
            prepared.look()
            guest.errors = [exception.GuestNotFound(guest='a')]
        self.assertNotIn('Traceback', log.output)

    def test_of_a_guest_that_hangs_are_not_waited_for_for_long(self) -> None:
        guest = self.host.add('a')
        other = self.host.add('b')
        with self.prepare(self.find('a', 'b')) as prepared:
            prepared.look()
            self.host.hang(guest)
        self.assertEqual({other.uuid}, self.calls('restore_statistics'))


class ClockTestCase(PreparationTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.able = self.host.add('able')
        self.able.no_clock = ''
        self.unable = self.host.add('unable')

    def plan_by(self, mode: timekeeping.Mode, **more: Any) -> preparation.Plan:
        guests = self.find('able', 'unable')
        with self.prepare(guests) as prepared:
            return prepared.plan(
                _order(mode=mode), base.make_defaults(), **more
            )

    def test_one_that_must_keep_it_and_cannot_is_refused(self) -> None:
        plan = self.plan_by(timekeeping.Mode.GUEST)
        (made,) = plan.policies
        self.assertEqual(self.able.uuid, made.guest_uuid)
        self.assertEqual(base.BY_GUEST, plan.timings[self.able.uuid])
        refusal = plan.refusals[self.unable.uuid]
        self.assertIs(model.Obstacle.NO_GUEST_CLOCK, refusal.obstacle)
        self.assertEqual(
            'it cannot keep the clock: it has no guest agent channel',
            refusal.words,
        )

    def test_one_that_may_keep_it_is_not_asked_twice(self) -> None:
        plan = self.plan_by(timekeeping.Mode.AUTO)
        self.assertEqual(2, len(plan.policies))
        self.assertEqual({}, plan.timings)
        self.assertEqual(set(), self.calls('check_clock'))

    def test_whoever_may_keep_it_is_asked_if_that_is_wanted(self) -> None:
        plan = self.plan_by(timekeeping.Mode.AUTO, asks_clocks=True)
        self.assertEqual(2, len(plan.policies))
        self.assertEqual(
            {self.able.uuid: base.BY_GUEST, self.unable.uuid: base.UNABLE},
            plan.timings,
        )

    def test_nobody_is_asked_where_the_host_keeps_it(self) -> None:
        plan = self.plan_by(timekeeping.Mode.HOST, asks_clocks=True)
        self.assertEqual([base.BY_HOST] * 2, list(plan.timings.values()))
        self.assertEqual(set(), self.calls('check_clock'))

    def test_terms_that_forbid_it_are_told(self) -> None:
        terms = ownership.Terms(may_keep_time=False)
        (guest,) = self.find('able')
        forbidden = dataclasses.replace(guest, terms=terms)
        with self.prepare([forbidden]) as prepared:
            plan = prepared.plan(_order(), base.make_defaults())
        timing = plan.timings[guest.uuid]
        self.assertEqual('its flavor forbids it', timing.words)
