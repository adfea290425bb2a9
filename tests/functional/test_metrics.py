# SPDX-License-Identifier: Apache-2.0
"""The agent's metrics, as a real Prometheus reads them."""

import collections
import json
import os
import pathlib
import signal
import socket
from typing import Any

import testtools

from nova_balloon_timer import model
from tests.functional import agent
from tests.functional import base
from tests.functional import lab
from tests.functional import scraper

_BYTES_PER_KIB = 1024
_DASHBOARD = scraper.ROOT / 'etc/grafana/nova-balloon-timer.json'
_VARIABLES = {
    '$instance': '.*',
    '$__rate_interval': '1m',
    '$__range': '1h',
}


class MetricsTest(agent.AgentTest):
    """An agent that serves metrics."""

    def setUp(self) -> None:
        super().setUp()
        self.port = scraper.free_port()

    @property
    def options(self) -> dict[str, Any]:
        return {'metrics': True, 'metrics_port': self.port}

    @property
    def page(self) -> str:
        """What the agent serves."""
        return scraper.fetch(f'http://127.0.0.1:{self.port}/metrics')

    def scrape(self) -> scraper.Prometheus:
        """Start a Prometheus."""
        return self.useFixture(scraper.Prometheus(f'127.0.0.1:{self.port}'))


class PressureTest(MetricsTest):
    """A host that is short, is relieved, and gives everything back."""

    def test_is_all_seen(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch, **self.options)
        prometheus = self.scrape()
        # All guests were looked at, also those of tests before.
        prometheus.wait('sum(balloon_timer_guests) > 1')
        prometheus.wait('balloon_timer_guests{state="unseen"} == bool 0')

        with self.host.gaining([alder, birch], 100):
            running.wait_said('The host is short of memory')
            prometheus.wait('balloon_timer_host_short', _is(1))
            prometheus.wait(
                'balloon_timer_policies{state="running",direction="inflate"}'
            )
            running.wait_said('ended by')
            lab.wait_until(lambda: not running.in_flight(), 'ends')
        prometheus.wait('balloon_timer_guest_memory_missing_bytes')
        self.host.available_mib = agent.PLENTY_MIB
        for balloon in (alder, birch):
            balloon.wait_at(512)
        lab.wait_until(lambda: not running.in_flight(), 'last ends')

        ends = running.history()
        prometheus.wait('sum(balloon_timer_policies_ended_total)', _is(ends))
        self.check_ends(prometheus, ends)
        self.check_state(prometheus, running)
        self.check_dashboard(prometheus)
        self.check_rules(prometheus)
        scraper.promtool('check', 'metrics', given=self.page)
        self.assertEqual(0, running.stop().code)
        prometheus.wait('up', lambda value: value == 0)
        self.assert_sane(running)

    def check_ends(
        self, prometheus: scraper.Prometheus, ends: list[Any]
    ) -> None:
        """See that what is counted is what the journal has."""
        counts = collections.Counter(
            (it.reason.value, it.origin.value, it.direction.value)
            for it in ends
        )
        counted = {
            (labels['reason'], labels['origin'], labels['direction']): value
            for labels, value in prometheus.query(
                'sum by (reason, origin, direction) '
                '(balloon_timer_policies_ended_total) > 0'
            )
        }
        self.assertEqual(dict(counts), counted)
        self.assertIn(model.Origin.PRESSURE, {it.origin for it in ends})
        self.assertIn(model.Origin.RETURN, {it.origin for it in ends})
        freed_kib = sum(
            max(0, it.freed_kib or 0)
            for it in ends
            if it.direction is model.Direction.INFLATE
        )
        self.assertGreater(freed_kib, 0)
        self.assertEqual(
            freed_kib * _BYTES_PER_KIB,
            prometheus.value('balloon_timer_memory_freed_bytes_total'),
        )
        self.assertEqual(
            len([it for it in ends if it.lateness_seconds is not None]),
            prometheus.value(
                'sum(balloon_timer_policy_lateness_seconds_count)'
            ),
        )

    def check_state(
        self, prometheus: scraper.Prometheus, running: agent.RunningAgent
    ) -> None:
        """See how everything stands when all is over."""
        prometheus.wait('balloon_timer_host_short == bool 0')
        others = len(self.lab.connection.listAllDomains()) - 2
        mib = _BYTES_PER_KIB * base.KIB_PER_MIB
        for expr, value in (
            ('balloon_timer_up', 1),
            ('balloon_timer_host_memory_available_bytes', 4096 * mib),
            (
                'balloon_timer_host_watermark_bytes{watermark="low"}',
                1024 * mib,
            ),
            ('balloon_timer_guests_left_alone{reason="excluded"}', others),
            ('balloon_timer_pressures_total', 1),
            ('balloon_timer_pressure_duration_seconds_count', 1),
            ('balloon_timer_plan_shortfall_bytes', 0),
            ('balloon_timer_journal_failing', 0),
            ('balloon_timer_workers{state="stuck"}', 0),
            ('max_over_time(balloon_timer_host_short[5m])', 1),
        ):
            self.assertEqual(value, prometheus.value(expr), expr)
        for method in ('read', 'set_target', 'freeze', 'list_guests'):
            self.assertGreater(
                prometheus.value(
                    'balloon_timer_applier_call_duration_seconds_count'
                    f'{{method="{method}"}}'
                )
                or 0,
                0,
                method,
            )
        self.assertEqual(
            [], prometheus.query('balloon_timer_applier_call_errors_total')
        )
        self.assertEqual(
            [f'127.0.0.1:{self.port}'], scraper.listeners(running.worker_pid)
        )

    def check_dashboard(self, prometheus: scraper.Prometheus) -> None:
        """See that Prometheus has an answer for each panel."""
        panels = json.loads(_DASHBOARD.read_text())['panels']
        silent = set()
        for panel in panels:
            for target in panel.get('targets', ()):
                expr = target['expr']
                for name, value in _VARIABLES.items():
                    expr = expr.replace(name, value)
                if not prometheus.query(expr):
                    silent.add(panel['title'])
        self.assertEqual(
            set(),
            silent
            - {
                # Nothing of that kind has to have happened here.
                'Errors of the hypervisor',
                'Guests that are left alone now',
                'Guests that the last plan left out',
                'Notifications',
                'Policies by state',
                'RPC calls, p99',
                'RPC errors',
                'Tasks that wait for memory',
            },
        )

    def check_rules(self, prometheus: scraper.Prometheus) -> None:
        """See that Prometheus can work with the alert rules."""
        (group,) = prometheus.ask('rules')['groups']
        prometheus.wait('balloon_timer_up')
        self.assertEqual({'ok'}, {it['health'] for it in group['rules']})
        self.assertEqual([], prometheus.query('ALERTS{alertstate="firing"}'))


