# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import contextlib
import pathlib
import sqlite3
import sys
import threading
import time
from typing import Any
from unittest import mock

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.agent import agent
from nova_balloon_timer.appliers import loader
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import place
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import writer
from tests.unit import base
from tests.unit.agent import factory
from tests.unit.appliers import memory
from tests.unit.pressure import tree

MIB = base.MIB
GIB = base.GIB
_Reason = model.EndReason


class AgentTestCase(base.TestCase):
    """An agent of guests in memory, on a host with a meminfo of 10 GiB.

    The low watermark is at 1 GiB, the high one at 2 GiB.
    """

    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.addCleanup(sys.setswitchinterval, sys.getswitchinterval())
        self.tree = self.useFixture(tree.Tree())
        self.tree.meminfo(2600)
        self.host = self.useFixture(memory.MemoryHost())
        self.state_path = pathlib.Path(
            self.useFixture(fixtures.TempDir()).path
        )
        self.useFixture(
            fixtures.MockPatchObject(
                loader, 'load', autospec=True, side_effect=self.load_applier
            )
        )
        self.configuration = self.useFixture(
            factory.Configuration(
                state_path=self.state_path,
                connection_uri='test:///default',
                proc_root=self.tree.proc,
                sys_root=self.tree.root / 'sys',
                pressure_sources='meminfo',
                low_watermark='1G',
                high_watermark='2G',
                pressure_settle_seconds=0.0,
                return_settle_seconds=0.0,
                return_round_seconds=0.1,
                return_share_percent=100,
                respect_seconds=0.0,
                shortest_relief_seconds=0.5,
                longest_relief_seconds=1.0,
            )
        )

    def load_applier(self, name: str, uri: str) -> memory.MemoryApplier:
        return self.host.applier

    def start(self) -> agent.Agent:
        made = agent.Agent(self.configuration.conf)
        made.start()
        self.addCleanup(made.stop)
        return made

    def wait(self, what: Callable[[], object], why: str) -> None:
        until = time.monotonic() + base.PATIENCE_SECONDS
        while not what():
            if time.monotonic() > until:
                raise AssertionError(f'{why}\n{self.log.output}')
            time.sleep(0.005)

    def wait_for_words(self, words: str) -> None:
        self.wait(lambda: words in self.log.output, f'no {words!r}')

    def wait_for_look(self, guest: memory.MemoryGuest) -> None:
        reads = guest.reads
        self.wait(lambda: guest.reads > reads, 'it was never looked at')

    @property
    def journal(self) -> reader.Reader:
        return reader.Reader(self.state_path / 'journal.sqlite')


class HostTestCase(AgentTestCase):
    def test_takes_what_lacks_and_returns_it_when_all_is_well(self) -> None:
        guest = self.host.add('web-01')
        self.start()
        self.wait_for_words('')
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.tree.meminfo(1024 - 200)
        self.wait(lambda: guest.actual_kib <= 824 * MIB, 'nothing was taken')
        self.wait_for_words('ended by target')
        self.tree.meminfo(2600)
        self.wait(lambda: guest.actual_kib == GIB, 'nothing was returned')
        self.wait_for_words('The host is no longer short of memory')
        self.wait(
            lambda: (
                {it.origin for it in self.journal.history(10)}
                == {model.Origin.PRESSURE, model.Origin.RETURN}
            ),
            'the journal does not know',
        )

    def test_what_cannot_begin_leaves_nothing_behind(self) -> None:
        self.host.add('web-01')
        broken = agent.Agent(self.configuration.conf)
        self.useFixture(
            fixtures.MockPatchObject(
                agent.Agent,
                '_serve',
                autospec=True,
                side_effect=[RuntimeError('no more threads'), None],
            )
        )
        self.assertRaises(RuntimeError, broken.start)
        names = {it.name for it in threading.enumerate()}
        self.assertNotIn('balloon-crank', names)
        # Neither of its locks is in the way of the next one.
        self.start()

    def test_stops_within_two_seconds_and_restores_statistics(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=20)
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.tree.meminfo(500)
        self.wait(lambda: guest.targets_kib, 'nothing was taken')
        began_at = time.monotonic()
        made.stop()
        self.assertLess(time.monotonic() - began_at, 2.0)
        self.assertEqual(guest.actual_kib, guest.target_kib)
        calls = self.host.applier.calls
        self.assertIn(('restore_statistics', guest.uuid), calls)
        self.assertIn(('close', ''), calls)
        (past,) = self.journal.history(10)
        self.assertIs(_Reason.CANCELLED, past.reason)
        self.assertEqual([], self.journal.in_flight())

    def test_stopping_twice_is_harmless(self) -> None:
        made = self.start()
        made.stop()
        made.stop()

    def test_one_that_never_started_can_be_stopped(self) -> None:
        agent.Agent(self.configuration.conf).stop()

    def test_there_is_one_at_a_time(self) -> None:
        first = self.start()
        second = agent.Agent(self.configuration.conf)
        self.assertRaises(exception.AgentRunning, second.start)
        second.stop()
        first.stop()
        self.start()


