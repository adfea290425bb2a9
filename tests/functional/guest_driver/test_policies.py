# SPDX-License-Identifier: Apache-2.0
"""Policies, and the ends that they come to."""

from tests.functional import lab
from tests.functional.guest_driver import base
from tests.functional.guest_driver import driver

_TARGET_KIB = 200 * 1024
_LONG_MS = 60000
# It cannot get there in that time, whatever the machine.
_FAR_KIB = 430 * 1024
_SHORT_MS = 150


class EndTest(base.KeeperTest):
    def test_target(self) -> None:
        self.driver.inflate('there', _TARGET_KIB, _LONG_MS)
        status = self.driver.wait_end('there')

        self.assert_end('target', status)
        self.assertEqual(_TARGET_KIB, status.number('reached_kib'))
        self.assertLess(
            0, status.number('last_move_us') <= status.number('elapsed_us')
        )
        self.assert_size(_TARGET_KIB)

    def test_deadline(self) -> None:
        self.driver.inflate('late', _FAR_KIB, _SHORT_MS)
        status = self.driver.wait_end('late')

        self.assert_end('deadline', status)
        self.assertGreaterEqual(status.number('elapsed_us'), _SHORT_MS * 1000)
        # At most the request that was with the host then.
        self.assertLessEqual(status.number('pages_after_deadline'), 256)
        self.assertGreater(status.number('pages_moved'), 256)
        self.assert_size(status.number('reached_kib'))
        self.assertEqual(1, len(self.balloon.watch(0.5)))

    def test_deflate(self) -> None:
        self.driver.inflate('out', _TARGET_KIB, _LONG_MS)
        self.driver.wait_end('out')
        self.driver.deflate('back', 4, _LONG_MS)

        self.assert_end('target', self.driver.wait_end('back'))
        self.assert_size(4)

    def test_is_there_already(self) -> None:
        self.driver.deflate('idle', 0, _LONG_MS)
        status = self.driver.status

        self.assert_end('target', status)
        self.assertEqual(0, status.number('pages_moved'))
        self.assertEqual(0, status.number('last_move_us'))

    def test_cancel(self) -> None:
        self.driver.inflate('doomed', 8192, _LONG_MS, 'segments=50000:4096')
        self.driver.wait_held('doomed', 'segment')
        self.driver.write('cancel id=doomed')

        self.assert_end('cancelled', self.driver.status)
        self.assert_size(4096)

    def test_supersede(self) -> None:
        self.driver.inflate('old', 8192, _LONG_MS, 'segments=50000:4096')
        self.driver.wait_held('old', 'segment')
        self.driver.inflate('new', 6144, _LONG_MS)
        status = self.driver.wait_end('new')

        self.assert_end('target', status)
        self.assertEqual('old', status['previous_id'])
        self.assertEqual('superseded', status['previous_reason'])
        self.assertEqual(4096, status.number('previous_reached_kib'))
        self.assert_size(6144)


class HoldTest(base.KeeperTest):
    def test_segments(self) -> None:
        self.driver.inflate(
            'steps', 90112, _LONG_MS, 'segments=3000:40960,6000:81920'
        )
        for kib, until_ms in ((40960, 3000), (81920, 6000)):
            status = self.driver.wait_held('steps', 'segment')
            while status.number('reached_kib') < kib:
                status = self.driver.wait_held('steps', 'segment')
            self.assertEqual(kib, status.number('reached_kib'))
            self.assertLess(status.number('elapsed_us'), until_ms * 1000)
        status = self.driver.wait_end('steps')

        self.assert_end('target', status)
        self.assertGreater(status.number('elapsed_us'), 6000 * 1000)

    def test_segments_of_a_deflation(self) -> None:
        self.driver.inflate('up', 81920, _LONG_MS)
        self.driver.wait_end('up')
        self.driver.deflate('down', 0, _LONG_MS, 'segments=2000:40960')
        status = self.driver.wait_held('down', 'segment')
        self.assertEqual(40960, status.number('reached_kib'))

        self.assert_end('target', self.driver.wait_end('down'))
        self.assert_size(0)

    def test_reserve(self) -> None:
        reserve_kib = 200 * base.KIB_PER_MIB
        self.driver.inflate(
            'kind', _FAR_KIB, _LONG_MS, f'reserve_kib={reserve_kib}'
        )
        status = self.driver.wait_held('kind', 'reserve')
        available = self.driver.guest.shell('grep MemAvailable /proc/meminfo')
        self.driver.write('cancel id=kind')

        self.assertGreater(
            status.number('reached_kib'), 100 * base.KIB_PER_MIB
        )
        self.assertAlmostEqual(
            reserve_kib, int(available.split()[1]), delta=8192
        )

    def test_reserve_of_more_than_there_is(self) -> None:
        for reserve_kib in (2**40, 2**64 - 1):
            self.driver.inflate(
                'none', _FAR_KIB, _LONG_MS, f'reserve_kib={reserve_kib}'
            )
            status = self.driver.wait_held('none', 'reserve')
            self.driver.write('cancel id=none')

            self.assertEqual('0', status['reached_kib'])


