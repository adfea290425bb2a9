# SPDX-License-Identifier: Apache-2.0

import threading
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import meminfo
from nova_balloon_timer.pressure import psi
from tests.unit import bare_log
from tests.unit import base
from tests.unit.pressure import tree

MIB = base.MIB
_RULE = situation.WatermarkRule(low='512M', high='1G')


class SourceTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.tree = self.useFixture(tree.Tree())
        self.log = self.useFixture(fixtures.FakeLogger())
        self.bare = self.useFixture(bare_log.BareLog())
        self.sink = tree.Sink()

    def start(
        self, kind: type[pressure_base.PressureSource], **more: Any
    ) -> pressure_base.PressureSource:
        fields: dict[str, Any] = {'watermarks': _RULE, 'settle_seconds': 0.3}
        source = kind(self.tree.settings(**(fields | more)))
        self.addCleanup(source.close)
        source.start(self.sink)
        return source

    def assert_unavailable(
        self, kind: type[pressure_base.PressureSource], **more: Any
    ) -> str:
        error = self.assertRaises(
            exception.PressureUnavailable, self.start, kind, **more
        )
        self.assertEqual([], self.sink.readings)
        return str(error)


class MeminfoTestCase(SourceTestCase):
    def test_tells_at_once_and_when_it_changes(self) -> None:
        self.tree.meminfo(1100)
        self.start(meminfo.MeminfoSource)
        first = self.sink.wait('above the high watermark of 1024 MiB')
        self.assertEqual('meminfo', first.source)
        assert first.memory is not None
        self.assertEqual(1100 * MIB, first.memory.available_kib)
        self.assertEqual(first.at, first.memory.at)
        self.tree.meminfo(312)
        self.sink.wait('312 MiB is below the low', is_pressing=True)
        self.tree.meminfo(2000)
        self.sink.wait('above the high', is_pressing=True)
        after = len(self.sink.readings)
        self.sink.wait(is_pressing=False, after=after)

    def test_without_a_file_it_does_not_start(self) -> None:
        self.assertIn('there is no', self.assert_unavailable(_MEMINFO))

    def test_watermarks_that_do_not_fit_are_told(self) -> None:
        self.tree.meminfo(1100, 2048)
        rule = situation.WatermarkRule(low='60%', high='1G')
        self.assertRaises(
            exception.InvalidConfiguration,
            self.start,
            _MEMINFO,
            watermarks=rule,
        )

    def test_a_file_that_vanishes_is_told_once(self) -> None:
        path = self.tree.meminfo(312)
        self.start(_MEMINFO, settle_seconds=0.0)
        self.sink.wait(is_pressing=True)
        path.unlink()
        lost = self.sink.wait('nothing is seen: there is no')
        self.assertTrue(lost.is_pressing)
        self.assertIsNone(lost.memory)
        # It cannot be short for ever on the word of what is gone.
        self.sink.wait('nothing is seen', is_pressing=False)
        self.assertEqual(1, self.log.output.count('sees nothing'))
        self.assertEqual([], self.bare.doubled)
        after = len(self.sink.readings)
        self.tree.meminfo(200)
        self.sink.wait('200 MiB is below', is_pressing=True, after=after)
        self.assertIn('meminfo sees again', self.log.output)

    def test_a_half_written_file_does_no_harm(self) -> None:
        path = self.tree.meminfo(700)
        self.start(_MEMINFO)
        path.write_text('MemTotal:  ')
        self.sink.wait('does not tell MemTotal')
        after = len(self.sink.readings)
        self.tree.meminfo(701)
        self.sink.wait('701 MiB is between', after=after)

    def test_a_sink_that_fails_does_no_harm(self) -> None:
        self.tree.meminfo(700)
        calls: list[situation.PressureReading] = []

        def fail(reading: situation.PressureReading) -> None:
            calls.append(reading)
            self.sink(reading)
            raise ValueError('the sink is full')

        source = meminfo.MeminfoSource(self.tree.settings(watermarks=_RULE))
        self.addCleanup(source.close)
        source.start(fail)
        self.sink.wait(after=2)
        self.assertIn('the sink is full', self.log.output)

    def test_an_error_of_ours_does_not_end_it(self) -> None:
        self.tree.meminfo(700)
        source = self.start(_MEMINFO)
        self.sink.wait('700 MiB')
        judge = source._judge  # type: ignore[attr-defined]
        source._judge = None  # type: ignore[attr-defined]
        self.sink.wait('nothing is seen')
        source._judge = judge  # type: ignore[attr-defined]
        after = len(self.sink.readings)
        self.sink.wait('700 MiB', after=after)
        self.assertIn('meminfo failed to look', self.log.output)

    def test_a_cgroup_is_looked_at_likewise(self) -> None:
        self.tree.separate('vms', 900, 1000)
        self.start(
            _MEMINFO,
            cgroup='vms',
            watermarks=situation.WatermarkRule(low='20%', high='30%'),
        )
        self.sink.wait(
            '100 MiB is below the low watermark of 200 MiB', is_pressing=True
        )


