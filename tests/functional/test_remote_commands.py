# SPDX-License-Identifier: Apache-2.0
"""Commands that ask an agent, on real guests and a real message bus."""

import json
import os
import pty
import re
import signal
import subprocess
from typing import Any
import uuid

import kombu
import testscenarios

from nova_balloon_timer.report import run_file
from tests.functional import base
from tests.functional import bus
from tests.functional import command
from tests.functional import lab
from tests.functional import remote

MIB = base.KIB_PER_MIB

_LONG = ('--target=300M', '--duration=60s', '--segment=50s=480M')
_UUID = str(uuid.UUID(int=7))


class PolicyTest(remote.RemoteTest):
    def setUp(self) -> None:
        super().setUp()
        self.east, self.west = self.balloons('east', 'west')
        self.agent = self.serve()

    def test_is_made_and_waited_for(self) -> None:
        rows = self.create(
            'east', 'west', '--target=400M', '--duration=20s', '--wait'
        )

        self.assertEqual(['east', 'west'], [row['Guest'] for row in rows])
        for row, balloon in zip(rows, (self.east, self.west), strict=True):
            self.assertEqual('target', row['Ended by'])
            self.assertEqual(400.0, row['End MiB'])
            self.assert_at(400, balloon)
        self.assert_ended_once(self.agent)
        past = self.agent.history()
        self.assertEqual(
            {row['Policy'] for row in rows}, {it.uuid for it in past}
        )

    def test_is_in_the_history_and_can_be_kept(self) -> None:
        (row,) = self.create(
            'east', '--target=400M', '--duration=20s', '--wait'
        )
        path = self.folder / 'run.json'

        (listed,) = self.ask_json('history', 'list', '--guest=east')
        shown = self.ask_json(
            'history', 'show', row['Policy'], f'--save={path}'
        )
        self.assertEqual([], self.ask_json('history', 'list', '--guest=x'))

        self.assertEqual(row['Policy'], listed['Policy'])
        self.assertEqual('operator', listed['Origin'])
        self.assertEqual(400.0, shown['End MiB'])
        self.assertTrue(shown['Curve'])
        (saved,) = run_file.load(path).policies
        self.assertEqual(row['Policy'], saved.report.policy.uuid)
        page = command.run('report', str(path))
        self.assertEqual(0, page.code, str(page))

    def test_is_listed_shown_and_cancelled(self) -> None:
        (made,) = self.create('east', *_LONG)
        uuid = made['Policy']
        self.assertEqual('created', made['Result'])
        self.east.wait_at(480)

        (listed,) = self.ask_json('policy', 'list')
        shown = self.ask_json('policy', 'show', uuid)
        (guest,) = [
            row
            for row in self.ask_json('guest', 'list')
            if row['Guest'] == 'east'
        ]
        (cancelled,) = self.ask_json('policy', 'cancel', uuid)
        (waited,) = self.ask_json('policy', 'wait', uuid, code=3)

        self.assertEqual(uuid, listed['Policy'])
        self.assertEqual('running', shown['State'])
        self.assertEqual(480.0, shown['Actual MiB'])
        self.assertEqual('its segment', shown['Held by'])
        self.assertEqual(uuid, guest['Policy'])
        self.assertEqual('cancelled', cancelled['Result'])
        self.assertEqual('cancelled', waited['Ended by'])
        self.assert_at(480, self.east)
        (again,) = self.ask_json('policy', 'cancel', uuid, _UUID, code=1)[:1]
        self.assertEqual('refused', again['Result'])
        self.assertEqual([], self.ask_json('policy', 'list'))

    def test_takes_the_place_of_another(self) -> None:
        (first,) = self.create('east', *_LONG)
        (second,) = self.create('east', *_LONG)

        self.assertEqual(first['Policy'], second['Supersedes'])
        (ended,) = self.ask_json('policy', 'wait', first['Policy'], code=3)
        self.assertEqual('superseded', ended['Ended by'])

    def test_an_error_with_one_guest_leaves_the_other_its_policy(
        self,
    ) -> None:
        paused = self.west.guest.domain
        paused.suspend()
        self.addCleanup(lab.wake, self.west.guest)

        unknown, refused, made = self.create(
            'nobody',
            'west',
            'east',
            '--target=400M',
            '--duration=20s',
            '--wait',
            code=1,
        )

        self.assertEqual('error', unknown['Ended by'])
        self.assertIn('no guest', unknown['Detail'])
        self.assertEqual('refused', refused['Ended by'])
        self.assertIn('paused', refused['Detail'])
        self.assertEqual('target', made['Ended by'])
        self.assert_at(400, self.east)
        self.assert_unmoved(self.west)

    def test_a_preview_moves_nothing(self) -> None:
        (row,) = self.ask_json(
            'policy',
            'preview',
            'east',
            '--target=400M',
            '--duration=5s',
            '--reserve=0',
        )

        self.assertEqual('inflate', row['Would'])
        self.assertEqual(400.0, row['Expected MiB'])
        self.assert_unmoved(self.east)
        self.assertEqual([], self.ask_json('policy', 'list'))

    def test_ctrl_c_ends_the_wait_and_not_the_policy(self) -> None:
        running = self.begin_ask(
            'policy',
            'create',
            'east',
            '--target=400M',
            '--duration=30s',
            '--segment=3s=480M',
            '--reserve=0',
            '--wait',
            '--format=json',
        )
        running.wait_for('east: inflate')

        running.send(signal.SIGINT)
        result = running.finish()

        self.assertEqual(130, result.code, str(result))
        self.assertIn('ends the wait, not the policies', result.err)
        self.assertNotIn('Traceback', result.err)
        (row,) = json.loads(result.out)
        self.assertEqual('under way', row['Ended by'])
        (ended,) = self.ask_json('policy', 'wait', row['Policy'])
        self.assertEqual('target', ended['Ended by'])
        self.assert_at(400, self.east)

    def test_an_agent_that_is_killed_is_waited_for(self) -> None:
        (made,) = self.create('east', *_LONG)
        self.east.wait_at(480)
        running = self.begin_ask(
            'policy', 'wait', made['Policy'], '--timeout=1', '--format=json'
        )
        running.wait_for('east: inflate')

        self.agent.kill()
        running.wait_for('still waiting')
        self.agent = self.relaunch()
        running.wait_for('the agent answers again')
        self.agent.wait_ready()
        self.ask_json('policy', 'cancel', made['Policy'])

        result = running.finish()
        self.assertEqual(3, result.code, str(result))
        (row,) = json.loads(result.out)
        self.assertEqual('cancelled', row['Ended by'])
        self.assert_ended_once(self.agent)


