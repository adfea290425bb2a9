# SPDX-License-Identifier: Apache-2.0

import collections
from typing import Any

from nova_balloon_timer.journal import reader as journal_reader
from tests.functional import agent
from tests.functional import base
from tests.functional import bus
from tests.functional import lab
from tests.functional import listener
from tests.functional import samples
from tests.functional import small_disk

_DATA = 'balloon_timer_object.data'
_VERSIONED = 'versioned_notifications'

_START = 'host_memory.pressure.start'
_END = 'host_memory.pressure.end'
_ENDS = {
    'balloon_policy.target_reached',
    'balloon_policy.deadline_reached',
    'balloon_policy.stopped',
}


class NotificationTest(agent.AgentTest):
    """A test with a broker, and somebody who listens to it."""

    def setUp(self) -> None:
        super().setUp()
        self.broker = bus.shared()
        bus.clear(self.broker)
        self.groups.update(bus.options(self.broker))
        self.listener = listener.Listener(self.groups)
        self.addCleanup(self.listener.close)

    def told(self) -> list[listener.Heard]:
        """Give what was told in the versioned form."""
        return [it for it in self.listener.heard if it.topic == _VERSIONED]

    def by_subject(self) -> dict[str, list[tuple[int, str]]]:
        """Give what was told of each subject, twice told things once."""
        found: dict[str, dict[int, str]] = collections.defaultdict(dict)
        for heard in self.told():
            data = heard.payload[_DATA]
            known = found[data['uuid']].setdefault(
                data['sequence'], heard.event_type
            )
            self.assertEqual(known, heard.event_type)
        return {uuid: sorted(it.items()) for uuid, it in found.items()}

    def wait_told(self, running: agent.RunningAgent) -> None:
        """Wait until the end of all that has ended was told."""

        def is_told() -> bool:
            told = {
                it.payload[_DATA]['uuid']
                for it in self.told()
                if it.event_type in _ENDS
            }
            return {it.uuid for it in running.history()} <= told

        lab.wait_until(is_told, 'notifications of all ends')

    def assert_told_once(self, running: agent.RunningAgent) -> None:
        """See that what is told is what the journal says, and in order."""
        told = self.by_subject()
        for policy in running.history():
            types = [kind for _, kind in told[policy.uuid]]
            self.assertEqual('balloon_policy.create', types[0])
            self.assertEqual(
                1, len([kind for kind in types if kind in _ENDS]), str(types)
            )
            self.assertIn(types[-1], _ENDS)
            (end,) = {
                it.payload[_DATA]['reason']
                for it in self.told()
                if it.payload[_DATA]['uuid'] == policy.uuid
                and it.event_type in _ENDS
            }
            self.assertEqual(policy.reason.value, end)
        self.assert_in_order()

    def assert_in_order(self) -> None:
        """See that nothing overtook anything of its own subject."""
        latest: dict[str, int] = collections.defaultdict(lambda: -1)
        for heard in self.told():
            data = heard.payload[_DATA]
            self.assertGreaterEqual(
                data['sequence'], latest[data['uuid']], str(self.by_subject())
            )
            latest[data['uuid']] = data['sequence']

    def recover(
        self, running: agent.RunningAgent, *balloons: base.Balloon
    ) -> None:
        """Be well again, and wait until guests have what was taken."""
        self.host.available_mib = agent.PLENTY_MIB
        for balloon in balloons:
            balloon.wait_at(512)
        lab.wait_until(lambda: not running.in_flight(), 'ends')


class CourseTest(NotificationTest):
    """A host runs short, and is well again."""

    def test_is_told_in_both_forms(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch, progress_seconds=0.5)
        self.press(running, alder, birch)
        self.listener.wait_for('balloon_policy.progress')
        self.recover(running, alder, birch)
        self.listener.wait_for(_END)
        self.wait_told(running)
        self.assertEqual(0, running.stop().code)

        self.assert_told_once(running)
        self.assert_sane(running)
        types = {it.event_type for it in self.told()}
        self.assertLessEqual({_START, _END, 'balloon_policy.start'}, types)
        for heard in self.told():
            self.assertRegex(heard.publisher_id, r'^nova-balloon-timer:.+')
            self.check_against_sample(heard)
        self.check_flat_forms()

    def check_against_sample(self, heard: listener.Heard) -> None:
        sample = samples.read(heard.event_type)
        # NOTE: an agent of its own knows no instances.
        self.assertEqual(
            samples.shape(sample['payload'], 'instance'),
            samples.shape(heard.payload, 'instance'),
        )
        if _DATA in heard.payload and 'guest_uuid' in heard.payload[_DATA]:
            self.assertIsNone(heard.payload[_DATA]['instance'])
        if heard.event_type != 'balloon_policy.stopped':
            self.assertEqual(sample['priority'].lower(), heard.priority)

    def check_flat_forms(self) -> None:
        """See that both forms say the same."""
        versioned = {_key(it.payload[_DATA]): it for it in self.told()}
        flat = {
            _key(it.payload): it
            for it in self.listener.heard
            if it.topic == 'notifications'
        }
        self.assertEqual(versioned.keys(), flat.keys())
        for key, heard in flat.items():
            self.assertEqual(versioned[key].event_type, heard.event_type)
            self.assertEqual(versioned[key].priority, heard.priority)
            self.assertEqual(
                versioned[key].payload[_DATA].keys(), heard.payload.keys()
            )

    def test_a_stop_is_told(self) -> None:
        (alder,) = self.warm('alder')
        running = self.begin_agent(alder)
        self.press(running, alder)
        self.assertEqual(0, running.stop().code)
        (stopped,) = {
            it.payload[_DATA]['reason']
            for it in self.listener.wait_for('balloon_policy.stopped')
            if it.topic == _VERSIONED
        }
        self.assertEqual('cancelled', stopped)
        self.assert_told_once(running)