class RejectionTest(base.KeeperTest):
    def test_of_what_cannot_be(self) -> None:
        start = 'start id=x direction=inflate duration_ms=5 target_kib='
        for line, why in (
            ('', 'Invalid argument'),
            ('stop id=x', 'Invalid argument'),
            (f'{start}2', 'Invalid argument'),
            (f'{start}8 reserve_kib=01', 'Invalid argument'),
            (f'{start}99999999999999999999', 'out of range'),
            (f'{start}4194304', 'out of range'),
            ('cancel id=x', 'No such file'),
        ):
            self.assertIn(why, self.driver.try_write(line), line)

    def test_changes_nothing(self) -> None:
        self.driver.inflate('calm', 8192, _LONG_MS, 'segments=50000:4096')
        before = self.driver.wait_held('calm', 'segment')
        self.driver.try_write('start id=y direction=deflate')
        self.driver.try_write('cancel id=y')
        after = self.driver.status
        self.driver.write('cancel id=calm')

        moving = {'elapsed_us': '', 'now_ms': ''}
        self.assertEqual({**before, **moving}, {**after, **moving})


class BeginByTest(base.KeeperTest):
    def begin_by(self, by_ms: int) -> str:
        """Try to start a policy, unless it is too late."""
        return self.driver.try_write(
            'start id=by direction=inflate target_kib=4096 duration_ms=60000'
            f' begin_by_ms={by_ms}'
        )

    def test_in_time(self) -> None:
        now_ms = self.driver.status.number('now_ms')

        self.assertEqual('', self.begin_by(now_ms + _LONG_MS))
        self.assert_end('target', self.driver.wait_end('by'))

    def test_too_late(self) -> None:
        before = self.driver.status

        self.assertIn('expired', self.begin_by(before.number('now_ms') - 1))
        after = self.driver.status
        self.assertEqual(before['id'], after['id'])
        self.assertEqual('0', after['balloon_kib'])

    def test_time_is_that_of_the_guest(self) -> None:
        before, now_ms, after = (
            int(it)
            for it in self.driver.guest.shell(
                'cut -d. -f1 /proc/uptime;'
                f' grep now_ms {driver.FOLDER}/status | cut -d= -f2;'
                ' cut -d. -f1 /proc/uptime'
            ).split()
        )
        self.assertTrue(before * 1000 <= now_ms < (after + 1) * 1000, now_ms)


class StatusTest(base.KeeperTest):
    def test_says_what_it_is_first(self) -> None:
        self.assertEqual(['abi', 'now_ms', 'state'], [*self.driver.status][:3])
        self.assertEqual('1', self.driver.status['abi'])

    def test_can_be_polled(self) -> None:
        path = f'{driver.FOLDER}/status'
        self.driver.guest.shell(
            f': > /tmp/told; await {path} state=ended >> /tmp/told 2>&1 &'
        )
        self.wait_told('armed')
        self.driver.inflate('heard', 8192, _LONG_MS, 'segments=500:4096')
        self.wait_told('armed', 'state=running')
        self.wait_told('armed', 'state=running', 'state=ended')

    def wait_told(self, *lines: str) -> None:
        lab.wait_until(
            lambda: (
                self.driver.guest.shell('cat /tmp/told').splitlines()
                == [*lines]
            ),
            f'told: {lines}',
        )
