# SPDX-License-Identifier: Apache-2.0

import itertools
import json
import pathlib
import signal
import threading
from typing import Any

import fixtures
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import model
from tests.unit import base
from tests.unit.appliers import memory
from tests.unit.cmd import command_line

MIB = base.MIB
_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')


class ApplyTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.host = self.shell.host
        self.shell.configuration = (
            '[balloon_timer]\nstatistics_wait_seconds = 1\n'
        )

    def run_apply(self, *arguments: str) -> command_line.Result:
        """Ask for 512 MiB within 20 s, unless the arguments say else."""
        return self.shell.run(
            'apply',
            '-f',
            'json',
            '--target',
            '512M',
            '--duration',
            '20s',
            *arguments,
        )


class EndTestCase(ApplyTestCase):
    def test_all_at_their_target(self) -> None:
        guests = [self.host.add(name) for name in ('a', 'b')]
        result = self.run_apply('a', 'b')
        self.assertEqual(0, result.exit_code)
        for row in result.rows:
            self.assertEqual('target', row['Ended by'])
            self.assertEqual(1024.0, row['Start MiB'])
            self.assertEqual(512.0, row['End MiB'])
            self.assertEqual(512.0, row['Moved MiB'])
            self.assertIsNone(row['Late ms'])
        for guest in guests:
            self.assertEqual(512 * MIB, guest.target_kib)

    def test_one_at_its_deadline(self) -> None:
        guest = self.host.add('a', rate_mib_per_second=200)
        result = self.run_apply('a', '--duration', '300ms')
        self.assertEqual(0, result.exit_code)
        (row,) = result.rows
        self.assertEqual('deadline', row['Ended by'])
        self.assertIsNotNone(row['Late ms'])
        self.assertEqual(guest.actual_kib, guest.target_kib)
        self.assertEqual(round(guest.actual_kib / MIB, 1), row['End MiB'])

    def test_some_refused(self) -> None:
        self.host.add('a')
        unable = self.host.add('unable', refusals=(_PAUSED,))
        result = self.run_apply('unable', 'a')
        self.assertEqual(3, result.exit_code)
        refused, ended = result.rows
        self.assertEqual('refused', refused['Ended by'])
        self.assertEqual('it is paused', refused['Detail'])
        self.assertEqual('target', ended['Ended by'])
        self.assertEqual([], unable.targets_kib)

    def test_some_gone(self) -> None:
        guest = self.host.add('a')
        gone = exception.GuestNotRunning(guest='a', why='shut off')

        def vanish(self: memory.MemoryGuest) -> None:
            if self.targets_kib:
                raise gone

        self.useFixture(
            fixtures.MonkeyPatch(
                'tests.unit.appliers.memory.MemoryGuest.advance', vanish
            )
        )
        guest.target_kib = base.GIB
        result = self.run_apply('a')
        self.assertEqual(3, result.exit_code)
        (row,) = result.rows
        self.assertEqual('guest-gone', row['Ended by'])
        self.assertIsNone(row['End MiB'])
        self.assertNotIn('Traceback', result.stderr)

    def test_one_that_must_keep_the_clock_and_cannot(self) -> None:
        guest = self.host.add('a')
        result = self.run_apply('a', '--mode', 'guest')
        self.assertEqual(3, result.exit_code)
        (row,) = result.rows
        self.assertEqual('refused', row['Ended by'])
        self.assertEqual(
            'it cannot keep the clock: it has no guest agent channel',
            row['Detail'],
        )
        self.assertEqual([], guest.targets_kib)

    def test_tells_who_kept_the_clock(self) -> None:
        self.host.add('a')
        result = self.run_apply('a', '--mode', 'host')
        self.assertEqual('host', result.rows[0]['Timed by'])
        self.assertIn('within 20.00 s, timed by the host\n', result.stderr)

    def test_a_mode_that_is_none(self) -> None:
        result = self.run_apply('a', '--mode', 'me')
        self.assertEqual(2, result.exit_code)
        self.assertIn(
            "apply: --mode: 'me' is not one of host, guest, auto\n",
            result.stderr,
        )

    def test_all_refused(self) -> None:
        self.host.add('unable', refusals=(_PAUSED,))
        result = self.run_apply('unable')
        self.assertEqual(3, result.exit_code)
        self.assertEqual(1, len(result.rows))

    def test_progress_is_told_apart_from_the_result(self) -> None:
        self.host.add('a')
        result = self.run_apply('a')
        self.assertIn('a: inflate from 1024 MiB to 512 MiB', result.stderr)
        self.assertIn('a: ended by target', result.stderr)

    def test_everything_is_put_back(self) -> None:
        guest = self.host.add('a')
        self.run_apply('a')
        calls = self.host.applier.calls
        self.assertIn(('start_statistics', guest.uuid), calls)
        self.assertIn(('restore_statistics', guest.uuid), calls)
        self.assertIn(('close', ''), calls)

    def test_guards_and_leash_are_the_orders(self) -> None:
        guest = self.host.add('a')
        self.run_apply('a', '--floor', '500M', '--leash', '8M')
        steps = [base.GIB, *guest.targets_kib]
        for before, after in itertools.pairwise(steps):
            self.assertTrue(0 <= before - after <= 8 * MIB)

    def test_the_configured_guards_are_kept(self) -> None:
        self.shell.configuration += 'floor_percent = 60\n'
        guest = self.host.add('a')
        result = self.run_apply('a')
        self.assertEqual(3, result.exit_code)
        self.assertIn('its floor of 614 MiB', result.rows[0]['Detail'])
        self.assertEqual([], guest.targets_kib)


