# SPDX-License-Identifier: Apache-2.0
"""How the driver comes and goes."""

from tests.functional import lab
from tests.functional.guest_driver import base
from tests.functional.guest_driver import driver

_LONG_MS = 60000
_DRIVERS = '/sys/bus/virtio/drivers'


class LifecycleTest(base.OwnGuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.free_kib = self.read_free_kib()
        self.driver.inflate('cut', 204800, _LONG_MS, 'segments=50000:102400')
        self.driver.wait_held('cut', 'segment')

    def read_free_kib(self) -> int:
        return int(self.guest.shell('grep MemFree /proc/meminfo').split()[1])

    def load(self, name: str) -> None:
        self.guest.shell(f'insmod /modules/{name}.ko')

    def assert_all_given_back(self) -> None:
        self.assertEqual(self.balloon.full_kib, self.balloon.actual_kib)
        self.assertAlmostEqual(self.free_kib, self.read_free_kib(), delta=4096)
        self.assertNotIn(
            'folder',
            self.guest.shell(f'[ ! -e {driver.FOLDER} ] || echo folder'),
        )

    def test_removal(self) -> None:
        self.guest.shell('rmmod timed_balloon')
        self.addCleanup(self.load, 'timed_balloon')
        self.assert_all_given_back()

    def test_return(self) -> None:
        self.guest.shell('rmmod timed_balloon')
        self.order(150)
        self.load('timed_balloon')

        self.wait_size(153600)
        self.assertEqual('idle', self.driver.status['state'])

    def test_stock_driver_after_it(self) -> None:
        self.guest.shell('rmmod timed_balloon')
        self.load('virtio_balloon')
        self.order(150)
        self.wait_size(153600)
        self.guest.shell('rmmod virtio_balloon')
        self.load('timed_balloon')
        self.wait_size(153600)

    def test_unbind_and_bind(self) -> None:
        self.guest.shell(
            f'cd {_DRIVERS}/timed_balloon; echo virtio* > /tmp/device;'
            ' cat /tmp/device > unbind'
        )
        self.assert_all_given_back()
        self.guest.shell(f'cat /tmp/device > {_DRIVERS}/timed_balloon/bind')

        self.order(150)
        self.wait_size(153600)
        self.driver.deflate('anew', 0, _LONG_MS)
        self.assert_end('target', self.driver.wait_end('anew'))

    def test_reboot(self) -> None:
        self.order(150)
        self.wait_size(153600)
        boots = len(self.guest.lines('nbt: ready'))
        self.guest.domain.reset()
        lab.wait_until(
            lambda: len(self.guest.lines('nbt: ready')) > boots, 'reboot'
        )
        self.guest.wait_ready()

        # As with any driver, the host's target outlives the boot.
        self.wait_size(153600)
        self.assertEqual('idle', self.driver.status['state'])

    def test_suspend(self) -> None:
        self.order(100)
        self.driver.deflate('cut', 20480, _LONG_MS, 'segments=50000:51200')
        self.driver.wait_held('cut', 'segment')
        # The agent is deaf for a while: nobody waits for this to answer.
        self.guest.shell(
            '(sleep 0.2; echo +2 > /sys/class/rtc/rtc0/wakealarm;'
            ' echo mem > /sys/power/state) > /dev/null 2>&1 &'
        )
        self.wait_size(0)
        self.guest.wait_ready()

        self.wait_size(102400)
        self.assert_end('suspended', self.driver.status)