class HostTest(remote.RemoteTest):
    def setUp(self) -> None:
        super().setUp()
        (self.east,) = self.balloons('east')
        self.agent = self.serve()

    def test_guests_are_as_the_hypervisor_has_them(self) -> None:
        self.wait_known(self.east)

        rows = {row['Guest']: row for row in self.ask_json('guest', 'list')}

        self.assertEqual(self.east.guest.uuid, rows['east']['UUID'])
        self.assertEqual(512.0, rows['east']['Actual MiB'])
        self.assertEqual(1.0, rows['east']['Priority'])
        self.assertGreater(rows['east']['Usable MiB'], 100)

    def test_is_shown_and_listed(self) -> None:
        shown = self.ask_json('host', 'show')
        listed = self.ask_json('host', 'list', '--timeout=3')

        self.assertEqual(self.host_name, shown['Host'])
        self.assertIs(False, shown['Short'])
        self.assertEqual(1024.0, shown['Low watermark MiB'])
        self.assertIn(self.host_name, [row['Host'] for row in listed])

    def test_is_watched_once(self) -> None:
        result = self.ask('watch', '--once')

        self.assertEqual(0, result.code, str(result))
        self.assertIn(self.host_name, result.out)
        self.assertIn('east', result.out)

    def test_is_watched_on_a_terminal_until_q(self) -> None:
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        watching = subprocess.Popen(
            [command.PROGRAM, self.option, 'watch'],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=command.environment() | {'LINES': '40'},
        )
        self.addCleanup(watching.kill)
        os.close(theirs)
        shown = ''
        while True:
            try:
                shown += os.read(ours, 65536).decode('utf-8', 'replace')
            except OSError:  # it has ended
                break
            if re.search(r'east .*512/512 MiB', shown):
                os.write(ours, b'q')
        self.assertEqual(0, watching.wait(60), shown)
        self.assertIn('\x1b[?1049l', shown)


