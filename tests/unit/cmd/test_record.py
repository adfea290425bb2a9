# SPDX-License-Identifier: Apache-2.0

import dataclasses
import os
import pathlib
import signal
import threading
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.simulator.fleet import replay
from nova_balloon_timer.trace import reader
from nova_balloon_timer.trace import record
from tests.unit import base
from tests.unit.cmd import command_line

_MEMINFO = 'MemTotal: 16777216 kB\nMemAvailable: 8388608 kB\n'
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


class RecordTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.host = self.shell.host
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'host.jsonl'
        (self.folder / 'meminfo').write_text(_MEMINFO)
        self.shell.configuration = (
            f'[balloon_timer]\nproc_root = {self.folder}\n'
        )

    def run_it(self, *more: str, exit_code: int = 0) -> list[dict[str, Any]]:
        result = self.shell.run(
            'record',
            '-f',
            'json',
            '--save',
            str(self.path),
            '--interval',
            '500ms',
            *more,
        )
        self.assertEqual(exit_code, result.exit_code, result.stderr)
        self.stderr = result.stderr
        return result.rows if exit_code == 0 else []

    def records(self) -> list[record.Record]:
        with reader.TraceReader(self.path) as found:
            self.header = found.header
            return list(found)

    def test_writes_host_and_guests(self) -> None:
        guest = self.host.add('web-01')
        self.host.add('asleep', refusals=(_PAUSED,))
        [row] = self.run_it('--duration', '1ms')

        self.assertEqual((2, 1), (row['Guests'], row['Samples']))
        web, asleep, sample, host = self.records()
        assert isinstance(web, record.GuestFound)
        self.assertEqual((guest.uuid, 'web-01'), (web.uuid, web.name))
        assert isinstance(asleep, record.GuestFound)
        self.assertEqual('it is paused', asleep.refusal)
        assert isinstance(sample, record.GuestSampled)
        self.assertEqual(base.GIB, sample.actual_kib)
        self.assertEqual(900 * base.MIB, sample.usable_kib)
        assert isinstance(host, record.HostSeen)
        self.assertEqual(8 * base.GIB, host.available_kib)
        self.assertEqual([], guest.targets_kib)
        self.assertIn(('start_statistics', guest.uuid), self.calls())
        self.assertIn(('restore_statistics', guest.uuid), self.calls())

    def calls(self) -> list[tuple[str, str]]:
        return self.host.applier.calls

    def test_anonymous_ones_tell_no_names(self) -> None:
        guest = self.host.add('secret')
        self.run_it('--duration', '1ms', '--anonymize')

        content = self.path.read_text()
        self.assertNotIn('secret', content)
        self.assertNotIn(guest.uuid, content)
        self.assertNotIn(os.uname().nodename, content.splitlines()[0])
        self.assertIn('guest-1', content)

    def test_guests_come_and_go(self) -> None:
        self.host.add('web-01')

        def change() -> None:
            self.host.applier.guests.clear()
            self.host.add('web-02')

        threading.Timer(0.25, change).start()
        self.run_it('--duration', '700ms')

        kinds = [type(it).__name__ for it in self.records()]
        self.assertEqual(2, kinds.count('GuestFound'))
        self.assertEqual(1, kinds.count('GuestLeft'))

    def test_a_guest_that_is_able_later_is_recorded_from_then_on(self) -> None:
        guest = self.host.add('web-01', refusals=(_PAUSED,))

        def resume() -> None:
            guest.description = dataclasses.replace(
                guest.description, refusals=()
            )

        threading.Timer(0.25, resume).start()
        [row] = self.run_it('--duration', '700ms')

        self.assertEqual(1, row['Samples'])
        first, _, left, second, *_ = self.records()
        assert isinstance(first, record.GuestFound)
        assert isinstance(left, record.GuestLeft)
        assert isinstance(second, record.GuestFound)
        self.assertEqual(first.number, left.number)
        self.assertEqual('', second.refusal)
        self.assertIn(('start_statistics', guest.uuid), self.calls())
        self.assertIn('1 guest\n', self.stderr)

    def test_a_guest_that_hangs_holds_nothing_up(self) -> None:
        self.host.add('hangs', hangs=True)
        self.host.add('fine')
        [row] = self.run_it('--duration', '700ms')

        self.assertEqual(2, row['Samples'])

    def test_ctrl_c_ends_it_with_a_whole_file(self) -> None:
        self.host.add('web-01')
        timer = threading.Timer(
            0.7, os.kill, args=(os.getpid(), signal.SIGINT)
        )
        timer.start()
        self.addCleanup(timer.cancel)
        [row] = self.run_it()

        self.assertEqual(2, row['Samples'])
        self.assertTrue(self.records())
        self.assertIn('recording for', self.stderr)

    def test_what_is_there_is_kept(self) -> None:
        self.path.write_text('mine')
        self.run_it(exit_code=1)

        self.assertIn('File exists', self.stderr)
        self.assertEqual('mine', self.path.read_text())

    def test_a_full_disk_is_one_line(self) -> None:
        self.host.add('web-01')
        writes: list[int] = []

        def write(writer: object, content: bytes) -> None:
            writes.append(len(content))
            if len(writes) > 2:
                raise OSError(28, 'No space left on device')
            with self.path.open('ab') as stream:
                stream.write(content)

        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.trace.writer.TraceWriter._write', write
            )
        )
        self.run_it(exit_code=1)

        [_, line] = self.stderr.splitlines()
        self.assertIn('No space left on device; what was written', line)
        self.assertEqual(3, len(self.records()))

    def test_without_host_memory_no_file_is_made(self) -> None:
        (self.folder / 'meminfo').unlink()
        self.run_it(exit_code=1)
        self.assertFalse(self.path.exists())

    def test_wrong_interval_is_wrong_usage(self) -> None:
        self.run_it('--interval', 'often', exit_code=2)
        self.assertIn("'often' is not a duration", self.stderr)


