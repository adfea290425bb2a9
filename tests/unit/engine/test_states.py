# SPDX-License-Identifier: Apache-2.0

import itertools
from typing import ClassVar

import testscenarios
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.engine import states

_ENDS = {
    'target-reached',
    'deadline-passed',
    'distressed',
    'stalled',
    'cancelled',
    'superseded',
    'host-recovered',
    'failed',
}
# Written down apart from the table in the engine: whoever changes one has to
# change the other, and to say why.
_EXPECTED = {
    'pending': {
        'ready': 'running',
        'offered': 'offered',
        'target-reached': 'ended',
        'cancelled': 'ended',
        'superseded': 'ended',
        'guest-gone': 'ended',
        'host-recovered': 'ended',
        'failed': 'ended',
    },
    'offered': {
        'ready': 'running',
        'declined': 'ended',
        'cancelled': 'freezing',
        'superseded': 'freezing',
        'guest-gone': 'ended',
        'host-recovered': 'freezing',
        'failed': 'freezing',
    },
    'running': dict.fromkeys(_ENDS, 'freezing')
    | {'yielded': 'ended', 'guest-gone': 'ended'},
    'freezing': {'still': 'ended', 'gave-up': 'ended', 'guest-gone': 'ended'},
    'ended': {},
}


class EveryPairTest(testscenarios.TestWithScenarios):
    scenarios: ClassVar = [
        (
            f'{state.value}+{trigger.value}',
            {'state': state, 'trigger': trigger},
        )
        for state, trigger in itertools.product(states.State, states.Trigger)
    ]
    state: states.State
    trigger: states.Trigger

    def test_next_state_is_as_written_down(self) -> None:
        expected = _EXPECTED[self.state.value].get(self.trigger.value)
        if expected is None:
            self.assertRaises(
                exception.IllegalTransition,
                states.advance,
                self.state,
                self.trigger,
            )
        else:
            found = states.advance(self.state, self.trigger)
            self.assertEqual(expected, found.value)


class TableTest(testtools.TestCase):
    def test_every_end_reason_has_a_trigger(self) -> None:
        self.assertEqual(set(model.EndReason), set(states.REASONS.values()))

    def test_what_leaves_a_live_state_has_a_reason(self) -> None:
        for (state, trigger), after in states.TRANSITIONS.items():
            if state.is_live and not after.is_live:
                self.assertIn(trigger, states.REASONS)

    def test_nothing_leads_back(self) -> None:
        order = list(states.State)
        for (state, _), after in states.TRANSITIONS.items():
            self.assertLess(order.index(state), order.index(after))
