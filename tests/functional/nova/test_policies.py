# SPDX-License-Identifier: Apache-2.0

import json

from tests.functional import bus
from tests.functional import command
from tests.functional import lab
from tests.functional import listener
from tests.functional import samples
from tests.functional.nova import base
from tests.functional.nova import steering

_MIB = steering.KIB_PER_MIB
_UNVERSIONED = 'notifications'
_PUBLISHER = f'nova-compute:{steering.HOST}'


class EndTest(steering.SteeringTest):
    def test_by_target(self) -> None:
        one = self.instance('target')
        policy = self.create(one, target='300M', duration='20s', reserve='0')
        end = self.wait_end(policy)
        self.assertEqual('balloon_policy.target_reached', end.event_type)
        self.assertEqual('info', end.priority)
        self.assert_is_of(one, end)
        self.assertEqual(300 * _MIB, steering.data_of(end)['actual_end_kib'])
        self.wait_full(one)

    def test_by_deadline(self) -> None:
        one = self.instance('deadline')
        policy = self.create(
            one,
            target='250M',
            duration='3.03s',
            segments=['3s=448M'],
            reserve='0',
        )
        end = self.wait_end(policy)
        self.assertEqual('balloon_policy.deadline_reached', end.event_type)
        self.assertEqual('warn', end.priority)
        self.assert_is_of(one, end)
        said = steering.data_of(end)
        self.assertLess(250 * _MIB, said['actual_end_kib'])
        self.assertLessEqual(said['actual_end_kib'], steering.HELD_KIB)
        self.assertTrue(said['confirmed'])

    def test_by_cancel_through_the_command_line(self) -> None:
        one = self.instance('command')
        files = [
            f'--config-file={it}'
            for it in self.lab.configuration.compute_files
        ]
        policy = self.hold(one)
        (listed,) = self.run_json(*files, 'policy', 'list', '--format=json')
        self.assertEqual(policy, listed['Policy'])
        self.run_json(*files, 'policy', 'cancel', policy, '--format=json')
        end = steering.data_of(self.wait_end(policy))
        self.assertEqual('cancelled', end['reason'])
        (guest,) = self.run_json(*files, 'guest', 'list', '--format=json')
        self.assertEqual('command', guest['Server'])

    def run_json(self, *words: str) -> list[dict[str, object]]:
        result = command.run(*words)
        self.assertEqual(0, result.code, str(result))
        found: list[dict[str, object]] = json.loads(result.out)
        return found

    def assert_is_of(
        self, one: steering.Instance, end: listener.Heard
    ) -> None:
        """See that both forms name the instance, and who sends them."""
        policy = steering.data_of(end)['uuid']
        shown = one.server.show()
        expected = {
            'uuid': one.id,
            'display_name': one.server.name,
            'tenant_id': shown.project_id,
            'host': steering.HOST,
        }
        sample = samples.read('balloon_policy.target_reached')
        self.assertEqual(
            samples.shape(sample['payload']), samples.shape(end.payload)
        )
        for topic in bus.TOPICS:
            heard = self.wait_end(policy, topic)
            self.assertEqual(_PUBLISHER, heard.publisher_id)
            instance = steering.data_of(heard)['instance']
            if topic != _UNVERSIONED:
                instance = instance['balloon_timer_object.data']
            self.assertEqual(expected, instance)


class ReliefTest(steering.SteeringTest):
    def test_only_those_give_whose_flavor_says_so(self) -> None:
        floor = {**base.ENABLED, 'balloon:min_mb': '400'}
        giver = self.instance('giver', cache_mib=300)
        floored = self.instance('floored', floor, cache_mib=300)
        others = [
            self.instance('silent', {}, cache_mib=300),
            self.instance(
                'denied', {'balloon:enabled': 'false'}, cache_mib=300
            ),
        ]
        self.assertIn('does not say balloon:enabled', self.why_not(others[0]))
        self.assertIn('denies balloon:enabled', self.why_not(others[1]))
        with self.host.gaining([giver, floored], 150):
            self.listener.wait_for('host_memory.pressure.start')
            lab.wait_until(
                lambda: giver.actual_kib < steering.FULL_KIB - 60 * _MIB,
                'the giver has given',
            )
            self.assertLessEqual(400 * _MIB, floored.actual_kib)
        self.host.available_mib = 4096
        for one in (giver, floored):
            self.wait_full(one)
        self.listener.wait_for('host_memory.pressure.end')
        self.assertEqual(
            [steering.FULL_KIB] * 2, [it.actual_kib for it in others]
        )
        for heard in self.listener.heard:
            if heard.event_type.startswith('balloon_policy.'):
                self.assertIn(
                    steering.data_of(heard)['guest_uuid'],
                    (giver.id, floored.id),
                )

    def test_a_step_is_never_longer_than_the_flavor_says(self) -> None:
        specs = {**base.ENABLED, 'balloon:max_step_mb': '32'}
        one = self.instance('steps', specs, cache_mib=300)
        with self.host.gaining([one], 100):
            first = self.listener.wait_for('balloon_policy.create')[0]
        said = steering.data_of(first)
        self.assertLessEqual(said['start_kib'] - said['target_kib'], 32 * _MIB)
        self.host.available_mib = 4096
        self.wait_full(one)
