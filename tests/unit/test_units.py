# SPDX-License-Identifier: Apache-2.0

import math

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import units
from tests.unit import base

MIB = units.KIB_PER_MIB
GIB = units.KIB_PER_GIB

# Text that looks like a number and a unit to somebody: other scripts' digits,
# letters that fold to ASCII's (long s, Kelvin sign, dotless i), exponents.
_NEARLY = st.text(
    alphabet='0123456789.,+-eE %kKmMgGtTiIbBsShHnaf_'
    '\u017f\u212a\u0130\u0131\u0663\u00b2\uff11\u2155\n\t\x00',
    max_size=40,
)
_ANY = st.one_of(st.text(), _NEARLY)


class ParseSizeTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('KiB', {'text': '4096K', 'size_kib': 4096}),
        ('MiB', {'text': '512M', 'size_kib': 512 * MIB}),
        ('MB is binary', {'text': '512MB', 'size_kib': 512 * MIB}),
        ('long unit', {'text': '512MiB', 'size_kib': 512 * MIB}),
        ('lower case', {'text': '2gib', 'size_kib': 2 * GIB}),
        ('TiB', {'text': '1T', 'size_kib': 1024 * GIB}),
        ('fraction', {'text': '1.5G', 'size_kib': 1536 * MIB}),
        ('space', {'text': ' 512 M\n', 'size_kib': 512 * MIB}),
        ('smallest', {'text': '1K', 'size_kib': 1}),
        ('largest', {'text': '1024T', 'size_kib': 1024**4}),
        ('percent', {'text': '50%', 'size_kib': 512 * MIB}),
        ('percent with space', {'text': '12.5 %', 'size_kib': 128 * MIB}),
        ('percent above the whole', {'text': '150%', 'size_kib': 1536 * MIB}),
    ]
    text: str
    size_kib: int

    def test_is_read(self) -> None:
        self.assertEqual(self.size_kib, units.parse_size_kib(self.text, GIB))


class ParseBadSizeTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('empty', {'text': ''}),
        ('no unit', {'text': '512'}),
        ('no number', {'text': 'M'}),
        ('zero', {'text': '0M'}),
        ('less than a KiB', {'text': '0.5K'}),
        ('zero percent', {'text': '0%'}),
        ('negative', {'text': '-512M'}),
        ('plus', {'text': '+512M'}),
        ('nan', {'text': 'nanM'}),
        ('infinite', {'text': 'infM'}),
        ('exponent', {'text': '1e3M'}),
        ('hexadecimal', {'text': '0x10M'}),
        ('comma', {'text': '1,5G'}),
        ('two points', {'text': '1.5.5G'}),
        ('point first', {'text': '.5G'}),
        ('two units', {'text': '1G512M'}),
        ('unknown unit', {'text': '512X'}),
        ('bits', {'text': '512Mbit'}),
        ('underscore', {'text': '5_12M'}),
        ('just too large', {'text': '1025T'}),
        ('huge', {'text': '9' * 20 + 'T'}),
        ('longer than a number', {'text': '9' * 400 + 'M'}),
        ('other digits', {'text': '\u0665\u0661\u0662M'}),
        ('Kelvin sign', {'text': '512\u212a'}),
    ]
    text: str

    def test_is_rejected(self) -> None:
        error = self.assertRaises(
            exception.InvalidSize, units.parse_size_kib, self.text, GIB
        )
        self.assertIn(self.text, str(error))
        self.assertIn('512M, 2G or 50%', str(error))


