# SPDX-License-Identifier: Apache-2.0

import errno
import os

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import kernel_file
from nova_balloon_timer.pressure import stall
from nova_balloon_timer.pressure import trigger
from tests.unit import bare_log
from tests.unit import base
from tests.unit.pressure import tree


class Kernel(fixtures.Fixture):
    """Answers what is written to its file, the first answer first.

    :param answers: errors, 0 for none
    """

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.orders: list[str] = []

    def _setUp(self) -> None:
        for name, stand_in in (
            ('os.write', self._write),
            (f'{kernel_file.__name__}.is_of_kernel', lambda path: True),
        ):
            self.useFixture(fixtures.MonkeyPatch(name, stand_in))

    def _write(self, fd: int, content: bytes) -> int:
        os.fstat(fd)
        self.orders.append(content.decode().rstrip('\0'))
        code = self.answers.pop(0)
        if code:
            raise OSError(code, os.strerror(code))
        return len(content)


class TriggerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.path = self.useFixture(tree.Tree()).stalls(0)

    def arm(self, window_seconds: float = 1.0) -> bool:
        settings = pressure_base.PressureSettings(
            window_seconds=window_seconds
        )
        armed = trigger.arm(self.path, stall.order_of(settings))
        if armed is not None:
            armed.close()
        return armed is not None

    def test_a_plain_file_is_left_as_it_is(self) -> None:
        before = self.path.read_bytes()
        self.assertFalse(self.arm())
        self.assertEqual(before, self.path.read_bytes())
        self.assertIn('is a plain file', self.log.output)

    def test_the_privileged_get_their_window(self) -> None:
        kernel = self.useFixture(Kernel(0))
        self.assertTrue(self.arm())
        self.assertEqual(['some 50000 1000000'], kernel.orders)
        self.assertEqual('', self.log.output)

    def test_others_get_the_next_that_they_may_have(self) -> None:
        kernel = self.useFixture(Kernel(errno.EINVAL, 0))
        self.assertTrue(self.arm())
        self.assertEqual(
            ['some 50000 1000000', 'some 100000 2000000'], kernel.orders
        )
        told = self.log.output.count('watched over 2 s instead of 1 s')
        self.assertEqual(1, told)

    def test_where_none_is_taken_reading_must_do(self) -> None:
        for window_seconds, *answers in (
            (1.0, errno.EINVAL, errno.EINVAL),
            (2.0, errno.EINVAL),
            (2.0, errno.EACCES),
            (2.0, errno.EBUSY),
        ):
            bare = self.useFixture(bare_log.BareLog())
            kernel = Kernel(*map(int, answers))
            with kernel:
                self.assertFalse(self.arm(window_seconds))
            self.assertEqual([], kernel.answers)
            self.assertIn('takes no trigger', self.log.output)
            self.assertEqual([], bare.doubled)

    def test_a_kernel_that_counts_no_stalls_is_told(self) -> None:
        self.useFixture(Kernel(errno.EOPNOTSUPP))
        error = self.assertRaises(exception.PressureUnavailable, self.arm)
        self.assertIn('does not count stalls', str(error))

    def test_a_cgroup_that_goes_meanwhile_is_told(self) -> None:
        self.useFixture(Kernel(errno.ENODEV))
        error = self.assertRaises(exception.PressureUnavailable, self.arm)
        self.assertIn('there is no ', str(error))
