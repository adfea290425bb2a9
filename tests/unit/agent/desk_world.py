# SPDX-License-Identifier: Apache-2.0
"""A desk, with a crank that turns and a journal on disk behind it."""

from collections.abc import Callable
import datetime
import pathlib
import threading
import time
from typing import Any

import fixtures

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer.agent import archive
from nova_balloon_timer.agent import clerk
from nova_balloon_timer.agent import desk
from nova_balloon_timer.agent import guest_reader
from nova_balloon_timer.agent import listener
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import writer
from nova_balloon_timer.rpc import standing
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.agent import crank_world
from tests.unit.agent import factory
from tests.unit.appliers import memory

# What an answer may take, and what a busy machine adds to it.
ANSWER_SECONDS = 1.0
SLACK_SECONDS = 0.5


class DeskTestCase(crank_world.CrankTestCase):
    """The crank turns; guests are as quick as they are made."""

    def setUp(self) -> None:
        super().setUp()
        self.options = self.useFixture(
            factory.Configuration(state_path='/nowhere')
        ).conf.balloon_timer
        self.desk = desk.Desk(
            self.crank,
            clerk.Clerk(
                self.crank,
                guest_reader.GuestReader(self.host.applier, self.pool),
                self.options,
            ),
            archive.Archive(self.reader),
            identify=lambda: standing.Identity(
                host='compute1',
                version='0.1.0',
                started_utc=datetime.datetime(
                    2026, 5, 4, tzinfo=datetime.timezone.utc
                ),
                connection_uri='test:///default',
                applier='libvirt',
                planner='default',
                pressure_sources=('meminfo',),
            ),
            journal=lambda: standing.JournalStanding(
                path=str(self.reader.path)
            ),
            notifications=standing.NotificationStanding,
        )

    def make_journal(self) -> listener.Journal:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / 'journal.sqlite'
        self.reader = reader.Reader(path)
        self.disk = writer.Journal(path)
        self.addCleanup(self.disk.close, 1.0)
        self.assertEqual([], self.disk.left_behind())
        return self.disk

    def know(self, *guests: memory.MemoryGuest) -> None:
        """Have the controller know these guests, and have looked at them."""
        self.crank.post(
            message.GuestsListed(guests=tuple(it.description for it in guests))
        )
        for guest in guests:
            looked = message.GuestLooked(
                guest_uuid=guest.uuid, sample=guest.sample()
            )
            self.crank.post(looked)
        self.call(lambda: None)

    def add_known(self, name: str, **more: Any) -> memory.MemoryGuest:
        guest = self.host.add(name, **more)
        self.know(*self.host.applier.guests.values())
        return guest

    def order(self, **more: Any) -> order.Order:
        fields = {'target': '512M', 'duration': '20s'} | more
        return order.parse(**fields)

    def create(self, guest: str, **more: Any) -> view.Json:
        answer: view.Json = self.timed(
            lambda: self.desk.create_policy(guest, self.order(**more))
        )
        return answer

    def timed(self, call: Callable[[], Any]) -> Any:
        """See that an answer does not take too long."""
        began_at = time.monotonic()
        try:
            return call()
        finally:
            self.assertLess(
                time.monotonic() - began_at, ANSWER_SECONDS + SLACK_SECONDS
            )

    def wait_for_state(self, policy_uuid: str, *states: str) -> view.Json:
        """Wait until a policy is in one of these states."""
        until = time.monotonic() + base.PATIENCE_SECONDS
        while True:
            answer = self.desk.show_policy(policy_uuid)
            if answer['state'] in states:
                return answer
            if time.monotonic() > until:
                raise AssertionError(f'{answer} is not {states}')
            time.sleep(0.005)

    def hold_crank(self) -> threading.Event:
        """Keep the crank's thread busy until the event is set."""
        begun, over = threading.Event(), threading.Event()
        self.addCleanup(over.set)

        def work() -> None:
            begun.set()
            over.wait(base.PATIENCE_SECONDS)

        self.crank.call(work)
        self.assertTrue(begun.wait(base.PATIENCE_SECONDS))
        return over

    def assert_unharmed(self) -> None:
        """See that nothing failed that must not fail."""
        self.call(lambda: None)
        self.assertFalse(self.crank.has_failed)
        self.assertNotIn('Traceback', self.log.output)


def reasons(reports: list[model.EndReport]) -> list[model.EndReason]:
    """Return how policies ended."""
    return [report.reason for report in reports]
