# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
from typing import Any

import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import timekeeping
from nova_balloon_timer.rpc import argument
from tests.unit import base
from tests.unit.rpc import factory

_UUID = factory.POLICY
_LONG = 'x' * 1024**2


def _name(it: argument.Arguments) -> object:
    return it.name('it')


def _size(it: argument.Arguments) -> object:
    return it.size('it')


def _sizes(it: argument.Arguments) -> object:
    return it.sizes('it')


def _uuid(it: argument.Arguments) -> object:
    return it.uuid('it')


def _mode(it: argument.Arguments) -> object:
    return it.choice_or_none('it', timekeeping.Mode)


class RightTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('a name', {'take': _name, 'value': 'web-01'}),
        ('a name in Greek', {'take': _name, 'value': 'διακομιστής 1'}),
        ('the longest name', {'take': _name, 'value': 'x' * 255}),
        ('a size', {'take': _size, 'value': '512M'}),
        ('nonsense that its parser rejects', {'take': _size, 'value': '%%'}),
        ('a UUID', {'take': _uuid, 'value': _UUID}),
    ]
    take: Callable[[argument.Arguments], object]
    value: object

    def test_is_taken_as_it_is(self) -> None:
        arguments = argument.Arguments({'it': self.value})
        self.assertEqual(self.value, self.take(arguments))
        arguments.finish()


class WrongTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        ('missing', {'take': _name, 'value': None, 'why': 'missing'}),
        ('no text', {'take': _name, 'value': 5, 'why': 'not a text'}),
        ('empty', {'take': _name, 'value': '', 'why': 'empty'}),
        ('long name', {'take': _name, 'value': 'x' * 256, 'why': 'above 255'}),
        ('huge name', {'take': _name, 'value': _LONG, 'why': 'above 255'}),
        ('lines', {'take': _name, 'value': 'a\nb', 'why': 'nobody can read'}),
        ('escape', {'take': _name, 'value': '\x1b[2J', 'why': 'can read'}),
        ('half', {'take': _name, 'value': '\udc80', 'why': 'can read'}),
        ('null', {'take': _name, 'value': 'a\0', 'why': 'can read'}),
        ('number', {'take': _size, 'value': 512, 'why': 'not a text'}),
        ('long size', {'take': _size, 'value': '1' * 65, 'why': 'above 64'}),
        ('no list', {'take': _sizes, 'value': '1s=5M', 'why': 'not a list'}),
        ('object', {'take': _sizes, 'value': {'a': 1}, 'why': 'not a list'}),
        ('many', {'take': _sizes, 'value': ['1s=5M'] * 65, 'why': 'above 64'}),
        ('numbers', {'take': _sizes, 'value': [1], 'why': 'not a text'}),
        ('short UUID', {'take': _uuid, 'value': _UUID[1:], 'why': 'no'}),
        ('braces', {'take': _uuid, 'value': f'{{{_UUID}}}', 'why': 'not a'}),
        ('no hyphens', {'take': _uuid, 'value': 'a' * 32, 'why': 'not a UUI'}),
        ('no such mode', {'take': _mode, 'value': 'me', 'why': 'host, guest'}),
        ('long mode', {'take': _mode, 'value': 'x' * 200, 'why': "...' is"}),
        ('mode as number', {'take': _mode, 'value': 1, 'why': 'not a text'}),
        ('digits', {'take': _uuid, 'value': '\u0661' * 36, 'why': 'not a UU'}),
    ]
    take: Callable[[argument.Arguments], object]
    value: object
    why: str

    def test_is_told_in_a_short_line(self) -> None:
        arguments = argument.Arguments({'it': self.value})
        error = self.assertRaises(
            exception.InvalidArgument, self.take, arguments
        )
        words = str(error)
        self.assertIn('it: ', words)
        self.assertIn(self.why, words)
        self.assertTrue(words.isprintable(), words)
        self.assertLess(len(words), 120)


_NO_LIMITS: list[object] = [0, -1, 1001, 10**100, True, 1.0, '10', [], {}]


class LimitTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [(repr(value), {'value': value}) for value in _NO_LIMITS]
    value: object

    def test_is_an_integer_within_its_bounds(self) -> None:
        arguments = argument.Arguments({'limit': self.value})
        self.assertRaises(exception.InvalidArgument, arguments.limit)


class OptionalTestCase(base.TestCase):
    def test_what_is_left_out_has_a_default(self) -> None:
        for given in ({}, dict.fromkeys(('limit', 'it'))):
            arguments = argument.Arguments(given)
            self.assertEqual(100, arguments.limit())
            self.assertIsNone(arguments.uuid_or_none('it'))
            self.assertIsNone(arguments.name_or_none('it'))
            self.assertIsNone(arguments.size_or_none('it'))
            self.assertEqual((), arguments.sizes('it'))
            self.assertIsNone(_mode(arguments))
            arguments.finish()

    def test_what_is_given_counts(self) -> None:
        arguments = argument.Arguments(
            {
                'limit': 1000,
                'a': _UUID.upper(),
                'b': 'web',
                'c': '5M',
                'it': 'guest',
            }
        )
        self.assertIs(timekeeping.Mode.GUEST, _mode(arguments))
        self.assertEqual(1000, arguments.limit())
        self.assertEqual(_UUID, arguments.uuid_or_none('a'))
        self.assertEqual('web', arguments.name_or_none('b'))
        self.assertEqual('5M', arguments.size_or_none('c'))


class FinishTestCase(base.TestCase):
    def test_what_is_too_much_is_told(self) -> None:
        for name in ('Limit', 'self', _LONG, 'a\nb', ''):
            arguments = argument.Arguments({'limit': 5, name: 5})
            arguments.limit()
            error = self.assertRaises(
                exception.InvalidArgument, arguments.finish
            )
            self.assertIn('no such argument', str(error))
            self.assertTrue(str(error).isprintable())
            self.assertLess(len(str(error)), 100)


class MappingTestCase(base.TestCase):
    def test_is_an_object(self) -> None:
        arguments = argument.Arguments({'it': {'a': [1]}})
        self.assertEqual({'a': [1]}, arguments.mapping('it'))
        others: list[object] = [[], 'text', 5, None]
        for value in others:
            arguments = argument.Arguments({'it': value})
            self.assertRaises(
                exception.InvalidArgument, arguments.mapping, 'it'
            )


class OrderTestCase(base.TestCase):
    def given(self, **more: Any) -> argument.Arguments:
        return argument.Arguments({'target': '50%', 'duration': '2s'} | more)

    def test_least(self) -> None:
        wanted = self.given().order()
        self.assertEqual('50%', wanted.target)
        self.assertEqual(2.0, wanted.duration_seconds)
        self.assertEqual((), wanted.segments)

    def test_all(self) -> None:
        wanted = self.given(
            segments=['1s=768M'], floor='25%', reserve='0', leash='32M'
        ).order()
        self.assertEqual(((1.0, '768M'),), wanted.segments)
        self.assertEqual('25%', wanted.floor)
        self.assertEqual('0', wanted.reserve)
        self.assertEqual(32 * base.MIB, wanted.leash_kib)

    def test_what_makes_no_sense_has_an_error_of_its_own(self) -> None:
        for more, kind in (
            ({'target': '512'}, exception.InvalidSize),
            ({'duration': '2'}, exception.InvalidDuration),
            ({'segments': ['768M']}, exception.InvalidSegment),
            ({'segments': ['3s=768M']}, exception.InvalidPolicy),
            ({'leash': '1K'}, exception.InvalidPolicy),
            ({'ceiling': '1G'}, exception.InvalidArgument),
        ):
            self.assertRaises(kind, self.given(**more).order)


class WordsTestCase(base.TestCase):
    def test_are_one_readable_line(self) -> None:
        for value, words in (
            ('', ''),
            ('  \n a\tb \n c', 'a?b'),
            ('\x1b[31mred', '?[31mred'),
            (ValueError('why'), 'why'),
            ('x' * 2000, 'x' * 1000 + '...'),
        ):
            self.assertEqual(words, argument.first_line(value))
