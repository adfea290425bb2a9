# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import threading
import time

from nova_balloon_timer import exception
from nova_balloon_timer.cmd.watch import poller
from nova_balloon_timer.cmd.watch import state as watch_state
from nova_balloon_timer.rpc import api as rpc_api
from tests.unit import base
from tests.unit.cmd.remote import fake_agent

# Long enough that only a request wakes it.
_NEVER_SECONDS = 3600.0


class LookTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.agent = fake_agent.FakeAgent()

    def look(self) -> watch_state.Snapshot:
        return poller.look(self.agent)  # type: ignore[arg-type]

    def test_sorts_by_name_what_comes_by_uuid(self) -> None:
        self.agent.guests = [fake_agent.guest(name) for name in 'cab']
        self.agent.live = [fake_agent.policy(name) for name in 'bca']
        found = self.look()
        self.assertEqual(['a', 'b', 'c'], [it['name'] for it in found.guests])
        self.assertEqual(
            ['a', 'b', 'c'], [it['guest_name'] for it in found.policies]
        )
        self.assertEqual(self.agent.host, found.host)

    def test_a_journal_that_fails_hides_nothing_else(self) -> None:
        self.agent.guests = [fake_agent.guest()]

        def list_events(limit: int) -> fake_agent.View:
            raise exception.JournalNotReadable(path='/x', why='disk error')

        self.agent.list_events = list_events  # type: ignore[method-assign]
        found = self.look()
        self.assertEqual(1, len(found.guests))
        (event,) = found.events
        self.assertIn('disk error', event['words'])

    def test_raises_what_goes_wrong(self) -> None:
        self.agent.errors = [
            exception.HostNotAnswering(host='compute-01', seconds=5)
        ]
        self.assertRaises(exception.HostNotAnswering, self.look)


class PollerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.agent = fake_agent.FakeAgent()
        self.pending: list[poller.News] = []

    def start(self, interval_seconds: float = 0.001) -> poller.Poller:
        agent: rpc_api.HostAPI = self.agent  # type: ignore[assignment]
        started = poller.Poller(agent, interval_seconds)
        self.addCleanup(started.stop)
        started.start()
        return started

    def wait_for(
        self, looking: poller.Poller, is_it: Callable[[poller.News], bool]
    ) -> poller.News:
        end_at = time.monotonic() + base.PATIENCE_SECONDS
        pause = threading.Event()
        while time.monotonic() < end_at:
            self.pending += looking.news()
            while self.pending:
                one = self.pending.pop(0)
                if is_it(one):
                    return one
            pause.wait(0.001)
        raise AssertionError('it never came')

    def test_looks_again_and_again(self) -> None:
        looking = self.start()
        for _ in range(3):
            self.wait_for(
                looking, lambda one: isinstance(one, watch_state.Snapshot)
            )

    def test_goes_on_after_a_failure(self) -> None:
        away = exception.HostNotAnswering(host='compute-01', seconds=5)
        self.agent.errors = [away, away]
        looking = self.start()
        failure = self.wait_for(
            looking, lambda one: isinstance(one, watch_state.Failure)
        )
        assert isinstance(failure, watch_state.Failure)
        self.assertEqual(str(away), failure.words)
        self.wait_for(
            looking, lambda one: isinstance(one, watch_state.Snapshot)
        )

    def test_cancels_at_once_and_tells_what_came_of_it(self) -> None:
        self.agent.live = [fake_agent.policy()]
        looking = self.start(_NEVER_SECONDS)
        for uuid, words in (
            (self.agent.live[0]['uuid'], 'policy of web-01 is cancelled'),
            (base.uuid_of('x'), 'there is no policy'),
        ):
            looking.cancel(uuid)
            told = self.wait_for(
                looking, lambda one: isinstance(one, watch_state.Told)
            )
            assert isinstance(told, watch_state.Told)
            self.assertIn(words, told.words)
            self.wait_for(
                looking, lambda one: isinstance(one, watch_state.Snapshot)
            )

    def test_a_defect_is_not_hidden(self) -> None:
        self.agent.host = None  # type: ignore[assignment]
        self.agent.guests = None  # type: ignore[assignment]
        looking = self.start()
        self.assertRaises(TypeError, self.wait_for, looking, lambda one: False)

    def test_stops(self) -> None:
        before = threading.active_count()
        looking = self.start(_NEVER_SECONDS)
        self.wait_for(looking, lambda one: True)
        looking.stop()
        end_at = time.monotonic() + base.PATIENCE_SECONDS
        while threading.active_count() > before:
            self.assertLess(time.monotonic(), end_at)
            threading.Event().wait(0.001)