class SilenceTest(NotificationTest):
    """Nobody asked for notifications."""

    def test_nothing_is_told_or_kept(self) -> None:
        (alder,) = self.warm('alder')
        self.groups['oslo_messaging_notifications'] = {'driver': ''}
        running = self.begin_agent(alder)
        running.wait_said('No notifications are sent')
        self.press(running, alder)
        self.recover(running, alder)
        self.assertEqual(0, running.stop().code)
        self.assertEqual(0, letters_of(running).count_letters())
        self.assertEqual([], self.told())


class OutageTest(NotificationTest):
    """The broker is away, and comes back."""

    def test_is_made_up_for(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch)
        self.press(running, alder, birch)
        self.listener.wait_for('balloon_policy.start')
        self.broker.kill()
        self.addCleanup(self.broker.start)
        lab.wait_until(
            lambda: len(running.history()) >= 2, 'ends without a broker'
        )
        self.recover(running, alder, birch)
        running.wait_said('Notifications cannot be sent')
        self.assertGreater(letters_of(running).count_letters(), 0)
        self.assert_in_time(running)

        self.broker.start()
        running.wait_said('Notifications can be sent again')
        self.wait_told(running)
        self.listener.wait_for(_END)
        self.assert_told_once(running)
        lab.wait_until(
            lambda: letters_of(running).count_letters() == 0, 'an empty box'
        )
        running.stop()
        self.assertEqual(1, len(running.said('Notifications cannot be sent')))

    def test_that_outlives_the_agent_is_made_up_for(self) -> None:
        (alder,) = self.warm('alder')
        running = self.begin_agent(
            alder, shortest_relief_seconds=15, longest_relief_seconds=15
        )
        self.press(running, alder)
        (pressure,) = {
            it.payload[_DATA]['uuid'] for it in self.wait_start(times=1)
        }
        self.broker.kill()
        self.addCleanup(self.broker.start)
        running.kill()
        self.broker.start()
        again = self.relaunch()
        again.wait_ready()
        self.recover(again, alder)
        self.wait_told(again)
        self.listener.wait_for(
            lambda it: (
                it.event_type == _END
                and it.topic == _VERSIONED
                and it.payload[_DATA]['uuid'] == pressure
            )
        )
        self.assert_told_once(again)
        again.stop()

    def wait_start(self, times: int) -> list[listener.Heard]:
        return self.listener.wait_for(
            lambda it: it.event_type == _START and it.topic == _VERSIONED,
            times,
        )

    def assert_in_time(self, running: agent.RunningAgent) -> None:
        for end in running.history():
            late_seconds = end.lateness_seconds or 0.0
            self.assertLess(late_seconds, agent.SLACK_SECONDS)

    def test_a_broker_that_hangs_delays_nothing(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.begin_agent(alder, birch)
        self.press(running, alder, birch)
        self.listener.wait_for('balloon_policy.start')
        self.broker.freeze()
        self.addCleanup(self.broker.thaw)
        self.recover(running, alder, birch)
        self.assert_in_time(running)
        self.host.available_mib = agent.SHORT_MIB
        self.press(running, alder, birch)
        result = running.stop()
        self.assertEqual(0, result.code)
        self.assert_frozen(alder)
        self.assert_ended_once(running)

        self.broker.thaw()
        again = self.relaunch()
        again.wait_ready()
        self.recover(again, alder, birch)
        self.wait_told(again)
        self.assert_told_once(again)
        again.stop()


class FullDiskTest(NotificationTest, small_disk.SmallDiskTest):
    """Nothing can be written any more."""

    def test_what_is_not_kept_is_told_all_the_same(self) -> None:
        (alder,) = self.warm('alder')
        running = self.begin_agent(alder)
        self.wait_known(alder)
        self.fill()
        self.host.available_mib = agent.SHORT_MIB
        (end, *_) = self.listener.wait_for(
            lambda it: it.event_type in _ENDS and it.topic == _VERSIONED
        )
        self.free()
        self.recover(running, alder)
        self.wait_told(running)
        self.assert_told_once(running)
        told = self.by_subject()[end.payload[_DATA]['uuid']]
        self.assertEqual(end.event_type, told[-1][1])
        running.stop()


def letters_of(running: agent.RunningAgent) -> journal_reader.Reader:
    """Give what reads the notifications that wait."""
    return running.journal


def _key(data: dict[str, Any]) -> tuple[str, int]:
    return data['uuid'], data['sequence']
