# SPDX-License-Identifier: Apache-2.0

import json
from typing import Any

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.rpc import answer
from tests.unit import base

_TEXTS = st.text(max_size=5)
_ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS,
    lambda inner: st.lists(inner) | st.dictionaries(_TEXTS, inner),
    max_leaves=10,
)


class TidyTestCase(base.TestCase):
    def test_what_is_well_stays_as_it_is(self) -> None:
        well: dict[str, Any] = {
            'name': 'web-01 \u6f22',
            'kib': 5,
            'share': 0.25,
            'is_short': False,
            'end': None,
            'policies': [{'uuid': 'a'}, []],
        }
        self.assertEqual(well, answer.tidy(well))

    def test_what_a_terminal_would_obey_is_replaced(self) -> None:
        for text, shown in (
            ('\x1b[2Jweb', '\ufffd[2Jweb'),
            ('\x1b]0;title\x07', '\ufffd]0;title\ufffd'),
            ('one\r\ntwo\t\u00a0', 'one  two  '),
            ('a\u202eb', 'a\ufffdb'),
            ('\ud800', '\ufffd'),
        ):
            self.assertEqual(shown, answer.tidy(text))
            self.assertEqual([{shown: shown}], answer.tidy([{text: text}]))

    def test_numbers_that_are_not_finite_are_unknown(self) -> None:
        for value in (float('nan'), float('inf'), -float('inf')):
            self.assertEqual({'a': [None]}, answer.tidy({'a': [value]}))

    @hypothesis.given(given=_ANSWERS)
    def test_anything_becomes_valid_and_can_be_printed(
        self, given: Any
    ) -> None:
        tidy = answer.tidy(given)
        text = json.dumps(tidy, allow_nan=False, ensure_ascii=False)
        self.assertTrue(text.isprintable())
        text.encode()
        self.assertEqual(tidy, answer.tidy(tidy))
