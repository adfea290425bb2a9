# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.metrics import metrics as agent_metrics
from tests.unit import base
from tests.unit.appliers import memory
from tests.unit.metrics import world


class OffTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.pool = applier_pool.WorkerPool(size=1)
        self.addCleanup(self.pool.close)

    def test_is_what_nobody_asked_for(self) -> None:
        made = agent_metrics.make(world.make_options())
        self.assertIsInstance(made, agent_metrics.NoMetrics)

    def test_changes_nothing(self) -> None:
        made = agent_metrics.make(world.make_options())
        applier = memory.MemoryApplier()
        made.open()
        self.assertEqual((), made.observers)
        self.assertIs(applier, made.metered(applier))
        self.assertEqual(
            (), made.servers(world.Crank(), self.pool, world.Journal())
        )
        made.rpc.observe('show_host', 0.1, '')
        made.close()


class OnTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.made = agent_metrics.make(world.make_options(metrics=True))
        assert isinstance(self.made, agent_metrics.Metrics)
        self.registry = self.made.registry

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f'balloon_timer_{name}', labels)

    def test_the_applier_is_measured(self) -> None:
        applier = self.made.metered(memory.MemoryApplier())
        self.assertRaises(exception.GuestNotFound, applier.read, 'nobody')
        self.assertEqual(
            1,
            self.value(
                'applier_call_errors_total',
                method='read',
                error='GuestNotFound',
            ),
        )
        self.assertEqual(
            0,
            self.value('applier_call_duration_seconds_count', method='watch'),
        )

    def test_calls_and_observers_share_one_registry(self) -> None:
        self.made.rpc.observe('show_host', 0.1, '')
        self.assertEqual(
            1, self.value('rpc_duration_seconds_count', method='show_host')
        )
        (observer,) = self.made.observers
        observer.noticed(world.make_plan())
        self.assertEqual(1, self.value('plans_total', kind='relief'))

    def test_the_process_is_told_of(self) -> None:
        started_at = self.registry.get_sample_value(
            'process_start_time_seconds'
        )
        self.assertTrue(started_at)

    def test_one_that_was_not_opened_can_be_closed(self) -> None:
        self.made.close()


class AllTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        pool = applier_pool.WorkerPool(size=1)
        self.addCleanup(pool.close)
        self.families = list(world.families_of(world.make_registry(pool)))

    def test_each_has_a_sample_and_one_line_of_help(self) -> None:
        for family in self.families:
            self.assertNotEqual([], family.samples, family.name)
            self.assertRegex(family.documentation, r'\A[A-Z].*[^.]\.\Z')

    def test_names_end_as_prometheus_has_it(self) -> None:
        for family in self.families:
            self.assertNotRegex(family.name, '_(kib|mib|ms|milliseconds)(_|$)')
            if family.type == 'histogram':
                self.assertRegex(family.name, '_seconds$')

    def test_no_guest_is_named(self) -> None:
        labels = {
            label
            for family in self.families
            for sample in family.samples
            for label in sample.labels
        }
        self.assertEqual(
            {
                'applier',
                'direction',
                'error',
                'kind',
                'le',
                'method',
                'origin',
                'planner',
                'reason',
                'source',
                'state',
                'timed_by',
                'version',
                'watermark',
            },
            labels,
        )
