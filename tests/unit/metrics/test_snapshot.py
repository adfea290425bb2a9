# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.engine import states
from nova_balloon_timer.metrics import snapshot
from tests.unit import base
from tests.unit.controller import factory
from tests.unit.metrics import world

MIB = base.MIB
_State = snapshot.GuestState
_Obstacle = model.Obstacle


class SnapshotTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.crank = world.Crank()
        self.steps = 0

    def take(self) -> snapshot.Snapshot:
        steps = snapshot.take(
            self.crank.controller, self.crank.engine, lambda: 100.0
        )
        while True:
            self.steps += 1
            try:
                next(steps)
            except StopIteration as end:
                shot: snapshot.Snapshot = end.value
                return shot

    def list(self, *names: str, **more: Any) -> None:
        guests = tuple(base.make_guest(name, **more) for name in names)
        self.crank.handle(message.GuestsListed(guests=guests))

    def look(self, *names: str, **more: Any) -> None:
        for name in names:
            self.crank.handle(
                message.GuestLooked(
                    guest_uuid=base.uuid_of(name),
                    sample=base.make_sample(**more),
                )
            )

    def request(self, name: str, **more: Any) -> None:
        fields = {'guest_uuid': base.uuid_of(name)} | more
        self.crank.handle(
            message.PolicyRequested(policy=base.make_policy(**fields))
        )

    def test_nothing_is_known_at_first(self) -> None:
        shot = self.take()
        self.assertFalse(shot.is_short)
        self.assertIsNone(shot.memory)
        self.assertIsNone(shot.watermarks)
        self.assertIsNone(shot.stalled_share)
        self.assertEqual({}, shot.read_at)
        self.assertEqual({}, shot.guests)
        self.assertEqual({}, shot.policies)

    def test_tells_how_the_host_stands(self) -> None:
        self.crank.handle(
            message.PressureRead(
                reading=factory.make_reading(
                    99.0, 512, fall_kib_per_second=3.0, stalled_share=0.2
                )
            )
        )
        shot = self.take()
        self.assertTrue(shot.is_short)
        assert shot.memory is not None
        assert shot.watermarks is not None
        self.assertEqual(512 * MIB, shot.memory.available_kib)
        self.assertEqual(base.GIB, shot.watermarks.low_kib)
        self.assertEqual(3.0, shot.fall_kib_per_second)
        self.assertEqual(0.2, shot.stalled_share)
        self.assertEqual({'meminfo': 99.0}, shot.read_at)

    def test_a_guest_is_in_one_state(self) -> None:
        names = ('full', 'reduced', 'unseen', 'inflating', 'deflating')
        self.list(*names)
        self.look('full')
        self.look('reduced', 'inflating', 'deflating', actual_kib=600 * MIB)
        self.request('inflating', start_actual_kib=600 * MIB)
        self.request(
            'deflating',
            direction=model.Direction.DEFLATE,
            start_actual_kib=600 * MIB,
            target_kib=base.GIB,
        )
        shot = self.take()
        self.assertEqual(
            {
                _State.FULL: 1,
                _State.REDUCED: 1,
                _State.UNSEEN: 1,
                _State.INFLATING: 1,
                _State.DEFLATING: 1,
            },
            shot.guests,
        )
        self.assertEqual(5 * base.GIB, shot.full_kib)
        self.assertEqual(3 * 424 * MIB, shot.missing_kib)
        self.assertEqual(
            {_Obstacle.NOT_LOOKED_AT: 1, _Obstacle.UNDER_WAY: 2},
            shot.left_alone,
        )

    def test_who_is_left_alone_is_counted_by_the_reason(self) -> None:
        self.list('web', refusals=(base.make_refusal(),))
        self.assertEqual({_State.UNABLE: 1}, self.take().guests)
        self.assertEqual({_Obstacle.PAUSED: 1}, self.take().left_alone)
        self.list('db', 'web')
        self.look('db', 'web')
        self.assertEqual({_Obstacle.EXCLUDED: 1}, self.take().left_alone)
        self.look('web', actual_kib=700 * MIB)
        self.assertEqual(
            {_Obstacle.EXCLUDED: 1, _Obstacle.RESPECTED: 1},
            self.take().left_alone,
        )

    def test_policies_are_counted_until_their_balloon_stands_still(
        self,
    ) -> None:
        for name in ('pending', 'ending'):
            self.request(name, guards=base.make_guards(reserve_kib=0))
        self.crank.handle(
            message.BalloonSampled(
                guest_uuid=base.uuid_of('ending'),
                sample=base.make_sample(at=100.0),
            )
        )
        inflate = model.Direction.INFLATE
        self.assertEqual(
            {
                (states.State.PENDING, inflate): 1,
                (states.State.RUNNING, inflate): 1,
            },
            self.take().policies,
        )
        (ending,) = (
            run.balloon_policy.uuid
            for run in self.crank.engine.runs
            if run.state is states.State.RUNNING
        )
        self.crank.handle(message.PolicyCancelled(policy_uuid=ending))
        self.assertEqual(
            {
                (states.State.PENDING, inflate): 1,
                (states.State.FREEZING, inflate): 1,
            },
            self.take().policies,
        )

    def test_many_guests_are_counted_a_few_at_a_time(self) -> None:
        self.list(*(f'web-{number}' for number in range(1000)))
        self.assertEqual({_State.UNSEEN: 1000}, self.take().guests)
        self.assertEqual(11, self.steps)
