# SPDX-License-Identifier: Apache-2.0
"""The administrator's guide has what there is, and nothing else."""

import pathlib
import re

import yaml

from nova_balloon_timer import model
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.metrics import exporter
from nova_balloon_timer.metrics import snapshot
from tests.unit import base
from tests.unit.metrics import world

_ROOT = pathlib.Path(__file__).parents[3]
_METRIC = re.compile(
    r'\* - ``(balloon_timer_\w+)``\n +- (\w+)\n +-(?: (\w[\w, ]*))?\n'
)
_ALERT = re.compile(r'\* - ``(BalloonTimer\w+)``\n +- (\w+)\n')


class DocumentationTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = (_ROOT / 'doc/source/admin/metrics.rst').read_text()

    def test_each_metric_is_in_the_table_with_its_type_and_labels(
        self,
    ) -> None:
        told = [
            (name, kind, labels)
            for name, kind, labels in _METRIC.findall(self.text)
        ]
        self.assertEqual(sorted(set(told)), sorted(told))
        pool = applier_pool.WorkerPool(size=1)
        self.addCleanup(pool.close)
        real = set()
        for family in world.families_of(world.make_registry(pool)):
            labels = {it for sample in family.samples for it in sample.labels}
            name, kind = family.name, family.type
            if kind == 'counter':
                name += '_total'
            elif kind == 'info':
                name, kind = f'{name}_info', 'gauge'
            real.add((name, kind, ', '.join(sorted(labels - {'le'}))))
        self.assertEqual(real, set(told))

    def test_each_reason_is_explained(self) -> None:
        _, _, part = self.text.partition('.. _metrics-reasons:')
        part, _, _ = part.partition('Dashboard\n')
        explained = {
            word
            for line in part.splitlines()
            if line.startswith('   * - ``')
            for word in re.findall('``([a-z-]+)``', line)
        }
        self.assertEqual({it.value for it in model.Obstacle}, explained)

    def test_each_state_of_a_guest_is_explained(self) -> None:
        for state in snapshot.GuestState:
            self.assertIn(f'``{state.value}``', self.text)

    def test_each_alert_is_in_the_table(self) -> None:
        rules = _ROOT / 'etc/prometheus/nova-balloon-timer.rules.yaml'
        (group,) = yaml.safe_load(rules.read_text())['groups']
        self.assertEqual(
            [(it['alert'], it['labels']['severity']) for it in group['rules']],
            _ALERT.findall(self.text),
        )

    def test_the_limits_are_those_of_the_code(self) -> None:
        self.assertIn(
            f'after {exporter.CLIENT_SECONDS:.0f} s; of more than '
            f'{exporter.MOST_CLIENTS} at a time',
            ' '.join(self.text.split()),
        )
