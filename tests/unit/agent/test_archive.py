# SPDX-License-Identifier: Apache-2.0

import threading
import time

from nova_balloon_timer import exception
from nova_balloon_timer.agent import archive
from nova_balloon_timer.journal import reader
from tests.unit import base
from tests.unit.journal import factory


class ArchiveTestCase(factory.JournalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.made = archive.Archive(self.reader())
        self.over = threading.Event()
        self.addCleanup(self.over.set)

    def hang(self, reader: reader.Reader) -> None:
        self.over.wait(base.PATIENCE_SECONDS)

    def test_reads_what_is_there(self) -> None:
        self.open_store()
        found = self.made.read(lambda it: it.history(10), 20.0)
        self.assertEqual([], found)
        self.assertEqual(self.path, self.made.path)

    def test_tells_why_it_cannot(self) -> None:
        self.assertRaises(
            exception.JournalNotReadable,
            self.made.read,
            lambda it: it.history(10),
            20.0,
        )

    def test_a_disk_that_hangs_is_not_waited_for(self) -> None:
        begin = time.monotonic()
        error = self.assertRaises(
            exception.AgentBusy, self.made.read, self.hang, 0.05
        )
        self.assertLess(time.monotonic() - begin, 1.0)
        self.assertIn('does not answer', str(error))

    def test_only_so_many_wait_for_it(self) -> None:
        before = threading.active_count()
        for _ in range(10):
            self.assertRaises(
                exception.AgentBusy, self.made.read, self.hang, 0.01
            )
        self.assertLessEqual(threading.active_count(), before + 4)
        self.over.set()
        self.assertEqual(1, self.made.read(lambda _: 1, base.PATIENCE_SECONDS))
