# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.controller import host
from tests.unit import base
from tests.unit.controller import factory

MIB = base.MIB
GIB = base.GIB


class HostStateTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host = host.HostState(factory.make_settings())

    def read(
        self, at: float, available_mib: float | None = None, **more: Any
    ) -> None:
        self.host.observe(factory.make_reading(at, available_mib, **more), at)

    def stall(
        self, at: float, available_mib: float | None = None, **more: Any
    ) -> None:
        """Have psi see tasks wait."""
        fields = {
            'source': 'psi',
            'is_pressing': True,
            'stalled_share': 0.2,
            'words': 'tasks wait',
        }
        self.read(at, available_mib, **(fields | more))


class ShortTestCase(HostStateTestCase):
    def test_nothing_is_known_at_first(self) -> None:
        self.assertFalse(self.host.is_short)
        self.assertIsNone(self.host.calm_since)
        self.assertIsNone(self.host.exhaustion_seconds)
        self.assertEqual('', self.host.words)
        self.assertEqual(0, self.host.lacking_kib_in(10))
        self.assertEqual(0, self.host.spare_kib)
        self.assertEqual(0, self.host.stall_step_kib)
        self.assertEqual((), self.host.readings)
        self.assertIsNone(self.host.stalled_share)

    def test_all_readings_can_be_had_also_those_of_long_ago(self) -> None:
        self.stall(1)
        self.read(100, 1500)
        self.read(101, 1400)
        self.assertEqual(
            {'psi': 1, 'meminfo': 101},
            {it.source: it.at for it in self.host.readings},
        )

    def test_the_largest_share_that_counts_is_told(self) -> None:
        self.stall(1, source='old', stalled_share=0.9)
        self.stall(70, stalled_share=0.1)
        self.stall(70, source='other', stalled_share=0.3)
        self.read(70, 1500)
        self.assertEqual(0.3, self.host.stalled_share)

    def test_is_short_when_one_source_says_so(self) -> None:
        self.read(1, 1500)
        self.stall(1, 1500)
        self.assertTrue(self.host.is_short)
        self.assertEqual('tasks wait', self.host.words)

    def test_tasks_that_wait_while_plenty_is_there_count_for_nothing(
        self,
    ) -> None:
        self.read(1, 2048)
        self.stall(1, 2048)
        self.assertFalse(self.host.is_short)
        self.assertEqual(0, self.host.stall_step_kib)
        self.assertEqual(1, self.host.calm_since)

    def test_a_watermark_counts_whatever_else_is_there(self) -> None:
        self.read(1, 2048, is_pressing=True)
        self.assertTrue(self.host.is_short)

    def test_waiting_counts_where_memory_is_unknown(self) -> None:
        self.stall(1)
        self.assertTrue(self.host.is_short)
        self.assertEqual(0, self.host.stall_step_kib)
        self.assertEqual(0, self.host.lacking_kib_in(1))

    def test_a_source_that_fell_silent_is_not_believed_for_ever(self) -> None:
        self.stall(1, 1500)
        self.read(61, 1500)
        self.assertTrue(self.host.is_short)
        self.read(61.1, 1500)
        self.assertFalse(self.host.is_short)

    def test_words_are_those_of_all_that_press(self) -> None:
        self.read(1, 500, words='low')
        self.stall(1, 500)
        self.assertEqual('low; tasks wait', self.host.words)
        self.read(2, 3000, words='well')
        self.stall(2, 3000, is_pressing=False, words='none waits')
        self.assertEqual('well; none waits', self.host.words)


class CalmTestCase(HostStateTestCase):
    def test_is_calm_from_the_high_watermark_on(self) -> None:
        self.read(1, 2047)
        self.assertIsNone(self.host.calm_since)
        self.read(2, 2048)
        self.assertEqual(2, self.host.calm_since)

    def test_stays_calm_since_then(self) -> None:
        for at in (1, 2, 3):
            self.read(at, 3000)
        self.assertEqual(1, self.host.calm_since)

    def test_one_bad_reading_starts_the_wait_anew(self) -> None:
        self.read(1, 3000)
        self.read(2, 2000)
        self.read(3, 3000)
        self.assertEqual(3, self.host.calm_since)

    def test_is_not_calm_without_figures(self) -> None:
        self.read(1)
        self.assertIsNone(self.host.calm_since)


