# SPDX-License-Identifier: Apache-2.0
"""Which files a command reads."""

import pathlib

import fixtures

from tests.unit import base
from tests.unit.cmd import command_line

_OWN = 'nova-balloon-timer'


class Home(fixtures.Fixture):
    """A home folder with configuration files, and no other such folder."""

    def _setUp(self) -> None:
        self.path = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.useFixture(fixtures.EnvironmentVariable('HOME', str(self.path)))
        for name in ('SNAP', 'SNAP_COMMON'):
            self.useFixture(fixtures.EnvironmentVariable(name))

    def write(self, name: str, uri: str) -> pathlib.Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'[balloon_timer]\nconnection_uri = {uri}\n')
        return path


class DefaultTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.home = self.useFixture(Home())
        self.shell = self.useFixture(command_line.CommandLine())

    def uri(self, *words: str) -> str:
        """Return the URI that a command was told by what it read."""
        result = self.shell.run_bare(*words, 'guest', 'list', '--local')
        self.assertEqual(0, result.exit_code, result.stderr)
        return str(self.shell.conf.balloon_timer.connection_uri)

    def test_nothing_need_be_there(self) -> None:
        self.assertEqual('qemu:///system', self.uri())

    def test_nova_s_is_read(self) -> None:
        self.home.write('.nova/nova.conf', 'test:///nova')
        self.assertEqual('test:///nova', self.uri())

    def test_nova_s_folder_is_read_after_it(self) -> None:
        self.home.write('.nova/nova.conf', 'test:///nova')
        self.home.write('.nova/nova.conf.d/a.conf', 'test:///folder')
        self.assertEqual('test:///folder', self.uri())

    def test_our_own_is_read_alone(self) -> None:
        self.home.write('.nova/nova.conf', 'test:///nova')
        self.home.write('.nova/nova.conf.d/a.conf', 'test:///folder')
        self.home.write(f'.{_OWN}/{_OWN}.conf', 'test:///own')
        self.assertEqual('test:///own', self.uri())

    def test_our_own_folder_completes_either(self) -> None:
        self.home.write(f'.{_OWN}/{_OWN}.conf.d/a.conf', 'test:///ours')
        self.assertEqual('test:///ours', self.uri())
        self.home.write('.nova/nova.conf', 'test:///nova')
        self.assertEqual('test:///ours', self.uri())
        self.home.write(f'.{_OWN}/{_OWN}.conf', 'test:///own')
        self.assertEqual('test:///ours', self.uri())

    def test_nova_s_that_we_may_not_read_is_left_out(self) -> None:
        path = self.home.write('.nova/nova.conf', 'test:///nova')
        self.useFixture(
            fixtures.MonkeyPatch(
                'os.access', lambda name, mode: str(name) != str(path)
            )
        )
        self.assertEqual('qemu:///system', self.uri())

    def test_those_that_are_named_are_read_alone(self) -> None:
        self.home.write('.nova/nova.conf', 'test:///nova')
        self.home.write(f'.{_OWN}/{_OWN}.conf', 'test:///own')
        self.home.write(f'.{_OWN}/{_OWN}.conf.d/a.conf', 'test:///ours')
        first = self.home.write('first.conf', 'test:///first')
        second = self.home.write('second.conf', 'test:///second')
        self.assertEqual(
            'test:///second',
            self.uri(f'--config-file={first}', f'--config-file={second}'),
        )
        empty = self.home.path / 'empty.conf'
        empty.touch()
        self.assertEqual('qemu:///system', self.uri(f'--config-file={empty}'))


class NovaOptionTestCase(base.TestCase):
    def test_nova_s_own_options_are_known(self) -> None:
        shell = self.useFixture(command_line.CommandLine())
        shell.configuration = (
            '[DEFAULT]\nhost = compute-7\n'
            '[notifications]\nnotification_format = both\n'
        )
        result = shell.run('guest', 'list', '--local')
        self.assertEqual(0, result.exit_code, result.stderr)
        self.assertEqual('compute-7', shell.conf.host)
        self.assertEqual('both', shell.conf.notifications.notification_format)
