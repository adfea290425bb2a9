# SPDX-License-Identifier: Apache-2.0

import datetime
import os
import signal
import time

import libvirt

from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run
from tests.functional import agent
from tests.functional import base
from tests.functional import lab

_LEASH_KIB = agent.QUICK['leash_mib'] * base.KIB_PER_MIB
# The driver's item that was under way.
_ITEM_KIB = base.KIB_PER_MIB
_BOOTED = 'nbt: ready'


class KilledTest(agent.AgentTest):
    """kill -9 in mid-policy."""

    def kill(
        self, running: agent.RunningAgent, *balloons: base.Balloon
    ) -> None:
        """Kill it, and see that guests stop within a leash."""
        running.kill()
        killed_kib = [it.actual_kib for it in balloons]
        balloons[0].wait_still()
        for balloon, before_kib in zip(balloons, killed_kib, strict=True):
            ran_on_kib = before_kib - balloon.actual_kib
            self.assertLessEqual(ran_on_kib, _LEASH_KIB + _ITEM_KIB)
            self.assertGreaterEqual(ran_on_kib, -_ITEM_KIB)

    def test_goes_on_with_the_time_that_is_left(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(
            alder,
            birch,
            shortest_relief_seconds=15,
            longest_relief_seconds=15,
            leash_mib=1,
        )
        self.press(running, alder, birch)
        began = {
            it.policy.uuid: it.started_utc or it.requested_utc
            for it in running.in_flight()
        }
        killed = [running]
        self.kill(running, alder, birch)
        # As soon as it is there, and once it has gone on.
        for below_mib in (512, 400):
            running = self.relaunch()
            running.wait_said('was under way when the service ended', times=2)
            alder.wait_below(below_mib)
            self.kill(running, alder, birch)
            killed.append(running)

        running = self.relaunch()
        running.wait_ready()
        lab.wait_until(
            lambda: (
                not {it.policy.uuid for it in running.in_flight()} & set(began)
            ),
            'the ends of what was killed',
        )
        ends = {it.uuid: it for it in running.history()}
        self.assertEqual(set(), set(began) - set(ends))
        for uuid, began_utc in began.items():
            end = ends[uuid]
            self.assertIn(
                end.reason, (model.EndReason.TARGET, model.EndReason.DEADLINE)
            )
            self.assertLess(
                (end.ended_utc - began_utc).total_seconds(), 15 + 1.5
            )
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)
        self.assert_sane(running, *killed)

    def test_ends_what_is_late(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch)
        self.press(running, alder, birch)
        began = running.in_flight()
        self.kill(running, alder, birch)
        stood_kib = {it.name: it.actual_kib for it in (alder, birch)}
        late_at = max(it.requested_utc for it in began) + datetime.timedelta(
            seconds=7
        )
        lab.wait_until(
            lambda: datetime.datetime.now(datetime.timezone.utc) >= late_at,
            'a deadline that passes',
        )

        self.host.available_mib = 1536
        again = self.relaunch()
        again.wait_ready()
        lab.wait_until(lambda: not again.in_flight(), 'ends')
        ends = {it.uuid: it for it in again.history()}
        for one in began:
            end = ends[one.policy.uuid]
            self.assertEqual(model.EndReason.DEADLINE, end.reason)
            self.assertIn('while this service was away', end.detail)
            assert end.lateness_seconds is not None
            self.assertGreater(end.lateness_seconds, 1.5)
            # As late as the agent was back, on a machine that may be busy.
            self.assertLess(end.lateness_seconds, 15)
            self.assertEqual(stood_kib[end.guest_name], end.end_kib)
        for balloon in (alder, birch):
            self.assertEqual(stood_kib[balloon.name], balloon.actual_kib)
        self.assertEqual(0, again.stop().code)
        self.assert_ended_once(again)
        self.assert_sane(running, again)


