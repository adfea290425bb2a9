# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import machine
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB
_Reason = model.EndReason


class GivingTestCase(base.TestCase):
    """Guests of 1 GiB below it; the high watermark is at 2048 MiB.

    30 s until the first round, then 5 s from one to the next.
    """

    def make(self, *guests: tuple[str, float], **settings: Any) -> None:
        names = [name for name, _ in guests]
        # Without a reserve nobody lacks memory so much that it cannot wait.
        guards = base.make_guards(reserve_kib=0)
        settings = {'guards_of': lambda guest: guards} | settings
        self.host = factory.Host(*names, **settings)
        for name, actual_mib in guests:
            self.put(name, actual_mib)

    def put(self, name: str, actual_mib: float) -> None:
        """Have a guest stand somewhere, as if it had always stood there."""
        record = self.host.controller.roster.find(base.uuid_of(name))
        assert record is not None
        record.settle(None)
        self.host.look(name, actual_mib)

    def pass_time(
        self, seconds: float, available_mib: float = 4096
    ) -> machine.Outputs:
        """Let time pass on a host that is read ten times a second."""
        outputs: machine.Outputs = []
        for _ in range(round(seconds * 10)):
            outputs += self.host.wait(0.1)
            outputs += self.host.read(available_mib)
        return outputs

    def given(
        self, seconds: float, available_mib: float = 4096
    ) -> list[model.BalloonPolicy]:
        return factory.policies(self.pass_time(seconds, available_mib))

    def finish(self, *policies: model.BalloonPolicy) -> None:
        for balloon_policy in policies:
            self.host.end(balloon_policy)


def given_mib(balloon_policy: model.BalloonPolicy) -> float:
    given_kib = balloon_policy.target_kib - balloon_policy.start_actual_kib
    return given_kib / MIB