class StartTestCase(AgentTestCase):
    def test_that_fails_leaves_the_host_to_others(self) -> None:
        self.tree.proc.joinpath('meminfo').unlink()
        made = agent.Agent(self.configuration.conf)
        self.assertRaises(exception.PressureUnavailable, made.start)
        made.stop()
        self.tree.meminfo(2600)
        self.start()

    def test_that_fails_late_leaves_the_host_to_others(self) -> None:
        away = exception.HypervisorUnavailable(uri='any', why='away')
        made = agent.Agent(self.configuration.conf)
        with mock.patch.object(
            self.host.applier, 'watch', autospec=True, side_effect=away
        ):
            self.assertRaises(exception.HypervisorUnavailable, made.start)
        self.start()

    def test_watermarks_that_do_not_fit_the_host_are_told(self) -> None:
        self.configuration.write(low_watermark='50%')
        self.configuration.conf.reload_config_files()
        made = agent.Agent(self.configuration.conf)
        error = self.assertRaises(exception.InvalidConfiguration, made.start)
        self.assertIn('low_watermark', str(error))

    def test_watermarks_are_told_also_where_stalls_alone_are_watched(
        self,
    ) -> None:
        self.tree.stalls(0)
        self.configuration.write(low_watermark='50%', pressure_sources='psi')
        self.configuration.conf.reload_config_files()
        made = agent.Agent(self.configuration.conf)
        error = self.assertRaises(exception.InvalidConfiguration, made.start)
        self.assertIn('low_watermark', str(error))

    def test_a_dry_run_keeps_to_itself(self) -> None:
        self.configuration.write(
            applier='noop', connection_uri='qemu:///nobody-s'
        )
        self.configuration.conf.reload_config_files()
        first = self.start()
        self.assertTrue((self.state_path / 'dry-run/agent.lock').exists())
        self.assertEqual(
            ['dry-run'], [it.name for it in self.state_path.iterdir()]
        )
        self.configuration.write(state_path=self.state_path / 'other')
        self.configuration.conf.reload_config_files()
        self.start().stop()
        first.stop()

    def test_there_is_one_for_a_connection(self) -> None:
        uri = f'qemu:///{self.state_path.name}'
        self.configuration.write(connection_uri=uri)
        self.configuration.conf.reload_config_files()
        first = self.start()
        self.configuration.write(state_path=self.state_path / 'other')
        self.configuration.conf.reload_config_files()
        second = agent.Agent(self.configuration.conf)
        error = self.assertRaises(exception.AgentRunning, second.start)
        self.assertIn(f'looks after {uri}', str(error))
        first.stop()
        self.start()

    def test_can_be_checked_beforehand(self) -> None:
        agent.check(self.configuration.conf)
        self.configuration.write(guest_priorities='web:much')
        self.configuration.conf.reload_config_files()
        self.assertRaises(
            exception.InvalidConfiguration,
            agent.check,
            self.configuration.conf,
        )


