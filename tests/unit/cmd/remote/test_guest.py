# SPDX-License-Identifier: Apache-2.0

from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell


class ListTestCase(shell.RemoteTestCase):
    def test_tells_what_the_agent_knows(self) -> None:
        policy = base.uuid_of('policy')
        instance = {'display_name': 'shop', 'project_id': '1', 'flavor': 'm1'}
        self.agent.guests = [
            fake_agent.guest(policy_uuid=policy, instance=instance)
        ]
        self.assertEqual(
            [
                {
                    'Guest': 'web-01',
                    'Server': 'shop',
                    'UUID': base.uuid_of('web-01'),
                    'Actual MiB': 1024.0,
                    'Maximum MiB': 1024.0,
                    'Usable MiB': 800.0,
                    'RSS MiB': 900.0,
                    'Could take MiB': 736.0,
                    'Could free MiB': 700.0,
                    'Priority': 1.0,
                    'Policy': policy,
                    'Why not': '',
                }
            ],
            self.run_json('guest', 'list'),
        )
        self.assertEqual([], self.shell.loaded)

    def test_tells_why_nothing_can_be_asked(self) -> None:
        self.agent.guests = [
            fake_agent.guest('a', refusals=['it is paused', 'it is locked']),
            fake_agent.guest('b', left_alone='it did not deliver'),
            fake_agent.guest(
                'c',
                priority=None,
                refusals=['no room'],
                left_alone="it is excluded by 'c'",
            ),
        ]
        first, second, third = self.run_json('guest', 'list')
        self.assertEqual('it is paused; it is locked', first['Why not'])
        self.assertEqual('it did not deliver', second['Why not'])
        self.assertEqual("no room; it is excluded by 'c'", third['Why not'])
        self.assertIsNone(third['Priority'])

    def test_is_in_the_order_of_the_names(self) -> None:
        self.agent.guests = [
            fake_agent.guest(name) for name in ('c', 'a', 'b')
        ]
        rows = self.run_json('guest', 'list')
        self.assertEqual(['a', 'b', 'c'], [row['Guest'] for row in rows])

    def test_gets_all_pages(self) -> None:
        self.agent.guests = [
            fake_agent.guest(f'{number:04}') for number in range(1100)
        ]
        rows = self.run_json('guest', 'list')
        self.assertEqual(1100, len({row['UUID'] for row in rows}))

    def test_an_agent_and_none_is_one_line(self) -> None:
        for local in (['--local'], ['--connect', 'test:///default']):
            self.assert_one_line(
                '--host asks an agent',
                2,
                'guest',
                'list',
                '--host',
                'x',
                *local,
            )
        self.assertEqual([], self.shell.loaded)
        self.assertEqual([], self.agents.asked)
