# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.controller import machine
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB
_Reason = model.EndReason
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


def looks(outputs: machine.Outputs) -> list[str]:
    return [it.guest_uuid for it in factory.pick(outputs, message.LookAtGuest)]


class NoticeTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = factory.Host('web')

    def kinds(self, outputs: machine.Outputs) -> list[str]:
        told = (message.PressureStarted, message.PressureEnded)
        return [type(it).__name__ for it in outputs if isinstance(it, told)]

    def test_pressure_is_told_once(self) -> None:
        self.assertEqual(['PressureStarted'], self.kinds(self.host.read(500)))
        for _ in range(3):
            self.host.wait(1)
            self.assertEqual([], self.kinds(self.host.read(400)))
        self.assertEqual(['PressureEnded'], self.kinds(self.host.read(1500)))
        self.assertEqual([], self.kinds(self.host.read(1500)))

    def test_says_why_and_how_it_stands(self) -> None:
        (notice,) = factory.pick(
            self.host.read(500, words='low'), message.PressureStarted
        )
        self.assertEqual('low', notice.words)
        assert notice.memory is not None
        self.assertEqual(500 * MIB, notice.memory.available_kib)

    def test_a_host_that_is_well_from_the_start_ends_no_pressure(self) -> None:
        self.assertEqual([], self.kinds(self.host.read(4000)))

    def test_recovery_is_told_to_the_engine_once_and_above_the_high_mark(
        self,
    ) -> None:
        self.host.read(500)
        for available_mib, recovered in (
            (1500, 0),
            (2048, 1),
            (3000, 0),
            (1500, 0),
            (2048, 1),
        ):
            outputs = self.host.read(available_mib)
            found = factory.pick(outputs, message.HostRecovered)
            self.assertEqual(recovered, len(found), f'{available_mib} MiB')

    def test_what_the_service_before_began_is_ended_where_all_is_well(
        self,
    ) -> None:
        found = factory.pick(self.host.read(4000), message.HostRecovered)
        self.assertEqual(1, len(found))


class TakeTestCase(base.TestCase):
    def test_guests_with_priority_give_more(self) -> None:
        ranks = {'web': 1.0, 'batch': 4.0}
        host = factory.Host(*ranks, rank=lambda guest: ranks[guest.name])
        taken = {
            it.guest_uuid: it.start_actual_kib - it.target_kib
            for it in factory.policies(host.read(200))
        }
        self.assertGreater(
            taken[base.uuid_of('batch')], taken[base.uuid_of('web')]
        )

    def test_who_is_excluded_gives_nothing(self) -> None:
        host = factory.Host(
            'web', rank=lambda guest: "it is excluded by 'web'"
        )
        notice = factory.planned(host.read(200))
        self.assertEqual((), notice.plan.proposals)
        (left,) = notice.plan.left_out
        self.assertEqual("it is excluded by 'web'", left.words)

    def test_one_guest_never_has_two_policies(self) -> None:
        host = factory.Host('web')
        self.assertEqual(1, len(factory.policies(host.read(900))))
        host.wait(1)
        outputs = host.read(200)
        self.assertEqual([], factory.policies(outputs))
        (left,) = factory.planned(outputs).plan.left_out
        self.assertEqual('a policy is under way', left.words)

    def test_other_exclusions_count_at_once(self) -> None:
        host = factory.Host('web')
        host.controller.reload(
            factory.make_settings(rank=lambda guest: 'it is excluded'),
            host.planner,
        )
        self.assertEqual([], factory.policies(host.read(200)))

    def test_settings_that_do_not_fit_this_host_change_nothing(self) -> None:
        host = factory.Host('web')
        host.read(4000)
        rule = situation.WatermarkRule(low='3G', high='10%')
        self.assertRaises(
            exception.InvalidConfiguration,
            host.controller.reload,
            factory.make_settings(
                watermarks=rule, rank=lambda guest: 'it is excluded'
            ),
            host.planner,
        )
        self.assertEqual(1, len(factory.policies(host.read(500))))


