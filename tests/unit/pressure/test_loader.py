# SPDX-License-Identifier: Apache-2.0

import threading

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import loader
from nova_balloon_timer.pressure import meminfo
from nova_balloon_timer.pressure import psi
from tests.unit import bare_log
from tests.unit import base
from tests.unit.pressure import tree


class Broken(pressure_base.PressureSource):
    """One from out of tree that its author did not test."""

    name = 'broken'

    def start(self, sink: pressure_base.Sink) -> None:
        raise ZeroDivisionError('by nobody tested')

    def close(self) -> None:
        raise AssertionError('it does not run')


class LoaderTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.tree = self.useFixture(tree.Tree())
        self.log = self.useFixture(fixtures.FakeLogger())
        self.sink = tree.Sink()

    def test_finds_ours_by_name(self) -> None:
        names = ('psi', 'meminfo', 'psi')
        sources = loader.load(names, self.tree.settings())
        self.assertEqual(
            [psi.PsiSource, meminfo.MeminfoSource], list(map(type, sources))
        )
        self.assertEqual(['psi', 'meminfo'], [s.name for s in sources])

    def test_an_unknown_name_is_told_with_those_there_are(self) -> None:
        error = self.assertRaises(
            exception.PressureSourceNotFound,
            loader.load,
            ['vmstat'],
            self.tree.settings(),
        )
        self.assertIn("no pressure source 'vmstat'", str(error))
        self.assertIn('meminfo, psi', str(error))


class StartTestCase(LoaderTestCase):
    def make(self) -> list[pressure_base.PressureSource]:
        settings = self.tree.settings()
        sources: list[pressure_base.PressureSource] = [
            psi.PsiSource(settings),
            Broken(settings),
            meminfo.MeminfoSource(settings),
        ]
        for source in (sources[0], sources[2]):
            self.addCleanup(source.close)
        return sources

    def test_those_that_work_run_and_the_others_are_told(self) -> None:
        self.tree.meminfo(9000)
        sources = self.make()
        running = loader.start_all(sources, self.sink)
        self.assertEqual([sources[2]], running)
        self.assertEqual('meminfo', self.sink.wait().source)
        told = self.log.output.count('Pressure source psi is not used: there')
        self.assertEqual(1, told)
        self.assertIn('by nobody tested', self.log.output)

    def test_a_warning_does_not_tell_its_error_twice(self) -> None:
        self.tree.meminfo(9000)
        bare = self.useFixture(bare_log.BareLog())
        loader.start_all(self.make(), self.sink)
        self.assertTrue(bare.lines)
        self.assertEqual([], bare.doubled)

    def test_without_any_that_works_there_is_an_error(self) -> None:
        error = self.assertRaises(
            exception.PressureUnavailable,
            loader.start_all,
            self.make(),
            self.sink,
        )
        for words in ('psi: there is no', 'broken: by', 'meminfo: there is'):
            self.assertIn(words, str(error))
        error = self.assertRaises(
            exception.PressureUnavailable, loader.start_all, [], self.sink
        )
        self.assertIn('none is configured', str(error))

    def test_settings_that_make_no_sense_are_not_passed_over(self) -> None:
        self.tree.meminfo(9000)
        self.tree.stalls(0)
        rule = situation.WatermarkRule(low='20%', high='10%')
        settings = self.tree.settings(watermarks=rule)
        first = psi.PsiSource(settings)
        self.assertRaises(
            exception.InvalidConfiguration,
            loader.start_all,
            [first, meminfo.MeminfoSource(settings)],
            self.sink,
        )
        names = [thread.name for thread in threading.enumerate()]
        self.assertNotIn('pressure-psi', names)
