# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import dataclasses
import threading
from typing import Any

import fixtures
from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.nova import extension
from tests.unit import base

_URI = 'qemu:///session'
_WHY = exception.InvalidConfiguration(why='it makes no sense')
# Nothing is waited for by the clock but where a test says so.
_AT_ONCE = extension.Pauses(
    driver_poll_seconds=0.001, first_seconds=0.001, longest_seconds=0.002
)


@dataclasses.dataclass(slots=True)
class FakeLibvirtHost:
    """What Nova's driver keeps its connection in."""

    _initialized: bool = True
    _uri: str = _URI


class FakeDriver:
    """Is cleaned up like Nova's, and keeps a record of it."""

    def __init__(self) -> None:
        self.host: FakeLibvirtHost | None = FakeLibvirtHost()
        self.polled = threading.Semaphore(0)
        self.calls: list[str] = []

    @property
    def _host(self) -> FakeLibvirtHost | None:
        self.polled.release()
        return self.host

    def cleanup_host(self, host: str) -> str:
        """Clean up."""
        self.calls.append(host)
        return 'cleaned up'


class FakeAgent:
    """Runs until it is stopped; may fail at that."""

    def __init__(self, on_death: Callable[[], None]) -> None:
        self.die = on_death
        self.error: Exception | None = None
        self.stopped = threading.Event()

    def stop(self) -> None:
        """Stop."""
        self.stopped.set()
        if self.error is not None:
            raise self.error


class AgentMaker:
    """Makes agents, but fails with each of its errors first."""

    def __init__(self) -> None:
        self.errors: list[Exception] = []
        self.agents: list[FakeAgent] = []
        self.uris: list[str] = []
        self.made = threading.Semaphore(0)
        self.failed = threading.Semaphore(0)

    def make(
        self, conf: cfg.ConfigOpts, on_death: Callable[[], None]
    ) -> FakeAgent:
        """Return an agent that runs."""
        if self.errors:
            self.failed.release()
            raise self.errors.pop(0)
        self.uris.append(conf.balloon_timer.connection_uri)
        agent = FakeAgent(on_death)
        self.agents.append(agent)
        self.made.release()
        return agent

    def await_agent(self) -> FakeAgent:
        """Return the next agent."""
        assert self.made.acquire(timeout=base.PATIENCE_SECONDS)
        return self.agents[-1]

    def await_failure(self) -> None:
        """Wait until it has failed once more."""
        assert self.failed.acquire(timeout=base.PATIENCE_SECONDS)


class StubbornExtension(extension.Extension):
    """Fails when it has stopped."""

    def stop(self) -> None:
        """Stop, and fail."""
        super().stop()
        raise RuntimeError('a defect')