class ReplayTestCase(base.TestCase):
    def _load(self, *records: record.Record) -> Any:
        path = (
            pathlib.Path(self.useFixture(fixtures.TempDir()).path) / 'a.jsonl'
        )
        header = record.Header(host='h', began_at=5.0, interval_seconds=10.0)
        path.write_text(''.join(map(record.encode, (header, *records))))
        return replay.load(path)[0]

    def test_what_is_left_is_spent_by_the_host(self) -> None:
        found = self._load(
            record.GuestFound(number=1, uuid='u', name='a', maximum_kib=4096),
            record.GuestSampled(
                number=1, at=0, actual_kib=4000, usable_kib=1000, rss_kib=3500
            ),
            record.HostSeen(at=0.0, total_kib=10_000, available_kib=2000),
            record.GuestSampled(
                number=1, at=10, actual_kib=2000, usable_kib=0, rss_kib=9000
            ),
            record.HostSeen(at=10.0, total_kib=10_000, available_kib=1000),
            record.GuestLeft(number=1, at=20.0),
            record.HostSeen(at=20.0, total_kib=10_000, available_kib=9000),
        )
        self.assertEqual(20.0, found.seconds)
        self.assertEqual(10_000, found.total_kib)
        self.assertEqual(
            [4500, 0, 1000], [found.other.kib(it) for it in (0, 10, 20)]
        )
        [guest] = found.guests
        self.assertEqual(20.0, guest.until_at)
        self.assertEqual((), guest.behaviours)
        demand = guest.make_demand()
        self.assertEqual((3000, 3500), demand.at(0.0))
        self.assertEqual((2000, 4096), demand.at(10.0))

    def test_a_number_that_is_given_again_is_another_guest(self) -> None:
        found = self._load(
            *(
                one
                for at in (0, 5)
                for one in (
                    record.GuestFound(
                        number=1, uuid='u', name=f'a{at}', maximum_kib=4096
                    ),
                    record.GuestSampled(
                        number=1,
                        at=at,
                        actual_kib=4000,
                        usable_kib=None,
                        rss_kib=None,
                    ),
                )
            ),
            record.HostSeen(at=10.0, total_kib=10_000, available_kib=2000),
        )
        self.assertEqual(['a0', 'a5'], [it.name for it in found.guests])

    def test_a_guest_that_tells_nothing_is_not_touched(self) -> None:
        found = self._load(
            record.GuestFound(number=1, uuid='u', name='a', maximum_kib=4096),
            record.GuestSampled(
                number=1, at=9, actual_kib=4000, usable_kib=None, rss_kib=None
            ),
            record.HostSeen(at=10.0, total_kib=10_000, available_kib=2000),
        )
        [guest] = found.guests
        self.assertEqual(1, len(guest.behaviours))
        self.assertEqual(9.0, guest.from_at)

    def test_nothing_in_it(self) -> None:
        error = self.assertRaises(exception.BalloonTimerError, self._load)
        self.assertIn('it has no time in it', str(error))
