# SPDX-License-Identifier: Apache-2.0
"""Guests that keep the clock themselves, as an operator sees them."""

import signal
import time
from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from tests.functional import base
from tests.functional import fault
from tests.functional import lab
from tools.lab import domain

# Two stages to wait at; after the second it is in mid-movement at its end.
_STAGES: dict[str, Any] = {
    'target': '64M',
    'segment': ['1s=448M', '2950ms=400M'],
    'duration': '3s',
    'reserve': '0',
    'floor': '32M',
}
_DURATION_SECONDS = 3


class GuestClockTest(fault.FaultTest):
    def begin_stages(self, keeper: base.Balloon) -> tuple[Any, float]:
        """Start a policy, and wait until its guest is at its first stage.

        :returns: the command, and a time after its deadline
        """
        run = self.begin_apply(keeper, **_STAGES)
        run.wait_for('inflate from')
        over_at = time.monotonic() + _DURATION_SECONDS + 0.2
        keeper.wait_at(448)
        return run, over_at

    def wait_over(self, over_at: float) -> None:
        lab.wait_until(lambda: time.monotonic() > over_at, 'the deadline')

    def assert_stopped_in_mid_movement(self, keeper: base.Balloon) -> None:
        (stands_kib,) = keeper.watch()
        self.assertTrue(64 * 1024 < stands_kib < 400 * 1024, stands_kib)


class EndTest(GuestClockTest):
    def test_target(self) -> None:
        (keeper,) = self.balloons('keeper')
        result = self.apply(keeper, target='300M', duration='20s')
        row = self.assert_end('target', 0, result, 'keeper')
        self.assertEqual(300, row['End MiB'])
        self.assert_at(300, keeper)
        # Nobody led it there: this is the order to stay.
        self.assertEqual([300 * 1024], keeper.targets_kib)

    def test_deadline(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, _ = self.begin_stages(keeper)
        row = self.assert_end('deadline', 0, run.finish(), 'keeper')
        self.assert_stopped_in_mid_movement(keeper)
        self.assertEqual(1, len(keeper.targets_kib))
        self.assertAlmostEqual(3, row['Seconds'], delta=0.5)
        stands_mib = self.assert_frozen(keeper) / 1024
        self.assertAlmostEqual(stands_mib, row['End MiB'], delta=0.1)

    def test_deflate(self) -> None:
        (keeper,) = self.balloons('keeper')
        self.apply(keeper, target='200M', duration='20s')
        result = self.apply(keeper, target='512M', duration='20s')
        self.assert_end('target', 0, result, 'keeper')
        self.assert_at(512, keeper)

    def test_interrupted(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, _ = self.begin_stages(keeper)
        run.send(signal.SIGINT)
        self.assert_end('cancelled', 3, run.finish(), 'keeper')
        self.assert_at(448, keeper)

    def test_somebody_else_gives_it_memory(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, _ = self.begin_stages(keeper)
        keeper.guest.domain.setMemoryFlags(512 * 1024, 1)
        result = run.finish()
        row = result.rows['keeper']
        self.assertIn(row['Ended by'], ('distress', 'superseded'), str(result))
        self.assertGreaterEqual(keeper.wait_still(), 448 * 1024)


class HostTimedTest(GuestClockTest):
    def test_no_timed_driver(self) -> None:
        novice, east = self.balloons('novice', 'east')
        result = self.apply(novice, east, target='300M', duration='20s')
        for balloon in (novice, east):
            self.assert_end('target', 0, result, balloon.name)
            self.assert_at(300, balloon)

    def test_if_it_is_asked_to(self) -> None:
        (keeper,) = self.balloons('keeper')
        result = self.apply(
            keeper, target='300M', duration='20s', mode='host', reserve='0'
        )
        self.assert_end('target', 0, result, 'keeper')
        # On a leash it is led there.
        self.assertTrue(len(keeper.targets_kib) > 3, keeper.targets_kib)


class HostFailsTest(GuestClockTest):
    """The guest stops on time, whatever becomes of the host."""

    def test_the_controller_is_killed(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, over_at = self.begin_stages(keeper)
        run.send(signal.SIGKILL)
        run.finish()
        self.wait_over(over_at)
        self.assert_stopped_in_mid_movement(keeper)
        self.assertEqual([], keeper.targets_kib)

    def test_libvirtd_hangs(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, over_at = self.begin_stages(keeper)
        with self.lab.frozen_libvirtd():
            self.wait_over(over_at)
            self.assert_stopped_in_mid_movement(keeper)
        row = self.assert_end('deadline', 0, run.finish(), 'keeper')
        stands_kib = self.assert_frozen(keeper)
        self.assertAlmostEqual(stands_kib / 1024, row['End MiB'], delta=0.1)

    def test_libvirtd_is_restarted(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, over_at = self.begin_stages(keeper)
        self.addCleanup(self.lab.start_libvirtd)
        self.lab.kill_libvirtd()
        self.lab.start_libvirtd()
        self.assert_end('deadline', 0, run.finish(), 'keeper')
        self.assertLess(time.monotonic(), over_at + 2)
        self.assert_stopped_in_mid_movement(keeper)


class GuestFailsTest(GuestClockTest):
    """The host's clock stands behind the guest's."""

    def test_the_guest_is_paused_over_the_deadline(self) -> None:
        (keeper,) = self.balloons('keeper')
        run, over_at = self.begin_stages(keeper)
        keeper.guest.domain.suspend()
        result = run.finish()
        self.assertGreater(time.monotonic(), over_at - 0.3)
        self.assertEqual(448, result.rows['keeper']['End MiB'], str(result))
        keeper.guest.domain.resume()
        self.assert_at(448, keeper)

    def start_mute(self) -> base.Balloon:
        """Start a guest whose agent may be lost."""
        spec = domain.GuestSpec(
            name='mute',
            agent=True,
            driver=domain.Driver.TIMED,
            qmp_socket=self.lab.qmp_socket('mute'),
        )
        (guest,) = self.lab.start(spec)
        self.addCleanup(guest.stop)
        return self.observe(guest)

    def test_its_agent_hangs(self) -> None:
        mute = self.start_mute()
        mute.guest.shell(
            '(sleep 1; kill -STOP $(pidof qemu-ga)) &> /dev/null &'
        )
        applier = libvirt_applier.LibvirtApplier(self.lab.uri)
        self.addCleanup(applier.close)
        error = None
        while error is None:
            try:
                applier.check_clock(mute.guest.uuid)
            except exception.NoGuestClock as raised:
                error = raised
        self.assertIn('its guest agent', error.why)
        # Once is enough: the next policy does not wait for it.
        asked_at = time.monotonic()
        error = self.assertRaises(
            exception.NoGuestClock, applier.check_clock, mute.guest.uuid
        )
        self.assertLess(time.monotonic() - asked_at, 0.5)
        self.assertEqual('its guest agent did not answer lately', error.why)

    def test_its_agent_is_killed(self) -> None:
        mute = self.start_mute()
        mute.guest.shell(
            '(sleep 2; kill -9 $(pidof qemu-ga)) > /dev/null 2>&1 &'
        )
        run, _ = self.begin_stages(mute)
        row = self.assert_end('deadline', 0, run.finish(), 'mute')
        self.assertIn('the guest does not say how', row['Detail'])
        self.assert_stopped_in_mid_movement(mute)
