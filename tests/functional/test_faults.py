# SPDX-License-Identifier: Apache-2.0

from concurrent import futures
import json
import os
import pathlib
import signal
import subprocess
import time

import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.appliers import noop
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from tests.functional import base
from tests.functional import fault
from tests.functional import lab

# The libvirt timeout of a QEMU that hangs is 30 s: nobody waits for it.
_LONGEST_RETURN_SECONDS = 15


class LibvirtdTest(fault.FaultTest):
    """libvirtd ends as in a crash, and its guests run on."""

    def kill_libvirtd(self) -> None:
        self.addCleanup(self.lab.start_libvirtd)
        self.lab.kill_libvirtd()

    def test_a_restart_while_a_segment_holds(self) -> None:
        east, west = self.balloons('east', 'west')
        run = self.begin_apply(
            east, west, segment=['4s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)
        west.wait_at(448)

        self.kill_libvirtd()
        self.lab.start_libvirtd()
        result = run.finish()

        for balloon in (east, west):
            row = self.assert_end('target', 0, result, balloon.name)
            self.assertTrue(row['Seconds'] < 30, row)
            self.assert_at(300, balloon)

    def test_a_restart_while_balloons_move(self) -> None:
        east, west = self.balloons('east', 'west')
        run = self.begin_apply(east, west, duration='20s', **fault.CRAWL)
        east.wait_below(480)
        west.wait_below(480)

        self.kill_libvirtd()
        self.lab.start_libvirtd()
        result = run.finish()

        for balloon in (east, west):
            row = result.rows[balloon.name]
            self.assertIn(row['Ended by'], ('target', 'deadline'), str(result))
            self.assertTrue(row['Seconds'] <= 20.1, row)
            end_kib = self.assert_frozen(balloon)
            self.assertAlmostEqual(end_kib / 1024, row['End MiB'], delta=0.1)
            # It was moved by us again, after the restart.
            self.assertTrue(end_kib < 400 * 1024, end_kib)
        self.assertEqual(0, result.code, str(result))

    def test_away_over_the_deadline(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['2900ms=448M'], duration='3s', **fault.STEP
        )
        run.wait_for('inflate from')
        deadline_at = time.monotonic() + 3
        east.wait_at(448)

        self.kill_libvirtd()
        lab.wait_until(
            lambda: time.monotonic() >= deadline_at + 2, 'two seconds late'
        )
        self.assertFalse(run.is_over)
        self.lab.start_libvirtd()
        result = run.finish()

        row = self.assert_end('deadline', 0, result, 'east')
        self.assertEqual(448, row['End MiB'])
        self.assertAlmostEqual(3, row['Seconds'], delta=0.5)
        self.assert_at(448, east)

    def test_away_over_the_deadline_while_a_balloon_moves(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(east, duration='3s', **fault.CRAWL)
        run.wait_for('inflate from')
        deadline_at = time.monotonic() + 3
        east.wait_below(500)

        self.kill_libvirtd()
        gone_kib = east.actual_kib
        lab.wait_until(
            lambda: time.monotonic() >= deadline_at + 2, 'two seconds late'
        )
        self.lab.start_libvirtd()
        result = run.finish()

        self.assert_end('deadline', 0, result, 'east')
        end_kib = self.assert_frozen(east)
        self.assertTrue(0 <= gone_kib - end_kib <= 1024, gone_kib - end_kib)

    def test_away_for_longer_than_a_hanging_guest_may(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['900ms=448M'], duration='1s', **fault.STEP
        )
        run.wait_for('inflate from')
        deadline_at = time.monotonic() + 1
        east.wait_at(448)

        self.kill_libvirtd()
        lab.wait_until(
            lambda: time.monotonic() >= deadline_at + 11, 'eleven seconds late'
        )
        self.assertFalse(run.is_over)
        self.lab.start_libvirtd()
        result = run.finish()

        row = self.assert_end('deadline', 0, result, 'east')
        self.assertEqual(448, row['End MiB'])
        self.assert_at(448, east)

    def test_a_second_signal_ends_the_wait(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['50s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)
        self.kill_libvirtd()

        run.send(signal.SIGINT)
        sent_at = time.monotonic()
        lab.wait_until(
            lambda: time.monotonic() >= sent_at + 1.5, 'time for a second'
        )
        self.assertFalse(run.is_over)
        run.send(signal.SIGINT)
        result = run.finish(10)

        self.assertNotIn(result.code, (0, 3), str(result))
        self.assertNotIn('Traceback', result.err)
        self.assertEqual({448 * 1024}, east.watch())

    def test_every_call_works_again_after_a_restart(self) -> None:
        (east,) = self.balloons('east')
        for kind in (libvirt_applier.LibvirtApplier, noop.NoopApplier):
            applier = kind(self.lab.uri)
            self.addCleanup(applier.close)
            calls = {
                'list_guests': applier.list_guests,
                'find_guest': lambda a=applier: a.find_guest('east'),
                'read': lambda a=applier: a.read(east.guest.uuid),
                'set_target': lambda a=applier: a.set_target(
                    east.guest.uuid, 500 * 1024
                ),
            }
            for name, call in calls.items():
                call()
                self.kill_libvirtd()
                self.assertRaises(exception.HypervisorUnavailable, call)
                self.assertRaises(exception.HypervisorUnavailable, call)
                self.lab.start_libvirtd()
                try:
                    call()
                except exception.HypervisorUnavailable as error:
                    self.fail(f'{kind.__name__}.{name}: {error}')


class ForkTest(fault.FaultTest):
    """Another thread of our process begins a program, as Nova does."""

    def test_a_child_does_not_close_our_connections(self) -> None:
        (east,) = self.balloons('east')
        applier = libvirt_applier.LibvirtApplier(self.lab.uri)
        self.addCleanup(applier.close)
        with futures.ThreadPoolExecutor(1) as pool:
            pool.submit(applier.connect).result()
            # NOTE: it is preexec_fn that has Python go on in the child.
            subprocess.run(['true'], check=True, preexec_fn=_do_nothing)
            sample = pool.submit(applier.read, east.guest.uuid).result()
            pool.submit(applier.disconnect).result()
        self.assertEqual(east.full_kib, sample.actual_kib)


def _do_nothing() -> None:
    pass


class FrozenQemuTest(fault.FaultTest):
    """A QEMU that hangs, as one does whose storage is gone."""

    def stop_qemu(self, balloon: base.Balloon) -> int:
        pid = balloon.guest.pid
        assert pid is not None
        os.kill(pid, signal.SIGSTOP)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        return pid

    def test_harms_no_other_guest_and_does_not_run_on(self) -> None:
        east, west, small = self.balloons('east', 'west', 'small')
        saved = self.folder / 'run.json'
        options = fault.CRAWL | {
            'target': '250M',
            'duration': '6s',
            'save': saved,
        }
        run = self.begin_apply(east, west, small, **options)
        west.wait_below(480)

        pid = self.stop_qemu(west)
        result = run.finish(60)
        os.kill(pid, signal.SIGCONT)

        self.assertLess(result.seconds, 6 + _LONGEST_RETURN_SECONDS)
        for balloon in (east, small):
            row = self.assert_end('target', 3, result, balloon.name)
            self.assertLess(row['Seconds'], 6)
            self.assert_at(250, balloon)
        row = self.assert_end('deadline', 3, result, 'west')
        self.assertAlmostEqual(6, row['Seconds'], delta=0.5)
        self.assertIsNone(row['End MiB'])
        self.assertIn('could not be confirmed', row['Detail'])
        self.check_leash(saved, west)

    def check_leash(self, saved: pathlib.Path, balloon: base.Balloon) -> None:
        (kept,) = [
            one
            for one in json.loads(saved.read_text())['policies']
            if one['guest_name'] == balloon.name
        ]
        self.assertFalse(kept['end']['confirmed'])
        seen_kib = kept['curve'][-1]['actual_kib']
        ran_on_kib = seen_kib - balloon.wait_still()
        self.assertTrue(0 <= ran_on_kib <= 1024, kept['curve'][-1])
        self.assert_frozen(balloon)

    def test_wakes_before_its_deadline(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['3s=448M'], duration='30s', **fault.STEP
        )
        east.wait_at(448)

        pid = self.stop_qemu(east)
        begun_at = time.monotonic()
        lab.wait_until(
            lambda: time.monotonic() >= begun_at + 4, 'end of the segment'
        )
        os.kill(pid, signal.SIGCONT)
        result = run.finish()

        self.assert_end('target', 0, result, 'east')
        self.assert_at(300, east)


class KilledTest(testscenarios.WithScenarios, fault.FaultTest):
    """kill -9 of the command itself."""

    scenarios = [
        ('1M', {'leash': '1M', 'leash_kib': 1024}),
        ('16M', {'leash': '16M', 'leash_kib': 16 * 1024}),
    ]
    leash: str
    leash_kib: int

    def test_the_balloon_stops_within_a_leash(self) -> None:
        east, west = self.balloons('east', 'west')
        options = fault.CRAWL | {'leash': self.leash}
        run = self.begin_apply(east, west, duration='60s', **options)
        east.wait_below(500)

        run.send(signal.SIGKILL)
        result = run.finish()
        killed_kib = {one.name: one.actual_kib for one in (east, west)}

        self.assertEqual(-signal.SIGKILL, result.code)
        for balloon in (east, west):
            end_kib = balloon.wait_still()
            ran_on_kib = killed_kib[balloon.name] - end_kib
            self.assertTrue(0 <= ran_on_kib <= self.leash_kib, ran_on_kib)
            self.assertTrue(end_kib > 128 * 1024, end_kib)