class SettleTestCase(GivingTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.make(('web', 512))

    def test_gives_when_the_host_was_well_for_a_time(self) -> None:
        self.assertEqual([], self.given(29.9))
        (made,) = self.given(0.3)
        self.assertIs(model.Direction.DEFLATE, made.direction)
        self.assertIs(model.Origin.RETURN, made.origin)
        self.assertEqual(10.0, made.duration_seconds)
        self.assertEqual(GIB, made.target_kib)

    def test_gives_nothing_while_the_host_is_not_well(self) -> None:
        self.assertEqual([], self.given(100, available_mib=2047))

    def test_waits_anew_after_a_bad_reading(self) -> None:
        self.given(20)
        self.given(0.1, available_mib=2000)
        self.assertEqual([], self.given(29.9))
        self.assertEqual(1, len(self.given(0.3)))

    def test_gives_nothing_before_anything_was_read(self) -> None:
        self.assertEqual([], factory.policies(self.host.wait(1000)))

    def test_a_full_guest_gets_nothing(self) -> None:
        self.make(('web', 1024))
        self.assertEqual([], self.given(100))

    def test_the_last_mib_is_given_but_once(self) -> None:
        """A driver that does not take it is left in peace."""
        self.make(('db', 1023))
        (made,) = self.given(31)
        self.host.end(made, actual_mib=1023)
        self.host.look('db', 1023)
        self.assertEqual([], self.given(100))


class RoundTestCase(GivingTestCase):
    def test_gives_half_of_the_spare_in_a_round(self) -> None:
        """Spare are 400 MiB, then 200, then 100; the last in one piece."""
        self.make(('web', 512))
        spare_mib = 400.0
        rounds = []
        actual_mib = 512.0
        for _ in range(5):
            for made in self.given(31, 2048 + spare_mib):
                rounds.append(given_mib(made))
                actual_mib += given_mib(made)
                spare_mib -= given_mib(made)
                self.finish(made)
                self.host.look('web', actual_mib)
        self.assertEqual([200, 100, 64, 36], rounds[:4])

    def test_the_next_round_comes_after_the_one_before_has_ended(
        self,
    ) -> None:
        self.make(('web', 512), ('db', 512))
        first = self.given(31, 2048 + 512)
        self.assertEqual(256, sum(map(given_mib, first)))
        self.assertEqual([], self.given(60, 2048 + 512))
        self.finish(*first)
        self.assertEqual([], self.given(4.9, 2048 + 256))
        self.assertNotEqual([], self.given(0.3, 2048 + 256))

    def test_gives_nothing_twice_that_was_read_once(self) -> None:
        """No reading came since: what was given is in none."""
        self.make(('web', 512), ('db', 512))
        given = self.given(31, 2048 + 512)
        self.host.wait(0.1)
        self.finish(*given)
        self.assertEqual([], factory.policies(self.host.wait(40)))
        self.host.read(2048 + 256)
        self.assertNotEqual([], factory.policies(self.host.wait(6)))

    def test_gives_nothing_by_an_old_reading(self) -> None:
        """All sources have died since the host was well."""
        self.make(('web', 1024))
        self.pass_time(31)
        self.host.wait(61)
        self.host.look('web', 512)
        self.assertEqual([], factory.policies(self.host.wait(600)))

    def test_never_gives_more_than_is_spare(self) -> None:
        self.make(*((f'guest-{number}', 256) for number in range(40)))
        made = self.given(31, 2048 + 1000)
        self.assertEqual(500, sum(map(given_mib, made)))
        for one in made:
            self.assertEqual(0, one.target_kib % MIB)

    def test_gives_to_so_many_at_once(self) -> None:
        self.make(*((f'guest-{number}', 1000) for number in range(40)))
        self.assertEqual(16, len(self.given(31, 20_000)))

    def test_the_last_bit_is_exact(self) -> None:
        self.make(('web', 512.25))
        (made,) = self.given(31)
        self.assertEqual(GIB, made.target_kib)
        self.assertEqual(511.75, given_mib(made))


class WhomTestCase(GivingTestCase):
    def test_the_neediest_comes_first(self) -> None:
        self.make(('well', 900), ('mute', 400), ('poor', 600))
        self.host.look(
            'poor',
            600,
            statistics=base.make_statistics(
                updated_at=2000, usable_kib=10 * MIB
            ),
        )
        self.host.look(
            'well',
            900,
            statistics=base.make_statistics(
                updated_at=2000, usable_kib=600 * MIB
            ),
        )
        self.make_mute('mute')
        made = self.given(31, 2048 + 1000)
        names = [
            self.host.controller.roster.name_of(one.guest_uuid) for one in made
        ]
        self.assertEqual(['poor', 'well'], names)

    def make_mute(self, name: str) -> None:
        """Let a guest of which nothing but its size is known take over."""
        self.host.list_guests('well', 'poor')
        self.host.list_guests('well', 'poor', name)
        self.host.look(name, 400, statistics=None)

    def test_who_refuses_is_left_alone(self) -> None:
        self.make(('web', 512))
        paused = model.Refusal(
            obstacle=model.Obstacle.PAUSED, words='it is paused'
        )
        self.host.list_guests('web', refusals=(paused,))
        self.assertEqual([], self.given(60))
        self.host.list_guests('web')
        self.assertEqual(1, len(self.given(10)))

    def test_who_is_excluded_is_never_touched(self) -> None:
        self.make(('web', 512), rank=lambda guest: 'it is excluded')
        self.assertEqual([], self.given(100))

    def test_a_guest_that_did_not_deliver_gets_some_all_the_same(
        self,
    ) -> None:
        self.make(('web', 1024))
        (made,) = factory.policies(self.host.read(724))
        self.host.end(made, _Reason.STALLED, actual_mib=900)
        self.host.look('web', 900)
        self.assertEqual(1, len(self.given(31)))


class PressureTestCase(GivingTestCase):
    def setUp(self) -> None:
        super().setUp()
        # Nothing may be taken from it, so that it is only given.
        guards = base.make_guards(floor_kib=GIB, reserve_kib=0)
        self.make(('web', 512), guards_of=lambda guest: guards)

    def test_cancels_what_is_being_returned(self) -> None:
        (made,) = self.given(31)
        outputs = self.host.read(500)
        (cancelled,) = factory.pick(outputs, message.PolicyCancelled)
        self.assertEqual(made.uuid, cancelled.policy_uuid)
        outputs = self.host.read(500)
        self.assertEqual([], factory.pick(outputs, message.PolicyCancelled))

    def wait_after(self, *flaps: float) -> int:
        """Return how many seconds after pressure memory is returned.

        :param flaps: how long the host is well before it is short again
        """
        for seconds in flaps:
            self.pass_time(0.5, 500)
            self.pass_time(seconds)
        self.pass_time(0.5, 500)
        for seconds in range(1, 2000):
            if self.given(1):
                return seconds
        raise AssertionError('nothing is returned')

    def test_soon_after_a_return_doubles_the_wait(self) -> None:
        self.given(31)
        self.finish_return()
        for wait in (60, 120, 240):
            self.assertAlmostEqual(wait, self.wait_after(), delta=2)
            self.finish_return()

    def finish_return(self) -> None:
        """End the policy that returns memory; all is used up again."""
        flight = self.host.controller.flights.find(base.uuid_of('web'))
        assert flight is not None
        self.host.end(flight.balloon_policy)
        self.put('web', 512)

    def test_during_a_return_doubles_it_too(self) -> None:
        (made,) = self.given(31)
        self.host.read(500)
        self.host.end(made, _Reason.CANCELLED, actual_mib=512)
        self.assertAlmostEqual(60, self.wait_after(), delta=2)

    def test_that_flaps_blames_one_return_once(self) -> None:
        self.given(31)
        self.finish_return()
        self.assertAlmostEqual(60, self.wait_after(3, 3, 3), delta=2)

    def test_long_after_a_return_blames_nobody(self) -> None:
        self.given(31)
        self.finish_return()
        self.put('web', 1024)
        self.pass_time(601)
        self.pass_time(0.5, 500)
        self.put('web', 512)
        self.assertAlmostEqual(30, self.wait_after(), delta=2)
