# SPDX-License-Identifier: Apache-2.0

import pathlib
import time
from typing import Any

import fixtures
import libvirt
import testtools

from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run
from tests.functional import agent
from tests.functional import base
from tests.functional import lab
from tools.lab import cell as lab_cell
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

_MEMORY_MIB = 512
_TOUCH_MIB = 330
_HOG_MIB = 200
_EAT_MIB = 360
# The cell has so much more than its guests have touched.
_ROOM_MIB = 200

_OPTIONS: dict[str, Any] = {
    'pressure_sources': 'psi,meminfo',
    'low_watermark': '8%',
    'high_watermark': '14%',
    'pressure_settle_seconds': 1,
    'return_settle_seconds': 2,
    'return_round_seconds': 1,
    'return_seconds': 3,
    'shortest_relief_seconds': 1,
    'longest_relief_seconds': 10,
    'cool_down_seconds': 2,
    # What makes the host short has nothing to give.
    'excluded_guests': 'eater',
}


class KernelTest(testtools.TestCase):
    """A kernel that is short of memory in earnest, and nobody beside it."""

    def setUp(self) -> None:
        super().setUp()
        libvirt.registerErrorHandler(lambda *_: None, None)
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.cell = self.enter(lab_cell.MemoryCell(4096))
        private = self.enter(
            libvirtd.PrivateLibvirtd(self.folder / 'lab', self.cell)
        )
        specs = [
            self.spec('eater', free_page_reporting=True, agent=True),
            self.spec('idle', touch_mib=_TOUCH_MIB),
            self.spec('spare', touch_mib=_TOUCH_MIB),
            self.spec('busy', touch_mib=_TOUCH_MIB, hog_mib=_HOG_MIB),
        ]
        self.guests = lab_guest.start_all(
            private.open(), specs, self.folder / 'lab' / 'console'
        )
        self.addCleanup(lab_guest.stop_all, self.guests)
        for guest in self.guests:
            guest.wait_ready()
        self.uri = private.uri

    def enter(self, context: Any) -> Any:
        """Hold something until the test ends."""
        entered = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return entered

    def spec(self, name: str, **differences: Any) -> lab_guest.GuestSpec:
        """Describe a guest."""
        return lab_guest.GuestSpec(
            name=name, memory_mib=_MEMORY_MIB, **differences
        )

    def begin_agent(self) -> agent.RunningAgent:
        """Start the agent on the cell."""
        state_path = self.folder / 'state'
        values = {
            'connection_uri': self.uri,
            'state_path': state_path,
            'cgroup': self.cell.path,
            **_OPTIONS,
        }
        path = self.folder / 'agent.conf'
        lines = [f'{name} = {value}' for name, value in values.items()]
        path.write_text('\n'.join(['[balloon_timer]', *lines, '']))
        running = agent.RunningAgent(
            state_path, f'--config-file={path}', 'agent'
        )
        self.addCleanup(running.end)
        agent.attach_log(self, running)
        running.wait_ready()
        return running

    def test_is_relieved_and_everything_is_returned(self) -> None:
        eater, idle, spare, busy = self.guests
        pids = [guest.pid for guest in self.guests]
        lab.wait_until(lambda: bool(busy.hog_reports()), 'a pass')
        self.cell.limit_mib = (
            self.cell.usage_kib // base.KIB_PER_MIB + _ROOM_MIB
        )
        running = self.begin_agent()
        passes = len(busy.hog_reports())
        lab.wait_until(
            lambda: len(busy.hog_reports()) >= passes + 3, 'calm passes'
        )
        calm = busy.hog_reports()[-3:]

        eater.eat(_EAT_MIB, 80)
        running.wait_said('The host is short of memory')
        running.wait_said('inflate to')
        lab.wait_until(
            lambda: bool(
                [
                    it
                    for it in eater.hog_reports('eater')
                    if it.size_mib == _EAT_MIB
                ]
            ),
            'all that the eater wants',
        )
        lab.wait_until(lambda: not running.in_flight(), 'ends')
        tense = busy.hog_reports()[-3:]
        eater.stop_eating()
        running.wait_said('The host is no longer short of memory')
        lab.wait_until(
            lambda: all(
                it.actual_kib == _MEMORY_MIB * base.KIB_PER_MIB
                for it in self.guests
            ),
            'full memory of all guests',
        )
        lab.wait_until(lambda: not running.in_flight(), 'last ends')
        self.assertEqual(0, running.stop().code)

        self.assert_told(running)
        self.assert_taken(running, idle, spare)
        # Nobody was killed, and who is busy was not hurt.
        self.assertEqual(0, self.cell.oom_kills)
        self.assertEqual(pids, [guest.pid for guest in self.guests])
        self.assertEqual([], busy.lines('nbt: hog exit'))
        before = max(it.mean_milliseconds for it in calm)
        after = min(it.mean_milliseconds for it in tense)
        self.assertLess(after, 4 * before + 50, (calm, tense))

    def assert_told(self, running: agent.RunningAgent) -> None:
        """See that the journal tells all, from pressure to its end."""
        ends = running.history()
        self.assertEqual([], running.in_flight())
        uuids = [it.uuid for it in ends]
        self.assertEqual(len(set(uuids)), len(uuids))
        begun = running.said('inflate to') + running.said('deflate to')
        self.assertEqual(len(begun), len(uuids))
        course = running.course()
        kinds = [mark.kind for mark in course.marks]
        self.assertIn(saved_run.MarkKind.PRESSURE_STARTED, kinds)
        self.assertIn(saved_run.MarkKind.RELIEF_PLANNED, kinds)
        self.assertIn(saved_run.MarkKind.PRESSURE_ENDED, kinds)
        self.assertEqual([], running.said('Traceback'))

    def assert_taken(
        self, running: agent.RunningAgent, *idle: lab_guest.Guest
    ) -> None:
        """See that memory came from guests that had some, in time."""
        ends = running.history()
        took = [it for it in ends if it.direction is model.Direction.INFLATE]
        gave = [it for it in ends if it.direction is model.Direction.DEFLATE]
        freed_kib = sum(it.freed_kib or 0 for it in took)
        self.assertGreater(freed_kib, 100 * base.KIB_PER_MIB)
        self.assertTrue(
            {it.guest_name for it in took} & {it.spec.name for it in idle}
        )
        for end in took:
            if end.guest_name == 'busy':
                self.assertIsNot(model.EndReason.DISTRESS, end.reason)
            seconds = (end.ended_utc - end.started_utc).total_seconds()
            self.assertLess(seconds, 10.5)
        self.assertEqual({model.Origin.PRESSURE}, {it.origin for it in took})
        self.assertEqual({model.Origin.RETURN}, {it.origin for it in gave})


