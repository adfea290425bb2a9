# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import model
from nova_balloon_timer.nova import applier as nova_applier
from nova_balloon_timer.nova import ledger as nova_ledger
from nova_balloon_timer.nova import watch as nova_watch
from tests.unit import base
from tests.unit.appliers import memory
from tests.unit.nova import factory

_REST_SECONDS = 60.0
_DOUBTFUL_SECONDS = 5.0


class InstanceApplierTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = self.useFixture(memory.MemoryHost())
        self.host.add('web-01')
        ledger = nova_ledger.Ledger(lambda: False)
        self.instance = factory.make_instance()
        ledger.take([self.instance])
        self.watch = nova_watch.InstanceWatch(
            ledger, list, rest_seconds=lambda: _REST_SECONDS
        )
        self.applier = nova_applier.InstanceApplier(
            self.host.applier, ledger, self.watch
        )

    def obstacles(self) -> dict[str, list[model.Obstacle]]:
        return {
            it.name: [refusal.obstacle for refusal in it.refusals]
            for it in self.applier.list_guests()
        }

    def test_lists_instances_as_nova_knows_them(self) -> None:
        (guest,) = self.applier.list_guests()
        self.assertEqual((), guest.refusals)
        self.assertEqual(self.instance.describe(), guest.instance)

    def test_lists_refused_who_is_no_instance(self) -> None:
        self.host.add('db-01', refusals=(base.make_refusal(),))
        self.assertEqual(
            {
                'web-01': [],
                'db-01': [
                    model.Obstacle.NOT_AN_INSTANCE,
                    model.Obstacle.PAUSED,
                ],
            },
            self.obstacles(),
        )

    def test_finds_instances_as_nova_knows_them(self) -> None:
        self.host.add('db-01')
        web = self.applier.find_guest('web-01')
        self.assertEqual(self.instance.describe(), web.instance)
        stranger = self.applier.find_guest('db-01')
        self.assertIsNone(stranger.instance)
        (refusal,) = stranger.refusals
        self.assertIs(model.Obstacle.NOT_AN_INSTANCE, refusal.obstacle)

    def test_has_nova_asked_soon_for_whom_it_lists_unknown(self) -> None:
        self.applier.list_guests()
        self.assertEqual(_REST_SECONDS, self.watch.pause_seconds)
        self.host.add('db-01')
        self.applier.list_guests()
        self.assertEqual(_DOUBTFUL_SECONDS, self.watch.pause_seconds)
