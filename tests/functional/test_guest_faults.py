# SPDX-License-Identifier: Apache-2.0

import libvirt

from tests.functional import base
from tests.functional import command
from tests.functional import fault
from tests.functional import lab

_LIVE = libvirt.VIR_DOMAIN_AFFECT_LIVE


class GuestTest(fault.FaultTest):
    """What becomes of a guest in mid-policy."""

    def test_destroyed(self) -> None:
        east, west = self.balloons('east', 'west')
        run = self.begin_apply(
            east, west, segment=['3s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)
        west.wait_at(448)

        west.guest.domain.destroy()
        result = run.finish()

        self.assert_end('guest-gone', 3, result, 'west')
        self.assert_end('target', 3, result, 'east')
        self.assert_at(300, east)
        # ... and at its next start it has all its memory again.
        (west_again,) = self.lab.guests('west')
        self.assertEqual(512 * 1024, west_again.actual_kib)

    def test_destroyed_while_it_moves(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(east, duration='60s', **fault.CRAWL)
        east.wait_below(500)

        east.guest.domain.destroy()
        result = run.finish()

        row = self.assert_end('guest-gone', 3, result, 'east')
        self.assertIsNone(row['End MiB'])
        self.assertTrue(row['Seconds'] < 30, row)

    def test_rebooted(self) -> None:
        (east,) = self.balloons('east')
        begun = len(east.guest.lines('nbt: ready'))
        run = self.begin_apply(
            east, segment=['8s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)

        east.guest.domain.reset()
        lab.wait_until(
            lambda: len(east.guest.lines('nbt: ready')) > begun, 'boot'
        )
        result = run.finish()

        # QEMU keeps the target for the new driver. It begins with an empty
        # balloon, which is over within 0.1 s: either nobody saw that, or
        # the guest took back what it was to give.
        row = result.rows['east']
        ended_by = row['Ended by']
        self.assertIn(ended_by, ('target', 'distress'), str(result))
        self.assertEqual(0 if ended_by == 'target' else 3, result.code)
        stands_kib = self.assert_frozen(east)
        self.assertAlmostEqual(stands_kib / 1024, row['End MiB'], delta=0.1)

    def test_paused_while_it_moves(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(east, duration='60s', **fault.CRAWL)
        east.wait_below(500)

        east.guest.domain.suspend()
        stands_kib = east.actual_kib
        result = run.finish()
        east.guest.domain.resume()

        row = self.assert_end('stalled', 3, result, 'east')
        self.assertTrue(row['Seconds'] < 30, row)
        # It may have had part of a leash before it.
        end_kib = self.assert_frozen(east)
        self.assertTrue(0 <= stands_kib - end_kib <= 1024, end_kib)

    def test_paused_until_after_its_deadline(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['2900ms=448M'], duration='3s', **fault.STEP
        )
        east.wait_at(448)

        east.guest.domain.suspend()
        result = run.finish()
        east.guest.domain.resume()

        row = self.assert_end('deadline', 0, result, 'east')
        self.assertAlmostEqual(3, row['Seconds'], delta=0.5)
        self.assert_at(448, east)

    def test_paused_and_resumed_while_a_segment_holds(self) -> None:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['3s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)

        east.guest.domain.suspend()
        self.assertEqual({448 * 1024}, east.watch(0.5))
        east.guest.domain.resume()
        result = run.finish()

        self.assert_end('target', 0, result, 'east')
        self.assert_at(300, east)


class SomebodyElseTest(fault.FaultTest):
    """``virsh setmem`` in mid-policy.

    libvirt does not tell targets, so while we hand out one after another
    nobody else's can be seen: only what a balloon does by itself tells.
    """

    def hold(self) -> tuple[base.Balloon, command.Running]:
        (east,) = self.balloons('east')
        run = self.begin_apply(
            east, segment=['50s=448M'], duration='60s', **fault.STEP
        )
        east.wait_at(448)
        return east, run

    def check_yields(self, mib: int) -> None:
        east, run = self.hold()

        east.guest.domain.setMemoryFlags(mib * 1024, _LIVE)
        result = run.finish()

        self.assert_end('superseded', 3, result, 'east')
        east.wait_at(mib)
        self.assert_at(mib, east)

    def test_goes_beyond_our_target(self) -> None:
        self.check_yields(200)

    def test_goes_beyond_our_segment(self) -> None:
        self.check_yields(400)

    def test_gives_back_what_we_took(self) -> None:
        east, run = self.hold()

        east.guest.domain.setMemoryFlags(480 * 1024, _LIVE)
        result = run.finish()

        # An operator, or the guest's own autodeflate? Nobody knows; but it
        # is not taken again.
        row = result.rows['east']
        self.assertIn(row['Ended by'], ('distress', 'superseded'), str(result))
        self.assertEqual(3, result.code, str(result))
        self.assertTrue(row['Seconds'] < 30, row)
        self.assertGreater(self.assert_frozen(east), 448 * 1024)
