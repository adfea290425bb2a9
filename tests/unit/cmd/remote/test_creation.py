# SPDX-License-Identifier: Apache-2.0

import signal
import threading
from typing import Any

import testscenarios

from nova_balloon_timer import exception
from tests.unit import base
from tests.unit.cmd import command_line
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

MIB = base.MIB

_ASKED = ('--target', '512M', '--duration', '2s')
_REFUSED = exception.GuestRefused(guest='web-02', why='it is paused')
_UNKNOWN = exception.GuestNotFound(guest='web-02')
_SILENT = exception.HostNotAnswering(host='compute-01', seconds=5)


class CreateTestCase(shell.RemoteTestCase):
    def create(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        return self.run_json(
            'policy', 'create', *_ASKED, *arguments, code=code
        )


class AskTestCase(CreateTestCase):
    def test_passes_on_what_is_asked_as_it_was_written(self) -> None:
        self.create(
            'web-01',
            *('--segment', '1s=768M', '--segment', '1500ms=600M'),
            *('--floor', '25%', '--reserve', '0', '--leash', '8M'),
            *('--mode', 'guest'),
        )
        self.assertEqual(
            [
                (
                    'create_policy',
                    {
                        'guest': 'web-01',
                        'target': '512M',
                        'duration': '2s',
                        'segments': ['1s=768M', '1500ms=600M'],
                        'floor': '25%',
                        'reserve': '0',
                        'leash': '8M',
                        'mode': 'guest',
                    },
                )
            ],
            self.agent.calls,
        )

    def test_leaves_to_the_agent_what_is_not_said(self) -> None:
        self.create('web-01')
        arguments = self.agent.calls[0][1]
        for name in ('floor', 'reserve', 'leash', 'mode'):
            self.assertIsNone(arguments[name])
        self.assertEqual([], arguments['segments'])

    def test_tells_what_was_made(self) -> None:
        (row,) = self.create('web-01')
        self.assertEqual('web-01', row['Guest'])
        self.assertEqual('created', row['Result'])
        self.assertEqual(1024.0, row['Start MiB'])
        self.assertEqual(512.0, row['Target MiB'])
        self.assertIn(row['Policy'], self.agent.courses)
        self.assertEqual(['create_policy'], self.called)

    def test_asks_the_agent_of_this_host_unless_another_is_named(
        self,
    ) -> None:
        self.agents.agents['other'] = self.agent
        self.create('web-01')
        self.create('web-01', '--host', 'other', '--timeout', '1.5')
        self.assertEqual(['compute-01', 'other'], self.agents.asked)
        self.assertEqual([5.0, 1.5], self.agents.timeouts)
        self.assertEqual(2, self.agents.closed)


class SeveralTestCase(CreateTestCase):
    def test_a_refusal_hides_no_other(self) -> None:
        self.agent.by_guest['web-02'] = _REFUSED
        first, second, third = self.create(
            'web-01', 'web-02', 'web-03', code=3
        )
        self.assertEqual('refused', second['Result'])
        self.assertEqual('it is paused', second['Detail'])
        self.assertEqual('web-02', second['Guest'])
        for row in (first, third):
            self.assertEqual('created', row['Result'])

    def test_an_error_hides_no_other(self) -> None:
        self.agent.by_guest['web-02'] = _UNKNOWN
        first, second, third = self.create(
            'web-01', 'web-02', 'web-03', code=1
        )
        self.assertEqual('error', second['Result'])
        self.assertEqual("there is no guest 'web-02'", second['Detail'])
        self.assertEqual(
            ('created', 'created'), (first['Result'], third['Result'])
        )

    def test_nobody_is_asked_again_and_again_who_does_not_answer(
        self,
    ) -> None:
        self.agent.by_guest['web-02'] = _SILENT
        rows = self.create('web-01', 'web-02', 'web-03', 'web-04', code=1)
        self.assertEqual(
            ['created', 'unknown', 'not asked', 'not asked'],
            [row['Result'] for row in rows],
        )
        self.assertIn('given up after', rows[3]['Detail'])
        self.assertEqual(2, len(self.agent.calls))

    def test_a_guest_by_two_names_gets_one_policy(self) -> None:
        uuid = base.uuid_of('web-01')
        rows = self.create('web-01', uuid.upper(), code=2)
        self.assertEqual('created', rows[0]['Result'])
        self.assertIn('is named twice', rows[1]['Detail'])
        self.assertEqual(1, len(self.agent.calls))


class WaitTestCase(CreateTestCase):
    def test_tells_how_they_ended(self) -> None:
        first, second = self.create('web-01', 'web-02', '--wait')
        self.assertEqual('web-01', first['Guest'])
        self.assertEqual('web-02', second['Guest'])
        for row in (first, second):
            self.assertEqual('target', row['Ended by'])
            self.assertEqual(1024.0, row['Start MiB'])
            self.assertEqual(512.0, row['End MiB'])
            self.assertEqual(300.0, row['Freed MiB'])
            self.assertIn(row['Policy'], self.agent.courses)

    def test_tells_meanwhile_how_far_they_are(self) -> None:
        result = self.shell.run(
            'policy', 'create', *_ASKED, 'web-01', '--wait'
        )
        self.assertEqual(0, result.exit_code)
        self.assertIn('web-01: inflate from 1024 MiB', result.stderr)
        self.assertIn('web-01: ended by target after', result.stderr)

    def test_an_end_that_nobody_saw_is_not_well(self) -> None:
        for end in ({'reason': 'stalled'}, {'confirmed': False}):
            self.end_with(**end)
            (row,) = self.create('web-01', '--wait', code=3)
            self.assertEqual(end.get('reason', 'target'), row['Ended by'])

    def end_with(self, **end: Any) -> None:
        plain = self.agent.create_policy

        def create_policy(guest: str, **arguments: Any) -> fake_agent.View:
            answer = plain(guest, **arguments)
            uuid = answer['policy']['uuid']
            self.agent.courses[uuid] = [
                fake_agent.ended(fake_agent.policy(uuid=uuid), **end)
            ]
            return answer

        self.agent.create_policy = create_policy  # type: ignore[method-assign]

    def test_a_refused_one_is_not_waited_for(self) -> None:
        self.agent.by_guest['web-02'] = _REFUSED
        first, second = self.create('web-01', 'web-02', '--wait', code=3)
        self.assertEqual('target', first['Ended by'])
        self.assertEqual('refused', second['Ended by'])
        self.assertEqual('it is paused', second['Detail'])

    def test_all_refused(self) -> None:
        self.agent.by_guest['web-02'] = _REFUSED
        (row,) = self.create('web-02', '--wait', code=3)
        self.assertEqual('refused', row['Ended by'])
        self.assertEqual(['create_policy'], self.called)


class SignalTestCase(testscenarios.WithScenarios, CreateTestCase):
    scenarios = [
        (number.name, {'number': number})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    number: signal.Signals

    def interrupt(self) -> None:
        main = threading.main_thread().ident
        assert main is not None
        signal.pthread_kill(main, self.number)

    def run_and_read(self, *arguments: str) -> command_line.Result:
        before = signal.getsignal(self.number)
        result = self.shell.run(
            'policy', 'create', *_ASKED, '-f', 'json', *arguments
        )
        self.assertEqual(128 + self.number, result.exit_code)
        self.assertNotIn('Traceback', result.stderr)
        self.assertIs(before, signal.getsignal(self.number))
        return result

    def test_ends_the_wait_and_not_the_policy(self) -> None:
        self.agent.on_show = self.interrupt
        result = self.run_and_read('web-01', '--wait')
        self.assertIn('ends the wait, not the policies', result.stderr)
        (row,) = result.rows
        self.assertEqual('under way', row['Ended by'])
        self.assertEqual(1024.0, row['Start MiB'])
        self.assertEqual(512.0, row['Target MiB'])
        self.assertIn(row['Policy'], self.agent.courses)
        self.assertNotIn('cancel_policy', self.called)

    def test_between_two_guests_asks_for_no_more(self) -> None:
        plain = self.agent.create_policy

        def create_policy(guest: str, **arguments: Any) -> fake_agent.View:
            if guest == 'web-02':
                self.interrupt()
            return plain(guest, **arguments)

        self.agent.create_policy = create_policy  # type: ignore[method-assign]
        rows = self.run_and_read('web-01', 'web-02', 'web-03').rows
        self.assertEqual(
            ['created', 'unknown', 'not asked'],
            [row['Result'] for row in rows],
        )
        self.assertIn(self.number.name, rows[1]['Detail'])


class WrongTestCase(testscenarios.WithScenarios, CreateTestCase):
    """What is wrong whoever it is asked of, the agent never hears."""

    scenarios = [
        (name, {'arguments': arguments, 'words': words})
        for name, words, arguments in (
            ('no size', "'lots' is not a size", ('--target', 'lots')),
            ('no time', "'0s' is not a duration", ('--duration', '0s')),
            ('no segment', "'x' is not a segment", ('--segment', 'x')),
            ('late', 'does not end before', ('--segment', '20s=700M')),
            ('leash', '1 MiB or more', ('--leash', '1K')),
            ('floor', "'low' is not a size", ('--floor', 'low')),
            ('twice', 'guest web-01 is named twice', ('web-01',)),
        )
    ]
    arguments: tuple[str, ...]
    words: str

    def test_is_one_line_and_asks_nothing(self) -> None:
        for command in ('create', 'preview'):
            self.assert_one_line(
                self.words,
                2,
                'policy',
                command,
                *_ASKED,
                'web-01',
                *self.arguments,
            )
        self.assertEqual([], self.agent.calls)


class ErrorTestCase(testscenarios.WithScenarios, CreateTestCase):
    scenarios = [
        (type(error).__name__, {'error': error, 'code': code})
        for error, code in (
            (_UNKNOWN, 1),
            (_SILENT, 1),
            (exception.BusUnavailable(why='refused'), 1),
            (exception.AgentBusy(why='it is asked too much'), 1),
            (exception.AgentFailed(host='x', why='a defect'), 1),
            (exception.InvalidPolicy(why='the target is above'), 2),
            (exception.InvalidArgument(name='guest', why='too long'), 2),
        )
    ]
    error: exception.BalloonTimerError
    code: int

    def test_is_one_line(self) -> None:
        for command in ('create', 'preview'):
            self.agent.errors = [self.error]
            self.assert_one_line(
                str(self.error), self.code, 'policy', command, *_ASKED, 'a'
            )

    def test_of_the_first_of_several(self) -> None:
        self.agent.errors = [self.error]
        result = self.shell.run('policy', 'create', *_ASKED, 'a', 'b')
        self.assertEqual(self.code, result.exit_code)
        is_hopeless = len(self.agent.calls) == 1
        self.assertEqual(is_hopeless, result.stdout == '')


class UnansweredTestCase(testscenarios.WithScenarios, CreateTestCase):
    """An order that was sent, of which nobody knows what came of it."""

    scenarios = [
        (type(error).__name__, {'error': error})
        for error in (_SILENT, exception.BusBroken(why='it died'))
    ]
    error: exception.BalloonTimerError

    def test_is_told(self) -> None:
        self.agent.errors = [self.error]
        self.assert_one_line(
            f'{self.error} (whether the policy was made is not known: see '
            "'policy list')",
            1,
            *('policy', 'create', *_ASKED, 'web-01'),
        )

    def test_is_unknown_and_not_an_error_in_the_table(self) -> None:
        self.agent.by_guest['web-02'] = self.error
        made, unknown, unasked = self.create(
            'web-01', 'web-02', 'web-03', code=1
        )
        self.assertEqual('created', made['Result'])
        self.assertEqual('unknown', unknown['Result'])
        self.assertIsNone(unknown['Policy'])
        self.assertIsNone(made['Supersedes'])
        self.assertIn('is not known', unknown['Detail'])
        self.assertEqual('not asked', unasked['Result'])
        self.assertEqual('given up after web-02', unasked['Detail'])

    def test_is_nothing_to_a_preview(self) -> None:
        self.agent.errors = [self.error]
        result = self.shell.run('policy', 'preview', *_ASKED, 'web-01')
        self.assertNotIn('is not known', result.stderr)


class PreviewTestCase(shell.RemoteTestCase):
    def preview(self, *arguments: str, code: int = 0) -> list[dict[str, Any]]:
        return self.run_json(
            'policy', 'preview', *_ASKED, *arguments, code=code
        )

    def test_tells_what_would_be_done_and_is_expected(self) -> None:
        self.agent.previews['web-01'] = {
            'policy': fake_agent.pending(fake_agent.policy())
            | {
                'timed_by': 'host',
                'timing_words': 'it has no guest agent channel',
            },
            'refusal': '',
            'could_take_kib': 700 * MIB,
            'could_free_kib': 600 * MIB,
            'expected': {
                'reason': 'deadline',
                'detail': 'its time was up',
                'actual_end_kib': 600 * MIB,
                'freed_kib': 400 * MIB,
                'duration_seconds': 2.0,
            },
        }
        self.assertEqual(
            [
                {
                    'Guest': 'web-01',
                    'Would': 'inflate',
                    'Start MiB': 1024.0,
                    'Target MiB': 512.0,
                    'Floor MiB': 256.0,
                    'Reserve MiB': 64.0,
                    'Could take MiB': 700.0,
                    'Expected MiB': 600.0,
                    'Expected freed MiB': 400.0,
                    'Timed by': 'host: it has no guest agent channel',
                    'Expected end, or why not': 'deadline: its time was up',
                }
            ],
            self.preview('web-01'),
        )

    def test_tells_why_it_would_be_refused(self) -> None:
        self.agent.previews['web-01'] = {
            'policy': None,
            'refusal': 'it is paused',
            'could_take_kib': 0,
            'could_free_kib': None,
            'expected': None,
        }
        self.agent.by_guest['web-02'] = _UNKNOWN
        (row,) = self.preview('web-01', code=3)
        self.assertEqual('refuse', row['Would'])
        self.assertEqual('it is paused', row['Expected end, or why not'])
        refused, unknown = self.preview('web-01', 'web-02', code=1)
        self.assertEqual('refuse', refused['Would'])
        self.assertEqual('error', unknown['Would'])