class SizeTestCase(base.TestCase):
    def test_percentage_of_nothing_is_rejected(self) -> None:
        error = self.assertRaises(
            exception.InvalidSize, units.parse_size_kib, '50%'
        )
        self.assertIn('512M or 2G', str(error))
        self.assertNotIn('50%,', str(error))

    @hypothesis.given(_ANY, st.none() | st.integers(1, 1024**4))
    def test_any_text_is_a_sane_size_or_invalid(
        self, text: str, whole_kib: int | None
    ) -> None:
        try:
            size_kib = units.parse_size_kib(text, whole_kib)
        except exception.InvalidSize:
            return
        self.assertIs(int, type(size_kib))
        self.assertTrue(1 <= size_kib <= 1024**4)

    @hypothesis.given(st.integers(1, 1024**3))
    def test_whole_mib_are_read_as_they_were_written(self, size: int) -> None:
        text = units.format_kib(size * MIB)
        self.assertEqual(size * MIB, units.parse_size_kib(text))

    @hypothesis.given(st.integers(MIB // 10, 1024**4 - MIB))
    def test_any_size_is_read_as_it_was_written(self, size_kib: int) -> None:
        read_kib = units.parse_size_kib(units.format_kib(size_kib))
        error_kib = MIB / 2 if size_kib >= 100 * MIB else MIB / 20
        self.assertLessEqual(abs(read_kib - size_kib), error_kib + 1)

    def test_format_has_a_decimal_only_where_it_tells_something(self) -> None:
        for size_kib, text in (
            (0, '0 MiB'),
            (MIB, '1 MiB'),
            (MIB + MIB // 2, '1.5 MiB'),
            (-MIB // 2, '-0.5 MiB'),
            (1000 * MIB + 100, '1000 MiB'),
        ):
            self.assertEqual(text, units.format_kib(size_kib))

    @hypothesis.given(_ANY)
    def test_percentages_are_what_needs_a_whole(self, text: str) -> None:
        try:
            units.parse_size_kib(text)
            plain = True
        except exception.InvalidSize:
            plain = False
        self.assertFalse(plain and units.is_percentage(text))

    def test_percentages_are_told_from_sizes(self) -> None:
        self.assertTrue(units.is_percentage(' 12.5 % '))
        self.assertFalse(units.is_percentage('12.5M'))


class ParseDurationTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('milliseconds', {'text': '500ms', 'seconds': 0.5}),
        ('seconds', {'text': '2s', 'seconds': 2.0}),
        ('fraction', {'text': '1.5s', 'seconds': 1.5}),
        ('minutes', {'text': '3m', 'seconds': 180.0}),
        ('hours', {'text': '1.5h', 'seconds': 5400.0}),
        ('parts', {'text': '1h2m3s4ms', 'seconds': 3723.004}),
        ('around', {'text': ' 2s\n', 'seconds': 2.0}),
        ('shortest', {'text': '1ms', 'seconds': 0.001}),
        ('longest', {'text': '8784h', 'seconds': 366 * 86400.0}),
    ]
    text: str
    seconds: float

    def test_is_read(self) -> None:
        read = units.parse_duration_seconds(self.text)
        self.assertAlmostEqual(self.seconds, read, places=9)


class ParseBadDurationTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('a size', {'text': '768M'}),
        ('empty', {'text': ''}),
        ('no unit', {'text': '2'}),
        ('zero', {'text': '0s'}),
        ('less than a millisecond', {'text': '0.5ms'}),
        ('negative', {'text': '-1s'}),
        ('nan', {'text': 'nans'}),
        ('infinite', {'text': 'infs'}),
        ('exponent', {'text': '1e3s'}),
        ('unknown unit', {'text': '2d'}),
        ('half a part', {'text': '1m30'}),
        ('just too long', {'text': '8785h'}),
        ('huge', {'text': '9' * 400 + 's'}),
        ('long s', {'text': '1\u017f'}),
        ('long s after m', {'text': '1m\u017f'}),
        ('other digits', {'text': '\u0661s'}),
    ]
    text: str

    def test_is_rejected(self) -> None:
        error = self.assertRaises(
            exception.InvalidDuration, units.parse_duration_seconds, self.text
        )
        self.assertIn(self.text, str(error))
        self.assertIn('500ms, 2s or 1m30s', str(error))


class DurationTestCase(base.TestCase):
    @hypothesis.given(_ANY)
    def test_any_text_is_a_sane_duration_or_invalid(self, text: str) -> None:
        try:
            seconds = units.parse_duration_seconds(text)
        except exception.InvalidDuration:
            return
        self.assertTrue(math.isfinite(seconds))
        self.assertTrue(0.001 <= seconds <= 366 * 86400)

    @hypothesis.given(st.floats(0.001, 86400.0))
    def test_any_duration_is_read_as_it_was_written(
        self, seconds: float
    ) -> None:
        text = units.format_seconds(seconds)
        read = units.parse_duration_seconds(
            text.replace('min', 'm').replace(' ', '')
        )
        precision = 0.5 if seconds >= 60 else 0.005 if seconds >= 1 else 0.0005
        self.assertTrue(abs(read - seconds) <= precision * 1.001, text)

    def test_format_has_the_precision_of_its_scale(self) -> None:
        for seconds, text in (
            (0.0, '0 ms'),
            (0.25, '250 ms'),
            (1.0, '1.00 s'),
            (59.5, '59.50 s'),
            (60.0, '1 min 0 s'),
            (119.4, '1 min 59 s'),
            (119.6, '2 min 0 s'),
            (3600.0, '60 min 0 s'),
        ):
            self.assertEqual(text, units.format_seconds(seconds))