class DryRunTestCase(ApplyTestCase):
    def test_tells_the_plan_and_moves_nothing(self) -> None:
        guest = self.host.add('a')
        result = self.run_apply('a', '--dry-run')
        self.assertEqual(0, result.exit_code)
        (row,) = result.rows
        self.assertEqual('inflate', row['Would'])
        self.assertEqual(512.0, row['Target MiB'])
        self.assertEqual([], guest.targets_kib)
        self.assertEqual('noop', self.shell.loaded[0][0])

    def test_tells_who_would_keep_the_clock(self) -> None:
        able = self.host.add('able')
        self.host.add('unable')
        able.no_clock = ''
        result = self.run_apply('able', 'unable', '--dry-run')
        self.assertEqual(
            ['guest', 'host: it has no guest agent channel'],
            [row['Timed by'] for row in result.rows],
        )

    def test_tells_refusals(self) -> None:
        self.host.add('unable', refusals=(_PAUSED,))
        result = self.run_apply('unable', '--dry-run')
        self.assertEqual(3, result.exit_code)
        self.assertEqual('refuse', result.rows[0]['Would'])
        self.assertEqual(
            'it is paused', result.rows[0]['Expected end, or why not']
        )


def _wrong(name: str, code: int, words: str, *arguments: str) -> Any:
    return (name, {'code': code, 'words': words, 'arguments': arguments})


