# SPDX-License-Identifier: Apache-2.0

import gzip
import pathlib

import fixtures
import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import exception
from nova_balloon_timer.trace import reader
from nova_balloon_timer.trace import record
from nova_balloon_timer.trace import writer
from tests.unit import base

_HEADER = record.Header(host='cmp-7', began_at=1.5, interval_seconds=5.0)
_RECORDS: tuple[record.Record, ...] = (
    record.HostSeen(at=0.0, total_kib=100, available_kib=50),
    record.GuestFound(number=1, uuid='u', name='web', maximum_kib=100),
    record.GuestSampled(
        number=1, at=0.5, actual_kib=90, usable_kib=None, rss_kib=80
    ),
    record.GuestLeft(number=1, at=9.0),
)
_sizes = st.integers(0, record.LARGEST_KIB)


class TraceTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def _write(self, name: str) -> pathlib.Path:
        path = self.folder / name
        with writer.TraceWriter(path, _HEADER) as stream:
            for one in _RECORDS:
                stream.add(one)
            stream.flush()
            self.assertEqual(1, stream.samples)
        return path

    def _read(self, path: pathlib.Path) -> tuple[list[record.Record], bool]:
        with reader.TraceReader(path) as found:
            return list(found), found.is_cut


class TestTrace(TraceTestCase):
    def test_what_is_written_is_read(self) -> None:
        for name in ('host.jsonl', 'host.jsonl.gz'):
            path = self._write(name)
            with reader.TraceReader(path) as found:
                self.assertEqual(_HEADER, found.header)
                self.assertEqual(list(_RECORDS), list(found))
                self.assertFalse(found.is_cut)
                self.assertEqual(1.0, found.share)

    def test_a_crash_in_mid_line_costs_that_line(self) -> None:
        path = self._write('host.jsonl')
        path.write_bytes(path.read_bytes()[:-5])

        self.assertEqual((list(_RECORDS[:-1]), True), self._read(path))

    def test_a_crash_of_a_compressed_one_costs_nothing_flushed(self) -> None:
        path = self.folder / 'host.jsonl.gz'
        with writer.TraceWriter(path, _HEADER) as stream:
            for one in _RECORDS:
                stream.add(one)
            stream.flush()
            content = path.read_bytes()
        path.write_bytes(content)

        self.assertEqual((list(_RECORDS), True), self._read(path))

    def test_a_bad_line_is_named(self) -> None:
        path = self._write('host.jsonl')
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b''.join([*lines[:2], b'nonsense\n', *lines[2:]]))

        error = self.assertRaises(exception.InvalidTrace, self._read, path)
        self.assertIn('line 3: it is not JSON', str(error))

    def test_no_trace_at_all(self) -> None:
        path = self.folder / 'host.jsonl'
        for content, words in (
            (b'', 'it is empty'),
            (b'{"host":{}}\n', 'line 1: at is None'),
            (b'x' * 20_000, 'line 1 has no end'),
            (b'{"trace":{"version":2}}\n', 'version 1 can be read'),
            (b'{"gone":{"number":1,"at":1}}\n', 'is no header'),
        ):
            path.write_bytes(content)
            error = self.assertRaises(exception.InvalidTrace, self._read, path)
            self.assertIn(words, str(error))

    def test_a_guest_of_many_tib_is_read(self) -> None:
        large = record.GuestFound(
            number=1, uuid='u', name='hana', maximum_kib=24 * 2**30
        )
        self.assertEqual(large, record.decode(record.encode(large).encode()))

    def test_a_missing_file(self) -> None:
        path = self.folder / 'none.jsonl'
        error = self.assertRaises(exception.InvalidTrace, self._read, path)
        self.assertIn('No such file', str(error))

    def test_a_file_that_is_there_is_kept(self) -> None:
        path = self._write('host.jsonl')
        before = path.read_bytes()

        self.assertRaises(
            exception.OutputNotWritable,
            writer.TraceWriter(path, _HEADER).__enter__,
        )
        self.assertEqual(before, path.read_bytes())

    def test_a_full_disk_is_one_line_and_the_rest_can_be_read(self) -> None:
        path = self.folder / 'host.jsonl'
        with writer.TraceWriter(path, _HEADER) as stream:
            for one in _RECORDS[:3]:
                stream.add(one)
            stream.flush()
            stream.add(_RECORDS[3])

            def fail(stream: writer.TraceWriter, content: bytes) -> None:
                raise OSError(28, 'No space left on device')

            self.useFixture(fixtures.MonkeyPatch(f'{_WRITE}', fail))
            error = self.assertRaises(
                exception.OutputNotWritable, stream.flush
            )
        self.assertIn('No space left on device; what was', str(error))
        self.assertIn('1 samples, can be read', str(error))
        self.assertEqual(list(_RECORDS[:3]), self._read(path)[0])


_WRITE = 'nova_balloon_timer.trace.writer.TraceWriter._write'


class TestAnyTrace(base.TestCase):
    @hypothesis.given(
        st.builds(
            record.GuestSampled,
            number=st.integers(0, 1000),
            at=st.floats(0, 1e6).map(lambda at: round(at, 3)),
            actual_kib=_sizes,
            usable_kib=st.none() | _sizes,
            rss_kib=st.none() | _sizes,
        )
    )
    def test_any_sample_is_read_as_it_was(
        self, sample: record.GuestSampled
    ) -> None:
        self.assertEqual(sample, record.decode(record.encode(sample).encode()))

    @hypothesis.given(
        st.binary(max_size=60)
        | st.recursive(
            st.none() | st.integers() | st.floats() | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=6)
                | st.dictionaries(
                    st.sampled_from(
                        ['host', 'guest', 'sample', 'gone', 'at', 'number']
                    ),
                    inner,
                    max_size=3,
                )
            ),
        ).map(lambda value: str(value).replace("'", '"').encode()),
        st.booleans(),
        st.integers(0, 40),
    )
    def test_nothing_breaks_the_reader(
        self, junk: bytes, is_compressed: bool, lost: int
    ) -> None:
        with fixtures.TempDir() as folder:
            name = 'any.jsonl.gz' if is_compressed else 'any.jsonl'
            path = pathlib.Path(folder.path) / name
            content = record.encode(_HEADER).encode() + junk + b'\n'
            if is_compressed:
                content = gzip.compress(content)
            path.write_bytes(content[: len(content) - lost])
            try:
                with reader.TraceReader(path) as found:
                    list(found)
            except exception.InvalidTrace as error:
                self.assertNotIn('\n', str(error))