class ForeignTestCase(base.TestCase):
    """Somebody else moves a balloon: seen, respected, and healed later."""

    def setUp(self) -> None:
        super().setUp()
        self.host = factory.Host('web')

    def changes(self, outputs: machine.Outputs) -> list[tuple[int, int]]:
        return [
            (it.before_kib, it.after_kib)
            for it in factory.pick(outputs, message.ForeignChange)
        ]

    def test_is_told_once(self) -> None:
        self.assertEqual([], self.changes(self.host.look('web')))
        moved = [(GIB, 700 * MIB)]
        self.assertEqual(moved, self.changes(self.host.look('web', 700)))
        self.assertEqual([], self.changes(self.host.look('web', 700)))

    def test_is_respected_for_its_time(self) -> None:
        self.host.wait(3)
        self.host.look('web', 700)
        self.host.wait(599)
        self.assertEqual([], factory.policies(self.host.read(900)))
        self.host.wait(20)
        self.assertEqual(1, len(factory.policies(self.host.read(900))))

    def test_is_healed_after_it(self) -> None:
        self.host.look('web', 700)
        self.host.read(4000)
        outputs: machine.Outputs = []
        for _ in range(59):
            outputs += self.host.wait(10)
            outputs += self.host.read(4000)
        self.assertEqual([], factory.policies(outputs))
        outputs = self.host.wait(15)
        (made,) = factory.policies(outputs)
        self.assertIs(model.Origin.RETURN, made.origin)

    def test_of_a_policy_under_way_is_respected_too(self) -> None:
        (made,) = factory.policies(self.host.read(900))
        self.host.end(made, _Reason.SUPERSEDED, actual_mib=800)
        self.host.look('web', 800)
        self.host.wait(1)
        self.assertEqual([], factory.policies(self.host.read(900)))

    def test_a_look_that_a_policy_overtook_is_none(self) -> None:
        (made,) = factory.policies(self.host.read(900))
        self.assertEqual([], self.changes(self.host.look('web', 950)))
        self.host.end(made)
        actual_mib = made.target_kib / MIB
        self.assertEqual([], self.changes(self.host.look('web', actual_mib)))


class OperatorTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = factory.Host('web')
        self.made = base.make_policy(guest_uuid=base.uuid_of('web'))
        self.host.handle(message.PolicyRequested(policy=self.made))

    def test_s_policy_is_not_disturbed(self) -> None:
        self.assertEqual([], factory.policies(self.host.read(200)))

    def test_s_policy_is_relief(self) -> None:
        """512 MiB are coming, so 400 that lack are none."""
        outputs = self.host.read(1024 - 400)
        self.assertEqual([], factory.pick(outputs, message.ReliefPlanned))

    def test_s_policy_is_respected_after_its_end(self) -> None:
        self.host.end(self.made)
        self.host.look('web', 512)
        self.host.read(4000)
        outputs: machine.Outputs = []
        for _ in range(55):
            outputs += self.host.wait(10)
            outputs += self.host.read(4000)
        self.assertEqual([], factory.policies(outputs))
        for _ in range(10):
            outputs += self.host.wait(10)
            outputs += self.host.read(4000)
        self.assertEqual(1, len(factory.policies(outputs)))

    def test_s_policy_is_not_cancelled_by_pressure(self) -> None:
        given = base.make_policy(
            guest_uuid=base.uuid_of('web'),
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=GIB,
        )
        self.host.handle(message.PolicyRequested(policy=given))
        outputs = self.host.read(200)
        self.assertEqual([], factory.pick(outputs, message.PolicyCancelled))

    def test_a_resumed_policy_is_known_too(self) -> None:
        host = factory.Host('web')
        host.handle(
            message.PolicyResumed(policy=self.made, started_at=host.now - 1)
        )
        self.assertEqual([], factory.policies(host.read(200)))
        host.end(self.made)
        host.look('web', 512)