class MemoryTestCase(HostStateTestCase):
    def test_the_latest_counts_whoever_tells_it(self) -> None:
        self.read(2, 1500)
        late = factory.make_reading(1, 500, source='psi', is_pressing=False)
        self.host.observe(late, 2)
        assert self.host.memory is not None
        self.assertEqual(1500 * MIB, self.host.memory.available_kib)

    def test_another_limit_has_other_watermarks(self) -> None:
        rule = situation.WatermarkRule(low='5%', high='10%')
        self.host = host.HostState(factory.make_settings(watermarks=rule))
        for total_gib in (20, 40):
            memory = situation.HostMemory(
                at=total_gib, total_kib=total_gib * GIB, available_kib=GIB
            )
            self.read(total_gib, memory=memory)
            assert self.host.watermarks is not None
            self.assertEqual(
                total_gib * GIB // 20, self.host.watermarks.low_kib
            )

    def test_other_settings_count_at_once(self) -> None:
        self.read(1, 1500)
        rule = situation.WatermarkRule(low='2G', high='3G')
        self.host.reload(factory.make_settings(watermarks=rule))
        self.assertEqual(548 * MIB, self.host.lacking_kib_in(0))

    def test_settings_that_do_not_fit_change_nothing(self) -> None:
        """Sizes and shares can be mixed up in a way seen here only."""
        self.read(1, 500)
        before = self.host.watermarks
        rule = situation.WatermarkRule(low='3G', high='10%')
        self.assertRaises(
            exception.InvalidConfiguration,
            self.host.reload,
            factory.make_settings(watermarks=rule),
        )
        self.read(2, 500)
        self.assertEqual(before, self.host.watermarks)


class ForecastTestCase(HostStateTestCase):
    def test_lacks_what_the_low_watermark_is_above(self) -> None:
        self.read(1, 800)
        self.assertEqual(224 * MIB, self.host.lacking_kib_in(10))

    def test_lacks_nothing_above_it(self) -> None:
        self.read(1, 1024)
        self.assertEqual(0, self.host.lacking_kib_in(10))

    def test_a_fall_goes_on(self) -> None:
        self.read(1, 800, fall_kib_per_second=100 * MIB)
        self.assertEqual(424 * MIB, self.host.lacking_kib_in(2))
        self.assertEqual(8.0, self.host.exhaustion_seconds)

    def test_there_is_no_less_than_nothing(self) -> None:
        self.read(1, 800, fall_kib_per_second=100 * MIB)
        self.assertEqual(1024 * MIB, self.host.lacking_kib_in(1000))

    def test_growth_is_not_counted_on(self) -> None:
        self.read(1, 800, fall_kib_per_second=-100 * MIB)
        self.assertEqual(224 * MIB, self.host.lacking_kib_in(2))
        self.assertIsNone(self.host.exhaustion_seconds)

    def test_a_fall_of_a_minute_ago_is_past(self) -> None:
        """One source saw it fall and tells no more; another sees it rest."""
        self.read(1, 800, source='other', fall_kib_per_second=100 * MIB)
        self.read(30, 800, fall_kib_per_second=0.0)
        self.assertEqual(0.0, self.host.fall_kib_per_second)

    def test_a_source_without_a_trend_hides_no_other(self) -> None:
        self.read(1, 800, fall_kib_per_second=100 * MIB)
        self.stall(2, 800)
        self.assertEqual(100 * MIB, self.host.fall_kib_per_second)

    def test_what_is_low_and_waited_for_is_exhausted(self) -> None:
        self.stall(1, 800)
        self.assertEqual(0.0, self.host.exhaustion_seconds)
        self.stall(2, 1500)
        self.assertIsNone(self.host.exhaustion_seconds)


class SpareTestCase(HostStateTestCase):
    def test_is_what_is_above_the_high_watermark(self) -> None:
        for available_mib, spare_mib in ((500, 0), (2048, 0), (3000, 952)):
            self.read(1, available_mib)
            self.assertEqual(spare_mib * MIB, self.host.spare_kib)


class StallStepTestCase(HostStateTestCase):
    def test_is_a_share_of_the_host(self) -> None:
        self.stall(1, 1500)
        self.assertEqual(factory.TOTAL_KIB // 100, self.host.stall_step_kib)

    def test_watermarks_alone_need_none(self) -> None:
        self.read(1, 500)
        self.assertEqual(0, self.host.stall_step_kib)