class GrowingGuestTest(agent.AgentTest):
    """The host is short because a guest grows."""

    def test_is_not_robbed_of_what_it_is_about_to_use(self) -> None:
        (guest,) = self.lab.start(agent.spec(self.lab, 'growing'))
        self.addCleanup(guest.stop)
        growing = self.observe(guest)
        self.host.available_mib = 1100
        running = self.begin_agent(growing, shortest_relief_seconds=1)
        lab.wait_until(lambda: self.period(growing) == '1', 'statistics')
        guest.eat(360, 60)
        lab.wait_until(lambda: bool(guest.hog_reports('eater')), 'a report')
        # NOTE: that it grows shows when it has told twice since.
        begun = time.time()
        lab.wait_until(
            lambda: guest.domain.memoryStats()['last_update'] >= begun + 2,
            'two tellings',
        )
        self.host.available_mib = agent.SHORT_MIB
        guest.wait(
            lambda: (
                guest.hog_reports('eater')[-1].size_mib == 360
                or bool(self.killed(guest))
            ),
            'all that it wants',
        )
        self.assertEqual(0, running.stop().code)
        self.assertEqual([], self.killed(guest))

    def killed(self, guest: lab_guest.Guest) -> list[str]:
        """Give what the guest's kernel says of programs that it killed."""
        return [line for line in guest.lines('') if 'Killed process' in line]
