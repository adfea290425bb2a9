# SPDX-License-Identifier: Apache-2.0

import fcntl
import os
import pathlib
import signal
import subprocess
import sys
from unittest import mock

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.agent import lock
from tests.unit import base

# Takes the lock, says so, and holds it until it is killed.
_HOLDER = """
import pathlib, sys, time
from nova_balloon_timer.agent import lock
held = lock.HostLock(pathlib.Path(sys.argv[1]))
held.acquire()
print('held', flush=True)
time.sleep(600)
"""


class HostLockTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = folder / 'state' / 'agent.lock'

    def make(self) -> lock.HostLock:
        made = lock.HostLock(self.path)
        self.addCleanup(made.release)
        return made

    def hold(self) -> 'subprocess.Popen[str]':
        """Have another process hold the lock."""
        holder = subprocess.Popen(
            [sys.executable, '-c', _HOLDER, str(self.path)],
            stdout=subprocess.PIPE,
            text=True,
        )
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        assert holder.stdout is not None
        self.addCleanup(holder.stdout.close)
        self.assertEqual('held\n', holder.stdout.readline())
        return holder

    def test_names_its_holder(self) -> None:
        self.make().acquire()
        self.assertEqual(f'{os.getpid()}\n', self.path.read_text())

    def test_is_for_its_owner_s_eyes(self) -> None:
        self.make().acquire()
        self.assertEqual(0o600, self.path.stat().st_mode & 0o777)
        self.assertEqual(0o700, self.path.parent.stat().st_mode & 0o777)

    def test_has_one_holder(self) -> None:
        self.make().acquire()
        error = self.assertRaises(exception.AgentRunning, self.make().acquire)
        self.assertIn(f'process {os.getpid()}', str(error))
        self.assertIn(str(self.path), str(error))

    def test_one_that_was_refused_releases_nothing(self) -> None:
        self.make().acquire()
        refused = self.make()
        self.assertRaises(exception.AgentRunning, refused.acquire)
        refused.release()
        self.assertRaises(exception.AgentRunning, self.make().acquire)

    def test_can_be_taken_again(self) -> None:
        made = self.make()
        for _ in range(3):
            made.acquire()
            made.release()
        made.release()

    def test_another_process_is_named(self) -> None:
        holder = self.hold()
        error = self.assertRaises(exception.AgentRunning, self.make().acquire)
        self.assertIn(f'process {holder.pid}', str(error))

    def test_a_process_that_is_killed_releases_it(self) -> None:
        holder = self.hold()
        holder.send_signal(signal.SIGKILL)
        holder.wait(base.PATIENCE_SECONDS)
        self.make().acquire()
        self.assertEqual(f'{os.getpid()}\n', self.path.read_text())

    def test_a_holder_without_a_name_is_unknown(self) -> None:
        self.make().acquire()
        self.path.write_text('')
        error = self.assertRaises(exception.AgentRunning, self.make().acquire)
        self.assertIn('process unknown', str(error))

    def test_a_path_that_cannot_be_used_is_a_wrong_option(self) -> None:
        self.path.parent.write_text('a file where a folder should be')
        error = self.assertRaises(
            exception.InvalidConfiguration, self.make().acquire
        )
        self.assertIn('state_path cannot be used', str(error))
        self.assertIn(f'{self.path.parent}: File exists', str(error))
        self.assertNotIn('Errno', str(error))

    def test_a_file_system_without_locks_is_a_wrong_option(self) -> None:
        """Nobody holds it, so nobody is to be blamed."""
        with mock.patch.object(
            fcntl, 'flock', autospec=True, side_effect=OSError(37, 'no')
        ):
            error = self.assertRaises(
                exception.InvalidConfiguration, self.make().acquire
            )
        self.assertIn('state_path cannot be locked', str(error))

    def test_a_full_disk_is_no_reason_not_to_start(self) -> None:
        with mock.patch.object(
            os, 'write', autospec=True, side_effect=OSError(28, 'full')
        ):
            self.make().acquire()
        self.assertRaises(exception.AgentRunning, self.make().acquire)


class ConnectionLockTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.log = self.useFixture(fixtures.FakeLogger())

    def make(
        self, uri: str = 'qemu:///system', *folders: pathlib.Path
    ) -> lock.ConnectionLock:
        made = lock.ConnectionLock(uri, folders or (self.folder,))
        self.addCleanup(made.release)
        return made

    def test_has_one_holder(self) -> None:
        held = self.make()
        held.acquire()
        error = self.assertRaises(exception.AgentRunning, self.make().acquire)
        self.assertEqual(
            f'another agent, process {os.getpid()}, looks after '
            'qemu:///system',
            str(error),
        )
        held.release()
        self.make().acquire()

    def test_is_for_all_eyes(self) -> None:
        old = os.umask(0o077)
        self.addCleanup(os.umask, old)
        self.make().acquire()
        (path,) = self.folder.iterdir()
        self.assertEqual(0o644, path.stat().st_mode & 0o777)

    def test_another_connection_is_another_lock(self) -> None:
        self.make().acquire()
        self.make('qemu:///session').acquire()
        self.assertEqual(2, len(list(self.folder.iterdir())))

    def test_some_take_none(self) -> None:
        for uri in ('test:///default', ''):
            self.make(uri).acquire()
            self.make(uri).acquire()
        self.assertEqual([], list(self.folder.iterdir()))

    def test_the_first_folder_that_can_be_used(self) -> None:
        missing = self.folder / 'missing'
        self.make('qemu:///system', missing, self.folder).acquire()
        self.assertRaises(exception.AgentRunning, self.make().acquire)

    def test_a_file_that_cannot_be_written_is_locked(self) -> None:
        """As one that another user made."""
        held = self.make()
        held.acquire()
        held.release()
        opened = os.open

        def open_only_to_read(
            path: pathlib.Path, flags: int, mode: int = 0o777
        ) -> int:
            if flags & os.O_RDWR:
                raise PermissionError(13, 'Permission denied')
            return opened(path, flags, mode)

        with mock.patch.object(
            os, 'open', autospec=True, side_effect=open_only_to_read
        ):
            self.make().acquire()
        self.assertRaises(exception.AgentRunning, self.make().acquire)

    def test_no_link_is_followed(self) -> None:
        held = self.make()
        held.acquire()
        held.release()
        (path,) = self.folder.iterdir()
        path.unlink()
        path.symlink_to(self.folder / 'precious')
        self.make().acquire()
        self.assertFalse((self.folder / 'precious').exists())

    def test_that_cannot_be_made_is_told(self) -> None:
        self.make('qemu:///system', self.folder / 'missing').acquire()
        self.assertIn('no lock can be made', self.log.output)
        with mock.patch.object(
            fcntl, 'flock', autospec=True, side_effect=OSError(37, 'no locks')
        ):
            self.make().acquire()
        self.assertIn('no locks', self.log.output)
