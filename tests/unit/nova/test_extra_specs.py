# SPDX-License-Identifier: Apache-2.0

import contextlib
from typing import Any

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import ownership
from nova_balloon_timer.nova import extra_specs
from tests.unit import base

MIB = base.MIB
GIB = base.GIB

_NAMES = (
    extra_specs.ENABLED,
    extra_specs.MIN_MB,
    extra_specs.MIN_PERCENT,
    extra_specs.PRIORITY,
    extra_specs.MAX_STEP_MB,
    extra_specs.GUEST_CLOCK,
)
# Text that looks like a number to somebody.
_NEARLY = st.text(
    alphabet='0123456789._+-eE \n\t\x00\u0663\u00b2\uff11nafi', max_size=12
)
_ANY = st.one_of(
    st.text(), _NEARLY, st.integers().map(str), st.floats().map(str)
)


class ParseTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('enabled', {'name': 'enabled', 'text': 'true', 'field': True}),
        ('yes', {'name': 'enabled', 'text': 'Yes', 'field': True}),
        ('denied', {'name': 'enabled', 'text': 'False', 'field': False}),
        ('clock', {'name': 'guest_clock', 'text': 'true', 'field': True}),
        ('no clock', {'name': 'guest_clock', 'text': '0', 'field': False}),
        ('least memory', {'name': 'min_mb', 'text': '1', 'field': MIB}),
        (
            'most memory',
            {
                'name': 'min_mb',
                'text': '2147483647',
                'field': (2**31 - 1) * MIB,
            },
        ),
        ('least percent', {'name': 'min_percent', 'text': '1', 'field': 1}),
        ('all', {'name': 'min_percent', 'text': '100', 'field': 100}),
        ('priority', {'name': 'priority', 'text': '2', 'field': 2.0}),
        ('lowest', {'name': 'priority', 'text': '0.01', 'field': 0.01}),
        ('highest', {'name': 'priority', 'text': '99.99', 'field': 99.99}),
        (
            'smallest step',
            {'name': 'max_step_mb', 'text': '16', 'field': 16 * MIB},
        ),
    ]
    name: str
    text: str
    field: bool | int | float

    def test_is_read(self) -> None:
        fields: dict[str, Any] = {self.name.replace('_mb', '_kib'): self.field}
        self.assertEqual(
            extra_specs.BalloonSpecs(**fields),
            extra_specs.parse({f'balloon:{self.name}': self.text}),
        )


class ParseBadTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('no truth', {'name': 'enabled', 'text': 'maybe', 'why': 'neither'}),
        ('no word', {'name': 'enabled', 'text': '', 'why': 'neither'}),
        ('odd clock', {'name': 'guest_clock', 'text': 'x', 'why': 'neither'}),
        ('no memory', {'name': 'min_mb', 'text': '0', 'why': 'from 1 to'}),
        ('negative', {'name': 'min_mb', 'text': '-5', 'why': 'from 1 to'}),
        (
            'too much memory',
            {'name': 'min_mb', 'text': '2147483648', 'why': 'to 2147483647'},
        ),
        (
            'more digits than Python reads',
            {'name': 'min_mb', 'text': '9' * 5000, 'why': ''},
        ),
        ('unit', {'name': 'min_mb', 'text': '5G', 'why': 'whole number'}),
        ('part', {'name': 'min_mb', 'text': '5.5', 'why': 'whole number'}),
        (
            'no percent',
            {'name': 'min_percent', 'text': '0', 'why': 'from 1 to 100'},
        ),
        (
            'more than all',
            {'name': 'min_percent', 'text': '101', 'why': 'from 1 to 100'},
        ),
        (
            'sign',
            {'name': 'min_percent', 'text': '50%', 'why': 'whole number'},
        ),
        ('nothing', {'name': 'priority', 'text': '0', 'why': '0.01'}),
        ('zeros', {'name': 'priority', 'text': '0.00', 'why': '0.01'}),
        ('hundred', {'name': 'priority', 'text': '100', 'why': '99.99'}),
        ('too fine', {'name': 'priority', 'text': '0.001', 'why': '0.01'}),
        ('minus', {'name': 'priority', 'text': '-1', 'why': '0.01'}),
        ('nan', {'name': 'priority', 'text': 'nan', 'why': '0.01'}),
        ('end of line', {'name': 'priority', 'text': '1\n', 'why': '0.01'}),
        (
            'step below any policy',
            {'name': 'max_step_mb', 'text': '15', 'why': 'from 16 to'},
        ),
    ]
    name: str
    text: str
    why: str

    def test_is_refused_by_name(self) -> None:
        error = self.assertRaises(
            exception.InvalidExtraSpec,
            extra_specs.parse,
            {f'balloon:{self.name}': self.text},
        )
        self.assertIn(f'balloon:{self.name} ', str(error))
        self.assertIn(self.why, str(error))


class ParseAnythingTestCase(base.TestCase):
    @hypothesis.given(st.dictionaries(st.sampled_from(_NAMES), _ANY))
    def test_nothing_else_is_raised(self, specs: dict[str, str]) -> None:
        with contextlib.suppress(exception.InvalidExtraSpec):
            terms = extra_specs.parse(specs).terms_of(GIB)
            self.assertLessEqual(terms.floor_kib or 0, GIB)
            self.assertGreater(terms.priority or 1, 0)
            self.assertGreaterEqual(terms.max_step_kib or GIB, 16 * MIB)

    @hypothesis.given(
        st.from_regex(extra_specs.PRIORITY_PATTERN, fullmatch=True)
    )
    def test_what_the_pattern_allows_is_a_priority(self, text: str) -> None:
        priority = extra_specs.parse({extra_specs.PRIORITY: text}).priority
        assert priority is not None
        self.assertTrue(0.01 <= priority <= 99.99, priority)

    def test_others_specs_are_let_pass(self) -> None:
        specs = {'hw:cpu_policy': 'dedicated', 'balloonist:enabled': 'up'}
        self.assertEqual(extra_specs.BalloonSpecs(), extra_specs.parse(specs))


class TermsTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('nothing', {'min_kib': None, 'min_percent': None, 'floor': None}),
        ('memory', {'min_kib': GIB, 'min_percent': None, 'floor': GIB}),
        ('percent', {'min_kib': None, 'min_percent': 25, 'floor': GIB}),
        ('higher memory', {'min_kib': GIB, 'min_percent': 10, 'floor': GIB}),
        (
            'higher percent',
            {'min_kib': GIB, 'min_percent': 50, 'floor': 2 * GIB},
        ),
        (
            'more than there is',
            {'min_kib': 9 * GIB, 'min_percent': None, 'floor': 4 * GIB},
        ),
    ]
    min_kib: int | None
    min_percent: int | None
    floor: int | None

    def test_the_higher_floor_holds(self) -> None:
        specs = extra_specs.BalloonSpecs(
            min_kib=self.min_kib,
            min_percent=self.min_percent,
            priority=2.0,
            max_step_kib=64 * MIB,
        )
        self.assertEqual(
            ownership.Terms(
                floor_kib=self.floor, priority=2.0, max_step_kib=64 * MIB
            ),
            specs.terms_of(4 * GIB),
        )

    def test_a_guest_may_keep_the_clock_unless_it_is_forbidden(self) -> None:
        for guest_clock, may in ((None, True), (True, True), (False, False)):
            specs = extra_specs.BalloonSpecs(guest_clock=guest_clock)
            self.assertIs(may, specs.terms_of(GIB).may_keep_time)
