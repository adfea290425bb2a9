# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

import prometheus_client

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.metrics import collector
from nova_balloon_timer.metrics import families
from tests.unit import base
from tests.unit.agent import crank_world
from tests.unit.controller import factory
from tests.unit.metrics import world

_BYTES_PER_MIB = 1024 * 1024


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class CollectorTestCase(base.TestCase):
    """A collector, and a crank that answers at once."""

    def setUp(self) -> None:
        super().setUp()
        self.registry = prometheus_client.CollectorRegistry()
        self.pool = applier_pool.WorkerPool(size=2, stuck_seconds=60)
        self.addCleanup(self.pool.close)
        self.clock = Clock()
        self.crank = world.Crank()
        self.journal = world.Journal()
        self.count: Callable[[], families.NotificationCounts | None]
        self.count = world.Notifications

    def register(self, **options: Any) -> None:
        self.registry.register(
            collector.StateCollector(
                self.crank,
                self.pool,
                self.journal,
                world.make_options(**options),
                self.count,
                self.clock,
            )
        )

    def check(self, expected: float | None, name: str, **labels: str) -> None:
        value = self.registry.get_sample_value(f'balloon_timer_{name}', labels)
        self.assertEqual(expected, value, name)


class StateTestCase(CollectorTestCase):
    def test_tells_how_the_host_stands(self) -> None:
        self.crank.handle(
            message.PressureRead(
                reading=factory.make_reading(
                    97.5, 512, stalled_share=0.25, fall_kib_per_second=3.0
                )
            )
        )
        self.register()
        self.check(1, 'up')
        self.check(1, 'host_short')
        self.check(20480 * _BYTES_PER_MIB, 'host_memory_total_bytes')
        self.check(512 * _BYTES_PER_MIB, 'host_memory_available_bytes')
        for watermark, mib in (('low', 1024), ('high', 2048)):
            self.check(
                mib * _BYTES_PER_MIB,
                'host_watermark_bytes',
                watermark=watermark,
            )
        self.check(3072, 'host_memory_fall_bytes_per_second')
        self.check(0.25, 'host_stalled_ratio')
        self.check(2.5, 'source_reading_age_seconds', source='meminfo')
        self.check(2.5, 'host_memory_age_seconds')

    def test_a_source_that_is_not_used_any_more_is_left_out(self) -> None:
        for source in ('psi', 'acme'):
            reading = factory.make_reading(97.5, source=source)
            self.crank.handle(message.PressureRead(reading=reading))
        self.register(pressure_sources=['psi', 'meminfo'])
        self.check(2.5, 'source_reading_age_seconds', source='psi')
        self.check(None, 'source_reading_age_seconds', source='acme')

    def test_what_is_not_known_is_left_out(self) -> None:
        self.register()
        self.check(1, 'up')
        self.check(0, 'host_short')
        for name in (
            'host_memory_available_bytes',
            'host_memory_age_seconds',
            'host_memory_fall_bytes_per_second',
            'host_stalled_ratio',
        ):
            self.check(None, name)
        self.check(None, 'host_watermark_bytes', watermark='low')

    def test_tells_how_guests_and_policies_stand(self) -> None:
        self.crank.handle(
            message.GuestsListed(
                guests=(base.make_guest('web'), base.make_guest('db'))
            )
        )
        self.crank.handle(
            message.PolicyRequested(
                policy=base.make_policy(guest_uuid=base.uuid_of('web'))
            )
        )
        self.register()
        self.check(1, 'guests', state='inflating')
        self.check(1, 'guests', state='unseen')
        self.check(0, 'guests', state='full')
        self.check(1, 'guests_left_alone', reason='excluded')
        self.check(1, 'guests_left_alone', reason='under-way')
        self.check(0, 'guests_left_alone', reason='cool-down')
        self.check(None, 'guests_left_alone', reason='not-needed')
        self.check(2048 * _BYTES_PER_MIB, 'guest_memory_full_bytes')
        self.check(0, 'guest_memory_missing_bytes')
        self.check(1, 'policies', state='pending', direction='inflate')
        self.check(0, 'policies', state='freezing', direction='deflate')

    def test_there_are_no_more_series_with_more_guests(self) -> None:
        self.register()
        few = sum(len(it.samples) for it in self.registry.collect())
        self.crank.handle(
            message.GuestsListed(
                guests=tuple(base.make_guest(str(it)) for it in range(500))
            )
        )
        self.clock.now += 1
        many = sum(len(it.samples) for it in self.registry.collect())
        self.assertEqual(few, many)
        self.check(500, 'guests', state='unseen')

    def test_tells_what_the_agent_is(self) -> None:
        self.register(planner='equal')
        (build,) = (
            sample
            for family in self.registry.collect()
            for sample in family.samples
            if sample.name == 'balloon_timer_build_info'
        )
        self.assertEqual('equal', build.labels['planner'])
        self.assertEqual('libvirt', build.labels['applier'])
        self.assertTrue(build.labels['version'])

    def test_tells_what_the_workers_do(self) -> None:
        self.register()
        self.check(2, 'workers', state='idle')
        self.check(0, 'workers', state='busy')
        self.check(0, 'workers', state='stuck')
        self.check(0, 'worker_guests_waiting')

    def test_tells_whether_the_journal_is_written(self) -> None:
        self.register()
        self.check(0, 'journal_failing')
        self.journal = world.Journal(waiting=7, failure='the disk is full')
        self.registry = prometheus_client.CollectorRegistry()
        self.register()
        self.check(1, 'journal_failing')
        self.check(7, 'journal_jobs_waiting')

    def test_tells_how_notifications_fare(self) -> None:
        self.register()
        self.check(1, 'notifications_waiting')
        self.check(2, 'notifications_sent_total')
        self.check(3, 'notification_failures_total')
        self.check(4, 'notifications_dropped_total')

    def test_without_a_bus_there_are_no_notifications(self) -> None:
        self.count = collector.no_notifications
        self.register()
        self.check(None, 'notifications_waiting')
        self.check(None, 'notifications_sent_total')


