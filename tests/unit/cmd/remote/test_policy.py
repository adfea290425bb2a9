# SPDX-License-Identifier: Apache-2.0

import fixtures
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.report import encoding
from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

MIB = base.MIB


class ListTestCase(shell.RemoteTestCase):
    def test_tells_what_is_under_way(self) -> None:
        view = fake_agent.policy(held_by='its reserve of usable memory')
        self.agent.live = [view]
        self.assertEqual(
            [
                {
                    'Policy': view['uuid'],
                    'Guest': 'web-01',
                    'Origin': 'operator',
                    'Timed by': 'host',
                    'State': 'running',
                    'Start MiB': 1024.0,
                    'Actual MiB': 768.0,
                    'Target MiB': 512.0,
                    'Seconds left': 1.0,
                    'Held by': 'its reserve of usable memory',
                }
            ],
            self.run_json('policy', 'list'),
        )

    def test_what_is_unknown_is_a_dash_for_people(self) -> None:
        self.agent.live = [fake_agent.pending(fake_agent.policy())]
        (row,) = self.run_json('policy', 'list')
        self.assertIsNone(row['Actual MiB'])
        result = self.shell.run('policy', 'list')
        self.assertRegex(result.stdout, r'\| pending +\| 1024.0 +\| - ')

    def test_of_a_host_where_there_is_none(self) -> None:
        self.assertEqual([], self.run_json('policy', 'list'))

    def test_gets_all_pages(self) -> None:
        self.agent.live = [fake_agent.policy() for _ in range(2500)]
        rows = self.run_json('policy', 'list')
        self.assertEqual(
            [view['uuid'] for view in self.agent.live],
            [row['Policy'] for row in rows],
        )
        self.assertEqual(3, len(self.agent.calls))

    def test_pages_without_an_end_are_told_in_a_line(self) -> None:
        first, second = fake_agent.policy(), fake_agent.policy()

        def page(limit: int, marker: str | None) -> fake_agent.View:
            shown = second if marker == first['uuid'] else first
            return {'policies': [shown], 'next_marker': shown['uuid']}

        self.useFixture(
            fixtures.MonkeyPatch(
                'tests.unit.cmd.remote.fake_agent.FakeAgent.list_policies',
                lambda agent, limit, marker: page(limit, marker),
            )
        )
        self.assert_one_line('have no end', 1, 'policy', 'list')

    def test_asks_for_no_more_than_it_was_told(self) -> None:
        self.agent.live = [fake_agent.policy() for _ in range(1200)]
        rows = self.run_json('policy', 'list', '--limit', '1001')
        self.assertEqual(1001, len(rows))
        limits = [arguments['limit'] for _, arguments in self.agent.calls]
        self.assertEqual([1000, 1], limits)


class ShowTestCase(shell.RemoteTestCase):
    def show(self, view: fake_agent.View) -> dict[str, object]:
        self.agent.courses[view['uuid']] = [view]
        return self.run_show('policy', 'show', view['uuid'])

    def test_one_under_way(self) -> None:
        segments = [{'until_seconds': 1.0, 'target_kib': 768 * MIB}]
        fields = self.show(fake_agent.policy(segments=segments))
        self.assertEqual('web-01', fields['Guest'])
        self.assertEqual('running', fields['State'])
        self.assertEqual(768.0, fields['Actual MiB'])
        self.assertEqual(1.0, fields['Seconds left'])
        self.assertEqual(segments, fields['Segments'])
        for name in ('Ended by', 'End MiB', 'Late ms', 'Confirmed'):
            self.assertIsNone(fields[name])

    def test_one_that_has_ended(self) -> None:
        view = fake_agent.ended(
            fake_agent.policy(),
            reason='deadline',
            lateness_seconds=0.0123,
            moved_after_deadline_kib=512,
        )
        fields = self.show(view)
        self.assertEqual('ended', fields['State'])
        self.assertEqual('deadline', fields['Ended by'])
        self.assertEqual(12.3, fields['Late ms'])
        self.assertEqual(0.5, fields['MiB after deadline'])
        self.assertIs(True, fields['Confirmed'])
        self.assertEqual(view['end']['ended_at'], fields['Ended at'])

    def test_who_keeps_the_clock(self) -> None:
        words = 'it has no guest agent channel'
        fields = self.show(fake_agent.policy(mode='auto', timing_words=words))
        self.assertEqual('auto', fields['Mode'])
        self.assertEqual('host', fields['Timed by'])
        self.assertEqual(words, fields['Why not by the guest'])
        self.assertIsNone(fields['Guest ended by'])
        self.assertIsNone(fields['Guest failed allocations'])

    def test_what_a_guest_says_that_kept_it(self) -> None:
        said = encoding.encode_guest_report(base.make_guest_report())
        fields = self.show(
            fake_agent.ended(
                fake_agent.policy(timed_by='guest'), guest_report=said
            )
        )
        self.assertEqual('guest', fields['Timed by'])
        self.assertEqual('deadline', fields['Guest ended by'])
        self.assertEqual(600.0, fields['Guest end MiB'])
        self.assertEqual(424.0, fields['Guest moved MiB'])
        self.assertEqual(2.0, fields['Guest seconds'])
        self.assertEqual(0.3, fields['Guest late ms'])
        self.assertEqual(0.2, fields['Guest MiB after deadline'])
        self.assertEqual(3, fields['Guest failed allocations'])

    def test_for_people(self) -> None:
        view = fake_agent.ended(
            fake_agent.policy(
                segments=[{'until_seconds': 0.5, 'target_kib': 768 * MIB}]
            ),
            confirmed=False,
        )
        self.agent.courses[view['uuid']] = [view]
        text = self.shell.run('policy', 'show', view['uuid']).stdout
        self.assertRegex(text, r'Segments +\| 500 ms=768 MiB ')
        self.assertRegex(text, r'Started at +\| 2026-05-01 12:00:00 ')
        self.assertRegex(text, r'Confirmed +\| no ')
        self.assertRegex(text, r'Held by +\| - ')


