# SPDX-License-Identifier: Apache-2.0

import pathlib

from nova_balloon_timer.journal import reader as journal_reader
from tests.functional.nova import steering


class ComputeTest(steering.SteeringTest):
    def test_a_restart_freezes_the_balloon_and_tells_the_end(self) -> None:
        one = self.instance('restarted')
        policy = self.hold(one)
        self.lab.services.compute.stop()
        self.assertEqual(steering.HELD_KIB, one.actual_kib)
        self.assertEqual(1, len(self.said('The balloon timer has stopped')))
        self.lab.start_compute()
        end = steering.data_of(self.wait_end(policy))
        self.assertEqual('cancelled', end['reason'])
        self.wait_full(one)

    def test_a_policy_goes_on_after_kill_9(self) -> None:
        one = self.instance('killed')
        policy = self.create(one, **{**steering.LONG, 'duration': '45s'})
        self.wait_actual(one, steering.HELD_KIB)
        self.lab.services.compute.kill()
        self.assertEqual([policy], self.in_flight())
        self.lab.start_compute()
        end = steering.data_of(self.wait_end(policy))
        self.assertEqual('target', end['reason'])
        self.assertEqual('killed', _instance(end)['display_name'])
        self.assertEqual([], self.in_flight())
        self.wait_full(one)

    def in_flight(self) -> list[str]:
        """Return what the journal has begun and not ended."""
        path = pathlib.Path(self.lab.layout.state) / 'balloon-timer'
        reader = journal_reader.Reader(path / 'journal.sqlite')
        return [it.policy.uuid for it in reader.in_flight()]


class LibvirtdTest(steering.SteeringTest):
    def test_a_restart_in_the_middle_loses_nothing(self) -> None:
        one = self.instance('libvirtd')
        policy = self.create(
            one,
            **{**steering.LONG, 'duration': '20s', 'segments': ['15s=448M']},
        )
        self.wait_actual(one, steering.HELD_KIB)
        self.lab.libvirtd.restart()
        end = steering.data_of(self.wait_end(policy))
        self.assertEqual('target', end['reason'])
        self.assertEqual(300 * steering.KIB_PER_MIB, end['actual_end_kib'])
        self.wait_full(one)
        # Nova is as well as it was.
        one.server.pause()
        one.server.unpause()


class BusTest(steering.SteeringTest):
    def test_what_ends_while_the_broker_is_away_is_told_later(self) -> None:
        one = self.instance('bus')
        policy = self.create(
            one,
            **{**steering.LONG, 'duration': '12s', 'segments': ['6s=448M']},
        )
        self.wait_actual(one, steering.HELD_KIB)
        self.addCleanup(self.lab.rabbitmq.start)
        self.lab.rabbitmq.stop()
        # It needs nobody to end.
        self.wait_actual(one, 300 * steering.KIB_PER_MIB)
        self.lab.rabbitmq.start()
        end = steering.data_of(self.wait_end(policy))
        self.assertEqual('target', end['reason'])
        self.wait_answered()
        self.wait_full(one)


def _instance(end: dict[str, object]) -> dict[str, object]:
    instance = end['instance']
    assert isinstance(instance, dict)
    found = instance['balloon_timer_object.data']
    return dict(found)
