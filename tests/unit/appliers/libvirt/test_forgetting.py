# SPDX-License-Identifier: Apache-2.0
"""What is kept of guests: found once, and gone with them."""

import time

import fixtures
import libvirt

from nova_balloon_timer import model
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from nova_balloon_timer.appliers.libvirt import eligibility
from nova_balloon_timer.appliers.libvirt import session
from tests.unit import base
from tests.unit.appliers.libvirt import fake

_UUID = base.uuid_of('web-01')
_RUNNING = libvirt.VIR_DOMAIN_RUNNING
_NO_BALLOON = '<domain><devices/></domain>'
_LOCKED = """
<domain>
  <memoryBacking><locked/></memoryBacking>
  <devices><memballoon model='virtio'/></devices>
</domain>
"""


class FindingsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.findings = eligibility.Findings()

    def obstacles(
        self, xml: str, state: int = _RUNNING
    ) -> list[model.Obstacle]:
        found = self.findings.refusals(_UUID, xml, state)
        return [refusal.obstacle for refusal in found]

    def test_what_did_not_change_is_not_looked_through_again(self) -> None:
        first = self.findings.refusals(_UUID, _LOCKED, _RUNNING)
        again = self.findings.refusals(_UUID, _LOCKED, _RUNNING)
        self.assertIs(first, again)

    def test_another_description_is_seen(self) -> None:
        self.assertEqual(
            [model.Obstacle.LOCKED_MEMORY], self.obstacles(_LOCKED)
        )
        self.assertEqual(
            [model.Obstacle.NO_BALLOON], self.obstacles(_NO_BALLOON)
        )

    def test_another_state_is_seen(self) -> None:
        self.obstacles(_LOCKED)
        self.assertIn(
            model.Obstacle.PAUSED,
            self.obstacles(_LOCKED, libvirt.VIR_DOMAIN_PAUSED),
        )


class GoneTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.libvirt = self.useFixture(fake.FakeLibvirt())
        self.domain = self.libvirt.add(
            statistics={
                'actual': base.GIB,
                'usable': base.GIB,
                'last_update': int(time.time()),
            }
        )
        self.applier = libvirt_applier.LibvirtApplier(fake.URI)
        self.addCleanup(self.applier.close)
        self.applier.list_guests()
        self.applier.start_statistics(_UUID)
        self.applier.read(_UUID)

    def test_a_listing_without_a_guest_forgets_it(self) -> None:
        del self.libvirt.domains[_UUID]
        self.applier.list_guests()
        self.assertEqual(set(), self.applier._statistics.known())
        self.assertEqual(set(), self.applier._findings.known())
        self.assertEqual({}, self.applier._changed_periods)

    def test_a_listing_with_it_forgets_nothing(self) -> None:
        self.applier.list_guests()
        self.applier.restore_statistics(_UUID)
        self.assertEqual(0, self.domain.period_seconds)


class HandleTestCase(base.TestCase):
    def test_handles_of_guests_that_are_gone_do_not_pile_up(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(f'{session.__name__}._MOST_DOMAINS', 3)
        )
        world = self.useFixture(fake.FakeLibvirt())
        sessions = session.Sessions(fake.URI)
        for number in range(10):
            name = f'guest{number}'
            world.add(identity=base.uuid_of(name), label=name)
            with sessions.domain(base.uuid_of(name)) as domain:
                self.assertEqual(name, domain.handle.name())
        self.assertLessEqual(len(sessions._mine.domains), 3)
