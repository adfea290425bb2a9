# SPDX-License-Identifier: Apache-2.0

import os

from nova_balloon_timer import exception
from nova_balloon_timer.journal import inspection
from nova_balloon_timer.journal import schema
from tests.unit.journal import factory

_NEWEST = len(schema.STEPS)
_NEXT: schema.Step = (
    'ALTER TABLE policy ADD COLUMN colour TEXT',
    f'PRAGMA user_version = {_NEWEST + 1}',
)


class InspectTestCase(factory.JournalTestCase):
    def inspect(self) -> inspection.Inspection | None:
        """Look, and see that nothing is left behind by it."""
        before = self.names(), self.path.exists() and self.path.read_bytes()
        try:
            return inspection.inspect(self.path)
        finally:
            after = self.names(), self.path.exists() and self.path.read_bytes()
            self.assertEqual(before, after)

    def found(self) -> inspection.Inspection:
        found = self.inspect()
        assert found is not None
        return found

    def test_a_journal(self) -> None:
        self.open_store().close()
        self.assertEqual(
            inspection.Inspection(version=_NEWEST, newest=_NEWEST, damage=''),
            self.found(),
        )

    def test_one_that_is_being_written(self) -> None:
        opened = self.open_store()
        self.addCleanup(opened.close)
        self.enter_end(opened)
        self.assertEqual(_NEWEST, self.found().version)

    def test_one_of_a_newer_release(self) -> None:
        self.open_store(steps=(*schema.STEPS, _NEXT)).close()
        self.assertEqual(_NEWEST + 1, self.found().version)

    def test_none(self) -> None:
        self.assertIsNone(self.inspect())

    def test_one_that_is_about_to_be_made(self) -> None:
        self.path.touch()
        self.assertIsNone(self.inspect())

    def test_no_journal(self) -> None:
        self.path.write_bytes(b'once upon a time ' * 999)
        found = self.found()
        self.assertIsNone(found.version)
        self.assertIn('not a database', found.damage)

    def test_one_that_cannot_be_read(self) -> None:
        os.mkdir(self.path)
        error = self.assertRaises(
            exception.JournalNotReadable, inspection.inspect, self.path
        )
        self.assertIn('not a regular file', str(error))
