# SPDX-License-Identifier: Apache-2.0

import fixtures

from nova_balloon_timer import exception
from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

MIB = base.MIB

_AWAY = exception.HostNotAnswering(host='compute-01', seconds=5)


class WaitTestCase(shell.RemoteTestCase):
    def add(self, guest: str = 'web-01', **end: object) -> str:
        """Have a policy that is seen pending, under way twice, and ended."""
        view = fake_agent.policy(guest)
        uuid: str = view['uuid']
        self.agent.courses[uuid] = [
            fake_agent.pending(view),
            view,
            view | {'actual_kib': 600 * MIB},
            fake_agent.ended(view, **end),
        ]
        return uuid

    def test_tells_how_they_ended(self) -> None:
        uuids = [self.add('a'), self.add('b')]
        rows = self.run_json('policy', 'wait', *uuids)
        self.assertEqual(['a', 'b'], [row['Guest'] for row in rows])
        self.assertEqual(uuids, [row['Policy'] for row in rows])
        for row in rows:
            self.assertEqual('target', row['Ended by'])
            self.assertEqual(512.0, row['Moved MiB'])
            self.assertEqual(1.0, row['Seconds'])

    def test_tells_meanwhile_when_it_begins_and_ends(self) -> None:
        result = self.shell.run('policy', 'wait', self.add())
        self.assertEqual(0, result.exit_code)
        began, *_, ended = result.stderr.splitlines()
        self.assertIn('web-01: inflate from 1024 MiB to 512 MiB', began)
        self.assertIn('web-01: ended by target after 1.00 s', ended)

    def test_one_has_begun_once_it_is_known_who_keeps_the_clock(self) -> None:
        view = fake_agent.policy(mode='auto', timed_by='guest')
        offered = view | {'state': 'offered', 'timed_by': None}
        self.agent.courses[view['uuid']] = [
            offered,
            view,
            fake_agent.ended(view),
        ]
        result = self.shell.run('policy', 'wait', view['uuid'], '-f', 'json')
        began, *_ = result.stderr.splitlines()
        self.assertIn('within 2.00 s, timed by the guest', began)
        self.assertNotIn('by the host', result.stderr)
        self.assertEqual('guest', result.rows[0]['Timed by'])

    def test_one_that_has_ended_long_ago(self) -> None:
        view = fake_agent.ended(fake_agent.policy())
        self.agent.courses[view['uuid']] = [view]
        (row,) = self.run_json('policy', 'wait', view['uuid'])
        self.assertEqual('target', row['Ended by'])
        self.assertEqual(1, len(self.agent.calls))

    def test_otherwise_is_3(self) -> None:
        for end in ({'reason': 'distress'}, {'confirmed': False}):
            uuids = [self.add('a'), self.add('b', **end)]
            self.run_json('policy', 'wait', *uuids, code=3)

    def test_an_unknown_one_hides_no_other(self) -> None:
        unknown = base.uuid_of('unknown')
        first, second = self.run_json(
            'policy', 'wait', unknown, self.add(), code=1
        )
        self.assertEqual('unknown', first['Ended by'])
        self.assertIsNone(first['Guest'])
        self.assertIn('there is no policy', first['Detail'])
        self.assertEqual('target', second['Ended by'])

    def test_an_agent_that_is_away_for_a_while_is_waited_for(self) -> None:
        uuid = self.add()
        journal = exception.JournalNotReadable(path='j', why='it is locked')
        self.agent.errors = [_AWAY, journal]
        result = self.shell.run('policy', 'wait', uuid)
        self.assertEqual(0, result.exit_code)
        self.assertEqual(1, result.stderr.count('still waiting'))
        self.assertEqual(1, result.stderr.count('the agent answers again'))

    def test_an_agent_that_is_away_for_long_is_an_error(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.cmd.remote.waiting._PATIENCE_SECONDS', 0.0
            )
        )
        uuid = self.add()
        self.agent.errors = [_AWAY] * 9
        result = self.shell.run('policy', 'wait', uuid, '-f', 'json')
        self.assertEqual(1, result.exit_code)
        self.assertIn(f'policy wait: {_AWAY}', result.stderr)
        (row,) = result.rows
        self.assertEqual(uuid, row['Policy'])
        self.assertEqual('unknown', row['Ended by'])
        self.assertEqual(str(_AWAY), row['Detail'])

    def test_an_answer_that_makes_no_sense_is_an_error(self) -> None:
        for nonsense in (
            {'direction': 'sideways'},
            {'target_kib': None},
            {'start_kib': 'much'},
            {'segments': 5},
        ):
            view = fake_agent.policy(**nonsense)
            self.agent.courses[view['uuid']] = [view]
            result = self.shell.run('policy', 'wait', view['uuid'])
            self.assertEqual(1, result.exit_code)
            self.assertIn('answer makes no sense', result.stderr)
            self.assertNotIn('Traceback', result.stderr)
