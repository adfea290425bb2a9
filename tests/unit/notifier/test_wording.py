# SPDX-License-Identifier: Apache-2.0

import json

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer.notifier import wording
from tests.unit import base


class TidyTest(base.TestCase):
    def test_what_is_short_and_printable_stays(self) -> None:
        for text in ('', 'reached 512 MiB', 'größer — «»', '\U0001f600'):
            self.assertEqual(text, wording.tidy(text, 12 + 2 * len(text) * 6))

    def test_what_is_not_printable_is_replaced(self) -> None:
        text = 'a\nb\tc\x00d\x1b[1me\ud800f\u2028g'
        self.assertEqual(
            'a b c\ufffdd\ufffd[1me\ufffdf g', wording.tidy(text, 100)
        )

    def test_what_just_fits_is_not_cut(self) -> None:
        self.assertEqual('0123456789', wording.tidy('0123456789', 10))
        self.assertEqual('012345...', wording.tidy('0123456789', 9))

    def test_bytes_count_as_json_writes_them(self) -> None:
        self.assertEqual('"' * 10, wording.tidy('"' * 10, 20))
        self.assertEqual('"' * 8 + '...', wording.tidy('"' * 10, 19))
        self.assertEqual('ä...', wording.tidy('ä' * 3, 14))
        # One character outside the basic plane is written as two escapes.
        self.assertEqual('...', wording.tidy('\U0001f600' * 2, 14))

    def test_a_megabyte_is_cut(self) -> None:
        text = wording.tidy('\ud800' * 2**20, 2048)
        self.assertEqual('\ufffd' * 340 + '...', text)

    @hypothesis.given(
        st.text(st.characters(exclude_categories=[]), max_size=200),
        st.integers(3, 300),
    )
    def test_any_text_is_bounded_and_printable(
        self, text: str, longest_bytes: int
    ) -> None:
        tidied = wording.tidy(text, longest_bytes)
        self.assertTrue(tidied.isprintable())
        self.assertLessEqual(len(json.dumps(tidied)) - 2, longest_bytes)
        self.assertEqual(tidied, wording.tidy(tidied, longest_bytes))
        tidied.encode('utf-8')