class GoneCallersTest(remote.RemoteTest):
    """Callers whose queues for the answers are not there any more."""

    def call_and_go(self, times: int) -> None:
        url = self.bus.url.replace('rabbit://', 'amqp://')
        with kombu.Connection(url) as connection:
            producer = connection.Producer()
            for number in range(times):
                call = {
                    'method': 'show_host',
                    'args': {},
                    'version': '1.0',
                    '_msg_id': f'{number}',
                    '_unique_id': f'{self.host_name}-{number}',
                    '_reply_q': f'reply_{self.host_name}-{number}',
                }
                producer.publish(
                    {'oslo.version': '2.0', 'oslo.message': json.dumps(call)},
                    exchange=bus.EXCHANGE,
                    routing_key=f'balloon_timer.{self.host_name}',
                )

    def test_keep_nobody_waiting(self) -> None:
        self.serve()
        self.call_and_go(16)
        shown = self.ask_json('host', 'show', '--timeout=10')
        self.assertEqual(self.host_name, shown['Host'])


class NobodyThereTest(remote.RemoteTest):
    """No agent, or no message bus: one line, within the time given."""

    def test_no_agent(self) -> None:
        self.configure()
        for words in (
            ('policy', 'list'),
            ('guest', 'list'),
            ('history', 'list'),
            ('watch', '--once'),
            ('policy', 'create', 'east', '--target=1G', '--duration=1s'),
        ):
            result = self.ask(*words, '--timeout=1')
            self.assert_one_line('no agent answered for host', 1, result)

    def test_no_broker(self) -> None:
        self.configure()
        self.bus.stop()
        self.addCleanup(self.bus.start)
        for words in (('policy', 'list'), ('host', 'list')):
            result = self.ask(*words, '--timeout=2')
            self.assert_one_line('message bus cannot be used', 1, result)

    def test_a_broker_that_hangs(self) -> None:
        self.configure()
        self.bus.freeze()
        self.addCleanup(self.bus.thaw)
        for words in (('policy', 'list'), ('host', 'list')):
            result = self.ask(*words, '--timeout=2')
            self.assert_one_line('message bus cannot be used', 1, result)

    def test_guests_are_listed_without(self) -> None:
        path = self.folder / 'empty.conf'
        path.touch()
        option = f'--config-file={path}'
        (east,) = self.balloons('east')
        result = command.run(option, 'guest', 'list')
        self.assert_one_line('no message bus is configured', 1, result)

        result = command.run(
            option, 'guest', 'list', f'--connect={self.lab.uri}', '-fjson'
        )

        self.assertEqual(0, result.code, str(result))
        self.assertEqual(512.0, result.rows['east']['Actual MiB'])
        self.assert_unmoved(east)


_ORDER: dict[str, str] = {
    'target': '400M',
    'duration': '5s',
    'reserve': '0',
}

# What was asked for, the exit code, and what the one line must contain.
_WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    'target-no-size': ({'target': 'much'}, 2, "'much' is not a size"),
    'target-zero': ({'target': '0M'}, 2, "'0M' is not a size"),
    'target-huge': ({'target': '9' * 400 + 'G'}, 2, 'is not a size'),
    'target-not-utf-8': ({'target': '\udcff'}, 2, 'is not a size'),
    'target-above-maximum': ({'target': '513M'}, 2, 'above its maximum'),
    'duration-zero': ({'duration': '0s'}, 2, 'a number above zero'),
    'duration-infinite': ({'duration': 'infs'}, 2, 'not a duration'),
    'segment-no-pair': ({'segment': '450M'}, 2, 'write TIME=SIZE'),
    'segment-beyond': ({'segment': '6s=450M'}, 2, 'does not end before'),
    'segment-back': ({'segment': '1s=390M'}, 2, 'not on the way'),
    'floor-above-target': ({'floor': '401M'}, 2, 'below the floor 401 MiB'),
    'leash-too-short': ({'leash': '512K'}, 2, '1 MiB or more'),
    'guest-unknown': ({'guest': 'nobody'}, 1, "no guest 'nobody'"),
    'guest-empty': ({'guest': ''}, 2, 'guest'),
    'guest-not-utf-8': ({'guest': '\udcff'}, 2, 'guest'),
    'guest-huge': ({'guest': 'x' * 5000}, 2, 'guest'),
}


