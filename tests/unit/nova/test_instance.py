# SPDX-License-Identifier: Apache-2.0

import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from tests.unit import base
from tests.unit.nova import factory


class WhyNotNowTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('active', {'vm_state': 'active', 'task': None, 'words': None}),
        (
            'task',
            {'vm_state': 'active', 'task': 'migrating', 'words': 'migrating'},
        ),
        ('paused', {'vm_state': 'paused', 'task': None, 'words': 'paused'}),
        ('new state', {'vm_state': 'asleep', 'task': None, 'words': 'asleep'}),
        (
            'the task is told first',
            {'vm_state': 'building', 'task': 'spawning', 'words': 'spawning'},
        ),
    ]
    vm_state: str
    task: str | None
    words: str | None

    def test_only_an_idle_active_one_is_free(self) -> None:
        known = factory.make_instance(
            vm_state=self.vm_state, task_state=self.task
        )
        self.assertEqual(self.task is not None, known.is_busy)
        refusal = known.why_not_now()
        if self.words is None:
            self.assertIsNone(refusal)
            return
        assert refusal is not None
        self.assertIs(model.Obstacle.INSTANCE_STATE, refusal.obstacle)
        self.assertIn(f"'{self.words}'", refusal.words)


class WhyNeverTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('enabled', {'text': 'true', 'default': False, 'words': None}),
        ('by default', {'text': None, 'default': True, 'words': None}),
        ('unsaid', {'text': None, 'default': False, 'words': 'does not say'}),
        ('denied', {'text': 'no', 'default': True, 'words': 'denies'}),
        ('nonsense', {'text': 'x', 'default': True, 'words': 'no sense'}),
    ]
    text: str | None
    default: bool
    words: str | None

    def test_the_flavor_decides(self) -> None:
        specs = {} if self.text is None else {'balloon:enabled': self.text}
        known = factory.make_instance(specs=specs)
        refusal = known.why_never(enabled_by_default=self.default)
        if self.words is None:
            self.assertIsNone(refusal)
            return
        assert refusal is not None
        self.assertIn(self.words, refusal.words)
        self.assertIn("'small'", refusal.words)
        is_nonsense = self.text == 'x'
        self.assertIs(
            model.Obstacle.INVALID_TERMS
            if is_nonsense
            else model.Obstacle.NOT_ENABLED,
            refusal.obstacle,
        )


class TermsTestCase(base.TestCase):
    def test_nonsense_has_no_terms(self) -> None:
        specs = {'balloon:min_mb': '256', 'balloon:priority': 'high'}
        known = factory.make_instance(specs=specs)
        self.assertEqual(ownership.Terms(), known.terms_of(base.GIB))
