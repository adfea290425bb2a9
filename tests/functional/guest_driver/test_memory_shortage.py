# SPDX-License-Identifier: Apache-2.0
"""Guests that have no memory to give."""

from typing import Any, ClassVar

from tests.functional import lab
from tests.functional.guest_driver import base

_LONG_MS = 60000
_DRIVER = '/sys/bus/virtio/drivers/timed_balloon'
_FAR_KIB = 450 * 1024


class ShortageTest(base.OwnGuestTest):
    def eat(self, mib: int) -> None:
        """Have a program hold so much, and wait until it does, or died."""
        self.addCleanup(self.guest.stop_eating)
        before = len(self.guest.hog_reports('eater'))
        kills = self.kills()
        self.guest.eat(mib)
        lab.wait_until(
            lambda: (
                len(self.guest.hog_reports('eater')) > before
                or self.kills() > kills
            ),
            'a program with its memory, or killed',
        )

    def kills(self) -> int:
        text = self.guest.shell('grep oom_kill /proc/vmstat')
        return int(text.split()[1])

    def hold_at(self, mib: int) -> None:
        """Have a policy wait at a size, on its way to one further."""
        kib = mib * base.KIB_PER_MIB
        self.driver.inflate(
            'hold', kib + 4, _LONG_MS, f'segments={_LONG_MS - 1}:{kib}'
        )
        self.driver.wait_held('hold', 'segment')


class NoSwapTest(ShortageTest):
    def test_stalls_and_nobody_is_killed(self) -> None:
        kills = self.kills()
        self.eat(200)
        self.driver.inflate('far', _FAR_KIB, _LONG_MS)
        status = self.driver.wait_end('far')

        self.assert_end('stalled', status)
        self.assertGreater(status.number('allocation_failures'), 0)
        self.assertGreater(status.number('pages_moved'), 0)
        self.assertAlmostEqual(
            2000,
            (status.number('elapsed_us') - status.number('last_move_us'))
            / 1000,
            delta=500,
        )
        self.assertEqual(kills, self.kills())

    def test_ends_when_memory_runs_out(self) -> None:
        kills = self.kills()
        self.hold_at(250)
        self.eat(250)
        status = self.driver.wait_end('hold')

        self.assert_end('oom', status)
        # The host forbids to give it back.
        self.assertGreater(self.kills(), kills)
        self.assert_size(250 * base.KIB_PER_MIB)


class AutodeflateTest(ShortageTest):
    features: ClassVar[dict[str, Any]] = {'autodeflate': True}

    def test_gives_back_and_nobody_is_killed(self) -> None:
        kills = self.kills()
        self.hold_at(250)
        self.eat(250)
        status = self.driver.wait_end('hold')

        self.assert_end('oom', status)
        self.assertEqual(250 * base.KIB_PER_MIB, status.number('reached_kib'))
        self.assertLess(status.number('balloon_kib'), 240 * base.KIB_PER_MIB)
        self.assertEqual(kills, self.kills())
        # Nor does it take that again unless it is told to.
        stands_kib = self.balloon.wait_still()
        self.assert_size(self.balloon.full_kib - stands_kib)
        self.assertEqual({stands_kib}, self.balloon.watch())

    def test_goes_while_memory_runs_out(self) -> None:
        self.hold_at(250)
        self.addCleanup(self.guest.stop_eating)
        self.guest.eat(250)
        before_kib = self.driver.status.number('balloon_kib')
        lab.wait_until(
            lambda: self.driver.status.number('balloon_kib') < before_kib,
            'pages given back',
        )
        self.guest.shell(
            f'cd {_DRIVER}; echo virtio* > /tmp/device;'
            ' cat /tmp/device > unbind'
        )
        self.assertEqual(self.balloon.full_kib, self.balloon.actual_kib)
        self.guest.shell(f'cat /tmp/device > {_DRIVER}/bind')
        self.assert_size(0)
        self.assertNotIn('BUG', self.guest.shell('dmesg'))


class DiskSwapTest(ShortageTest):
    features: ClassVar[dict[str, Any]] = {'disk_swap_mib': 512}

    def test_is_not_late(self) -> None:
        self.eat(250)
        for number in range(3):
            self.driver.inflate(f'swap{number}', _FAR_KIB, 1500)
            status = self.driver.wait_end(f'swap{number}')
            self.assert_end('deadline', status)
            late_us = status.number('last_move_us') - 1500 * 1000
            self.assertLess(late_us, 100 * 1000, str(status))
            self.assertLessEqual(status.number('pages_after_deadline'), 256)
            self.driver.deflate(f'back{number}', 0, _LONG_MS)
            self.driver.wait_end(f'back{number}')
