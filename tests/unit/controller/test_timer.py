# SPDX-License-Identifier: Apache-2.0

import testscenarios

from nova_balloon_timer import message
from nova_balloon_timer import model
from tests.unit import base
from tests.unit.controller import factory

_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


class TimerTestCase(testscenarios.WithScenarios, base.TestCase):
    """Whatever the state: once the timer rang, it is not due any more."""

    scenarios = [
        (name, {'name': name})
        for name in (
            'empty',
            'listed',
            'calm',
            'short',
            'needy',
            'needy and refused',
            'needy and respected',
            'needy and excluded',
            'needy and hanging',
            'returning',
            'relieving',
            'nothing to spare',
        )
    ]
    name: str

    def bring_about(self) -> factory.Host:
        excluded = 'excluded' in self.name
        host = factory.Host(
            'web', rank=lambda guest: 'excluded' if excluded else 1.0
        )
        if self.name == 'empty':
            return factory.Host()
        if self.name == 'listed':
            return host
        if self.name in ('short', 'relieving'):
            host.read(500)
            return host
        record = host.controller.roster.find(base.uuid_of('web'))
        assert record is not None
        if 'respected' not in self.name:
            record.settle(None)
        host.look('web', 1024 if self.name == 'calm' else 512)
        host.read(2048 if self.name == 'nothing to spare' else 4096)
        if 'refused' in self.name:
            host.list_guests('web', refusals=(_PAUSED,))
        if self.name == 'returning':
            host.wait(31)
        return host

    def test_is_not_due_again_at_once(self) -> None:
        host = self.bring_about()
        until = host.now + 100
        turns = 0
        while host.now < until:
            host.now = max(host.now, host.controller.next_timer())
            for action in factory.pick(host.turn(), message.LookAtGuest):
                if 'hanging' not in self.name:
                    host.handle(
                        message.GuestLooked(
                            guest_uuid=action.guest_uuid, sample=None
                        )
                    )
            self.assertGreater(host.controller.next_timer(), host.now)
            turns += 1
        self.assertLess(turns, 250)
