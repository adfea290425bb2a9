# SPDX-License-Identifier: Apache-2.0

import pathlib
import sqlite3
from typing import Any

import fixtures
from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from nova_balloon_timer import exception
from nova_balloon_timer.cmd.upgrade import bus
from nova_balloon_timer.cmd.upgrade import host
from nova_balloon_timer.cmd.upgrade import verdict
from nova_balloon_timer.conf import opts
from nova_balloon_timer.journal import place
from tests.unit import base
from tests.unit.cmd.remote import fake_agent

_SUCCESS = upgradecheck.Code.SUCCESS
_WARNING = upgradecheck.Code.WARNING
_FAILURE = upgradecheck.Code.FAILURE

_MEMINFO = 'MemTotal: 8192 kB\nMemAvailable: 4096 kB\n'
_STALLS = 'some avg10=0.00 avg60=0.00 avg300=0.00 total=1\n'


class HostTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.conf = cfg.ConfigOpts()
        opts.register_opts(self.conf)
        opts.register_nova_opts(self.conf)
        self.conf([], default_config_files=[], default_config_dirs=[])
        self.set(
            proc_root=str(self.folder / 'proc'),
            sys_root=str(self.folder / 'sys'),
            state_path=str(self.folder / 'state'),
        )

    def set(self, **options: Any) -> None:
        for name, value in options.items():
            self.conf.set_override(name, value, 'balloon_timer')
            # NOTE: another ConfigOpts has the same group, overrides and all.
            self.addCleanup(self.conf.clear_override, name, 'balloon_timer')

    def write(self, path: str, text: str) -> None:
        file = self.folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def assert_told(
        self, code: upgradecheck.Code, words: str, result: verdict.Result
    ) -> None:
        self.assertEqual(code, result.code, str(result.details))
        self.assertIn(words, str(result.details))


class ConfigurationTestCase(HostTestCase):
    def test_is_judged_as_the_agent_does(self) -> None:
        self.assert_told(
            _SUCCESS,
            'none; all is by default',
            host.check_configuration(self.conf),
        )
        self.set(low_watermark='20%')
        self.assert_told(
            _FAILURE,
            'low_watermark 20% is not below',
            host.check_configuration(self.conf),
        )


class PressureTestCase(HostTestCase):
    def check(self) -> verdict.Result:
        return host.check_pressure(self.conf)

    def test_all_there(self) -> None:
        self.write('proc/meminfo', _MEMINFO)
        self.write('proc/pressure/memory', _STALLS)
        self.assert_told(_SUCCESS, 'the host: psi, meminfo', self.check())

    def test_no_stalls(self) -> None:
        self.write('proc/meminfo', _MEMINFO)
        self.assert_told(_WARNING, 'psi=1', self.check())
        self.set(pressure_sources=['meminfo'])
        self.assert_told(_SUCCESS, 'psi is not among', self.check())
        self.set(pressure_sources=['psi'])
        self.assert_told(_FAILURE, 'does not start', self.check())

    def test_no_memory(self) -> None:
        self.write('proc/pressure/memory', _STALLS)
        self.assert_told(_WARNING, 'does with psi', self.check())

    def test_nothing(self) -> None:
        self.assert_told(_FAILURE, 'does not start', self.check())
        self.set(pressure_sources=[])
        self.assert_told(_FAILURE, 'none is configured', self.check())

    def test_a_cgroup(self) -> None:
        self.set(cgroup='/machine.slice')
        self.assert_told(_FAILURE, 'does not start', self.check())
        cgroup = 'sys/fs/cgroup'
        self.write(f'{cgroup}/cgroup.controllers', 'memory\n')
        for name, text in (
            ('memory.max', '1073741824\n'),
            ('memory.high', 'max\n'),
            ('memory.current', '536870912\n'),
            ('memory.stat', 'inactive_file 0\nactive_file 0\n'),
        ):
            self.write(f'{cgroup}/machine.slice/{name}', text)
        self.assert_told(_WARNING, 'psi: there is no', self.check())
        self.write(f'{cgroup}/machine.slice/memory.pressure', _STALLS)
        self.assert_told(
            _SUCCESS, 'cgroup machine.slice: psi, meminfo', self.check()
        )

    def test_a_cgroup_that_is_none(self) -> None:
        self.set(cgroup='/../x')
        self.assert_told(_FAILURE, 'not a path', self.check())


class JournalTestCase(HostTestCase):
    def check(self) -> verdict.Result:
        return host.check_journal(self.conf, base.PATIENCE_SECONDS)

    def make(self, version: int | None = None) -> None:
        path = self.folder / 'state' / 'journal.sqlite'
        place.connect_to_write(path, busy_seconds=1.0).close()
        if version is not None:
            connection = sqlite3.connect(path)
            connection.execute(f'PRAGMA user_version = {version}')
            connection.commit()
            connection.close()

    def test_none_yet(self) -> None:
        self.assert_told(_SUCCESS, 'the agent makes it', self.check())

    def test_ours(self) -> None:
        self.make()
        self.assert_told(_SUCCESS, 'the newest', self.check())

    def test_a_newer_one(self) -> None:
        self.make(99)
        self.assert_told(_FAILURE, 'has schema 99', self.check())

    def test_a_damaged_one(self) -> None:
        self.write('state/journal.sqlite', 'once upon a time ' * 999)
        self.assert_told(_WARNING, 'no sound journal', self.check())

    def test_one_that_is_none(self) -> None:
        (self.folder / 'state' / 'journal.sqlite').mkdir(parents=True)
        self.assert_told(_FAILURE, 'not a regular file', self.check())


class BusTestCase(HostTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.conf.set_override('host', fake_agent.HOST)
        self.agents = self.useFixture(fake_agent.FakeAgents())

    def check(self) -> verdict.Result:
        return bus.check_bus(self.conf, base.PATIENCE_SECONDS)

    def test_an_agent_that_answers(self) -> None:
        self.assert_told(_SUCCESS, 'version 1.2.3', self.check())
        self.assertEqual(1, self.agents.closed)

    def test_no_agent(self) -> None:
        self.conf.set_override('host', 'nobody')
        self.assert_told(_SUCCESS, 'while it is stopped', self.check())

    def test_no_bus(self) -> None:
        for error, code, words in (
            (exception.BusNotConfigured(), _WARNING, 'nobody is notified'),
            (exception.BusUnavailable(why='refused'), _FAILURE, 'refused'),
            (exception.AgentBusy(why='x'), _WARNING, 'is there, but'),
        ):
            self.agents.error = error
            self.assert_told(code, words, self.check())
