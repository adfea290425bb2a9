# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import io
import os
import signal
import termios
import threading
from typing import Any

import fixtures
from oslo_config import cfg
import testscenarios

from nova_balloon_timer.cmd import main
from tests.unit import base
from tests.unit.cmd import command_line
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

_SCREEN_ON, _SCREEN_OFF = '\x1b[?1049h', '\x1b[?1049l'
_CURSOR_ON = '\x1b[?25h'


class OnceTestCase(shell.RemoteTestCase):
    def test_prints_one_picture(self) -> None:
        self.agent.guests = [fake_agent.guest('web-01')]
        self.agent.live = [fake_agent.policy('web-02')]
        self.agent.events = [fake_agent.event('tasks waited')]
        result = self.shell.run('watch', '--once')
        self.assertEqual(0, result.exit_code, result.stderr)
        for words in ('compute-01', 'web-01', 'web-02', 'tasks waited'):
            self.assertIn(words, result.stdout)
        self.assertNotIn('\x1b', result.stdout)

    def test_nobody_there_is_one_line(self) -> None:
        self.assert_one_line(
            "no agent answered for host 'nobody'",
            1,
            'watch',
            '--once',
            '--host',
            'nobody',
        )

    def test_without_a_terminal_there_is_nothing_else(self) -> None:
        self.assert_one_line('no terminal to watch on', 2, 'watch')
        self.assertEqual([], self.agent.calls)


class Pty(fixtures.Fixture):
    """A terminal, and somebody at it.

    :ivar shown: everything that was written on it
    """

    def __init__(self, on_shown: Callable[['Pty'], None]) -> None:
        super().__init__()
        self._on_shown = on_shown
        self.shown = ''

    def _setUp(self) -> None:
        self.ours, theirs = os.openpty()
        self.stdin = os.fdopen(theirs, 'r')
        self.stdout = os.fdopen(os.dup(theirs), 'w', encoding='utf-8')
        self.before = termios.tcgetattr(theirs)
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        self.addCleanup(self._close)

    def _close(self) -> None:
        self.hang_up()
        os.close(self.ours)

    def hang_up(self) -> None:
        """Close the command's side, and read what is left."""
        for stream in (self.stdin, self.stdout):
            if not stream.closed:
                stream.close()
        self._thread.join(base.PATIENCE_SECONDS)

    def type(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self.ours, keys)

    @property
    def mode(self) -> list[Any]:
        """How the terminal is set."""
        return termios.tcgetattr(self.stdin.fileno())

    def _read(self) -> None:
        while True:
            try:
                content = os.read(self.ours, 65536)
            except OSError:
                return
            if not content:
                return
            self.shown += content.decode('utf-8', 'replace')
            self._on_shown(self)


class TerminalTestCase(shell.RemoteTestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, value in (
            ('COLUMNS', '100'),
            ('LINES', '30'),
            ('TERM', 'xterm'),
        ):
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        self.agent.live = [fake_agent.policy('web-01')]

    def watch(self, on_shown: Callable[[Pty], None]) -> tuple[int, Pty]:
        """Watch until whoever sees the screen ends it."""
        pty = self.useFixture(Pty(on_shown))
        path = self.useFixture(fixtures.TempDir()).join('x.conf')
        with open(path, 'w') as file:
            file.write(self.shell.configuration)
        with (
            fixtures.MonkeyPatch('sys.stdin', pty.stdin),
            fixtures.MonkeyPatch('sys.stdout', pty.stdout),
            fixtures.MonkeyPatch('sys.stderr', io.StringIO()),
            command_line.RootLogger(),
        ):
            code = main.main(
                ['--config-file', path, 'watch', '--interval', '0.1'],
                cfg.ConfigOpts(),
            )
            pty.stdout.flush()
            self.assertEqual(pty.before, pty.mode)
        pty.hang_up()
        return code, pty

    def assert_restored(self, pty: Pty) -> None:
        """See the screen of before, with a cursor."""
        _, _, after = pty.shown.rpartition(_SCREEN_ON)
        self.assertIn(_SCREEN_OFF, after)
        self.assertIn(_CURSOR_ON, after)


class LiveTestCase(TerminalTestCase):
    def test_shows_and_heeds_keys(self) -> None:
        steps = iter(
            (
                ('web-01', b'c'),
                ('Cancel the policy of web-01', b'y'),
                ('the policy of web-01 is cancelled', b'q'),
            )
        )
        waited = [next(steps)]

        def on_shown(pty: Pty) -> None:
            words, keys = waited[0]
            if words in pty.shown:
                pty.type(keys)
                waited[0] = next(steps, ('\x00', b''))

        code, pty = self.watch(on_shown)
        self.assertEqual(0, code)
        self.assertIn('cancel_policy', self.called)
        self.assert_restored(pty)

    def test_goes_on_without_an_answer(self) -> None:
        class Away(fake_agent.FakeAgent):
            def show_host(self) -> fake_agent.View:
                raise fake_agent.away()

        self.agents.agents[fake_agent.HOST] = Away()

        def on_shown(pty: Pty) -> None:
            if 'NO ANSWER since' in pty.shown:
                pty.type(b'q')

        code, pty = self.watch(on_shown)
        self.assertEqual(0, code)
        self.assertIn('no agent answered', pty.shown)
        self.assert_restored(pty)

    def test_a_defect_leaves_the_terminal_as_it_was(self) -> None:
        self.agent.host = {}
        code, pty = self.watch(lambda pty: None)
        self.assertEqual(1, code)
        self.assert_restored(pty)


class SignalTestCase(testscenarios.WithScenarios, TerminalTestCase):
    scenarios = [
        (number.name, {'number': number})
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    ]
    number: signal.Signals

    def test_ends_it_and_leaves_the_terminal_as_it_was(self) -> None:
        main_thread = threading.main_thread().ident
        assert main_thread is not None

        def on_shown(pty: Pty) -> None:
            if 'web-01' in pty.shown and not sent:
                sent.append(True)
                signal.pthread_kill(main_thread, self.number)

        sent: list[bool] = []
        before = signal.getsignal(self.number)
        code, pty = self.watch(on_shown)
        self.assertEqual(128 + self.number, code)
        self.assert_restored(pty)
        self.assertIs(before, signal.getsignal(self.number))
