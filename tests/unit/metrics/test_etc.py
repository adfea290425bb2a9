# SPDX-License-Identifier: Apache-2.0
"""What is shipped for Grafana and Prometheus asks for what there is."""

from collections.abc import Iterator
import itertools
import json
import pathlib
import re
from typing import Any

import yaml

from nova_balloon_timer import model
from nova_balloon_timer.appliers import pool as applier_pool
from tests.unit import base
from tests.unit.metrics import world

_ETC = pathlib.Path(__file__).parents[3] / 'etc'
_NAME = re.compile(r'\b(?:balloon_timer|process)_\w+')
_GROUPING = re.compile(r'\b(?:by|on|group_left) \(([^)]*)\)')
_MATCHER = re.compile(r'(\w+)(?:=~|!~|!=|=)"([^"]*)"')
_FROM_PROMETHEUS = {'instance', 'job', 'alertname'}


class EtcTestCase(base.TestCase):
    """Knows all metrics that there are."""

    def setUp(self) -> None:
        super().setUp()
        pool = applier_pool.WorkerPool(size=1)
        self.addCleanup(pool.close)
        self.families = list(world.make_registry(pool).collect())
        samples = [it for family in self.families for it in family.samples]
        self.names = {it.name for it in samples}
        self.labels = _FROM_PROMETHEUS.union(*(it.labels for it in samples))

    def check_expr(self, expr: str) -> None:
        """See that an expression asks for metrics and labels that exist."""
        named = set(_NAME.findall(expr))
        self.assertEqual(set(), named - self.names, expr)
        self.assertTrue(named or expr.startswith('up{'), expr)
        used = {label for label, _ in _MATCHER.findall(expr)}
        for labels in _GROUPING.findall(expr):
            used |= {label.strip() for label in labels.split(',')}
        self.assertEqual(set(), used - self.labels, expr)
        for label, values in _MATCHER.findall(expr):
            if label == 'reason':
                reasons = {it.value for it in model.EndReason}
                self.assertEqual(set(), set(values.split('|')) - reasons)


class DashboardTestCase(EtcTestCase):
    def setUp(self) -> None:
        super().setUp()
        text = (_ETC / 'grafana/nova-balloon-timer.json').read_text()
        self.dashboard = json.loads(text)

    @property
    def panels(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.dashboard['panels']
        return found

    def exprs(self) -> Iterator[str]:
        for panel in self.panels:
            for target in panel.get('targets', ()):
                yield target['expr']
        for annotation in self.dashboard['annotations']['list']:
            if 'expr' in annotation:
                yield annotation['expr']

    def test_each_expression_asks_for_what_there_is(self) -> None:
        for expr in self.exprs():
            self.check_expr(expr)

    def test_each_metric_of_ours_is_shown(self) -> None:
        shown = {name for expr in self.exprs() for name in _NAME.findall(expr)}
        for family in self.families:
            if family.name.startswith('balloon_timer_'):
                names = {sample.name for sample in family.samples}
                self.assertTrue(names & shown, family.name)

    def test_each_panel_is_of_the_chosen_hosts_and_source(self) -> None:
        for expr in self.exprs():
            self.assertIn('instance=~"$instance"', expr)
        for panel in self.panels:
            if panel['type'] != 'row':
                self.assertEqual('${datasource}', panel['datasource']['uid'])
                self.assertTrue(panel['targets'])

    def test_the_variables_are_there(self) -> None:
        variables = {
            it['name']: it for it in self.dashboard['templating']['list']
        }
        self.assertEqual({'datasource', 'instance'}, variables.keys())
        self.assertEqual('datasource', variables['datasource']['type'])
        definition = variables['instance']['definition']
        self.assertEqual(
            'label_values(balloon_timer_up, instance)', definition
        )

    def test_panels_have_a_place_of_their_own_and_words(self) -> None:
        taken: set[tuple[int, int]] = set()
        for panel in self.panels:
            place = panel['gridPos']
            right = place['x'] + place['w']
            self.assertLessEqual(right, 24)
            cells = set(
                itertools.product(
                    range(place['x'], right),
                    range(place['y'], place['y'] + place['h']),
                )
            )
            self.assertEqual(set(), taken & cells, panel['title'])
            taken |= cells
            self.assertTrue(panel['title'])
            if panel['type'] != 'row':
                self.assertRegex(panel['description'], r'[.)]\Z')

    def test_numbers_are_given_once(self) -> None:
        ids = [panel['id'] for panel in self.panels]
        self.assertEqual(sorted(set(ids)), sorted(ids))
        for panel in self.panels:
            letters = [it['refId'] for it in panel.get('targets', ())]
            self.assertEqual(sorted(set(letters)), letters)

    def test_it_belongs_to_no_installation(self) -> None:
        self.assertIsNone(self.dashboard['id'])
        self.assertEqual('nova-balloon-timer', self.dashboard['uid'])
        self.assertGreaterEqual(self.dashboard['schemaVersion'], 38)


class RulesTestCase(EtcTestCase):
    def setUp(self) -> None:
        super().setUp()
        text = (_ETC / 'prometheus/nova-balloon-timer.rules.yaml').read_text()
        (group,) = yaml.safe_load(text)['groups']
        self.rules = group['rules']

    def test_each_expression_asks_for_what_there_is(self) -> None:
        for rule in self.rules:
            self.check_expr(rule['expr'])

    def test_each_alert_says_what_to_do(self) -> None:
        names = [rule['alert'] for rule in self.rules]
        self.assertEqual(sorted(set(names)), sorted(names))
        for rule in self.rules:
            self.assertRegex(rule['alert'], r'\ABalloonTimer[A-Z]\w+\Z')
            self.assertIn(rule['labels']['severity'], ('warning', 'critical'))
            self.assertEqual(
                {'summary', 'description', 'runbook'},
                rule['annotations'].keys(),
            )