class FaultTest(MetricsTest):
    """What an operator shall see of what is wrong."""

    def test_a_qemu_that_hangs_is_seen_and_holds_up_no_scrape(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch, **self.options)
        prometheus = self.scrape()
        self.wait_known(alder)
        pid = self.freeze_qemu(alder)
        prometheus.wait('balloon_timer_workers{state="stuck"}', _is(1))
        prometheus.wait(
            'balloon_timer_guests_left_alone{reason="unreadable"}', _is(1)
        )
        self.assertEqual(1, prometheus.value('min_over_time(up[5m])'))
        self.assertEqual(
            1, prometheus.value('min_over_time(balloon_timer_up[5m])')
        )
        os.kill(pid, signal.SIGCONT)
        prometheus.wait('balloon_timer_workers{state="stuck"} == bool 0')
        running.stop()
        self.assert_sane(running)

    def test_clients_that_hang_do_not_hold_up_the_agent(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch, **self.options)
        for _ in range(40):
            client = socket.create_connection(('127.0.0.1', self.port))
            self.addCleanup(client.close)
        self.press(running, alder, birch)
        self.assertIn('\nballoon_timer_up 1.0\n', self.page)
        lab.wait_until(lambda: len(running.history()) >= 2, 'ends')
        result = running.stop()
        self.assertEqual(0, result.code)
        for end in running.history():
            if end.lateness_seconds is not None:
                self.assertLess(end.lateness_seconds, agent.SLACK_SECONDS)
        self.assert_sane(running)


class PortTest(MetricsTest):
    """The port is another's, or free again."""

    def test_an_agent_that_cannot_have_it_does_not_start(self) -> None:
        (alder,) = self.warm('alder')
        self.host.available_mib = agent.SHORT_MIB
        with socket.create_server(('127.0.0.1', self.port)):
            running = self.launch(**self.options)
            result = running.finish()
        self.assertEqual(1, result.code)
        self.assertEqual(
            [
                'The agent cannot start: metrics cannot be served at '
                f'127.0.0.1:{self.port}: Address already in use'
            ],
            running.complaints(),
        )
        self.assertEqual([], running.said('Traceback'))
        self.assert_unmoved(alder)
        self.assertFalse((self.state_path / 'journal.sqlite').exists())

    def test_the_next_agent_has_it_at_once(self) -> None:
        for _ in range(2):
            running = self.launch(**self.options)
            running.wait_ready()
            self.assertIn('balloon_timer_up 1.0', self.page)
            self.assertEqual(0, running.stop().code)
        running = self.relaunch()
        running.wait_ready()
        running.kill()
        running = self.relaunch()
        running.wait_ready()
        running.stop()

    def test_nobody_listens_unless_it_is_asked_for(self) -> None:
        running = self.launch()
        running.wait_ready()
        self.assertEqual([], scraper.listeners(running.worker_pid))
        self.assertEqual([], running.said('Metrics'))
        running.stop()

    def test_ipv6_is_an_address_too(self) -> None:
        running = self.launch(**self.options, metrics_address='::1')
        running.wait_said(f'served at http://[::1]:{self.port}/metrics')
        running.wait_ready()
        self.assertEqual(
            [f'[::1]:{self.port}'], scraper.listeners(running.worker_pid)
        )
        page = scraper.fetch(f'http://[::1]:{self.port}/metrics')
        self.assertIn('balloon_timer_up 1.0', page)
        running.stop()


class RulesTest(testtools.TestCase):
    """The alert rules, by themselves."""

    def test_they_are_valid(self) -> None:
        said = scraper.promtool('check', 'rules', str(scraper.RULES))
        self.assertIn('SUCCESS', said)

    def test_each_alert_fires_when_it_shall(self) -> None:
        tests = pathlib.Path(__file__).parent / 'prometheus/rules.test.yaml'
        said = scraper.promtool('test', 'rules', str(tests))
        self.assertIn('SUCCESS', said)
        text = tests.read_text()
        for line in scraper.RULES.read_text().splitlines():
            _, is_alert, name = line.partition('- alert: ')
            if is_alert:
                self.assertIn(f'alertname="{name}"', text)


def _is(expected: float | list[Any]) -> Any:
    """Make a condition: a value is this number, or that of these things."""
    number = len(expected) if isinstance(expected, list) else expected
    return lambda value: value == number