class WrongOrderTest(testscenarios.WithScenarios, remote.RemoteTest):
    """Orders that no guest can be given."""

    scenarios = [
        (name, {'options': options, 'code': code, 'words': words})
        for name, (options, code, words) in _WRONG.items()
    ]
    options: dict[str, Any]
    code: int
    words: str

    def test_is_one_line_and_changes_nothing(self) -> None:
        (east,) = self.balloons('east')
        running = self.serve()
        order = {'guest': 'east', **_ORDER, **self.options}
        guest = order.pop('guest')
        options = [f'--{name}={value}' for name, value in order.items()]

        for verb in ('create', 'preview'):
            result = self.ask('policy', verb, *options, '--', guest)
            self.assert_one_line(self.words, self.code, result)

        self.assert_unmoved(east)
        self.assertEqual([], running.history())
        self.assertEqual([], running.in_flight())
        self.assert_sane(running)


class WrongUsageTest(testscenarios.WithScenarios, remote.RemoteTest):
    """Arguments that make no sense, whatever the agent would say."""

    scenarios = [
        (' '.join(words), {'words': words, 'told': told})
        for words, told in (
            (('policy', 'show', 'x'), "'x' is not a UUID"),
            (('policy', 'cancel', 'east'), "'east' is not a UUID"),
            (('policy', 'wait', ''), "'' is not a UUID"),
            (('policy', 'list', '--limit=0'), 'number above zero'),
            (('policy', 'list', '--timeout=0'), 'number of seconds'),
            (('history', 'list', '--before=x'), "'x' is not a UUID"),
            (('host', 'show', '--host=a b'), 'not the name of a host'),
            (('watch', '--interval=nan'), 'number of seconds'),
            (('watch',), 'no terminal'),
            (('guest', 'list', '--local', '--host=x'), 'asks an agent'),
        )
    ]
    words: tuple[str, ...]
    told: str

    def test_is_told_in_the_last_line(self) -> None:
        self.configure()

        result = self.ask(*self.words)

        self.assertEqual(2, result.code, str(result))
        self.assertEqual('', result.out)
        self.assertIn(self.told, result.error_lines[-1])
        self.assertNotIn('Traceback', result.err)


class UnknownTest(remote.RemoteTest):
    def test_policies_are_told_in_one_line(self) -> None:
        self.serve()
        for words in (
            ('policy', 'show', _UUID),
            ('policy', 'cancel', _UUID),
            ('policy', 'wait', _UUID),
            ('history', 'show', _UUID),
        ):
            self.assert_one_line('no policy', 1, self.ask(*words))
        result = self.ask('history', 'list', f'--before={_UUID}')
        self.assert_one_line('no policy', 2, result)


class StatusTest(remote.RemoteTest):
    """The upgrade check, on what it is for."""

    def check(self) -> tuple[int, dict[str, dict[str, Any]]]:
        result = subprocess.run(
            [
                command.PROGRAM.with_name('nova-balloon-timer-status'),
                self.option,
                'upgrade',
                'check',
                '--json',
            ],
            capture_output=True,
            text=True,
            env=command.environment(),
            check=False,
        )
        self.assertEqual('', result.stderr)
        checks = json.loads(result.stdout)['checks']
        return result.returncode, {it['check']: it for it in checks}

    def test_all_is_well_and_stays_as_it_is(self) -> None:
        (east,) = self.balloons('east')
        running = self.serve()
        running.stop()
        state = sorted(os.listdir(self.state_path))
        before = east.guest.domain.XMLDesc()

        code, checks = self.check()

        self.assertLess(code, 2, str(checks))
        for name in ('Sources of pressure', 'Journal', 'Message bus'):
            self.assertEqual(0, checks[name]['result'], str(checks[name]))
        told = checks['Balloons of the guests']['details']
        self.assertRegex(told, r'\d virtio')
        self.assertEqual(state, sorted(os.listdir(self.state_path)))
        self.assertEqual(before, east.guest.domain.XMLDesc())
        self.assert_unmoved(east)

    def test_an_agent_that_answers(self) -> None:
        self.serve()
        _, checks = self.check()
        self.assertIn('answers: version', checks['Message bus']['details'])

    def test_a_broker_that_hangs_is_a_failure(self) -> None:
        self.configure()
        self.bus.freeze()
        self.addCleanup(self.bus.thaw)

        code, checks = self.check()

        self.assertEqual(2, code)
        self.assertEqual(2, checks['Message bus']['result'])
