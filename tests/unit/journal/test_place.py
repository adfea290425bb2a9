# SPDX-License-Identifier: Apache-2.0

import contextlib
import os
import pathlib
import shutil
import sqlite3
import stat

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import exception
from nova_balloon_timer.journal import place
from tests.unit.journal import factory


class TestPlace(factory.JournalTestCase):
    def fill(self) -> bytes:
        opened = self.open_store()
        for _ in range(20):
            self.enter_end(opened)
        opened.close()
        return self.path.read_bytes()

    def assert_set_aside(self, content: bytes, words: str) -> None:
        opened = self.open_store()
        (aside,) = self.folder.glob('journal.sqlite.damaged-*Z')
        self.assertEqual(content, aside.read_bytes())
        self.assertIn(words, self.log.output)
        self.assertEqual(1, self.log.output.count('cannot be used'))
        self.enter_end(opened)
        self.assertEqual(1, len(self.reader().history(10)))

    def test_a_new_one_is_private(self) -> None:
        self.path = self.folder / 'deep' / 'down' / 'journal.sqlite'
        old = os.umask(0o022)
        self.addCleanup(os.umask, old)
        opened = self.open_store()
        self.enter_end(opened)
        mode = stat.S_IMODE(self.path.parent.stat().st_mode)
        self.assertEqual(0o700, mode)
        for path in self.path.parent.iterdir():
            mode = stat.S_IMODE(path.stat().st_mode)
            self.assertEqual(0o640, mode, path.name)

    def test_an_empty_file_is_used(self) -> None:
        self.path.touch()
        self.open_store().close()
        self.assertEqual(['journal.sqlite'], self.names())
        self.assertEqual('', self.log.output)

    def test_random_bytes(self) -> None:
        content = os.urandom(20_000)
        self.path.write_bytes(content)
        self.assert_set_aside(content, 'file is not a database')

    def test_a_text(self) -> None:
        self.path.write_text('remember the milk')
        self.assert_set_aside(b'remember the milk', 'not a database')

    def test_truncated(self) -> None:
        content = self.fill()[:-6000]
        self.path.write_bytes(content)
        self.assert_set_aside(content, 'malformed')

    def test_a_page_is_overwritten(self) -> None:
        content = self.fill()
        middle = len(content) // 4096 // 2 * 4096
        content = content[:middle] + b'\xff' * 4096 + content[middle + 4096 :]
        self.path.write_bytes(content)
        self.assert_set_aside(content, 'cannot be used')

    def test_of_another_program(self) -> None:
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute('CREATE TABLE nova (id INTEGER)')
        content = self.path.read_bytes()
        self.assert_set_aside(content, 'belongs to another program (0x0)')

    def test_without_its_tables(self) -> None:
        self.fill()
        with contextlib.closing(sqlite3.connect(self.path)) as connection:
            connection.execute('DROP TABLE mark')
        self.assert_set_aside(self.path.read_bytes(), 'it lacks mark')

    def test_a_log_goes_with_its_file(self) -> None:
        opened = self.open_store()
        self.enter_end(opened)
        other = self.folder / 'copy'
        other.mkdir()
        for end in ('', '-wal'):
            shutil.copy(f'{self.path}{end}', other / f'journal.sqlite{end}')
        self.folder, self.path = other, other / 'journal.sqlite'
        log = (other / 'journal.sqlite-wal').read_bytes()
        self.path.write_bytes(b'')
        self.open_store()
        (aside,) = other.glob('*Z-wal')
        self.assertEqual(log, aside.read_bytes())
        self.assertIn('its log is left', self.log.output)

    def test_two_in_one_second(self) -> None:
        for _ in range(3):
            self.path.write_text('nothing')
            place.set_aside(self.path, 'it is nothing')
        self.assertEqual(3, len(self.names()))

    def test_a_folder_is_left_alone(self) -> None:
        self.path.mkdir()
        error = self.assertRaises(
            exception.JournalNotWritable, self.open_store
        )
        self.assertIn('not a regular file', str(error))
        self.assertEqual(['journal.sqlite'], self.names())
        self.assertRaises(
            exception.JournalNotReadable, self.reader().history, 1
        )

    def test_a_device_is_left_alone(self) -> None:
        self.path = pathlib.Path('/dev/null')
        self.assertRaises(exception.JournalNotWritable, self.open_store)
        self.assertTrue(self.path.is_char_device())

    def test_no_folder_can_be_made(self) -> None:
        (self.folder / 'file').touch()
        self.path = self.folder / 'file' / 'journal.sqlite'
        error = self.assertRaises(
            exception.JournalNotWritable, self.open_store
        )
        self.assertEqual(1, len(str(error).splitlines()))

    def test_a_path_that_is_none(self) -> None:
        self.path = self.folder / 'nul\0'
        self.assertRaises(exception.JournalNotWritable, self.open_store)
        self.assertRaises(exception.JournalNotReadable, self.reader().traits)

    def test_a_path_with_odd_letters(self) -> None:
        self.path = self.folder / 'a?mode=rw#b%20' / 'é ü.sqlite'
        self.enter_end(self.open_store())
        self.assertEqual(1, len(self.reader().history(10)))

    def test_through_a_link(self) -> None:
        target = self.folder / 'elsewhere'
        target.write_text('nothing')
        self.path.symlink_to(target)
        self.enter_end(self.open_store())
        self.assertTrue(self.path.is_symlink())
        self.assertEqual(1, len(list(self.folder.glob('elsewhere.damaged*'))))
        self.assertEqual(1, len(self.reader().history(10)))

    def test_there_is_none_to_read(self) -> None:
        error = self.assertRaises(
            exception.JournalNotReadable, self.reader().in_flight
        )
        self.assertIn('No such file', str(error))
        self.assertEqual([], self.names())

    def test_random_bytes_are_not_read(self) -> None:
        self.path.write_bytes(os.urandom(9000))
        self.assertRaises(
            exception.JournalNotReadable, self.reader().in_flight
        )
        self.assertEqual(['journal.sqlite'], self.names())

    def test_any_damage(self) -> None:
        whole = self.fill()

        @hypothesis.settings(max_examples=60)
        @hypothesis.example(begin=2714, patch=b'\x80')
        @hypothesis.example(begin=33, patch=b'\0' * 14 + b'\x05')
        @hypothesis.example(begin=59, patch=b'\0\x80')
        @hypothesis.given(
            begin=st.integers(0, len(whole) - 1), patch=st.binary(max_size=64)
        )
        def check(begin: int, patch: bytes) -> None:
            for path in self.folder.iterdir():
                path.unlink()
            content = whole[:begin] + patch + whole[begin + len(patch) :]
            self.path.write_bytes(content[: len(whole)])
            opened = self.open_store()
            self.enter_end(opened)
            opened.close()
            for aside in self.folder.glob('*.damaged-*Z'):
                self.assertEqual(content[: len(whole)], aside.read_bytes())

        check()