class LibvirtdTest(agent.AgentTest):
    """libvirtd ends as in a crash, and its guests run on."""

    def kill_libvirtd(self) -> None:
        self.addCleanup(self.lab.start_libvirtd)
        self.lab.kill_libvirtd()

    def test_a_restart_in_mid_policy_and_one_at_rest(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(
            alder, birch, shortest_relief_seconds=8, longest_relief_seconds=8
        )
        self.press(running, alder, birch)
        began = running.in_flight()

        self.kill_libvirtd()
        self.lab.start_libvirtd()
        self.host.available_mib = 1536  # enough; what runs goes on
        lab.wait_until(lambda: not running.in_flight(), 'ends')
        for end in running.history():
            self.assertIn(
                end.reason, (model.EndReason.TARGET, model.EndReason.DEADLINE)
            )
            seconds = (end.ended_utc - end.started_utc).total_seconds()
            self.assertLess(seconds, 8 + 0.5)
        uuids = {it.policy.uuid for it in began}
        self.assertLessEqual(uuids, {it.uuid for it in running.history()})

        self.kill_libvirtd()
        self.lab.start_libvirtd()
        self.host.available_mib = agent.PLENTY_MIB
        alder.wait_at(512)
        birch.wait_at(512)
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)
        self.assert_sane(running)

    def test_comes_later_than_the_agent(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        others = self.others(alder, birch)
        self.kill_libvirtd()
        self.host.available_mib = agent.SHORT_MIB
        running = self.begin_agent(excluded_guests=others)
        running.wait_said('cannot be reached')
        self.lab.start_libvirtd()
        began_at = time.monotonic()
        alder.wait_below(480)
        self.assertLess(time.monotonic() - began_at, 20)
        # It says so now and then, not at each attempt.
        self.assertLess(len(running.complaints()), 12, running.complaints())
        self.assertEqual(0, running.stop().code)
        self.assert_sane(running)


class FrozenQemuTest(agent.AgentTest):
    """A QEMU that hangs, as one does whose storage is gone."""

    def test_delays_nobody_and_is_healed(self) -> None:
        alder, birch, cedar = self.warm('alder', 'birch', 'cedar')
        running = self.begin_agent(
            alder, birch, cedar, shortest_relief_seconds=3
        )
        self.press(running, alder, birch, cedar)

        pid = self.freeze_qemu(alder)
        for balloon in (birch, cedar):
            running.wait_said(f'Guest {balloon.name}: ended by')
        others = [
            it for it in running.history() if it.guest_name != alder.name
        ]
        for end in others:
            self.assertIs(model.EndReason.TARGET, end.reason)
            seconds = (end.ended_utc - end.started_utc).total_seconds()
            self.assertLess(seconds, 5 + 0.1)
        self.host.available_mib = 1536
        running.wait_said(f'Guest {alder.name}: ended by deadline')
        end = running.journal.history(1, guest=alder.name)[0]
        self.assertIsNone(end.end_kib)
        os.kill(pid, signal.SIGCONT)
        self.assertGreater(alder.wait_still(), 170 * base.KIB_PER_MIB)
        self.host.available_mib = agent.PLENTY_MIB
        for balloon in (alder, birch, cedar):
            balloon.wait_at(512)
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)
        self.assert_sane(running)