class PatientExtension(extension.Extension):
    """Remembers how long it would have waited, and does not."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.waited_seconds: list[float] = []

    def _next_order(self, seconds: float) -> extension._Order | None:
        self.waited_seconds.append(seconds)
        return super()._next_order(0.0)


class ExtensionTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.conf = cfg.ConfigOpts()
        self.conf([], project='nova', default_config_files=[])
        self.driver = FakeDriver()
        self.maker = AgentMaker()

    def start(
        self,
        pauses: extension.Pauses = _AT_ONCE,
        kind: type[extension.Extension] = extension.Extension,
    ) -> extension.Extension:
        made = kind(self.conf, self.driver, self.maker.make, pauses)
        made.start()
        self.addCleanup(extension.Extension.stop, made)
        return made

    def is_over(self) -> bool:
        """Tell whether it has ended, so that nothing is started later."""
        return 'balloon-extension' not in {
            it.name for it in threading.enumerate()
        }


class StartTestCase(ExtensionTestCase):
    def test_takes_the_driver_s_connection(self) -> None:
        self.start()
        self.maker.await_agent()
        self.assertEqual([_URI], self.maker.uris)

    def test_waits_for_the_driver(self) -> None:
        self.driver.host = host = FakeLibvirtHost(_initialized=False)
        self.start()
        for _ in range(3):
            found = self.driver.polled.acquire(timeout=base.PATIENCE_SECONDS)
            self.assertTrue(found)
        self.assertEqual([], self.maker.agents)
        host._initialized = True
        self.maker.await_agent()

    def test_can_be_stopped_before_the_driver_is_up(self) -> None:
        self.driver.host = FakeLibvirtHost(_initialized=False)
        patient = extension.Pauses(driver_poll_seconds=3600.0)
        self.start(patient).stop()
        self.assertTrue(self.is_over())
        self.assertEqual([], self.maker.agents)

    def test_what_cannot_start_is_told_once_and_tried_again(self) -> None:
        self.maker.errors = [_WHY, _WHY, _WHY]
        self.start()
        agent = self.maker.await_agent()
        self.assertFalse(agent.stopped.is_set())
        self.assertEqual(1, self.log.output.count('tries again'))
        self.assertIn(f'tries again: {_WHY}\n', self.log.output)
        self.assertNotIn('Traceback', self.log.output)

    def test_another_reason_is_told_too(self) -> None:
        self.maker.errors = [_WHY, exception.InvalidConfiguration(why='bad')]
        self.start()
        self.maker.await_agent()
        self.assertEqual(2, self.log.output.count('tries again'))

    def test_a_defect_does_not_escape(self) -> None:
        self.maker.errors = [ZeroDivisionError('a defect')]
        self.start()
        self.maker.await_agent()
        self.assertIn('Traceback', self.log.output)
        self.assertIn("ZeroDivisionError('a defect')", self.log.output)

    def test_a_driver_of_another_shape_does_nova_no_harm(self) -> None:
        self.driver.host = None
        self.start()
        self.assertEqual('cleaned up', self.driver.cleanup_host('compute-1'))
        self.assertTrue(self.is_over())
        self.assertIn('The balloon timer has failed', self.log.output)


class DeathTestCase(ExtensionTestCase):
    def test_another_agent_takes_the_place_of_one_that_died(self) -> None:
        self.start()
        first = self.maker.await_agent()
        first.die()
        second = self.maker.await_agent()
        self.assertIsNot(first, second)
        self.assertTrue(first.stopped.is_set())
        self.assertFalse(second.stopped.is_set())

    def test_one_that_fails_to_stop_is_replaced_too(self) -> None:
        self.start()
        first = self.maker.await_agent()
        first.error = RuntimeError('a defect')
        first.die()
        self.assertIsNot(first, self.maker.await_agent())
        self.assertIn('The balloon timer has failed', self.log.output)

    def test_the_pause_grows_for_those_that_die_soon(self) -> None:
        pauses = extension.Pauses(first_seconds=1.0, longest_seconds=6.0)
        maker = AgentMaker()
        patient = PatientExtension(self.conf, FakeDriver(), maker.make, pauses)
        patient.start()
        self.addCleanup(patient.stop)
        for _ in range(5):
            maker.await_agent().die()
        maker.await_agent()
        self.assertEqual([1.0, 2.0, 4.0, 6.0, 6.0], patient.waited_seconds)


class StopTestCase(ExtensionTestCase):
    def test_stops_before_the_driver_does(self) -> None:
        self.start()
        agent = self.maker.await_agent()
        self.assertEqual('cleaned up', self.driver.cleanup_host('compute-1'))
        self.assertTrue(agent.stopped.is_set())
        self.assertEqual(['compute-1'], self.driver.calls)
        self.assertTrue(self.is_over())

    def test_an_agent_that_fails_to_stop_does_nova_no_harm(self) -> None:
        self.start()
        self.maker.await_agent().error = RuntimeError('a defect')
        self.assertEqual('cleaned up', self.driver.cleanup_host('compute-1'))
        self.assertTrue(self.is_over())

    def test_neither_does_an_extension_that_fails_to_stop(self) -> None:
        self.start(kind=StubbornExtension)
        self.maker.await_agent()
        self.assertEqual('cleaned up', self.driver.cleanup_host('compute-1'))
        self.assertEqual(['compute-1'], self.driver.calls)
        self.assertIn('could not be stopped', self.log.output)

    def test_ends_at_once_while_it_waits_to_try_again(self) -> None:
        self.maker.errors = [_WHY]
        made = self.start(extension.Pauses(first_seconds=3600.0))
        self.maker.await_failure()
        made.stop()
        self.assertTrue(self.is_over())
        self.assertEqual([], self.maker.agents)
