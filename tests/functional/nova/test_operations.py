# SPDX-License-Identifier: Apache-2.0

import testscenarios

from nova_balloon_timer import exception
from tests.functional import lab
from tests.functional.nova import base
from tests.functional.nova import steering

# Nova may be done before we hear of its task, and the guest be gone.
_ENDS = ('cancelled', 'guest-gone')


class OperationTest(testscenarios.WithScenarios, steering.SteeringTest):
    """An owner does something with a server whose balloon moves."""

    operate: str
    undo: str
    # Why it is left alone between the two.
    meanwhile: str

    scenarios = [
        (
            'pause',
            {
                'operate': 'pause',
                'undo': 'unpause',
                'meanwhile': "its state in Nova is 'paused'",
            },
        ),
        (
            'suspend',
            {
                'operate': 'suspend',
                'undo': 'resume',
                'meanwhile': '',
            },
        ),
        (
            'stop',
            {
                'operate': 'stop',
                'undo': 'start',
                'meanwhile': '',
            },
        ),
        (
            'hard reboot',
            {
                'operate': 'reboot',
                'undo': '',
                'meanwhile': '',
            },
        ),
        (
            'resize',
            {
                'operate': 'resize',
                'undo': 'confirm_resize',
                'meanwhile': "its state in Nova is 'resized'",
            },
        ),
    ]

    def test_ends_the_policy_and_it_heals(self) -> None:
        one = self.instance('operated')
        policy = self.hold(one)
        self.act(one, self.operate)
        end = steering.data_of(self.wait_end(policy))
        self.assertIn(end['reason'], _ENDS, end['detail'])
        if end['reason'] == 'cancelled':
            self.assertRegex(end['detail'], "Nova's task '|its state in Nova")
        self.assertEqual(
            one.id, end['instance']['balloon_timer_object.data']['uuid']
        )
        if self.meanwhile:
            lab.wait_until(
                lambda: self.meanwhile in self.why_not(one), self.meanwhile
            )
        self.act(one, self.undo)
        self.assertEqual('ACTIVE', one.server.show().status)
        self.wait_full(one)
        lab.wait_until(lambda: not self.why_not(one).strip('; '), 'it is free')
        self.assertEqual([], self.complaints())

    def act(self, one: steering.Instance, name: str) -> None:
        """Have something done, and wait until it is."""
        words = [self.flavor] if name == 'resize' else []
        if name:
            getattr(one.server, name)(*words)

    @property
    def flavor(self) -> str:
        """One of the same size and permission."""
        specs = {**base.ENABLED, 'balloon:priority': '2'}
        return self.lab.cloud.flavor(base.MEMORY_MIB, specs)


class DeleteTest(steering.SteeringTest):
    def test_ends_the_policy(self) -> None:
        one = self.instance('deleted')
        policy = self.hold(one)
        one.server.delete()
        end = steering.data_of(self.wait_end(policy))
        self.assertIn(end['reason'], _ENDS, end['detail'])
        self.assertEqual([], self.complaints())


class RefusalTest(steering.SteeringTest):
    def test_an_order_for_one_that_is_paused_is_refused(self) -> None:
        one = self.instance('waiting')
        one.server.pause()
        refused = self.assertRaises(
            exception.GuestRefused, self.create, one, **steering.LONG
        )
        # By its state, or by the task that Nova told of when asked last.
        self.assertRegex(str(refused), 'paus(ed|ing)')
        self.assertEqual(steering.FULL_KIB, one.actual_kib)