class NameTestCase(CollectorTestCase):
    def test_one_metric_alone_can_be_asked_for(self) -> None:
        self.register()
        for name in ('host_short', 'guests', 'notifications_sent_total'):
            restricted = self.registry.restricted_registry(
                [f'balloon_timer_{name}']
            )
            (family,) = restricted.collect()
            self.assertIn(f'balloon_timer_{name}', family.samples[0].name)


class FreshTestCase(CollectorTestCase):
    """How often the crank is asked."""

    def test_whoever_asks_again_at_once_is_told_the_same(self) -> None:
        self.register()
        self.check(None, 'host_memory_available_bytes')
        self.crank.handle(
            message.PressureRead(reading=factory.make_reading(100.0, 512))
        )
        self.check(None, 'host_memory_available_bytes')
        self.clock.now += 0.3
        self.check(512 * _BYTES_PER_MIB, 'host_memory_available_bytes')

    def test_to_register_asks_nobody(self) -> None:
        self.register()
        self.crank.handle(
            message.PressureRead(reading=factory.make_reading(100.0, 512))
        )
        self.check(512 * _BYTES_PER_MIB, 'host_memory_available_bytes')


class CrankTestCase(crank_world.CrankTestCase):
    """With a real crank, which may be busy."""

    def setUp(self) -> None:
        super().setUp()
        self.registry = prometheus_client.CollectorRegistry()
        self.registry.register(
            collector.StateCollector(
                self.crank, self.pool, world.Journal(), world.make_options()
            )
        )

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f'balloon_timer_{name}', labels)

    def test_its_thread_is_asked(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=1)
        self.start()
        self.ask(guest, origin=model.Origin.PRESSURE)
        self.record.wait('told: start')
        self.assertEqual(1, self.value('up'))
        self.assertEqual(
            1, self.value('policies', state='running', direction='inflate')
        )

    def test_one_that_does_not_answer_is_told_of(self) -> None:
        self.assertEqual(0, self.value('up'))
        self.assertIsNone(self.value('host_short'))
        self.assertIsNone(self.value('guests', state='full'))
        self.assertEqual(0, self.value('journal_failing'))
        self.assertEqual(2, self.value('workers', state='idle'))
