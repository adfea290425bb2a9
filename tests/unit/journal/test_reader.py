# SPDX-License-Identifier: Apache-2.0

import contextlib
import dataclasses
import datetime
import sqlite3

from nova_balloon_timer import exception
from nova_balloon_timer.report import saved_run
from tests.unit.journal import factory

_NOON = datetime.datetime(2026, 5, 4, 9, 30, tzinfo=datetime.timezone.utc)


class EventsTestCase(factory.JournalTestCase):
    def enter(self) -> None:
        """Enter five notices, a second after one another."""
        store = self.open_store()
        with store.transaction(is_durable=False):
            for notice in factory.make_notices(self.host.now):
                self.host.wait(1)
                store.note(
                    dataclasses.replace(notice, at=self.host.now), 'web-01'
                )

    def test_the_newest_come_first(self) -> None:
        self.enter()
        marks = self.reader().events(2)
        self.assertEqual(
            [
                (saved_run.MarkKind.PRESSURE_ENDED, 'well'),
                (
                    saved_run.MarkKind.FOREIGN_CHANGE,
                    'web-01 was moved from 1024 MiB to 512 MiB',
                ),
            ],
            [(mark.kind, mark.words) for mark in marks],
        )
        self.assertEqual(_NOON + datetime.timedelta(seconds=5), marks[0].at)

    def test_there_may_be_fewer_or_none(self) -> None:
        self.open_store()
        self.assertEqual([], self.reader().events(10))
        self.enter()
        self.assertEqual(5, len(self.reader().events(100)))
        self.assertEqual([], self.reader().events(0))
        self.assertEqual([], self.reader().events(-1))

    def test_what_another_release_knows_is_left_out(self) -> None:
        self.enter()
        with contextlib.closing(sqlite3.connect(self.path)) as file, file:
            file.execute("UPDATE mark SET kind = 'nova' WHERE words = 'well'")
        self.assertEqual(4, len(self.reader().events(10)))

    def test_without_a_journal(self) -> None:
        reader = self.reader()
        self.assertEqual(self.path, reader.path)
        self.assertRaises(exception.JournalNotReadable, reader.events, 1)
