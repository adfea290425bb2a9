# SPDX-License-Identifier: Apache-2.0
"""Compaction, which moves the balloon's pages while the driver does."""

from tests.functional.guest_driver import base
from tests.functional.guest_driver import driver

_LONG_MS = 60000
_TARGET_KIB = 200 * 1024
_TURNS = 500
# Each turn cuts an item that is on its way, in the other direction.
_TURNING = f"""
dmesg -c > /dev/null
(until [ -e /tmp/enough ]; do echo 1 > /proc/sys/vm/compact_memory; done) &
turns=0
while [ $turns -lt {_TURNS} ]; do
    for way in deflate,0 inflate,{_TARGET_KIB}; do
        echo start id=turn direction=${{way%,*}} target_kib=${{way#*,}} \
            duration_ms={_LONG_MS} > {driver.FOLDER}/policy
    done
    turns=$((turns + 1))
done
: > /tmp/enough
wait
rm /tmp/enough
"""


class CompactionTest(base.OwnGuestTest):
    def read_migrated(self) -> int:
        text = self.guest.shell('grep balloon_migrate /proc/vmstat')
        return int(text.split()[1])

    def test_while_policies_turn(self) -> None:
        self.driver.inflate('full', _TARGET_KIB, _LONG_MS)
        self.driver.wait_end('full')
        before = self.read_migrated()

        self.guest.shell(_TURNING)

        self.assertGreater(self.read_migrated(), before)
        self.assert_end('target', self.driver.wait_end('turn'))
        self.assert_size(_TARGET_KIB)
        self.driver.deflate('empty', 0, _LONG_MS)
        self.assert_end('target', self.driver.wait_end('empty'))
        self.assert_size(0)
        self.assertEqual('', self.guest.shell('dmesg -r | grep "^<[0-4]>"; :'))
