# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import pathlib
import sqlite3

import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer.journal import schema
from nova_balloon_timer.report import saved_run
from tests.functional import agent
from tests.functional import small_disk


def _write_garbage(path: pathlib.Path) -> None:
    path.write_bytes(b'nothing that a database begins with\n' * 400)


def _write_newer(path: pathlib.Path) -> None:
    connection = sqlite3.connect(path)
    schema.migrate(connection)
    connection.execute('PRAGMA user_version = 99')
    connection.close()


def _write_foreign(path: pathlib.Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute('CREATE TABLE theirs (a)')
    connection.close()


class UnusableTest(testscenarios.WithScenarios, agent.AgentTest):
    """A journal is there, and cannot be used."""

    scenarios = [
        ('garbage', {'write': _write_garbage, 'words': 'not a database'}),
        ('newer', {'write': _write_newer, 'words': 'schema 99 is newer'}),
        ('foreign', {'write': _write_foreign, 'words': 'another program'}),
    ]

    write: Callable[[pathlib.Path], None]
    words: str

    def test_is_set_aside(self) -> None:
        self.state_path.mkdir()
        path = self.state_path / 'journal.sqlite'
        self.write(path)
        before = path.read_bytes()

        running = self.launch(connection_uri='test:///default')
        running.wait_ready()

        (line,) = running.complaints()
        self.assertIn(self.words, line)
        (aside,) = self.state_path.glob('journal.sqlite.*-*Z')
        self.assertIn(str(aside), line)
        self.assertEqual(before, aside.read_bytes())
        self.host.available_mib = agent.SHORT_MIB
        running.wait_said('The host is short of memory')
        self.assertEqual(0, running.stop().code)
        kinds = [mark.kind for mark in running.course().marks]
        self.assertIn(saved_run.MarkKind.PRESSURE_STARTED, kinds)
        self.assert_sane(running)


class FullDiskTest(small_disk.SmallDiskTest):
    """The file system of the journal has no room."""

    def test_guests_are_relieved_all_the_same(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch)
        self.fill()
        self.host.available_mib = agent.SHORT_MIB
        for balloon in (alder, birch):
            running.wait_said(f'Guest {balloon.name}: ended by target')
        (line,) = running.said('cannot be written:')
        self.assertIn('full', line)
        self.assertIn(str(self.state_path), line)
        self.assertNotEqual([], running.said('run without being journaled'))
        self.assertFalse(running.is_over)

        self.free()
        running.wait_said('can be written again')
        self.host.available_mib = agent.PLENTY_MIB
        alder.wait_at(512)
        birch.wait_at(512)
        self.assertEqual(0, running.stop().code)
        ends = [it for it in running.history() if it.freed_kib]
        self.assertLessEqual(
            {alder.guest.uuid, birch.guest.uuid},
            {it.guest_uuid for it in ends},
        )
        self.assertEqual({model.EndReason.TARGET}, {it.reason for it in ends})
        self.assert_ended_once(running)
        self.assert_sane(running)

    def test_from_the_start(self) -> None:
        self.fill()
        running = self.launch(connection_uri='test:///default')
        running.wait_ready()
        self.assertEqual(1, len(running.said('cannot be written:')))
        self.free()
        running.wait_said('can be written again')
        self.assertEqual(0, running.stop().code)
        self.assertEqual([], running.said('Traceback'))
