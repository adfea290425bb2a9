# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.controller import machine
from tests.unit import base
from tests.unit.controller import factory

_UUID = base.uuid_of('web')
_MIGRATING = base.make_refusal(
    "Nova's task 'migrating' is under way", model.Obstacle.INSTANCE_STATE
)
_RESIZING = base.make_refusal(
    "Nova's task 'resizing' is under way", model.Obstacle.INSTANCE_STATE
)


class WithdrawnTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = factory.Host('web')

    def withdraw(
        self, refusal: model.Refusal = _MIGRATING, name: str = 'web'
    ) -> machine.Outputs:
        return self.host.handle(
            message.GuestWithdrawn(
                guest_uuid=base.uuid_of(name), refusal=refusal
            )
        )

    def take(self) -> model.BalloonPolicy:
        (made,) = factory.policies(self.host.read(500))
        return made

    def why_left_alone(self) -> model.Refusal | None:
        controller = self.host.controller
        record = controller.roster.find(_UUID)
        assert record is not None
        return controller.roster.why_left_alone(
            record, self.host.now, self.host.now + factory.UTC_OFFSET
        )

    def test_ends_the_policy_and_says_why(self) -> None:
        made = self.take()
        self.assertEqual(
            [
                message.PolicyCancelled(
                    policy_uuid=made.uuid, words=_MIGRATING.words
                )
            ],
            self.withdraw(),
        )

    def test_without_a_policy_nothing_is_to_be_ended(self) -> None:
        self.assertEqual([], self.withdraw())
        self.assertEqual(_MIGRATING, self.why_left_alone())

    def test_who_is_not_known_is_no_defect(self) -> None:
        self.assertEqual([], self.withdraw(name='stranger'))
        self.assertIsNone(self.host.controller.roster.find_named('stranger'))

    def test_a_policy_is_ended_once(self) -> None:
        self.take()
        self.withdraw()
        self.assertEqual([], self.withdraw())
        self.assertEqual([], self.withdraw(_RESIZING))

    def test_the_next_policy_is_ended_as_well(self) -> None:
        first = self.take()
        self.withdraw()
        self.host.end(first, model.EndReason.CANCELLED, actual_mib=900)
        self.host.list_guests('web')
        second = self.take()
        (cancelled,) = factory.pick(self.withdraw(), message.PolicyCancelled)
        self.assertNotEqual(first.uuid, second.uuid)
        self.assertEqual(second.uuid, cancelled.policy_uuid)

    def test_is_nobody_s_doing_that_would_be_respected(self) -> None:
        made = self.take()
        self.withdraw()
        outputs = self.host.end(
            made, model.EndReason.CANCELLED, actual_mib=900
        )
        outputs += self.host.list_guests('web')
        outputs += self.host.look('web', actual_mib=900)
        self.assertEqual([], factory.pick(outputs, message.ForeignChange))
        self.assertIsNone(self.why_left_alone())

    def test_is_left_alone_until_a_listing_says_otherwise(self) -> None:
        self.withdraw()
        for _ in range(3):
            self.host.wait(60)
            outputs = self.host.read(500)
            self.assertEqual([], factory.policies(outputs))
            self.assertEqual(_MIGRATING, self.why_left_alone())
        outputs = self.host.list_guests('web')
        self.assertEqual(
            [message.StartStatistics(guest_uuid=_UUID)],
            factory.pick(outputs, message.StartStatistics),
        )
        self.host.look('web')
        self.take()

    def test_what_kept_it_before_is_replaced(self) -> None:
        paused = base.make_refusal()
        self.host.list_guests('web', refusals=(paused,))
        self.withdraw(_MIGRATING)
        self.withdraw(_RESIZING)
        record = self.host.controller.roster.find(_UUID)
        assert record is not None
        self.assertEqual((_RESIZING, paused), record.guest.refusals)