class CloseTestCase(SourceTestCase):
    def test_nothing_is_told_afterwards(self) -> None:
        self.tree.meminfo(100)
        source = self.start(_MEMINFO)
        thread = self.thread()
        self.sink.wait(after=2)
        source.close()
        self.assertFalse(thread.is_alive())
        count = len(self.sink.readings)
        source.close()
        self.assertEqual(count, len(self.sink.readings))

    def test_one_that_was_never_started_closes(self) -> None:
        meminfo.MeminfoSource(self.tree.settings()).close()
        psi.PsiSource(self.tree.settings()).close()

    def test_the_sink_may_close_it(self) -> None:
        self.tree.meminfo(100)
        source = meminfo.MeminfoSource(self.tree.settings(watermarks=_RULE))
        closed = threading.Event()

        def close(reading: situation.PressureReading) -> None:
            self.sink(reading)
            source.close()
            closed.set()

        source.start(close)
        self.assertTrue(closed.wait(base.PATIENCE_SECONDS))
        self.assertEqual(1, len(self.sink.readings))

    def test_a_sink_that_hangs_is_left_behind(self) -> None:
        self.tree.meminfo(100)
        source = meminfo.MeminfoSource(self.tree.settings(watermarks=_RULE))
        going_on = threading.Event()

        def hang(reading: situation.PressureReading) -> None:
            self.sink(reading)
            going_on.wait(base.PATIENCE_SECONDS)

        source.start(hang)
        self.sink.wait()
        thread = self.thread()
        source.close()
        going_on.set()
        thread.join(base.PATIENCE_SECONDS)
        self.assertEqual(1, len(self.sink.readings))

    def thread(self) -> threading.Thread:
        (thread,) = (
            thread
            for thread in threading.enumerate()
            if thread.name == 'pressure-meminfo'
        )
        self.assertTrue(thread.daemon)
        return thread


class PsiTestCase(SourceTestCase):
    def test_a_fake_s_integral_is_read(self) -> None:
        self.tree.meminfo(700)
        path = self.tree.stalls(1_000_000)
        self.start(_PSI)
        first = self.sink.wait('0.0% of the last 2 s')
        self.assertEqual('psi', first.source)
        assert first.memory is not None
        self.assertEqual(700 * MIB, first.memory.available_kib)
        content = path.read_text()
        self.assertTrue(content.startswith('some avg10='), content)
        self.tree.stalls(1_150_000)
        pressing = self.sink.wait('the threshold is 5%', is_pressing=True)
        assert pressing.stalled_share is not None
        self.assertGreater(pressing.stalled_share, 0)
        after = len(self.sink.readings)
        self.sink.wait(is_pressing=False, after=after)

    def test_it_goes_without_the_memory(self) -> None:
        self.tree.stalls(0)
        self.start(_PSI)
        self.assertIsNone(self.sink.wait().memory)
        self.tree.stalls(900_000)
        self.sink.wait(is_pressing=True)
        told = self.log.output.count('psi does not tell the memory')
        self.assertEqual(1, told)
        self.assertEqual([], self.bare.doubled)

    def test_without_a_file_it_does_not_start(self) -> None:
        self.assertIn('there is no', self.assert_unavailable(_PSI))

    def test_garbage_does_not_start(self) -> None:
        path = self.tree.proc / 'pressure' / 'memory'
        self.tree.write(path, 'some avg10=0.00 avg60=0.00 avg300=0.00 to')
        self.assertIn("no line 'some", self.assert_unavailable(_PSI))

    def test_a_cgroup_of_v1_alone_does_not_start(self) -> None:
        self.tree.separate('vms', 900, 1000)
        why = self.assert_unavailable(_PSI, cgroup='vms')
        self.assertIn('cgroup vms: there is no cgroup2', why)

    def test_a_cgroup_that_comes_back_is_seen_again(self) -> None:
        folder = self.tree.unified('vms', 900, 1000)
        path = self.tree.stalls(5_000_000, folder / 'memory.pressure')
        self.start(_PSI, cgroup='vms')
        self.sink.wait()
        path.unlink()
        self.sink.wait('nothing is seen: there is no')
        self.tree.stalls(0, path)
        self.tree.stalls(500_000, path)
        after = len(self.sink.readings)
        self.sink.wait('tasks waited', after=after)
        self.assertIn('psi sees again', self.log.output)


_MEMINFO = meminfo.MeminfoSource
_PSI = psi.PsiSource