class RestartTestCase(AgentTestCase):
    """What ran when the agent before was killed."""

    def leave(
        self, guest: memory.MemoryGuest, **more: Any
    ) -> model.BalloonPolicy:
        """Leave a policy in the journal that began, and never ended."""
        fields: dict[str, Any] = {
            'guest_uuid': guest.uuid,
            'duration_seconds': 20.0,
            'origin': model.Origin.OPERATOR,
        }
        made = base.make_policy(**(fields | more))
        journal = writer.Journal(self.state_path / 'journal.sqlite')
        now = time.monotonic()
        journal.request(
            [made], now - 1, lambda error: None, {guest.uuid: 'web-01'}
        )
        journal.start(made.uuid, now - 1, base.BY_HOST)
        self.assertTrue(journal.close(base.PATIENCE_SECONDS))
        return made

    def wait_for_reason(self, made: model.BalloonPolicy) -> _Reason:
        found: list[_Reason] = []

        def is_over() -> bool:
            found[:] = [
                it.reason
                for it in self.journal.history(10)
                if it.uuid == made.uuid
            ]
            return bool(found)

        self.wait(is_over, 'it never ended')
        return found[0]

    def test_goes_on_in_its_time(self) -> None:
        guest = self.host.add('web-01')
        made = self.leave(guest)
        self.start()
        self.assertIs(_Reason.TARGET, self.wait_for_reason(made))
        # NOTE: as the host is well, the guest is soon given it back.
        (end,) = (
            it for it in self.journal.history(10) if it.uuid == made.uuid
        )
        self.assertEqual(512 * MIB, end.end_kib)
        self.assertIn(made.uuid, self.log.output)

    def test_ends_when_its_time_is_over(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=100)
        guest.target_kib = 512 * MIB
        made = self.leave(guest, duration_seconds=0.5)
        self.start()
        self.assertIs(_Reason.DEADLINE, self.wait_for_reason(made))
        self.assertEqual(guest.actual_kib, guest.target_kib)

    def test_ends_where_the_guest_is_gone(self) -> None:
        guest = self.host.add('web-01')
        made = self.leave(guest)
        del self.host.applier.guests[guest.uuid]
        self.start()
        self.assertIs(_Reason.GUEST_GONE, self.wait_for_reason(made))

    def test_a_boot_hides_no_lateness(self) -> None:
        guest = self.host.add('web-01')
        made = self.leave(guest, duration_seconds=2.0)
        path = self.state_path / 'journal.sqlite'
        with contextlib.closing(sqlite3.connect(path)) as file, file:
            file.execute(
                "UPDATE policy SET boot_id = 'another', "
                'requested_us = requested_us - 7200000000, '
                'started_us = started_us - 7200000000'
            )
            (started_us,) = file.execute(
                'SELECT started_us FROM policy'
            ).fetchone()
        self.start()
        self.wait_for_reason(made)
        (past,) = self.journal.history(10)
        self.assertEqual(instant.from_us(started_us), past.started_utc)
        took = past.ended_utc - past.started_utc
        self.assertGreater(took.total_seconds(), 7199)

    def test_goes_on_once_the_disk_answers(self) -> None:
        guest = self.host.add('web-01')
        made = self.leave(guest)
        away = threading.Event()
        opened = place.connect_to_write

        def open_late(*args: Any, **more: Any) -> Any:
            away.wait(base.PATIENCE_SECONDS)
            return opened(*args, **more)

        self.addCleanup(away.set)
        self.useFixture(
            fixtures.MockPatchObject(
                place,
                'connect_to_write',
                autospec=True,
                side_effect=open_late,
            )
        )
        began_at = time.monotonic()
        self.start()
        self.assertLess(time.monotonic() - began_at, 2.0)
        self.wait_for_words('What was under way is not known yet')
        self.assertEqual([], guest.targets_kib)
        away.set()
        self.assertIs(_Reason.TARGET, self.wait_for_reason(made))

    def test_relief_ends_where_the_host_is_well(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=50)
        made = self.leave(
            guest, origin=model.Origin.PRESSURE, duration_seconds=3.0
        )
        self.start()
        self.assertIs(_Reason.HOST_RECOVERED, self.wait_for_reason(made))


class ReloadTestCase(AgentTestCase):
    def reload(self, made: agent.Agent, **options: Any) -> None:
        self.configuration.write(**options)
        self.configuration.conf.mutate_config_files()
        made.reload()

    def test_other_values_count(self) -> None:
        guest = self.host.add('web-01')
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.reload(made, excluded_guests='web-*')
        self.wait_for_words('was read again')
        self.tree.meminfo(500)
        self.wait_for_words("excluded by 'web-*'")
        self.assertEqual([], guest.targets_kib)

    def test_other_watermarks_count(self) -> None:
        guest = self.host.add('web-01')
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.tree.meminfo(1500)
        self.reload(made, low_watermark='1800M')
        self.wait(lambda: guest.targets_kib, 'nothing was taken')

    def test_wrong_values_change_nothing(self) -> None:
        guest = self.host.add('web-01')
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.reload(made, guest_priorities='web:much', excluded_guests='web-*')
        self.wait_for_words('The configuration is not changed')
        self.tree.meminfo(800)
        self.wait(lambda: guest.targets_kib, 'nothing was taken')

    def test_watermarks_that_do_not_fit_this_host_change_nothing(
        self,
    ) -> None:
        guest = self.host.add('web-01')
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        self.reload(made, low_watermark='50%')
        self.tree.meminfo(800)
        self.wait(lambda: guest.targets_kib, 'nobody watches any more')

    def test_what_the_controller_refuses_changes_nothing(self) -> None:
        """It knows the host as it was when it was last read."""
        guest = self.host.add('web-01')
        self.tree.meminfo(19 * 1024, total_mib=20 * 1024)
        made = self.start()
        self.wait(lambda: guest.reads, 'it was never looked at')
        controller = made._crank.controller
        self.wait(lambda: controller.host.memory, 'it was never read')
        self.tree.meminfo(39 * 1024, total_mib=40 * 1024)
        self.reload(made, low_watermark='16G', high_watermark='50%')
        self.assertEqual(
            1, self.log.output.count('The configuration is not changed')
        )
        self.assertNotIn('was read again', self.log.output)
        self.assertNotIn('The engine failed', self.log.output)
        self.tree.meminfo(800, total_mib=20 * 1024)
        self.wait(lambda: guest.targets_kib, 'nobody watches any more')
