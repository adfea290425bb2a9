# SPDX-License-Identifier: Apache-2.0
"""A crank that turns, with guests in memory and a journal to play with."""

from collections.abc import Callable, Mapping, Sequence
import threading
from typing import Any

import fixtures

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.agent import listener
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine
from nova_balloon_timer.planners import default
from tests.unit import base
from tests.unit.appliers import memory
from tests.unit.controller import factory

MIB = base.MIB


class Record:
    """What happened, in order; tests wait for what must come."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.reports: list[model.EndReport] = []
        self._changed = threading.Condition()

    def add(self, word: str) -> None:
        with self._changed:
            self.words.append(word)
            self._changed.notify_all()

    def wait(self, *words: str) -> None:
        """Wait until all of these have happened."""
        with self._changed:
            if not self._changed.wait_for(
                lambda: set(words) <= set(self.words), base.PATIENCE_SECONDS
            ):
                raise AssertionError(f'{words} not in {self.words}')

    def wait_until(self, condition: Callable[[], bool]) -> bool:
        """Wait until something holds; tell whether it does."""
        with self._changed:
            return self._changed.wait_for(condition, base.PATIENCE_SECONDS)

    def only(self, *words: str) -> list[str]:
        """Return those of these words that happened, in order."""
        return [word for word in self.words if word in words]


class Journal:
    """Answers, fails, or does not answer, as it is told.

    :param error: what a request is answered with
    :param is_silent: requests are answered when :meth:`answer` says so
    """

    def __init__(self, record: Record) -> None:
        self.error: str | None = None
        self.is_silent = False
        self._record = record
        self.requested: list[list[str]] = []
        self.said: list[announcement.Announcement] = []
        self.started_at: dict[str, float] = {}
        self._waiting: list[listener.Done] = []

    def answer(self) -> None:
        for done in self._waiting:
            done(self.error)
        self._waiting.clear()

    def request(
        self,
        policies: Sequence[model.BalloonPolicy],
        requested_at: float,
        done: listener.Done,
        guest_names: Mapping[str, str] | None = None,
        announcements: listener.Announcements = (),
    ) -> None:
        self.said += announcements
        self.requested.append([it.uuid for it in policies])
        self._record.add('journal: request')
        self._waiting.append(done)
        if not self.is_silent:
            self.answer()

    def start(
        self,
        policy_uuid: str,
        at: float,
        timing: timekeeping.Timing,
        announcements: listener.Announcements = (),
    ) -> None:
        self.said += announcements
        self.started_at[policy_uuid] = at
        self._record.add('journal: start')

    def end(
        self,
        report: model.EndReport,
        done: listener.Done,
        guest_name: str | None = None,
        announcements: listener.Announcements = (),
    ) -> None:
        self.said += announcements
        self._record.reports.append(report)
        self._record.add('journal: end')
        done(self.error)

    def remember(self, guest_uuid: str, traits: situation.GuestTraits) -> None:
        self._record.add('journal: remember')

    def note(
        self,
        notice: message.Notice,
        guest_name: str | None = None,
        announcements: listener.Announcements = (),
    ) -> None:
        self.said += announcements
        self._record.add(f'journal: {type(notice).__name__}')

    def announce(self, announcements: listener.Announcements) -> None:
        self.said += announcements

    def sample_host(
        self,
        memory: situation.HostMemory,
        watermarks: situation.Watermarks,
        *,
        is_pressing: bool,
    ) -> None:
        self._record.add('journal: reading')


class Observer:
    """Keeps what it is told."""

    def __init__(self, record: Record) -> None:
        self._record = record

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        self._record.add('told: start')

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        pass

    def ended(self, report: model.EndReport) -> None:
        self._record.add('told: end')

    def noticed(self, notice: message.Notice) -> None:
        self._record.add(f'told: {type(notice).__name__}')


class CrankTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.record = Record()
        self.host = self.useFixture(memory.MemoryHost())
        self.pool = applier_pool.WorkerPool(size=2, stuck_seconds=0.02)
        self.addCleanup(self.pool.close)
        self.journal = Journal(self.record)
        self.controller = machine.Controller(
            factory.make_settings(shortest_seconds=0.5, longest_seconds=1.0),
            default.DefaultPlanner(),
            make_uuid=lambda: base.make_policy().uuid,
            now=0.0,
        )
        self.crank = agent_crank.HostCrank(
            self.host.applier,
            self.pool,
            Observer(self.record),
            controller=self.controller,
            journal=self.make_journal(),
        )
        self.thread = threading.Thread(target=self.crank.run, daemon=True)

    def make_journal(self) -> listener.Journal:
        """Return what the crank writes to."""
        return self.journal

    def start(self) -> None:
        self.thread.start()
        self.addCleanup(self.stop)

    def stop(self) -> None:
        self.crank.stop()
        self.thread.join(base.PATIENCE_SECONDS)
        self.assertFalse(self.thread.is_alive())

    def ask(
        self, guest: memory.MemoryGuest, **more: Any
    ) -> model.BalloonPolicy:
        """Have a policy journaled and run: 512 of the guest's 1024 MiB."""
        fields = {'guest_uuid': guest.uuid, 'duration_seconds': 20.0} | more
        made = base.make_policy(**fields)
        self.crank.request([made])
        return made

    def call(self, function: Callable[[], object]) -> None:
        """Have the crank's thread do something, and wait for it."""
        done = threading.Event()

        def work() -> None:
            try:
                function()
            finally:
                done.set()

        self.crank.call(work)
        self.assertTrue(done.wait(base.PATIENCE_SECONDS))

    def report(self) -> model.EndReport:
        """Return the one report."""
        (report,) = self.record.reports
        return report

    def read(self, available_mib: float, at: float) -> None:
        reading = factory.make_reading(at, available_mib)
        self.crank.post(message.PressureRead(reading=reading))
