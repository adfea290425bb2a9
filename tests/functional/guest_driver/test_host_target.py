# SPDX-License-Identifier: Apache-2.0
"""What the host orders in the usual way, with and without a policy."""

from tests.functional import lab
from tests.functional.guest_driver import base

_LONG_MS = 60000


class NoPolicyTest(base.KeeperTest):
    def test_is_obeyed(self) -> None:
        for mib in (300, 100, 0):
            self.order(mib)
            self.wait_size(mib * base.KIB_PER_MIB)

    def test_is_obeyed_again_after_a_policy(self) -> None:
        self.driver.inflate('past', 102400, _LONG_MS)
        self.driver.wait_end('past')
        # What the host wanted before the policy is not what it wants now.
        self.assertEqual(1, len(self.balloon.watch(0.5)))
        self.assert_size(102400)
        # Said once more it is an order, though the number is the same.
        self.order(0)
        self.wait_size(0)


class PolicyTest(base.KeeperTest):
    """A policy waits at 100 MiB on its way from 0 to 200."""

    def setUp(self) -> None:
        super().setUp()
        self.driver.inflate('way', 204800, _LONG_MS, 'segments=5000:102400')
        self.driver.wait_held('way', 'segment')

    def test_shortens(self) -> None:
        self.order(150)
        self.wait_target(153600)
        status = self.driver.wait_end('way')

        self.assert_end('target', status)
        self.assertGreater(status.number('elapsed_us'), 5000 * 1000)
        self.assert_size(153600)

    def test_does_not_extend(self) -> None:
        self.order(300)
        status = self.driver.wait_end('way')

        self.assert_end('target', status)
        self.assertEqual(204800, status.number('target_kib'))
        self.assertEqual(1, len(self.balloon.watch(0.5)))
        self.assert_size(204800)

    def test_ends(self) -> None:
        self.order(50)
        status = self.driver.wait_end('way')

        self.assert_end('host', status)
        self.assertEqual(102400, status.number('reached_kib'))
        self.wait_size(51200)

    def wait_target(self, kib: int) -> None:
        lab.wait_until(
            lambda: self.driver.status.number('target_kib') == kib,
            f'target of {kib} KiB',
        )
