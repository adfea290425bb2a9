# SPDX-License-Identifier: Apache-2.0

from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

MIB = base.MIB


class ListTestCase(shell.RemoteTestCase):
    def test_tells_of_all_that_answer(self) -> None:
        other = fake_agent.FakeAgent()
        other.host = fake_agent.host(
            'compute-02',
            is_short=True,
            words='tasks waited',
            available_kib=None,
            policies=3,
            relief_kib=512 * MIB,
        )
        self.agents.agents['compute-02'] = other
        first, second = self.run_json('host', 'list')
        self.assertEqual('compute-01', first['Host'])
        self.assertIs(False, first['Short'])
        self.assertEqual(20480.0, first['Available MiB'])
        self.assertEqual(
            {
                'Host': 'compute-02',
                'Short': True,
                'Available MiB': None,
                'Low watermark MiB': 4096.0,
                'Total MiB': 65536.0,
                'Guests': 2,
                'Policies': 3,
                'Relief MiB': 512.0,
                'Version': '1.2.3',
                'Why': 'tasks waited',
            },
            second,
        )

    def test_nobody_is_3(self) -> None:
        self.agents.agents.clear()
        result = self.shell.run('host', 'list', '-f', 'json')
        self.assertEqual(3, result.exit_code)
        self.assertEqual([], result.rows)
        self.assertIn('no agent answered within 5 s', result.stderr)

    def test_one_that_makes_no_sense_hides_no_other(self) -> None:
        misfits = {
            'old': {'host': 'old'},
            'odd': fake_agent.host('odd', available_kib='much'),
            'vast': fake_agent.host('vast', total_kib=10**400),
        }
        for name, view in misfits.items():
            self.agents.agents[name] = fake_agent.FakeAgent()
            self.agents.agents[name].host = view
        result = self.shell.run('host', 'list', '-f', 'json')
        self.assertEqual(0, result.exit_code)
        self.assertEqual(['compute-01'], [it['Host'] for it in result.rows])
        for name in misfits:
            self.assertIn(f'host {name} is left out: ', result.stderr)
        self.assertNotIn('Traceback', result.stderr)

    def test_nobody_who_makes_sense_is_3(self) -> None:
        self.agent.host = {'host': 'compute-01'}
        result = self.shell.run('host', 'list', '-f', 'json')
        self.assertEqual(3, result.exit_code)
        self.assertEqual([], result.rows)

    def test_waits_no_longer_than_it_is_told(self) -> None:
        self.run_json('host', 'list', '--timeout', '0.5')
        self.run_json('host', 'list', '--timeout', '20')
        self.assertEqual(
            [{'wait': 0.5, 'longest': 0.5}, {'wait': 1.0, 'longest': 20.0}],
            self.agents.listed,
        )


class ShowTestCase(shell.RemoteTestCase):
    def test_tells_how_it_stands(self) -> None:
        self.agent.host = fake_agent.host(
            is_short=True,
            words='tasks waited 12 % of the last 2 s',
            stalled_share=0.12,
            fall_kib_per_second=100.4 * MIB,
            exhaustion_seconds=11.25,
        )
        fields = self.run_show('host', 'show')
        self.assertEqual('compute-01', fields['Host'])
        self.assertIs(True, fields['Short'])
        self.assertEqual('tasks waited 12 % of the last 2 s', fields['Why'])
        self.assertEqual(12.0, fields['Stalled percent'])
        self.assertEqual(100.0, fields['Falls MiB/s'])
        self.assertEqual(11.2, fields['Used up in seconds'])
        self.assertEqual('psi, meminfo', fields['Pressure sources'])
        self.assertIs(True, fields['Notifications'])

    def test_what_is_unknown_is_none(self) -> None:
        self.agent.host = fake_agent.host(
            available_kib=None, stalled_share=None
        )
        self.agent.host['notifications'] = {
            'enabled': False,
            'waiting': None,
            'dropped': 0,
            'failure': '',
        }
        fields = self.run_show('host', 'show')
        for name in (
            'Available MiB',
            'Stalled percent',
            'Falls MiB/s',
            'Used up in seconds',
            'Notifications waiting',
        ):
            self.assertIsNone(fields[name], name)

    def test_what_cannot_be_read_is_told_in_a_line(self) -> None:
        del self.agent.host['is_short']
        self.assert_one_line(
            "the agent's answer makes no sense: KeyError('is_short')",
            1,
            *('host', 'show'),
        )

    def test_for_people(self) -> None:
        text = self.shell.run('host', 'show').stdout
        self.assertRegex(text, r'Short +\| no ')
        self.assertRegex(text, r'Falls MiB/s +\| - ')
        self.assertRegex(text, r'Running since +\| 2026-05-01 12:00:00 ')