class StuckGuestTest(agent.AgentTest):
    """A guest that stops giving in mid-policy."""

    def test_others_give_what_it_did_not(self) -> None:
        alder, birch, cedar = self.warm('alder', 'birch', 'cedar')
        with self.host.gaining([alder, birch, cedar], 60):
            running = self.begin_agent(
                alder,
                birch,
                cedar,
                guest_priorities='alder:50',
                shortest_relief_seconds=12,
                longest_relief_seconds=12,
                leash_mib=1,
                reserve_percent=0,
            )
            alder.wait_below(508)
            alder.guest.domain.suspend()
            self.addCleanup(lab.wake, alder.guest)
            running.wait_said('Guest alder: ended by stalled')
            running.wait_said('Correction of')
            self.host_is_relieved(birch, cedar)
            lab.wait_until(lambda: not running.in_flight(), 'ends')
        self.assertEqual(0, running.stop().code)

        ends = running.history()
        (stalled,) = [it for it in ends if it.guest_name == 'alder']
        self.assertIs(model.EndReason.STALLED, stalled.reason)
        deadline = stalled.started_utc + datetime.timedelta(seconds=12.5)
        reports = [running.journal.report_of(it.uuid) for it in ends]
        corrections = [
            it
            for it in reports
            if 'another guest did not deliver' in it.report.policy.explanation
        ]
        self.assertNotEqual([], corrections)
        for end in ends:
            self.assertLess(end.ended_utc, deadline)
        kinds = [mark.kind for mark in running.course().marks]
        self.assertIn(saved_run.MarkKind.RELIEF_CORRECTED, kinds)
        self.assert_ended_once(running)
        self.assert_sane(running)

    def host_is_relieved(self, *balloons: base.Balloon) -> None:
        """Wait until guests have given what the host lacks."""
        lab.wait_until(
            lambda: self.host.available_mib >= 1024, 'relief by others', 15
        )
        given_kib = sum(it.full_kib - it.actual_kib for it in balloons)
        self.assertGreater(given_kib, 40 * base.KIB_PER_MIB)


class ForeignTest(agent.AgentTest):
    """Somebody else moves a balloon."""

    def test_is_respected_for_a_while_and_healed(self) -> None:
        (alder,) = self.warm('alder')
        running = self.begin_agent(alder, respect_seconds=4)
        self.wait_known(alder)
        alder.guest.domain.setMemoryFlags(
            400 * base.KIB_PER_MIB, libvirt.VIR_DOMAIN_AFFECT_LIVE
        )
        running.wait_said('somebody else moved its balloon', 'to 400 MiB')
        said_at = time.monotonic()
        self.assertEqual([], running.said('Guest alder: deflate'))
        self.host.available_mib = agent.SHORT_MIB
        running.wait_said('left out', 'alder: its balloon was moved by')
        self.host.available_mib = agent.PLENTY_MIB
        running.wait_said('Guest alder: deflate to 512 MiB')
        self.assertGreater(time.monotonic() - said_at, 3.5)
        alder.wait_at(512)
        running.wait_said('Guest alder: ended by target')
        self.assertEqual(1, len(running.said('somebody else moved')))
        self.assertEqual(400 * base.KIB_PER_MIB, alder.targets_kib[0])
        self.assertEqual(sorted(alder.targets_kib), alder.targets_kib)
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)


class GuestTest(agent.AgentTest):
    """Guests come, reboot and go."""

    def start_doomed(self) -> base.Balloon:
        """Start a guest that the test destroys."""
        spec = agent.spec(self.lab, 'doomed', touch_mib=330)
        (guest,) = self.lab.start(spec)
        self.addCleanup(guest.stop)
        return self.observe(guest)

    def test_comes_while_the_agent_runs(self) -> None:
        running = self.begin_agent()
        doomed = self.start_doomed()
        self.host.available_mib = agent.SHORT_MIB
        running.wait_said('Guest doomed: inflate', timeout_seconds=15)
        doomed.wait_below(480)
        self.assertEqual(0, running.stop().code)
        self.assert_sane(running)

    def test_reboots_or_goes_in_mid_policy(self) -> None:
        doomed = self.start_doomed()
        (alder,) = self.warm('alder')
        running = self.begin_agent(alder, doomed, shortest_relief_seconds=3)
        self.press(running, alder, doomed)

        boots = len(alder.guest.lines(_BOOTED))
        alder.guest.domain.reset()
        doomed.guest.domain.destroy()
        running.wait_said('ended by guest-gone')
        self.host.available_mib = agent.PLENTY_MIB
        running.wait_said('no longer short')
        lab.wait_until(lambda: not running.in_flight(), 'ends')
        alder.guest.wait(
            lambda: len(alder.guest.lines(_BOOTED)) > boots, 'reboot'
        )
        alder.wait_at(512)
        (end,) = [it for it in running.history() if it.guest_name == 'doomed']
        self.assertIs(model.EndReason.GUEST_GONE, end.reason)
        self.assertEqual(0, running.stop().code)
        self.assert_ended_once(running)
        self.assert_sane(running)