class WrongTestCase(testscenarios.WithScenarios, ApplyTestCase):
    scenarios = [
        _wrong('no size', 2, "'lots' is not a size", '--target', 'lots'),
        _wrong('zero', 2, "'0M' is not a size", '--target', '0M'),
        _wrong('negative', 2, "'-1G' is not a size", '--target=-1G'),
        _wrong('too much', 2, 'above its maximum', '--target', '2G'),
        _wrong('too many percent', 2, 'maximum', '--target', '101%'),
        _wrong('no time', 2, "'0s' is not a duration", '--duration', '0s'),
        _wrong('no unit', 2, "'5' is not a duration", '--duration', '5'),
        _wrong('no segment', 2, "'x' is not a segment", '--segment', 'x'),
        _wrong('late', 2, 'does not end before', '--segment', '20s=700M'),
        _wrong(
            'out of order',
            2,
            'not later than the one before',
            '--segment',
            '2s=700M',
            '--segment',
            '1s=600M',
        ),
        _wrong('back', 2, 'not on the way', '--segment', '1s=400M'),
        _wrong('floor', 2, 'below the floor 600 MiB', '--floor', '600M'),
        _wrong('twice', 2, 'guest a is named twice', 'a'),
        _wrong('unknown', 1, "there is no guest 'nobody'", 'nobody'),
        _wrong('save', 1, 'cannot be written', '--save', '/nonexistent/x'),
    ]
    code: int
    words: str
    arguments: tuple[str, ...]

    def test_is_one_line_and_moves_no_balloon(self) -> None:
        guest = self.host.add('a')
        result = self.run_apply('a', *self.arguments)
        self.assertEqual(self.code, result.exit_code)
        self.assertIn(self.words, result.stderr)
        self.assertEqual(1, result.stderr.count('\n'))
        self.assertEqual('', result.stdout)
        self.assertEqual([], guest.targets_kib)


class HypervisorTestCase(ApplyTestCase):
    def test_that_cannot_be_reached_is_one_line(self) -> None:
        def connect(self: memory.MemoryApplier) -> None:
            raise exception.HypervisorUnavailable(uri='x:///', why='no socket')

        self.useFixture(
            fixtures.MonkeyPatch(
                'tests.unit.appliers.memory.MemoryApplier.connect', connect
            )
        )
        result = self.run_apply('a')
        self.assertEqual(1, result.exit_code)
        self.assertEqual(
            'apply: x:/// cannot be reached: no socket\n', result.stderr
        )


class SaveTestCase(ApplyTestCase):
    def test_keeps_the_run(self) -> None:
        directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.host.add('a')
        path = directory / 'run.json'
        result = self.run_apply('a', '--save', str(path))
        self.assertEqual(0, result.exit_code, result.stderr)
        self.assertIn('"a"', json.dumps(json.loads(path.read_text())))


class SignalTestCase(testscenarios.WithScenarios, ApplyTestCase):
    scenarios = [
        (number.name, {'number': number})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    number: signal.Signals

    def setUp(self) -> None:
        super().setUp()
        self.before = signal.getsignal(self.number)
        main_thread = threading.main_thread().ident
        assert main_thread is not None
        self.main_thread = main_thread

    def interrupt(self, guest: memory.MemoryGuest) -> None:
        """Send the signal when the guest has its first target."""
        plain = memory.MemoryApplier.set_target

        def set_target(
            applier: memory.MemoryApplier, guest_uuid: str, target_kib: int
        ) -> None:
            plain(applier, guest_uuid, target_kib)
            if guest_uuid == guest.uuid and len(guest.targets_kib) == 1:
                signal.pthread_kill(self.main_thread, self.number)

        self.useFixture(
            fixtures.MonkeyPatch(
                'tests.unit.appliers.memory.MemoryApplier.set_target',
                set_target,
            )
        )

    def test_freezes_every_balloon(self) -> None:
        guests = [
            self.host.add(name, rate_mib_per_second=100) for name in 'ab'
        ]
        self.interrupt(guests[0])
        result = self.run_apply('a', 'b')
        self.assertEqual(3, result.exit_code)
        for row, guest in zip(result.rows, guests, strict=True):
            self.assertEqual('cancelled', row['Ended by'])
            self.assertEqual(guest.actual_kib, guest.target_kib)
            self.assertEqual(round(guest.actual_kib / MIB, 1), row['End MiB'])
            self.assertGreater(guest.actual_kib, 512 * MIB)
        self.assertNotIn('Traceback', result.stderr)

    def test_handlers_are_put_back(self) -> None:
        guest = self.host.add('a', rate_mib_per_second=100)
        self.interrupt(guest)
        self.run_apply('a')
        self.assertIs(self.before, signal.getsignal(self.number))
