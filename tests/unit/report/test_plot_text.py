# SPDX-License-Identifier: Apache-2.0
from nova_balloon_timer.report import plot_text
from tests.unit import base


class TestPlotText(base.TestCase):
    def test_nothing_is_left_to_interpret(self) -> None:
        text = '<b>"web"</b> &amp; %{y} #0072b2 $x$'
        for quoted in (plot_text.quoted(text), plot_text.wrapped(text)):
            for character in '<>"%{}$':
                self.assertNotIn(character, quoted)
            self.assertNotIn('&amp;', quoted)
            self.assertNotIn('#0072b2', quoted)

    def test_long_texts_are_cut(self) -> None:
        self.assertEqual('abcd…', plot_text.quoted('abcdefgh', 5))
        self.assertEqual('a b', plot_text.quoted(' a\n b '))

    def test_lines_are_short(self) -> None:
        lines = plot_text.wrapped('word ' * 40).split('<br>')
        self.assertEqual(4, len(lines))
        self.assertTrue(all(len(line) <= 56 for line in lines))
