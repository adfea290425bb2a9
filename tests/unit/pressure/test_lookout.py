# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import threading
import time
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import loader
from nova_balloon_timer.pressure import lookout
from tests.unit import bare_log
from tests.unit import base
from tests.unit.pressure import tree

_LOAD = f'{loader.__name__}._load'


def _fine() -> None:
    pass


def _unavailable() -> None:
    raise exception.PressureUnavailable(why='not yet')


def _unfit() -> None:
    raise exception.InvalidConfiguration(why='it does not fit')


def _broken() -> None:
    raise ZeroDivisionError('by nobody tested')


class Source(pressure_base.PressureSource):
    """One that starts as it is told to."""

    def __init__(self, name: str, begin: Callable[[], None]) -> None:
        super().__init__(pressure_base.PressureSettings())
        self.name = name
        self._begin = begin
        self.is_running = False

    def start(self, sink: pressure_base.Sink) -> None:
        self._begin()
        self.is_running = True
        sink(
            situation.PressureReading(
                source=self.name, at=0.0, is_pressing=False, words='well'
            )
        )

    def close(self) -> None:
        self.is_running = False


class LookoutTestCase(base.TestCase):
    """``steady`` runs at once; ``late`` begins as its plan says."""

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger(format='%(message)s'))
        self.bare = self.useFixture(bare_log.BareLog())
        self.sink = tree.Sink()
        self.made: dict[str, list[Source]] = {}
        self.plans: dict[str, list[Callable[[], None]]] = {'steady': [_fine]}
        self.useFixture(fixtures.MonkeyPatch(_LOAD, self._load))

    def _load(self, name: str, settings: Any) -> Source:
        plan = self.plans[name]
        source = Source(name, plan.pop(0) if len(plan) > 1 else plan[0])
        self.made.setdefault(name, []).append(source)
        return source

    def watch(self, *plan: Callable[[], None]) -> lookout.Lookout:
        """Start, with such a late one; the last of its plan goes on."""
        names = ['steady']
        if plan:
            self.plans['late'] = list(plan)
            names.append('late')
        watching = lookout.Lookout(
            names, pressure_base.PressureSettings(), retry_seconds=0.01
        )
        self.addCleanup(self.join)
        self.addCleanup(watching.close)
        watching.start(self.sink)
        return watching

    def threads(self) -> list[threading.Thread]:
        return [
            thread
            for thread in threading.enumerate()
            if thread.name == 'balloon-lookout'
        ]

    def join(self) -> None:
        for thread in self.threads():
            thread.join(base.PATIENCE_SECONDS)

    def await_(self, condition: Callable[[], Any]) -> None:
        until = time.monotonic() + base.PATIENCE_SECONDS
        while not condition():
            self.assertLess(time.monotonic(), until)
            time.sleep(0.002)

    def tried(self, times: int) -> Callable[[], bool]:
        return lambda: len(self.made.get('late', ())) > times

    def heard(self, name: str) -> bool:
        return any(it.source == name for it in self.sink.readings)

    def test_one_that_is_not_to_be_had_is_tried_again(self) -> None:
        watching = self.watch(_unavailable, _unavailable, _fine)
        self.assertTrue(self.heard('steady'))
        self.await_(lambda: 'late is used from now on' in self.log.output)
        self.assertTrue(self.heard('late'))
        running = [self.made['steady'][0], self.made['late'][-1]]
        self.assertEqual([True, True], [it.is_running for it in running])
        count = len(self.made['late'])

        watching.close()
        self.assertEqual([False, False], [it.is_running for it in running])
        self.assertEqual(count, len(self.made['late']))

    def test_without_any_it_does_not_start(self) -> None:
        self.plans['steady'] = [_unavailable]
        self.assertRaises(exception.PressureUnavailable, self.watch)
        self.assertEqual([], self.threads())

    def test_a_plugin_that_breaks_does_not_end_it(self) -> None:
        self.watch(_broken, _broken, _broken, _broken, _fine)
        self.await_(lambda: 'late is used from now on' in self.log.output)
        told = self.log.output.count('late failed to start')
        self.assertEqual(2, told)  # once by the loader, once for all retries
        self.assertIn('ZeroDivisionError: by nobody tested', self.log.output)

    def test_settings_that_do_not_fit_are_told_once(self) -> None:
        self.watch(_unavailable, _unfit)
        self.await_(self.tried(5))
        self.assertEqual(1, self.log.output.count('it does not fit'))
        self.assertEqual([], self.bare.doubled)

    def test_close_does_not_wait_for_a_plugin_that_hangs(self) -> None:
        hangs, goes_on = threading.Event(), threading.Event()
        self.addCleanup(goes_on.set)

        def hang() -> None:
            hangs.set()
            goes_on.wait(base.PATIENCE_SECONDS)

        watching = self.watch(_unavailable, hang)
        self.assertTrue(hangs.wait(base.PATIENCE_SECONDS))
        before_at = time.monotonic()
        watching.close()
        self.assertLess(time.monotonic() - before_at, 5.0)
        self.assertFalse(self.made['steady'][0].is_running)

        (thread,) = self.threads()
        goes_on.set()
        thread.join(base.PATIENCE_SECONDS)
        self.assertFalse(thread.is_alive())
        self.assertFalse(self.made['late'][-1].is_running)
        self.assertFalse(self.heard('late'))