class TraitsTestCase(base.TestCase):
    def test_are_kept_after_each_end(self) -> None:
        host = factory.Host('web')
        (made,) = factory.policies(host.read(900))
        (action,) = factory.pick(
            host.end(made, _Reason.STALLED, 1024), message.RememberTraits
        )
        self.assertEqual(1.0, action.traits.strikes)
        self.assertEqual(
            host.now + factory.UTC_OFFSET, action.traits.struck_utc
        )

    def test_are_not_learned_from_giving(self) -> None:
        host = factory.Host('web')
        given = base.make_policy(
            guest_uuid=base.uuid_of('web'),
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=GIB,
        )
        host.handle(message.PolicyRequested(policy=given))
        self.assertEqual([], host.end(given, _Reason.STALLED))

    def test_survive_that_the_guest_was_gone(self) -> None:
        host = factory.Host('web')
        (made,) = factory.policies(host.read(900))
        host.end(made, _Reason.STALLED, 1024)
        host.handle(message.GuestGone(guest_uuid=base.uuid_of('web')))
        host.list_guests('web')
        host.look('web')
        host.wait(1)
        (left,) = factory.planned(host.read(900)).plan.left_out
        self.assertIn('did not deliver', left.words)

    def test_of_a_guest_that_is_gone_are_nobody_s(self) -> None:
        host = factory.Host('web')
        (made,) = factory.policies(host.read(900))
        host.handle(message.GuestGone(guest_uuid=base.uuid_of('web')))
        self.assertEqual([], host.end(made, _Reason.GUEST_GONE))

    def test_from_before_the_restart_count(self) -> None:
        struck = situation.GuestTraits(
            strikes=1.0, struck_utc=factory.UTC_OFFSET + 990
        )
        host = factory.Host('web', remembered={base.uuid_of('web'): struck})
        (left,) = factory.planned(host.read(900)).plan.left_out
        self.assertIn('another 50 s', left.words)


class GuestTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = factory.Host()

    def test_newcomers_tell_statistics_and_are_looked_at(self) -> None:
        outputs = self.host.list_guests('web')
        (started,) = factory.pick(outputs, message.StartStatistics)
        self.assertEqual(base.uuid_of('web'), started.guest_uuid)
        self.assertEqual([base.uuid_of('web')], looks(outputs))
        self.assertEqual([], self.host.list_guests('web'))

    def test_those_that_become_eligible_are_newcomers(self) -> None:
        self.assertEqual([], self.host.list_guests('web', refusals=(_PAUSED,)))
        outputs = self.host.list_guests('web')
        self.assertEqual(2, len(outputs))

    def test_those_that_cease_to_be_are_left_alone(self) -> None:
        self.host = factory.Host('web')
        self.host.list_guests('web', refusals=(_PAUSED,))
        (left,) = factory.planned(self.host.read(900)).plan.left_out
        self.assertEqual('it is paused', left.words)
        self.assertEqual([], looks(self.host.wait(30)))

    def test_a_listing_that_fails_forgets_nobody_and_is_tried_again(
        self,
    ) -> None:
        self.host = factory.Host('web')
        self.host.turn()
        self.host.handle(message.GuestsListed(guests=None))
        self.assertEqual(1, len(self.host.controller.roster))
        outputs = self.host.wait(5)
        self.assertEqual(1, len(factory.pick(outputs, message.ListGuests)))

    def test_a_change_has_them_listed_soon(self) -> None:
        for event in (
            message.GuestsChanged(),
            message.GuestGone(guest_uuid=base.uuid_of('web')),
        ):
            self.host = factory.Host('web')
            self.host.turn()
            self.host.list_guests('web')
            self.host.handle(event)
            outputs = self.host.wait(1)
            self.assertEqual(1, len(factory.pick(outputs, message.ListGuests)))

    def test_one_that_hangs_is_looked_at_once(self) -> None:
        self.host.list_guests('web')
        self.assertEqual([], looks(self.host.wait(60)))
        self.host.look('web')
        self.assertNotEqual([], looks(self.host.wait(10)))

    def test_a_look_that_failed_is_tried_again(self) -> None:
        self.host.list_guests('web')
        self.host.handle(
            message.GuestLooked(guest_uuid=base.uuid_of('web'), sample=None)
        )
        self.assertNotEqual([], looks(self.host.wait(10)))

    def test_a_look_that_a_freeze_made_void_is_not_waited_for(self) -> None:
        """A freeze goes before what waits in its guest's line."""
        self.host = factory.Host('web')
        self.assertNotEqual([], looks(self.host.wait(3)))
        (made,) = factory.policies(self.host.read(900))
        self.host.end(made)
        self.assertNotEqual([], looks(self.host.wait(10)))

    def test_a_look_at_a_stranger_is_let_pass(self) -> None:
        self.assertEqual([], self.host.look('nobody'))
        self.assertEqual([], self.host.move('nobody', 512))

    def test_events_of_no_interest_are_let_pass(self) -> None:
        for event in (
            message.HostRecovered(),
            message.PolicyCancelled(policy_uuid='any'),
            message.BalloonChanged(guest_uuid='any'),
        ):
            self.assertEqual([], self.host.handle(event))