class CancelTestCase(shell.RemoteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.agent.live = [fake_agent.policy(name) for name in ('a', 'b')]
        self.uuids = [view['uuid'] for view in self.agent.live]

    def test_cancels_each(self) -> None:
        rows = self.run_json('policy', 'cancel', *self.uuids)
        for row, uuid in zip(rows, self.uuids, strict=True):
            self.assertEqual(uuid, row['Policy'])
            self.assertEqual('cancelled', row['Result'])
        self.assertEqual(['a', 'b'], [row['Guest'] for row in rows])

    def test_one_that_has_ended_hides_no_other(self) -> None:
        over = base.uuid_of('over')
        self.agent.by_guest[over] = exception.PolicyNotLive(
            uuid=over, reason='deadline'
        )
        first, second = self.run_json(
            'policy', 'cancel', over, self.uuids[0], code=3
        )
        self.assertEqual('refused', first['Result'])
        self.assertIn('it has ended by deadline', first['Detail'])
        self.assertEqual('cancelled', second['Result'])

    def test_an_unknown_one_hides_no_other(self) -> None:
        unknown = base.uuid_of('unknown')
        first, second = self.run_json(
            'policy', 'cancel', unknown, self.uuids[0], code=1
        )
        self.assertEqual('error', first['Result'])
        self.assertEqual('cancelled', second['Result'])

    def test_one_named_twice_is_cancelled_once(self) -> None:
        uuid = self.uuids[0]
        rows = self.run_json('policy', 'cancel', uuid, uuid.upper())
        self.assertEqual(1, len(rows))


class WrongTestCase(testscenarios.WithScenarios, shell.RemoteTestCase):
    scenarios = [
        (
            f'{" ".join(command)} {wrong}',
            {'arguments': (*command, wrong), 'words': words},
        )
        for command, wrong, words in (
            (('policy', 'show'), 'x', "'x' is not a UUID"),
            (('policy', 'show'), '', "'' is not a UUID"),
            (('policy', 'cancel'), 'web-01', "'web-01' is not a UUID"),
            (('policy', 'wait'), 'web-01', "'web-01' is not a UUID"),
            (('history', 'show'), '1', "'1' is not a UUID"),
            (('history', 'list', '--before'), 'x', "'x' is not a UUID"),
            (('history', 'list', '--limit'), '0', 'number above zero'),
            (('policy', 'list', '--limit'), '-1', 'number above zero'),
            (('policy', 'list', '--limit'), '1e3', 'number above zero'),
            (('policy', 'list', '--timeout'), '0', "'0' is not a number"),
            (('policy', 'list', '--timeout'), 'nan', "'nan' is not a"),
            (('policy', 'list', '--timeout'), '1h', "'1h' is not a number"),
            (('host', 'list', '--timeout'), '-1', "'-1' is not a number"),
            (('host', 'show', '--host'), '', "'' is not the name of a host"),
            (('host', 'show', '--host'), 'a b', 'not the name of a host'),
            (('host', 'show', '--host'), 'x' * 300, 'name of a host'),
        )
    ]
    arguments: tuple[str, ...]
    words: str

    def test_is_told_and_nothing_asked(self) -> None:
        # NOTE: with =, as a value may begin with a dash.
        *words, option, value = self.arguments
        if option.startswith('--'):
            words.append(f'{option}={value}')
        else:
            words += [option, value]
        result = self.shell.run(*words)
        self.assertEqual(2, result.exit_code)
        self.assertIn(self.words, result.stderr.splitlines()[-1])
        self.assertEqual([], self.agent.calls)
        self.assertEqual([], self.agents.timeouts)


class NobodyThereTestCase(testscenarios.WithScenarios, shell.RemoteTestCase):
    """Every command says in one line that nobody is there."""

    _UUID = base.uuid_of('policy')
    scenarios = [
        (' '.join(arguments[:2]), {'arguments': arguments})
        for arguments in (
            ('policy', 'list'),
            ('policy', 'show', _UUID),
            ('policy', 'cancel', _UUID),
            ('guest', 'list'),
            ('host', 'show'),
            ('history', 'list'),
            ('history', 'show', _UUID),
        )
    ]
    arguments: tuple[str, ...]

    def test_no_agent(self) -> None:
        self.assert_one_line(
            "no agent answered for host 'nobody'",
            1,
            *self.arguments,
            '--host',
            'nobody',
        )
        self.assertEqual(1, self.agents.closed)

    def test_no_message_bus(self) -> None:
        for error in (
            exception.BusNotConfigured(),
            exception.BusUnavailable(why='connection refused'),
        ):
            self.agents.error = error
            self.assert_one_line(str(error), 1, *self.arguments)


class UnknownTestCase(testscenarios.WithScenarios, shell.RemoteTestCase):
    scenarios = [
        (' '.join(command), {'command': command})
        for command in (
            ('policy', 'show'),
            ('policy', 'cancel'),
            ('policy', 'wait'),
            ('history', 'show'),
        )
    ]
    command: tuple[str, ...]

    def test_policy_is_one_line(self) -> None:
        uuid = base.uuid_of('unknown')
        self.assert_one_line(
            f'there is no policy {uuid}', 1, *self.command, uuid
        )
