# SPDX-License-Identifier: Apache-2.0

import os
import signal
import time
from typing import Any

import testscenarios

from nova_balloon_timer import model
from tests.functional import agent
from tests.functional import base
from tests.functional import command
from tests.functional import lab
from tools.lab import guest as lab_guest


class StopTest(testscenarios.WithScenarios, agent.AgentTest):
    """The agent is told to end in mid-policy."""

    scenarios = [
        ('sigterm', {'number': signal.SIGTERM}),
        ('sigint', {'number': signal.SIGINT}),
    ]
    number: int

    def test_freezes_and_ends_at_once(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        self.assertEqual('0', self.period(alder))
        running = self.begin_agent(alder, birch)
        self.press(running, alder, birch)
        self.assertEqual('1', self.period(alder))

        sent_at = time.monotonic()
        result = running.stop(self.number)
        seconds = time.monotonic() - sent_at

        self.assertEqual(0, result.code, str(running.lines))
        self.assertLess(seconds, agent.STOP_SECONDS + agent.SLACK_SECONDS)
        for balloon in (alder, birch):
            self.assertGreater(self.assert_frozen(balloon), 170 * 1024)
            self.assertEqual('0', self.period(balloon))
        ends = running.history()
        self.assertEqual(
            {alder.name, birch.name}, {it.guest_name for it in ends}
        )
        self.assertEqual(
            {model.EndReason.CANCELLED}, {it.reason for it in ends}
        )
        for end in ends:
            balloon = alder if end.guest_name == alder.name else birch
            self.assertEqual(balloon.actual_kib, end.end_kib)
        self.assert_ended_once(running)
        self.assert_sane(running)


class StopBesideFrozenQemuTest(agent.AgentTest):
    """One guest's QEMU hangs when the agent is told to end."""

    def test_ends_in_time_and_a_restart_clears_up(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch)
        self.press(running, alder, birch)
        pid = self.freeze_qemu(alder)

        sent_at = time.monotonic()
        result = running.stop()
        seconds = time.monotonic() - sent_at

        self.assertEqual(0, result.code, str(running.lines))
        self.assertLess(seconds, agent.STOP_SECONDS + agent.SLACK_SECONDS)
        self.assert_frozen(birch)
        (left,) = running.in_flight()
        self.assertEqual(alder.guest.uuid, left.policy.guest_uuid)
        os.kill(pid, signal.SIGCONT)
        self.assertGreater(alder.wait_still(), 170 * 1024)
        self.host.available_mib = agent.PLENTY_MIB
        again = self.relaunch()
        again.wait_ready()
        lab.wait_until(lambda: not again.in_flight(), 'an end')
        alder.wait_at(512)
        birch.wait_at(512)
        again.stop()
        self.assert_ended_once(again)
        self.assert_sane(running, again)


class ReloadTest(agent.AgentTest):
    """SIGHUP has the configuration read again."""

    def test_takes_what_makes_sense(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        others = self.others(alder, birch)
        self.host.available_mib = 3072
        running = self.begin_agent(alder, birch)
        pid = running.worker_pid

        self.reload(
            running,
            low_watermark='4G',
            high_watermark='5G',
            excluded_guests=f'{others},{birch.name}',
        )
        running.wait_said('The configuration was read again')
        alder.wait_below(480)
        self.assertEqual(birch.full_kib, birch.actual_kib)

        nonsense: list[tuple[str, dict[str, Any]]] = [
            ("low_watermark: '1Q' is not a size", {'low_watermark': '1Q'}),
            ('shortest_relief_seconds', {'shortest_relief_seconds': -1}),
            ('guest_priorities', {'guest_priorities': 'a:much'}),
        ]
        for count, (words, options) in enumerate(nonsense, start=1):
            self.reload(running, excluded_guests=others, **options)
            said = running.wait_said(
                'ERROR', 'The configuration is not changed', times=count
            )
            self.assertIn(words, said[-1])
        path = self.folder / 'agent.conf'
        path.write_text(path.read_text() + 'nonsense\n')
        running.send(signal.SIGHUP)
        running.wait_said('The configuration is not changed', times=4)
        # The old values stand: the host is short, and birch is left alone.
        ended = len(running.history())
        lab.wait_until(lambda: len(running.history()) > ended, 'an end')
        self.assert_unmoved(birch)
        self.assertEqual([], running.said('no longer short'))

        self.reload(running, excluded_guests=others)
        running.wait_said('no longer short')
        alder.wait_at(512)
        self.assertEqual(pid, running.worker_pid)
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)
        self.assert_sane(running)

    def reload(self, running: agent.RunningAgent, **options: Any) -> None:
        """Write another configuration, and have it read."""
        self.configure(**options)
        running.send(signal.SIGHUP)


class SecondAgentTest(agent.AgentTest):
    """Two agents would undo what the other does."""

    def test_refuses_and_names_the_first(self) -> None:
        path = self.configure(connection_uri='test:///default')
        first = self.relaunch(path)
        first.wait_ready()

        second = self.relaunch(path)
        result = second.finish()

        self.assertEqual(1, result.code)
        (line,) = second.lines
        self.assertIn(f'another agent, process {first.worker_pid},', line)
        self.assertFalse(first.is_over)
        self.assertEqual(0, first.stop().code)
        third = self.relaunch(path)
        third.wait_ready()
        self.assertEqual(0, third.stop().code)


class SourceTest(agent.AgentTest):
    """What the kernel cannot tell."""

    def test_no_stalls(self) -> None:
        running = self.launch(
            connection_uri='test:///default', pressure_sources='psi,meminfo'
        )
        running.wait_ready()
        (warning,) = running.complaints()
        self.assertIn('Pressure source psi is not used', warning)
        self.host.available_mib = agent.SHORT_MIB
        running.wait_said('The host is short of memory')
        self.assertEqual(0, running.stop().code)
        self.assert_sane(running)

    def test_nothing(self) -> None:
        (self.host.proc_root / 'meminfo').unlink()
        running = self.launch(
            connection_uri='test:///default', pressure_sources='psi,meminfo'
        )
        result = running.finish()
        self.assertEqual(1, result.code)
        (line,) = running.said('ERROR')
        self.assertIn('no pressure source can be started', line)
        self.assertEqual([], running.said('Traceback'))


class RefusalTest(testscenarios.WithScenarios, agent.AgentTest):
    """A configuration that makes no sense."""

    scenarios = [
        (words, {'words': words, 'options': options})
        for words, options in (
            ("low_watermark: '1Q'", {'low_watermark': '1Q'}),
            (
                'low_watermark 3G is not below high_watermark 2G',
                {'low_watermark': '3G'},
            ),
            (
                'shortest_relief_seconds 9 is above longest_relief_seconds',
                {'shortest_relief_seconds': 9},
            ),
            ("guest_priorities: 'much'", {'guest_priorities': 'a:much'}),
            ('workers', {'workers': 0}),
            ('list_seconds has no value', {'list_seconds': ''}),
            ("no planner 'oracle'", {'planner': 'oracle'}),
            ("no applier 'magic'", {'applier': 'magic'}),
            ("no pressure source 'gut'", {'pressure_sources': 'gut'}),
            ('cgroup', {'cgroup': '../up'}),
            ('state_path', {'state_path': '/proc/none'}),
        )
    ]
    words: str
    options: dict[str, Any]

    def test_is_refused_in_one_line(self) -> None:
        running = self.launch(
            **{'connection_uri': 'test:///default', **self.options}
        )
        result = running.finish()
        self.assertEqual(1, result.code, str(running.lines))
        (line,) = running.lines
        self.assertIn(self.words, line)
        self.assertFalse(self.state_path.joinpath('journal.sqlite').exists())


class DryRunTest(agent.AgentTest):
    """--dry-run decides, and moves no balloon."""

    def test_says_what_it_would_do(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        self.host.available_mib = agent.SHORT_MIB
        running = self.launch(
            '--dry-run', excluded_guests=self.others(alder, birch)
        )
        running.wait_ready()
        for balloon in (alder, birch):
            running.wait_said(f'Dry run: guest {balloon.guest.uuid} would')
            running.wait_said(f'Guest {balloon.name}: ended by target')
        self.host.available_mib = agent.PLENTY_MIB
        running.wait_said('deflate to 512 MiB', times=2)

        self.assertEqual(0, running.stop().code)
        self.assert_unmoved(alder, birch)
        self.assertFalse((self.state_path / 'journal.sqlite').exists())
        self.assert_ended_once(running)
        self.assert_sane(running)


class SelectionTest(agent.AgentTest):
    """Who is asked, and who is not."""

    def test_excluded_mute_and_preferred_guests(self) -> None:
        mute = self.start_mute()
        alder, birch, cedar = self.warm('alder', 'birch', 'cedar')
        others = self.others(alder, birch, cedar, mute)
        # Looked at as often as can be, so that it does not seem to fall.
        self.host.available_mib = 1100
        running = self.begin_agent(
            excluded_guests=f'{others},al*',
            guest_priorities=f'{birch.guest.uuid}:4,ced*:0.5',
        )
        self.wait_known(birch)
        self.host.available_mib = 1024 - 100
        running.wait_said(f'Guest {cedar.name}: inflate')
        running.wait_said(f'Guest {birch.name}: inflate')
        lab.wait_until(lambda: len(running.in_flight()) == 2, 'two policies')
        asked = {
            it.guest_name: it.policy.start_actual_kib - it.policy.target_kib
            for it in running.in_flight()
        }
        self.assertGreater(asked['birch'], asked['cedar'])
        self.assertIn('its priority is 4', running.said('Guest birch')[0])

        self.host.available_mib = agent.PLENTY_MIB
        running.wait_said('no longer short')
        self.host.available_mib = 16
        running.wait_said('The host is short of memory', times=2)
        (line,) = running.wait_said('left out', 'excluded by')[-1:]
        self.assertIn("alder: it is excluded by 'al*' in excluded_", line)
        self.assertRegex(line, 'mute: [^;]*balloon driver is not loaded')
        self.assert_unmoved(alder, mute)
        self.assertEqual(0, running.stop().code)
        self.assert_sane(running)

    def start_mute(self) -> base.Balloon:
        """Start a guest that does not load its balloon driver."""
        spec = agent.spec(
            self.lab,
            'mute',
            driver=lab_guest.Driver.NONE,
            touch_mib=300,
        )
        (guest,) = self.lab.start(spec)
        self.addCleanup(guest.stop)
        return self.observe(guest)


class CommandTest(agent.AgentTest):
    """What the command line says goes before the configuration file."""

    def test_connect_and_state_path(self) -> None:
        self.configure(connection_uri='qemu:///nowhere', state_path='/proc/x')
        running = self.relaunch(
            None, '--connect=test:///default', f'--state-path={self.folder}/st'
        )
        running.wait_ready()
        self.assertTrue((self.folder / 'st' / 'journal.sqlite').exists())
        self.assertEqual(0, running.stop().code)
        self.assertEqual([], running.complaints())
        self.assertNotIn('Traceback', command.run('agent', '--help').out)
