# SPDX-License-Identifier: Apache-2.0
"""Instances whose own driver keeps the clock."""

from tests.functional.nova import base
from tests.functional.nova import steering
from tools.lab import domain

_MIB = steering.KIB_PER_MIB


class GuestClockTest(steering.SteeringTest):
    def test_an_image_with_the_driver_and_the_agent(self) -> None:
        one = self.instance('keeper', driver=domain.Driver.TIMED)
        policy = self.create(
            one,
            target='250M',
            duration='3.03s',
            segments=['3s=448M'],
            reserve='0',
        )
        end = self.wait_end(policy)
        self.assertEqual('balloon_policy.deadline_reached', end.event_type)
        said = steering.data_of(end)
        self.assertEqual('guest', said['timed_by'])
        self.assertLess(250 * _MIB, said['actual_end_kib'])
        of_guest = steering.contents(said['guest_report'])
        self.assertEqual('deadline', of_guest['reason'])
        self.assertEqual(said['actual_end_kib'], of_guest['reached_kib'])

    def test_a_flavor_that_forbids_it(self) -> None:
        one = self.instance(
            'forbidden',
            {**base.ENABLED, 'balloon:guest_clock': 'false'},
            driver=domain.Driver.TIMED,
        )
        policy = self.create(one, target='300M', duration='20s', reserve='0')
        said = steering.data_of(self.wait_end(policy))
        self.assertEqual('target', said['reason'])
        self.assertEqual('host', said['timed_by'])
        self.assertEqual('its flavor forbids it', said['timing_words'])
        self.assertIsNone(said['guest_report'])
