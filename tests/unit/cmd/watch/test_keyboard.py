# SPDX-License-Identifier: Apache-2.0

import os
import termios
import tty

import fixtures
import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.cmd.watch import keyboard
from tests.unit import base


class DecodeTestCase(base.TestCase):
    def test_names_keys(self) -> None:
        for content, keys in (
            (b'', []),
            (b'q', ['q']),
            (b'cy', ['c', 'y']),
            (b'j', ['down']),
            (b'k', ['up']),
            (b'\x1b[A\x1b[B', ['up', 'down']),
            (b'\x1bOAq', ['up', 'q']),
            (b'\x1b', ['escape']),
            (b'\x1b[5~c', ['c']),
            (b'\x1b[1;5Cq', ['q']),
            ('\u00fc\u6f22'.encode(), ['\u00fc', '\u6f22']),
            (b'\xff', ['\ufffd']),
            (b'\n', ['\n']),
        ):
            self.assertEqual(keys, keyboard.decode(content))

    @hypothesis.given(content=st.binary(max_size=256))
    def test_takes_anything(self, content: bytes) -> None:
        for key in keyboard.decode(content):
            self.assertTrue(key)


class KeyboardTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ours, self.theirs = os.openpty()
        self.addCleanup(os.close, self.theirs)
        self.addCleanup(os.close, self.ours)

    def test_reads_a_key_without_its_line(self) -> None:
        with keyboard.Keyboard(self.theirs) as keys:
            os.write(self.ours, b'c')
            self.assertEqual(['c'], keys.read(base.PATIENCE_SECONDS))
            self.assertEqual([], keys.read(0))

    def test_says_when_the_terminal_is_gone(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, reading)
        os.close(writing)
        self.assertEqual([keyboard.GONE], keyboard.Keyboard(reading).read(0))

    def test_puts_the_terminal_back_whatever_happens(self) -> None:
        before = termios.tcgetattr(self.theirs)
        try:
            with keyboard.Keyboard(self.theirs):
                during = termios.tcgetattr(self.theirs)
                raise KeyboardInterrupt
        except KeyboardInterrupt:
            pass
        self.assertNotEqual(before, during)
        self.assertEqual(before, termios.tcgetattr(self.theirs))

    def test_puts_it_back_if_it_is_stopped_meanwhile(self) -> None:
        before = termios.tcgetattr(self.theirs)
        cbreak = tty.setcbreak

        def interrupt(descriptor: int) -> None:
            cbreak(descriptor)
            raise KeyboardInterrupt

        self.useFixture(fixtures.MonkeyPatch('tty.setcbreak', interrupt))
        keys = keyboard.Keyboard(self.theirs)
        self.assertRaises(KeyboardInterrupt, keys.__enter__)
        self.assertEqual(before, termios.tcgetattr(self.theirs))

    def test_does_not_echo_nor_suspend_but_heeds_ctrl_c(self) -> None:
        with keyboard.Keyboard(self.theirs):
            mode = termios.tcgetattr(self.theirs)
        self.assertFalse(mode[3] & termios.ECHO)
        self.assertTrue(mode[3] & termios.ISIG)
        self.assertEqual(b'\x00', mode[6][termios.VSUSP])
        self.assertEqual(b'\x03', mode[6][termios.VINTR])
