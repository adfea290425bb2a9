# SPDX-License-Identifier: Apache-2.0

import prometheus_client

from nova_balloon_timer.metrics import meter
from tests.unit import base


class CallMeterTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.registry = prometheus_client.CollectorRegistry()
        self.meter = meter.CallMeter(
            self.registry, 'rpc', 'calls', ('show_host',)
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(
            f'balloon_timer_rpc_{name}', labels
        )

    def labels(self, label: str) -> set[str]:
        return {
            sample.labels[label]
            for family in self.registry.collect()
            for sample in family.samples
            if label in sample.labels
        }

    def test_known_methods_begin_at_zero(self) -> None:
        self.assertEqual(
            0.0, self.value('duration_seconds_count', method='show_host')
        )
        self.assertIsNone(
            self.value('duration_seconds_count', method='list_policies')
        )

    def test_a_call_is_counted_by_how_long_it_took(self) -> None:
        self.meter.observe('show_host', 0.015, '')
        for edge, count in (('0.01', 0.0), ('0.02', 1.0), ('+Inf', 1.0)):
            self.assertEqual(
                count,
                self.value(
                    'duration_seconds_bucket', method='show_host', le=edge
                ),
            )
        self.assertEqual(
            0.015, self.value('duration_seconds_sum', method='show_host')
        )
        self.assertEqual(set(), self.labels('error'))

    def test_one_that_fails_counts_as_error_and_as_call(self) -> None:
        for _ in range(2):
            self.meter.observe('show_host', 0.1, 'GuestNotFound')
        self.assertEqual(
            2.0,
            self.value(
                'errors_total', method='show_host', error='GuestNotFound'
            ),
        )
        self.assertEqual(
            2.0, self.value('duration_seconds_count', method='show_host')
        )

    def test_names_of_strangers_do_not_grow_without_end(self) -> None:
        for number in range(500):
            self.meter.observe(f'm{number}', 0.1, f'Error{number}')
        methods, errors = self.labels('method'), self.labels('error')
        self.assertEqual(41, len(methods))
        self.assertEqual(41, len(errors))
        self.assertIn('other', methods & errors)
        self.assertIn('m0', methods)
        self.assertEqual(
            461.0, self.value('duration_seconds_count', method='other')
        )


class NoMeterTestCase(base.TestCase):
    def test_counts_nothing(self) -> None:
        meter.NoMeter().observe('show_host', 0.1, 'GuestNotFound')
