# SPDX-License-Identifier: Apache-2.0

import contextlib
import sqlite3

from nova_balloon_timer import exception
from nova_balloon_timer.journal import schema
from tests.unit.journal import factory

_NEXT: schema.Step = (
    'ALTER TABLE policy ADD COLUMN colour TEXT',
    'PRAGMA user_version = 2',
)
_BROKEN: schema.Step = (
    'ALTER TABLE policy ADD COLUMN colour TEXT',
    'ALTER TABLE nothing ADD COLUMN colour TEXT',
    'PRAGMA user_version = 2',
)


class TestSchema(factory.JournalTestCase):
    def version(self) -> int:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            return schema.version_of(connection)

    def test_the_steps_say_what_they_make(self) -> None:
        connection = sqlite3.connect(':memory:', isolation_level=None)
        self.addCleanup(connection.close)
        for count in range(1, len(schema.STEPS) + 1):
            schema.migrate(connection, schema.STEPS[:count])
            self.assertEqual(count, schema.version_of(connection))
        owner = connection.execute('PRAGMA application_id').fetchone()[0]
        self.assertEqual(schema.APPLICATION_ID, owner)
        self.assertEqual('', schema.find_damage(connection, count))

    def test_an_older_journal_becomes_a_newer_one(self) -> None:
        opened = self.open_store()
        self.enter_end(opened)
        opened.close()

        self.open_store(steps=(*schema.STEPS, _NEXT)).close()

        self.assertEqual(len(schema.STEPS) + 1, self.version())
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            rows = connection.execute('SELECT reason, colour FROM policy')
            self.assertEqual([('target', None)], rows.fetchall())
        self.assertEqual(['journal.sqlite'], self.names())

    def test_a_step_that_fails_leaves_the_older_one(self) -> None:
        opened = self.open_store()
        self.enter_end(opened)
        opened.close()

        self.assertRaises(
            exception.JournalNotWritable,
            self.open_store,
            steps=(*schema.STEPS, _BROKEN),
        )

        self.assertEqual(len(schema.STEPS), self.version())
        self.open_store()
        self.assertEqual(1, len(self.reader().history(10)))

    def test_a_newer_one_is_set_aside(self) -> None:
        self.open_store(steps=(*schema.STEPS, _NEXT)).close()
        content = self.path.read_bytes()

        self.open_store()

        (aside,) = self.folder.glob('*.newer-schema-2-*Z')
        self.assertEqual(content, aside.read_bytes())
        self.assertIn('its schema 2 is newer than our 1', self.log.output)
        self.assertIn('written by a newer release', self.log.output)
        self.assertEqual([], list(self.folder.glob('*.damaged-*')))
        self.assertEqual([], self.reader().history(10))

    def test_a_newer_one_is_not_read(self) -> None:
        self.open_store(steps=(*schema.STEPS, _NEXT)).close()
        error = self.assertRaises(
            exception.JournalNotReadable, self.reader().history, 10
        )
        self.assertIn('its schema is 2', str(error))
